"""The sandbox's front: order, routing, cross-check, canaries, lost processes, nothing left over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import pytest

from mathmill.errors import MissingExtra, UsageError
from mathmill.grading.sandbox import run as front
from mathmill.grading.sandbox.outcome import Limits, Outcome, Program
from mathmill.grading.sandbox.run import Sandbox
from processes import children, runs

HERE = Path(__file__).parent
FAKES = ("stand_ins:First", "stand_ins:Second")
QUICK = Limits(seconds=0.2)


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    monkeypatch.syspath_prepend(str(HERE))


def words(*sources: str) -> list[Program]:
    return [Program(source, "x") for source in sources]


def sandbox(jobs: int = 1, crosscheck: float = 0.0, engines: tuple[str, ...] = FAKES) -> Sandbox:
    return Sandbox(QUICK, jobs=jobs, crosscheck=crosscheck, engines=engines)


def test_outcomes_come_in_the_order_of_the_programs() -> None:
    numbers = range(2000)
    with sandbox(jobs=2) as box:
        found = list(box.run(Program(f"{'refuse' if n % 7 == 0 else 'value'} {n}", "x")
                             for n in numbers))
        counts = box.report()["counts"]
    assert [one.value for one in found] == [str(n) for n in numbers]
    assert {one.engine for one in found} == {"first", "second"}
    assert counts["first: value"] + counts["second: value"] == 2000


def test_programs_without_end_are_read_only_so_far_ahead() -> None:
    taken = count()
    with sandbox(jobs=2) as box:
        endless = (Program(f"value {next(taken)}", "x") for _ in count())
        first = list(islice(box.run(endless), 10))
        assert [one.value for one in first] == [str(n) for n in range(10)]
        assert next(taken) <= 2 * front.KEPT * front.BATCH
        assert box.one(Program("value 7", "x")).value == "7"


@pytest.mark.slow
def test_one_that_takes_long_holds_up_its_own_process_alone() -> None:
    taken = count()
    with sandbox(jobs=2) as box:
        list(box.run(words(*["slow 1"] * 4)))  # both processes are there
        sources = (Program("slow 1" if n < 2 else f"value {n}", "x") for n in taken)
        found = box.run(sources)
        assert next(found).value == "1"  # 0.4 s, in which the other process took what there was
        assert front.AHEAD * 2 * front.BATCH < next(taken) <= front.KEPT * 2 * front.BATCH


@pytest.mark.slow
def test_each_process_keeps_to_a_core_of_its_own_where_there_are_enough() -> None:
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this system does not say which cores there are")
    with sandbox(jobs=2) as box:
        list(box.run(words(*["slow 1"] * 12)))
        cores = [os.sched_getaffinity(job._process.pid) for job in box._alive]
    assert all(len(each) == 1 for each in cores)
    assert len(set.union(*cores)) == min(len(cores), len(os.sched_getaffinity(0)))


def test_no_programs_have_no_outcomes() -> None:
    with sandbox() as box:
        assert list(box.run([])) == []


def test_a_program_that_kills_its_process_is_found_and_no_other_is_blamed() -> None:
    sources = [f"value {n}" for n in range(60)]
    sources[17] = "kill 17"
    sources[40] = "kill 40"
    with sandbox() as box:
        found = list(box.run(words(*sources)))
        assert box.report()["counts"]["process lost"] >= 2
    assert [n for n, one in enumerate(found) if one.kind == "crashed"] == [17, 40]
    assert all(one.value == str(n) for n, one in enumerate(found) if n not in (17, 40))


@pytest.mark.slow
def test_an_engine_that_hangs_is_killed_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    with sandbox() as box:
        monkeypatch.setattr(box, "_patience", 0.7)
        found = list(box.run(words("value 1", "hang 2", "value 3")))
    assert [one.kind for one in found] == ["value", "timeout", "value"]


def test_an_engine_that_is_wrong_from_the_start_is_not_used() -> None:
    with sandbox(engines=("stand_ins:Wrong",)) as box, pytest.raises(UsageError, match="wrong"):
        box.one(Program("value 1", "x"))


def test_programs_on_which_the_engines_differ_are_refused() -> None:
    with sandbox(crosscheck=1.0) as box:
        found = list(box.run(words("value 1", "differ 2", "error 3", "refuse 4", "late 5")))
        counts = box.report()["counts"]
    assert [one.kind for one in found] == ["value", "refused", "error", "value", "timeout"]
    assert found[1].error == "engines differ: first int 2 against second int 3"
    assert counts["crosscheck: differ"] == 1
    assert counts["crosscheck: agree"] == 2


def test_what_is_no_python_needs_no_second_engine() -> None:
    with sandbox() as box:
        found = list(box.run(words("syntax 5", "value 5" + " " * 20_000, "a\0b")))
    assert [(one.kind, one.engine) for one in found] == [
        ("error", "screen"), ("refused", ""), ("refused", "")]
    assert found[0].error == "SyntaxError"


def test_engines_that_are_not_there_are_said_aloud() -> None:
    front._WARNED.clear()
    box = sandbox(engines=("stand_ins:First", "stand_ins:no_walls"))
    with pytest.warns(RuntimeWarning, match="needs Landlock"):
        box.__enter__()
    with box:
        assert box.one(Program("refuse 1", "x")).error == "cannot"
        assert box.report()["engines"] == ["first"]
        assert "needs Landlock" in box.report()["missing"][0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with sandbox(engines=("stand_ins:First", "stand_ins:no_walls")) as box:
            assert box.one(Program("value 1", "x")).value == "1"


def test_without_the_first_engine_the_second_runs_everything() -> None:
    front._WARNED.clear()
    box = sandbox(engines=("stand_ins:no_package", "stand_ins:Second"))
    with pytest.warns(RuntimeWarning, match="pydantic-monty"):
        box.__enter__()
    with box:
        assert box.one(Program("value 1", "x")).engine == "second"


def test_without_any_engine_the_cure_is_named_and_nothing_is_run() -> None:
    with pytest.raises(MissingExtra, match=r"pip install 'mathmill\[sandbox\]'"):
        Sandbox(engines=("stand_ins:no_package",)).one(Program("value 1"))
    with pytest.raises(UsageError, match="needs Landlock"):
        Sandbox(engines=("stand_ins:no_package", "stand_ins:no_walls")).one(Program("value 1"))


@pytest.mark.parametrize("options", [
    {"jobs": 0}, {"crosscheck": 2.0}, {"engines": ()}, {"limits": Limits(seconds=0)}])
def test_options_that_cannot_be_right_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Sandbox(**options)  # type: ignore[arg-type]


def test_threads_share_a_sandbox() -> None:
    found: dict[int, list[str | None]] = {}
    with sandbox(jobs=2) as box:
        def work(number: int) -> None:
            programs = words(*(f"value {number * 1000 + n}" for n in range(200)))
            found[number] = [one.value for one in box.run(programs)]

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert found == {n: [str(n * 1000 + i) for i in range(200)] for n in range(4)}


def test_closing_leaves_no_process_and_ends_those_who_wait() -> None:
    before = children()
    box = sandbox(jobs=2)
    box.__enter__()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            list(box.run(words(*["slow 1"] * 400)))
        except UsageError as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.6)
    box.close()
    thread.join(10)
    assert not thread.is_alive()
    assert "closed" in str(errors[0])
    assert children() <= before
    with pytest.raises(UsageError, match="closed"):
        box.one(Program("value 1", "x"))
    box.close()


@pytest.mark.slow
def test_ctrl_c_and_a_killed_parent_leave_no_process(tmp_path: Path) -> None:
    script = tmp_path / "caller.py"
    script.write_text(
        "from mathmill.grading.sandbox.run import Sandbox\n"
        "from mathmill.grading.sandbox.outcome import Program\n"
        f"with Sandbox(jobs=2, engines={FAKES!r}) as box:\n"
        "    for one in box.run(Program('slow 1', 'x') for _ in range(10**6)):\n"
        "        print(next(iter(box._alive))._process.pid, flush=True)\n")
    for blow in (signal.SIGINT, signal.SIGKILL):
        with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True) as caller:
            assert caller.stdout is not None
            job = int(caller.stdout.readline())
            caller.send_signal(blow)
            caller.wait(20)
        deadline = time.monotonic() + 10
        while runs(job) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not runs(job), blow


# ---- with the real engines ----

@pytest.fixture(scope="module")
def real() -> Iterator[Sandbox]:
    pytest.importorskip("pydantic_monty")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Sandbox(Limits(seconds=1.0), jobs=2, crosscheck=0.05) as box:
            yield box


@pytest.mark.slow
def test_real_programs_go_where_they_can_run(real: Sandbox) -> None:
    programs = [Program("x = 6 * 7", "x"), Program("x = 1 / 0", "x"), Program("x = 5 5", "x"),
                Program("print(3)\nprint('so', 4)", ""), Program("while True: pass", "x")]
    found = list(real.run(programs))
    assert [(one.kind, one.value or one.error, one.engine) for one in found] == [
        ("value", "42", "monty"), ("error", "ZeroDivisionError", "monty"),
        ("error", "SyntaxError", "screen"), ("value", "so 4", "monty"), ("timeout", "", "monty")]


def test_what_monty_lacks_runs_on_the_second_engine(real: Sandbox) -> None:
    if "zygote" not in real.report()["engines"]:
        pytest.skip("the second engine cannot run here")
    found = real.one(Program("from fractions import Fraction\ndef f():\n    yield Fraction(1, 3)\n"
                             "x = sum(f())", "x"))
    assert (found.kind, found.value, found.type, found.engine) == (
        "value", "Fraction(1, 3)", "Fraction", "zygote")


def test_a_worker_killed_by_the_system_costs_no_outcome(real: Sandbox) -> None:
    found: list[Outcome] = []
    programs = (Program(f"x = {n} * 2", "x") for n in range(3000))
    for one in real.run(programs):
        found.append(one)
        if len(found) in (300, 1500):
            os.kill(next(iter(real._alive))._process.pid, signal.SIGKILL)
    assert [one.value for one in found] == [str(2 * n) for n in range(3000)]


@pytest.mark.slow
def test_ten_thousand_programs_agree_with_what_their_maker_knows(real: Sandbox) -> None:
    import random

    draw = random.Random(5)
    numbers = [(draw.randint(1, 999), draw.randint(1, 99), draw.randint(1, 9))
               for _ in range(10_000)]
    programs = (Program(f"def simple_math_problem():\n    total = {a}\n    for i in range({c}):\n"
                        f"        total += i * {b}\n    return total / {c}")
                for a, b, c in numbers)
    expected = [repr((a + b * (c * (c - 1) // 2)) / c) for a, b, c in numbers]
    assert [one.value for one in real.run(programs)] == expected
    assert not real.report()["counts"].get("crosscheck: differ")
