"""A worker of monty: many programs sent ahead, each answered in order; what is broken is found."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from mathmill.grading.sandbox import worker
from mathmill.grading.sandbox.monty import MontyEngine
from mathmill.grading.sandbox.outcome import Limits, Program
from mathmill.grading.sandbox.worker import Lost, Worker

pytest.importorskip("pydantic_monty", reason="the sandbox needs mathmill[sandbox]")
LIMITS = Limits(seconds=0.5, memory_mb=64)
OPENS = """import os, sys
os.read(0, 65536)
os.write(1, b'\\2\\0\\0\\0R\\0' + b'\\4\\0\\0\\0' + b'2\\2\\22\\0' + b'\\2\\0\\0\\0R\\0')
os.read(0, 65536)
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[MontyEngine]:
    with MontyEngine() as made:
        yield made


def stand_in(then: str) -> Worker:
    """Start a worker that opens as a right one does, and does something else afterwards."""
    return Worker([sys.executable, "-c", OPENS + then], Limits(seconds=0.2), 500)


def test_questions_are_answered_and_the_last_program_still_runs_last(engine: MontyEngine) -> None:
    asks = "try:\n    import numpy\nexcept ImportError:\n    x = {0}\nx = x + 0"
    codes = [asks.format(n) if n % 5 == 0 else f"x = {n}" for n in range(40)]
    runs: list[str] = []
    engine.run([Program("x = 1", "x")], LIMITS)
    kept = engine._worker
    assert kept is not None
    original = kept.replies

    def replies(sources: list[worker.Source], alone: bool = False) -> Iterator[worker.Reply]:
        runs.extend(text for text, _ in sources)
        return original(sources, alone)

    kept.replies = replies  # type: ignore[method-assign, assignment]
    found = engine.run([Program(code, "x") for code in codes], LIMITS)
    kept.replies = original  # type: ignore[method-assign]
    assert [one.value for one in found] == [str(n) for n in range(40)]
    assert "x = 39" in runs[39]
    assert "x = 39" in runs[-1]
    assert len(runs) == 40 + 8 + 1


def test_a_program_that_asks_without_end_is_refused(engine: MontyEngine) -> None:
    code = "while True:\n    try:\n        nowhere\n    except NameError:\n        pass"
    codes = [code, "import time\nfor _ in range(99): time.sleep(0.005)\nx = 1", "x = 5"]
    found = engine.run([Program(one, "x") for one in codes], LIMITS)
    assert [(one.kind, one.error or one.value) for one in found] == [
        ("refused", "it asks the system for too much")] * 2 + [("value", "5")]


def test_one_that_is_stopped_midway_takes_no_other_along(engine: MontyEngine) -> None:
    codes = [f"x = {n}" for n in range(300)]
    codes[100], codes[200] = "while True: pass", "x = [1] * 10**9"
    before = engine.retired
    found = engine.run([Program(code, "x") for code in codes], LIMITS)
    assert (found.pop(200).kind, found.pop(100).kind) == ("memory", "timeout")
    assert [one.value for one in found] == [str(n) for n in range(300) if n not in (100, 200)]
    assert engine.retired == before + 2


def test_a_killed_worker_costs_the_program_at_work_alone() -> None:
    with MontyEngine() as engine:
        engine.run([Program("x = 1", "x")], LIMITS)
        kept, killed = engine._worker, []
        assert kept is not None
        engine._beat = lambda: killed.append(0) or (  # type: ignore[func-returns-value, assignment]
            len(killed) == 20 and os.kill(kept._process.pid, signal.SIGKILL))
        found = engine.run([Program(f"x = {n}", "x") for n in range(2_000)], LIMITS)
        assert sum(one.kind == "crashed" for one in found) <= 1
        assert all(one.value == str(n) for n, one in enumerate(found) if one.kind != "crashed")


def test_a_worker_is_replaced_after_so_many_programs() -> None:
    with MontyEngine(retire=10) as engine:
        seen = set()
        engine._beat = lambda: seen.add(engine._worker._process.pid)  # type: ignore[union-attr]
        found = engine.run([Program(f"x = {n}", "x") for n in range(35)], LIMITS)
        assert [one.value for one in found] == [str(n) for n in range(35)]
        assert len(seen) == 4


def test_prints_without_end_are_read_without_keeping_them(engine: MontyEngine) -> None:
    code = "for _ in range(300):\n    print('y' * 20_000)\nprint(7)"
    assert engine.run([Program(code, "")], Limits(seconds=5.0))[0].value == "7"


@pytest.mark.parametrize(("then", "why"), [
    ("os.write(1, b'\\xff\\xff\\xff\\xff')", "a frame of"),
    ("os.write(1, b'\\2\\0\\0\\0R\\0\\1\\0\\0\\0\\xff')", "cannot be read"),
    ("os.write(1, b'\\2\\0\\0\\0J\\0')", "it said 9"),
    ("os.write(1, b'\\7\\0\\0\\0Z\\5\\n\\3bad')", "bad"),
    ("sys.exit(3)", r"exit status 3"),
    ("import time; time.sleep(60)", "late"),
    ("os.write(1, b'\\2\\0\\0\\0R\\0')\n"
     "while True: os.write(1, b'\\4\\0\\0\\0\\n\\2\\n\\0' * 100)", "late"),
])
def test_a_worker_that_breaks_the_protocol_is_ended_and_says_why(
        then: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "GRACE", 0.1)
    broken, began = stand_in(then), time.monotonic()
    with pytest.raises(Lost, match=why):
        list(broken.replies([("x", 0)] * 1_000))
    assert broken._process.returncode is not None
    assert time.monotonic() - began < 5


def test_listening_that_ends_early_ends_the_worker(engine: MontyEngine) -> None:
    engine.run([Program("x = 1", "x")], LIMITS)
    kept = engine._worker
    assert kept is not None
    replies = kept.replies([("1", 0), ("2", 0)])
    next(replies)
    replies.close()
    assert not kept.usable()
    assert engine.run([Program("x = 3", "x")], LIMITS)[0].value == "3"
