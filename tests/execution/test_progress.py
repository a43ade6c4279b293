"""Progress says how far, how fast and how long: as fast as the last minute was."""

from __future__ import annotations

import io

import pytest

from mathmill.execution import progress
from mathmill.execution.progress import Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_what_was_found_at_once_does_not_promise_an_early_end(clock: list[float]) -> None:
    stream = io.StringIO()
    with Progress(stream) as shown:
        shown.start("generate", "p.jsonl")
        done = 0
        for second in range(1, 301):  # 90,000 found in 9 s, then 10 a second
            clock[0] = float(second)
            done += 10_000 if second < 10 else 10
            shown.show("generate", done, 100_000, "$1.00 paid")
    first, last = stream.getvalue().splitlines()[0], stream.getvalue().splitlines()[-1]
    assert "90,010 of 100,000, 9,001/s" in first
    assert "10/s, 11 min 49 s left, 5 min 0 s so far $1.00 paid" in last


def test_a_standstill_shows(clock: list[float]) -> None:
    stream = io.StringIO()
    with Progress(stream) as shown:
        shown.start("step", "step")
        clock[0] = 5.0
        shown.show("step", 500, 1000)
        for second in (70.0, 200.0, 300.0):
            clock[0] = second
            shown.show("step", 501, 1000)
    assert stream.getvalue().splitlines()[-1] == "  step: 501 of 1,000, 0/s, 5 min 0 s so far"


def test_what_begins_anew_is_no_way_back(clock: list[float]) -> None:
    stream = io.StringIO()
    with Progress(stream) as shown:
        shown.start("dedup", "out.jsonl")
        for second, done, words in ((1, 100, "read"), (20, 2_000, "read"), (21, 0, "written"),
                                    (31, 400, "written")):
            clock[0] = float(second)
            shown.show("dedup", done, None, f"rows {words}")
    assert [line.strip() for line in stream.getvalue().splitlines()] == [
        "out.jsonl: 2,000, 100/s, 20 s so far rows read",
        "out.jsonl: 400, 40/s, 31 s so far rows written"]
