"""Programs are run on shards, each worker with a sandbox of its own; what comes of it is that of
the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.stages.shard_makers import came_of, deadly, here, pool
from tests.stages.stage_makers import row

from mathmill.grading.sandbox.outcome import ERROR, VALUE, Limits, Outcome, Program
from mathmill.stages import verify
from mathmill.types import Sample

BY = {"by": ["runs", "deterministic", "answer_agrees"]}


def rows(count: int = 40) -> list[Sample]:
    """Rows of programs, some alike, some that fail, draw lots or are none."""
    made = []
    for n in range(count):
        body = (f"x = {n // 8} + 1", "x = 1 / 0", "import random\nx = random.random()",
                "x = None", "x = [" + str(n))[(0, 0, 1, 0, 2, 0, 3, 4)[n % 8]]
        made.append(row(f"How many are {n}?", None, f"```python\n{body}\nresult = x\n```",
                        expected=str(n // 8 + 1 + (n % 8 == 1))))
    return made


class Counting:
    """A sandbox that runs nothing, and tells by marks in a file when it opens and closes."""

    marks: Path

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def __enter__(self) -> Counting:
        self._mark("open")
        return self

    def __exit__(self, *_: object) -> None:
        self._mark("close")

    def _mark(self, word: str) -> None:
        with open(self.marks, "a") as file:
            file.write(f"{word}\n")

    def run(self, programs: Iterable[Program]) -> Iterator[Outcome]:
        for one in programs:
            bad = "1 / 0" in one.code or ("random" in one.code and one.state)
            yield Outcome(ERROR, error="ZeroDivisionError") if bad else Outcome(
                VALUE, one.code.partition("x = ")[2][0] or "0", "int")


@pytest.mark.parametrize("size", [9, 17, 40])
def test_verdicts_and_counts_are_those_of_the_whole_from_one_sandbox(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(Counting, "marks", tmp_path / "marks", raising=False)
    given, tools = {"rows": (Sample, rows())}, {"sandbox": Counting}
    whole = came_of(tmp_path / "whole", verify.run, given, tools=tools, **BY)
    assert (tmp_path / "marks").read_text().split() == ["open", "close"]
    assert came_of(tmp_path / "shards", verify.run, given, here(size), tools, **BY) == whole
    assert (tmp_path / "marks").read_text().split() == ["open", "close"] * 2
    assert whole[2]["facts"]["programs"]["value: int"] > 40


@pytest.mark.slow
def test_a_killed_worker_with_a_sandbox_changes_nothing(tmp_path: Path) -> None:
    given: dict[str, Any] = {"rows": (Sample, [*rows(), row("poison", "1", "result = 1")])}
    whole = came_of(tmp_path / "whole", verify.run, given, tools={"truth": str.strip}, **BY)
    said: list[str] = []
    assert {drop.reason for drop in whole[1]} >= {
        "program raises an error", "program not deterministic", "program returns None"}
    found = came_of(tmp_path / "shards", verify.run, given, pool(7, said),
                    {"truth": deadly(str(tmp_path / "mark"))}, **BY)
    assert found[:2] == whole[:2]
    assert found[2]["facts"]["programs"] == whole[2]["facts"]["programs"]
    assert any("its worker died" in line for line in said)
