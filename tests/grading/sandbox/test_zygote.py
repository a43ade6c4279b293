"""The zygote: what programs get back, that nothing stays behind, that nothing is confused."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.errors import UsageError
from mathmill.grading.sandbox import confine, zygote
from mathmill.grading.sandbox.outcome import Limits, Outcome, Program
from mathmill.grading.sandbox.zygote import ZygoteEngine
from mathmill.grading.sandbox.zygote_process import Zygote, _meaning

MISSING = confine.report()["missing"]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"this machine lacks {MISSING}")
SHORT = Limits(seconds=0.3)


@pytest.fixture(scope="module")
def engine() -> Iterator[ZygoteEngine]:
    with ZygoteEngine() as made:
        yield made


def one(engine: ZygoteEngine, code: str, result: str = "x", limits: Limits | None = None
        ) -> Outcome:
    return engine.run([Program(code, result)], limits or Limits())[0]


@pytest.mark.parametrize(("code", "value", "kind"), [
    ("x = 6 * 7", "42", "int"),
    ("x = 0.1 + 0.2", "0.30000000000000004", "float"),
    ("from fractions import Fraction\nx = Fraction(2, 6)", "Fraction(1, 3)", "Fraction"),
    ("import math, decimal\nx = decimal.Decimal(math.comb(5, 2)) / 4", "Decimal('2.5')", "Decimal"),
    ("from collections import Counter\nx = Counter('aab').most_common(1)", "[('a', 2)]", "list"),
    ("def g():\n    yield 1\n    yield 2\nx = sum(g())", "3", "int"),
    ("from dataclasses import dataclass\n@dataclass\nclass P:\n    a: int\nx = P(3)", "P(a=3)",
     "P"),
    ("import datetime\nx = (datetime.date(2024, 3, 1) - datetime.date(2024, 2, 1)).days", "29",
     "int"),
    ("x = '\\ud800 ü \\t \\n'", "'\\ud800 ü \\t \\n'", "str"),
    ("x = 10 ** 5000", "1" + "0" * 5000, "int"),
    ("x = None", "None", "NoneType"),
    ("import random, statistics, re, json, heapq, bisect, operator, string, calendar, cmath\nx = 1",
     "1", "int"),
    ("if __name__ == '__main__':\n    x = 5", "5", "int"),
])
def test_a_program_returns_the_repr_of_its_value(
        engine: ZygoteEngine, code: str, value: str, kind: str) -> None:
    outcome = one(engine, code)
    assert (outcome.kind, outcome.value, outcome.type) == ("value", value, kind)


@pytest.mark.parametrize(("code", "value"), [
    ("print('a')\nprint('The answer is', 42)", "The answer is 42"),
    ("print(7)\nprint()\nprint('   ')", "7"), ("print('a\\nb')", "b"), ("print(5)\nexit()", "5"),
    ("import sys\nsys.stdout.write('no end')", "no end"),
    ("for i in range(10**5): print('y' * 50)\nprint(3)" + "\nprint()" * 50, "3"),
])
def test_without_a_result_the_last_line_printed_counts(
        engine: ZygoteEngine, code: str, value: str) -> None:
    assert one(engine, code, "") == Outcome(
        "value", value, "printed", "", "zygote", pytest.approx(0, abs=5))


@pytest.mark.parametrize(("code", "kind", "error"), [
    ("x = 1 / 0", "error", "ZeroDivisionError"), ("x = (", "error", "SyntaxError"),
    ("x = y", "error", "NameError"), ("x = 1\x00", "error", "SyntaxError"),
    ("x = '\ud800'", "error", "UnicodeEncodeError"), ("raise SystemExit(3)", "error", "SystemExit"),
    ("", "error", "NameError"), ("x = input()", "error", "EOFError"),
    ("def f(n): return f(n + 1)\nx = f(0)", "error", "RecursionError"),
    ("import pandas\nx = 1", "refused", "ModuleNotFoundError: pandas"),
    ("x = [0] * 10**9", "memory", "MemoryError"),
    ("import os\nos._exit(0)", "crashed", "ended without a result"),
    ("import os\nos._exit(3)", "crashed", "exit code 3"),
    ("import ctypes\nctypes.string_at(0)", "crashed", "SIGSEGV"),
    ("x = 'a' * 20000", "refused", "the value is longer than the cap on output"),
    ("x = 10 ** 20000", "refused", "the value is longer than the cap on output"),
    ("#" * 20001, "refused", "source too long"),
    ("open('/etc/passwd')", "error", "PermissionError"),
])
def test_what_is_no_value_says_what_it_is(
        engine: ZygoteEngine, code: str, kind: str, error: str) -> None:
    outcome = one(engine, code)
    assert (outcome.kind, outcome.value, outcome.error) == (kind, None, error)


def test_a_program_that_does_not_end_is_ended(engine: ZygoteEngine) -> None:
    started = time.monotonic()
    codes = ["while True: pass", "x = 9**9**9", "import time\ntime.sleep(60)"]
    outcomes = engine.run([Program(code, "x") for code in codes], SHORT)
    assert [outcome.kind for outcome in outcomes] == ["timeout"] * 3
    assert time.monotonic() - started < 6


def test_every_program_starts_from_the_same_state(engine: ZygoteEngine) -> None:
    spoil = "import math, builtins\nmath.pi = 3\nbuiltins.sum = None\nleft = 1\nx = math.pi"
    clean = "import math\nx = (round(math.pi, 4), sum([1, 2]), 'left' in globals())"
    outcomes = engine.run([Program(code, "x") for code in [spoil, clean] * 3], Limits())
    assert [outcome.value for outcome in outcomes] == ["3", "(3.1416, 3, False)"] * 3


def test_draws_and_sets_come_out_alike_in_every_run() -> None:
    code = "import random\nx = (random.random(), list({'a', 'b', 'c', 'd'}))"
    values = set()
    for _ in range(2):
        with ZygoteEngine() as engine:
            values |= {one(engine, code).value, one(engine, code).value}
    assert len(values) == 1


@pytest.mark.parametrize("jobs", [1, 4])
def test_outcomes_stand_in_the_order_of_the_programs(jobs: int) -> None:
    programs = [Program(f"import time\ntime.sleep({0.02 * (i % 3)})\nx = {i}", "x")
                for i in range(24)]
    with ZygoteEngine(jobs=jobs) as engine:
        assert [o.value for o in engine.run(programs, Limits())] == [str(i) for i in range(24)]


def test_more_jobs_wait_at_the_same_time() -> None:
    with ZygoteEngine(jobs=4) as engine:
        one(engine, "x = 1")
        started = time.monotonic()
        outcomes = engine.run([Program("import time\ntime.sleep(0.5)\nx = 1", "x")] * 4, Limits())
        assert {outcome.kind for outcome in outcomes} == {"value"}
        assert time.monotonic() - started < 1.6  # 2.0 one after the other


def test_long_programs_and_long_values_pass_both_ways(engine: ZygoteEngine) -> None:
    code = "x = '" + "é" * 19_000 + "'\nx = x[:9000]"
    outcomes = engine.run([Program(code, "x")] * 30, Limits())
    assert {outcome.value for outcome in outcomes} == {repr("é" * 9000)}


def test_threads_may_share_an_engine(engine: ZygoteEngine) -> None:
    def ask(i: int) -> list[str | None]:
        return [o.value for o in engine.run([Program(f"x = {i}", "x")] * 3, Limits())]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(12))) == [[str(i)] * 3 for i in range(12)]
    said: list[str | None] = []  # a zygote that a thread started must outlive that thread
    with ZygoteEngine() as other:
        thread = threading.Thread(target=lambda: said.append(one(other, "x = 1").value))
        thread.start()
        thread.join()
        assert [*said, one(other, "x = 2").value] == ["1", "2"]


def in_session(session: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def test_no_process_stays_behind() -> None:
    engine = ZygoteEngine(jobs=2)
    engine.run([Program("x = 1", "x")] * 20, Limits())
    pid = engine._zygotes[(), 0].pid
    assert in_session(pid) == [pid]  # every child has been reaped
    engine.close()
    assert in_session(pid) == []
    assert one(engine, "x = 3").value == "3"  # used again, it starts again
    engine.close()


def test_a_client_that_is_killed_takes_its_zygote_and_children_along() -> None:
    source = ("from mathmill.grading.sandbox.zygote import *\ne = ZygoteEngine()\n"
              "e.applied(); print(e._zygotes[(), 0].pid, flush=True)\n"
              "e.run([Program('while True: pass', 'x')], __import__('mathmill.grading.sandbox"
              ".outcome', fromlist=['x']).Limits(seconds=60))")
    path = str(Path(zygote.__file__).parents[3])
    client = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "PYTHONPATH": path})
    assert client.stdout
    pid = int(client.stdout.readline())
    time.sleep(0.2)
    client.send_signal(signal.SIGKILL)
    client.wait()
    client.stdout.close()
    deadline = time.monotonic() + 5
    while in_session(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert in_session(pid) == []


@pytest.mark.slow
def test_a_zygote_that_is_killed_costs_one_program_and_is_replaced(engine: ZygoteEngine) -> None:
    one(engine, "x = 1")
    pid = engine._zygotes[(), 0].pid
    killer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
    killer.start()
    programs = [Program("import time\ntime.sleep(0.1)\nx = 7", "x")] * 12
    kinds = [outcome.kind for outcome in engine.run(programs, Limits())]
    assert sorted(kinds) == ["crashed", *["value"] * 11]


def test_an_interrupted_run_leaves_no_answers_to_the_next(
        engine: ZygoteEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    one(engine, "x = 1")
    with monkeypatch.context() as patch:
        patch.setattr(Zygote, "_answers", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            engine.run([Program(f"x = {i}", "x") for i in range(9)], Limits())
    assert [o.value for o in engine.run([Program("x = 77", "x")] * 9, Limits())] == ["77"] * 9


@pytest.mark.slow
@pytest.mark.parametrize(("code", "value"), [
    ("import sympy\nx = sympy.solve(sympy.Symbol('x')**2 - 2)", "[-sqrt(2), sqrt(2)]"),
    ("from sympy import *\nt = Symbol('t')\nx = Rational(1, 3) + integrate(t, (t, 0, 1))", "5/6"),
    ("import numpy as np\nx = np.linalg.solve(np.array([[2., 0.], [0., 4.]]), np.ones(2)).sum()",
     "0.75"),
    ("import numpy as np\nx = np.int64(3) * 4", "12"),
    ("x = 1  # no numpy at all", "1"),
])
def test_sympy_and_numpy_are_there_where_they_are_installed(
        engine: ZygoteEngine, code: str, value: str) -> None:
    pytest.importorskip("sympy")
    assert one(engine, code).value == value
    assert one(engine, "import sympy\nopen('/etc/passwd')").error == "PermissionError"


def test_a_missing_wall_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confine, "report", lambda: {"missing": ["Landlock", "seccomp filters"]})
    with pytest.raises(UsageError, match="needs Landlock and seccomp filters"):
        ZygoteEngine()
    with ZygoteEngine(allow_unconfined=True) as engine:
        assert one(engine, "x = 2").value == "2"


def test_an_interpreter_that_does_not_start_is_said_in_one_line() -> None:
    with pytest.raises(UsageError, match="the zygote did not start"):
        ZygoteEngine(modules=["no_such_module"]).run([Program("x = 1", "x")], Limits())


def test_the_zygote_is_behind_its_walls_before_the_first_program(engine: ZygoteEngine) -> None:
    applied = engine.applied()
    assert applied["landlock"] == confine.report()["landlock"]
    assert applied["seccomp"] == "zygote"
    if os.geteuid() == 0:
        assert applied["user"] in {"nobody", "root without capabilities"}


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.from_regex(rb'[VPERUX]\t\w{1,5}\t"[^\n]{0,9}"\n{1,2}\Z'))
def test_whatever_a_child_writes_is_one_of_the_outcomes(line: bytes) -> None:
    kind, value, name, error = _meaning("ended", 0, line)
    assert kind in {"value", "error", "memory", "refused", "crashed"}
    assert (value is not None) == (kind == "value")
    assert isinstance(error, str)
    assert isinstance(name, str)
    if kind == "value":
        assert re.fullmatch(rb'[VP]\t[^\t\n]+\t"[^\t\n]*"\n', line)
