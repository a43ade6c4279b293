"""The first engine: values as Python writes them, what it lacks is refused, nothing hurts us."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.errors import MissingExtra
from mathmill.grading.sandbox import confine
from mathmill.grading.sandbox.monty import MontyEngine
from mathmill.grading.sandbox.outcome import Limits, Outcome, Program
from processes import children

pytest.importorskip("pydantic_monty")
LIMITS = Limits(seconds=0.5, memory_mb=64)
TWICE = "x = []\nfor i in range(60):\n    x = [x, x]\n"


@pytest.fixture(scope="module")
def engine() -> Iterator[MontyEngine]:
    with MontyEngine() as made:
        yield made


def run(engine: MontyEngine, code: str, result: str = "x") -> Outcome:
    return engine.run([Program(code, result)], LIMITS)[0]


@pytest.mark.parametrize(("code", "value", "kind"), [
    ("x = 42", "42", "int"),
    ("x = -7 // 2", "-4", "int"),
    ("x = 0.1 + 0.2", "0.30000000000000004", "float"),
    ("x = 5e-324", "5e-324", "float"),
    ("x = 2.9802322387695312e-08", "2.9802322387695312e-08", "float"),
    ("x = 1e16", "1e+16", "float"),
    ("x = -0.0", "-0.0", "float"),
    ("x = float('nan')", "nan", "float"),
    ("x = 3 > 2", "True", "bool"),
    ("x = 'it\\'s'", '"it\'s"', "str"),
    ("x = None", "None", "NoneType"),
    ("x = [1, 2.0, 'a']", "[1, 2.0, 'a']", "list"),
    ("x = (1,)", "(1,)", "tuple"),
    ("x = {'a': 1}", "{'a': 1}", "dict"),
    ("x = 2j", "2j", "complex"),
    ("from decimal import Decimal\nx = Decimal('1.50')", "Decimal('1.50')", "Decimal"),
    ("x = -10**4200", "-1" + "0" * 4200, "int"),
    ("type = repr = len = 3\nx = type", "3", "int"),
    ("from __future__ import annotations\nx = 1", "1", "int"),
    ("class A:\n    def __repr__(self):\n        return 'hi'\nx = A()", "hi", "A"),
    ("if __name__ == '__main__':\n    x = 8", "8", "int"),
    ("print('x' * 100)\nx = 3", "3", "int"),
])
def test_a_value_comes_with_its_type_as_python_writes_it(
        engine: MontyEngine, code: str, value: str, kind: str) -> None:
    found = run(engine, code)
    assert (found.kind, found.value, found.type, found.error) == ("value", value, kind, "")
    assert found.engine == "monty"


@pytest.mark.parametrize(("code", "value"), [
    ("print(3)\nprint('The answer is', 4.5)", "The answer is 4.5"),
    ("print(7, end='')", "7"),
    ("print(7)\nprint()\nprint('  ')", "7"),
    ("print('a' * 30_000)\nprint(3)", "3"),
    ("print(3)\n" + TWICE + "x", "3"),
])
def test_of_a_script_the_last_printed_line_is_the_value(
        engine: MontyEngine, code: str, value: str) -> None:
    found = run(engine, code, "")
    assert (found.kind, found.value, found.type) == ("value", value, "printed")


def test_a_script_that_prints_nothing_has_no_value(engine: MontyEngine) -> None:
    assert run(engine, "x = 3", "").error == "NothingPrinted"


@pytest.mark.parametrize(("code", "error"), [
    ("x = 1 / 0", "ZeroDivisionError"),
    ("x = [][3]", "IndexError"),
    ("x = {}['a']", "KeyError"),
    ("x = y + 1", "NameError"),
    ("x = None + 1", "TypeError"),
    ("x = len(5)", "TypeError"),
    ("x = int('a')", "ValueError"),
    ("assert 1 == 2", "AssertionError"),
    ("x = 10.0 ** 400", "OverflowError"),
    ("x = int(float('inf'))", "OverflowError"),
    ("a, b = 1, 2, 3", "ValueError"),
    ("x = max([])", "ValueError"),
    ("import math\nx = math.sqrt(-1)", "ValueError"),
])
def test_what_python_too_would_raise_is_an_error(
        engine: MontyEngine, code: str, error: str) -> None:
    found = run(engine, code)
    assert (found.kind, found.error, found.value) == ("error", error, None)


@pytest.mark.parametrize("code", [
    "import sympy", "from fractions import Fraction", "import os\nos.system('true')",
    "def f():\n    yield 1\nx = sum(f())", "class E(Exception):\n    pass\nraise E", "del x",
    "x = 5 5", "x = (5).bit_length()", "x = input()", "exit()", "x = open('/etc/passwd')",
    "from math import *", "import time\ntime.sleep(60)\nx = 1", "x = 1 + \\", "x = '''",
    "def f(n):\n    return n and 1 + f(n - 1)\nx = f(700)", "x = '\\ud800'", "x = '\ud800'",
    "x = 1\0", "(" * 5000 + ")" * 5000, "x = 1 #" + "a" * 20_000, "x = 10**5_000",
    "x = [10**5_000]", "x = pow(3, -1, 7)", "x = chr(0xd800)", "raise ValueError('no')",
    "x = 'a'.translate({97: 'b'})",
    "x = 10**100_000", "x = 'a' * 9_999", "raise NotImplementedError",
])
def test_what_it_cannot_do_is_refused_with_the_reason(engine: MontyEngine, code: str) -> None:
    found = run(engine, code)
    assert found.kind == "refused"
    assert found.error
    assert "\n" not in found.error


@pytest.mark.slow
@pytest.mark.parametrize(("code", "kind"), [
    ("while True:\n    pass", "timeout"),
    ("try:\n    while True:\n        pass\nexcept BaseException:\n    x = 1", "timeout"),
    ("while True:\n    print('x' * 1000)", "timeout"),
    ("class A:\n    def __repr__(self):\n        while 1:\n            pass\nx = A()", "timeout"),
    (TWICE, "timeout"),
    ("x = 10**20_000_000", "timeout"),
    ("x = 9**9**9", "memory"),
    ("x = [1] * 10**9", "memory"),
])
def test_time_and_memory_are_bounded_and_the_worker_is_replaced(
        engine: MontyEngine, code: str, kind: str) -> None:
    before, began = engine.retired, time.monotonic()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # of this whole test session, KiB
    found = run(engine, code)
    assert found.kind == kind
    assert time.monotonic() - began < 10
    assert engine.retired == before + 1
    assert run(engine, "x = 5").value == "5"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 2**18


def test_a_program_leaves_nothing_to_the_next(engine: MontyEngine) -> None:
    first, second = engine.run([Program("import math\nmath.pi = 3\ny = 5\nx = y", "x"),
                                Program("import math\nx = math.pi", "x")], LIMITS)
    assert first.kind != "crashed"
    assert second.value == "3.141592653589793"
    assert run(engine, "x = y").error == "NameError"


def test_random_numbers_are_those_of_python_seeded_with_zero(engine: MontyEngine) -> None:
    assert run(engine, "import random\nx = random.random()").value == "0.8444218515250481"


@pytest.mark.skipif(bool(confine.report()["missing"]), reason="the kernel lacks a part")
def test_its_worker_is_confined_by_the_kernel_and_has_no_environment() -> None:
    with MontyEngine() as engine:
        assert engine.missing == []
        run(engine, "x = 1")
        worker = max((child for child in (Path("/proc", str(pid)) for pid in children())
                      if Path(child, "comm").read_text().strip() == "monty"),
                     key=lambda child: int(child.name))
        status = Path(worker, "status").read_text()
        assert "NoNewPrivs:\t1" in status
        assert "Seccomp:\t2" in status
        assert Path(worker, "environ").read_bytes() == b""
    assert not worker.exists()


def test_threads_may_share_it(engine: MontyEngine) -> None:
    found: dict[int, list[str | None]] = {}

    def work(number: int) -> None:
        programs = [Program(f"x = {number} * 1000 + {i}", "x") for i in range(30)]
        found[number] = [one.value for one in engine.run(programs, LIMITS)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == {n: [str(n * 1000 + i) for i in range(30)] for n in range(4)}


def test_the_missing_package_is_named_with_its_install_command(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_monty", None)
    with pytest.raises(MissingExtra, match=r"pip install 'mathmill\[sandbox\]'"):
        MontyEngine()


Term = tuple[str, Fraction]


def _combined(parts: tuple[Term, str, Term]) -> Term:
    (a, left), sign, (b, right) = parts
    if sign in ("//", "%") and right == 0:
        sign = "+"
    value = {"+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right,
             "//": lambda: Fraction(left // right), "%": lambda: left % right}[sign]()
    return f"({a} {sign} {b})", value


TERMS = st.recursive(
    st.integers(-999, 999).map(lambda n: (f"({n})", Fraction(n))),
    lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%"]), inner)
    .map(_combined), max_leaves=8)


@settings(max_examples=100, deadline=None)
@given(st.lists(TERMS, min_size=1, max_size=5))
def test_arithmetic_programs_return_what_their_maker_knows(terms: list[Term]) -> None:
    lines = [f"    v{i} = {text}" for i, (text, _) in enumerate(terms)]
    total = " + ".join(f"v{i}" for i in range(len(terms)))
    code = "\n".join(["def simple_math_problem():", *lines, f"    return {total}"])
    found = _shared().run([Program(code)], LIMITS)[0]
    assert found.value == str(sum(value for _, value in terms))
    assert found.type == "int"


def _floats(parts: tuple[tuple[str, float], str, tuple[str, float]]) -> tuple[str, float]:
    (a, left), sign, (b, right) = parts
    if sign == "/" and right == 0:
        sign = "*"
    value = {"+": left + right, "-": left - right, "*": left * right,
             "/": left / right if right else 0.0}[sign]
    return f"({a} {sign} {b})", value


FLOATS = st.recursive(
    st.floats(-1e6, 1e6).map(lambda x: (f"({x!r})", x)),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(_floats), max_leaves=8)


@settings(max_examples=100, deadline=None)
@given(FLOATS)
def test_float_arithmetic_is_exact_to_the_last_bit(term: tuple[str, float]) -> None:
    text, value = term
    found = _shared().run([Program(f"x = {text}", "x")], LIMITS)[0]
    assert (found.value, found.type) == (repr(value), "float")


@settings(max_examples=200, deadline=None)
@given(st.integers(-10**9, 10**9), st.integers(0, 6), st.integers(1, 4))
def test_decimals_half_way_are_rounded_as_python_rounds_them(
        number: int, places: int, more: int) -> None:
    value = number / 10**places + 5 / 10**(places + more)
    found = _shared().run([Program(f"x = round({value!r}, {places})", "x")], LIMITS)[0]
    assert found.value == repr(round(value, places))


def test_round_keeps_its_other_forms(engine: MontyEngine) -> None:
    code = ("x = (round(2.5), round(7), round(1250, -2), round(True), round(float('inf'), 2),\n"
            "     round(-0.001, 2), round(number=616.395, ndigits=2), list(map(round, [1.5, 2.5])),"
            "\n     round(1.5, None), round(1250.0, -2), round(1e300, 5))")
    space: dict[str, object] = {}
    exec(code, space)  # our own text
    assert run(engine, code).value == repr(space["x"])
    assert run(engine, "print(round(616.395, 2))", "").value == "616.39"
    assert run(engine, "round = 5\nx = round", "x").value == "5"


@pytest.mark.parametrize("lacks", [["Landlock"], ["Linux (this is darwin)", "seccomp filters"]])
def test_where_the_kernel_has_no_walls_it_runs_and_says_what_is_missing(
        monkeypatch: pytest.MonkeyPatch, lacks: list[str]) -> None:
    monkeypatch.setattr(confine, "report", lambda: {"missing": lacks})
    with MontyEngine() as engine:
        assert engine.missing == lacks
        assert run(engine, "x = 5").value == "5"


_ENGINES: list[MontyEngine] = []


def _shared() -> MontyEngine:
    if not _ENGINES:
        _ENGINES.append(MontyEngine())
    return _ENGINES[0]


@pytest.fixture(scope="module", autouse=True)
def _ended() -> Iterator[None]:
    yield
    while _ENGINES:
        _ENGINES.pop().close()
