"""Decontaminate on shards gives the rows, the drops and the facts of the whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.stages.shard_makers import came_of, deadly, failing, here, pool
from tests.stages.stage_makers import row

from mathmill.errors import StepFailed
from mathmill.stages import decontaminate
from mathmill.types import Problem, Sample, make_problem

ALL = {"against": ["b", "c"], "ngram": [13, 8],
       **decontaminate.literals(numbers=True, neighbours=["svd", "words"])}


def items(start: int = 0) -> list[Problem]:
    return [make_problem(f"On day {n} a miller grinds {3 * n + 7} sacks of rye for {n % 9 + 2} "
                         f"bakers of the town, and each of them pays {n % 5 + 1} coins; how many "
                         "coins does the miller take home?", source=f"test:{n}",
                         signature=f"s{n}") for n in range(start, start + 30)]


def rows(count: int = 60) -> list[Sample]:
    return [row(items()[n].question if n % 10 == 3 else
                items()[n % 30].question.replace("miller", "woman").replace("town", "village")
                if n % 10 == 4 else
                f"Ann has {n} pears and eats {n % 4} a day; after how many days is she done?",
                signature="s7" if n % 20 == 9 else None) for n in range(0, count)
            if n % 10 != 3 or n < 30]


def inputs(count: int = 60) -> dict:
    return {"rows": (Sample, rows(count)), "against.b": (Problem, items()),
            "against.c": (Problem, items(100))}


@pytest.mark.parametrize("size", [5, 23, 57])
def test_shards_change_no_row_no_drop_and_no_fact(tmp_path: Path, size: int) -> None:
    whole = came_of(tmp_path / "whole", decontaminate.run, inputs(), **ALL)
    sharded = came_of(tmp_path / "shards", decontaminate.run, inputs(), here(size), **ALL)
    assert sharded == whole
    assert len({drop.reason for drop in whole[1]}) >= 3
    assert 0 < whole[2]["kept"]["rows"] < len(rows())


def test_problems_go_on_shards_too_and_nothing_left_is_told_of_all(tmp_path: Path) -> None:
    given = {"rows": (Problem, items()), "against.b": (Problem, items())}
    with pytest.raises(StepFailed, match=r"nothing is left of 30 rows \(30-gram in b: 30\)"):
        came_of(tmp_path, decontaminate.run, given, here(7), against=["b"])


def test_a_row_at_which_a_tool_raises_is_one_reject(tmp_path: Path) -> None:
    given = {**inputs(), "rows": (Sample, [*rows(), row("poison"), *rows(3)])}
    _, drops, tally = came_of(tmp_path, decontaminate.run, given, here(16),
                              {"signature": failing}, **ALL)
    [drop] = [drop for drop in drops if drop.reason == "poisonous row"]
    assert json.loads(drop.row)["question"] == "poison"
    assert tally["facts"]["rows_in"] == len(given["rows"][1])


FITTED = """
from mathmill.stages.decontaminate.encoders import open_encoder
from tests.stages.decontaminate.test_shards import items
encoder = open_encoder("svd")
encoder.fit([item.question for item in items() + items(100)])
print(encoder.encode([item.question for item in items(50)]).tobytes().hex())
"""


@pytest.mark.slow
def test_a_killed_worker_changes_nothing(tmp_path: Path) -> None:
    given = {**inputs(), "rows": (Sample, [*rows(), row("poison"), *rows(3)])}
    whole = came_of(tmp_path / "whole", decontaminate.run, given, **ALL)
    said: list[str] = []
    assert came_of(tmp_path / "shards", decontaminate.run, given, pool(16, said),
                   {"signature": deadly(str(tmp_path / "mark"))}, **ALL) == whole
    assert any("its worker died" in line for line in said)


@pytest.mark.slow
def test_a_space_is_the_same_whatever_threads_a_worker_has() -> None:
    root = Path(__file__).resolve().parents[3]
    said = {subprocess.run([sys.executable, "-c", FITTED], check=True, capture_output=True, env={
        **os.environ, "PYTHONPATH": f"{root}:{root / 'src'}", "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads}).stdout for threads in ("1", "2")}
    assert len(said) == 1
