"""Select on shards gives the rows, the drops and the facts of select on the whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.stages.shard_makers import came_of, here, pool
from tests.stages.stage_makers import row

from mathmill.execution.mapping import Mapper
from mathmill.stages import select
from mathmill.stages.select import choose, duplicates, rating
from mathmill.types import Problem, Sample, make_problem

CODE = "def f():\n    {0} = {1}\n    return {0} * 2"
RULES = ["text", "question", "structure", "near"]


def rows(count: int = 60) -> list[Sample]:
    """Rows that say again what one before said, by each of the rules, some with a level."""
    made = []
    for n in range(count):
        again = n // 6 if n % 6 < 4 else n  # what it repeats may stand in a shard before
        question = f"How many of the {again} loaves and {again + 3} rolls are left on day {n % 6}?"
        solution = (CODE.format("x", n), CODE.format("y", n), f"Day one.\nTwo = {n}.\n3 = {n}.",
                    f"Every loaf of the {again} is sold to the many people of the old town " * 2
                    )[n % 4]
        made.append(row(question if n % 6 else f"How many loaves, {n % 9}?", str(n), solution,
                        level=n % 4 + 1 if n % 3 else None,
                        verdict="correct" if n % 5 else "undecided"))
    long = "The baker counts what is left of all that came from the mill in the first week of May"
    return [*made, row("What is left?", "1", long), row("what is LEFT?", "1", long.upper()),
            row("Now what is left?", "1", f"{long} {long}"),
            row("What is left now?", "1", f"{long} {long} or June")]


@pytest.mark.parametrize("size", [13, 31, 64])
def test_shards_change_no_row_no_drop_and_no_fact(tmp_path: Path, size: int) -> None:
    asked: dict[str, Any] = {"how": "coreset", "fraction": 0.5, "levels": [1, 2, 3],
                             "duplicates": RULES}
    given = {"rows": (Sample, rows())}
    whole = came_of(tmp_path / "whole", select.run, given, **asked)
    assert came_of(tmp_path / "shards", select.run, given, here(size), **asked) == whole
    assert {drop.reason for drop in whole[1]} >= {
        duplicates.REASONS[rule] for rule in RULES} | {"level 4", "not chosen (coreset)"}
    assert whole[2]["kept"].keys() == {"rows"}


def test_problems_go_on_shards_too(tmp_path: Path) -> None:
    given = {"rows": (Problem, [make_problem(f"What is {n // 2} and one, in all of {n % 2}?",
                                             solution=f"{n} = {n}") for n in range(20)])}
    asked: dict[str, Any] = {"how": "random", "count": 4, "duplicates": ["question", "near"]}
    assert came_of(tmp_path / "shards", select.run, given, here(3), **asked) == came_of(
        tmp_path / "whole", select.run, given, **asked)


@pytest.mark.parametrize("place", [0, 30])
def test_a_row_that_no_part_survives_is_one_reject_and_the_others_are_chosen_as_without_it(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int) -> None:
    asked: dict[str, Any] = {"how": "all", "duplicates": RULES}
    without = came_of(tmp_path / "whole", select.run, {"rows": (Sample, rows())}, **asked)
    for module, name in ((duplicates, "_digests"), (rating, "_given")):
        monkeypatch.setattr(module, name, raising(getattr(module, name)))
    poisoned = rows()
    poisoned.insert(place, row("poison", solution="poison", level=None))
    kept, drops, tally = came_of(tmp_path / "shards", select.run, {"rows": (Sample, poisoned)},
                                 here(16), **asked)
    assert json.loads(drops[0].row)["question"] == "poison"
    assert (kept, drops[1:]) == without[:2]
    assert tally["facts"] == {**without[2]["facts"], "poisonous": 1,
                              "rows_in": without[2]["facts"]["rows_in"] + 1}


def test_a_run_that_goes_on_and_chooses_otherwise_joins_no_rows_of_before(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {"rows": (Problem, [make_problem(f"What is {n}?") for n in range(20)])}
    monkeypatch.setattr(Mapper, "clear", lambda *_: None)  # the run is killed before
    for chosen in (range(5), range(10, 15)):
        monkeypatch.setattr(choose, "spread", lambda *_, chosen=chosen: np.array(chosen))
        kept, *_ = came_of(tmp_path, select.run, given, here(6), how="random", count=5)
        assert [row.question for row in kept] == [f"What is {n}?" for n in chosen]


def raising(function: Any) -> Any:
    def raises(*given: Any) -> Any:
        batch = next(one for one in given if isinstance(one, pa.RecordBatch))
        if "poison" in batch.column("solution").to_pylist():
            raise ValueError("nobody reads this")
        return function(*given)

    return raises


@pytest.mark.slow
def test_workers_change_nothing(tmp_path: Path) -> None:
    given = {"rows": (Sample, rows())}
    asked: dict[str, Any] = {"how": "all", "levels": [1, 2], "duplicates": RULES}
    assert came_of(tmp_path / "shards", select.run, given, pool(9, []), **asked) == came_of(
        tmp_path / "whole", select.run, given, **asked)
