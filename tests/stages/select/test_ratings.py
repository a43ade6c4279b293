"""Tests of rows chosen by what a step `rate` told of them."""

from __future__ import annotations

import pytest
from stage_makers import problems, row

from mathmill.candidates import Rated
from mathmill.errors import StepFailed, UsageError
from mathmill.io import read_rows, write_rows
from mathmill.stages import select
from mathmill.texts import make_text
from mathmill.workbench import Workbench

ROWS = problems(6)
RATES = [0.0, 0.25, 0.5, 1.0]
RATINGS = [Rated(ROWS[4].id, "pass_rate", None), *reversed([
    Rated(one.id, "pass_rate", 5 - int(4 * rate), int(4 * rate), 4, rate, 0, 1, "s")
    for one, rate in zip(ROWS, RATES, strict=False)])]


def run(folder, rows, ratings=RATINGS, **literals):
    record = type(rows[0])
    write_rows(folder / "in" / "rows.parquet", rows, record)
    inputs = {"rows": folder / "in"}
    if ratings is not None:
        inputs["ratings"] = folder / "ratings"
        write_rows(folder / "ratings" / "rows.parquet", ratings, Rated)
    bench = Workbench(folder / "out", inputs=inputs)
    select.run(bench, how="all", **literals)
    kept = list(read_rows(folder / "out" / "rows.parquet", record))
    return kept, {drop.id: drop.reason for drop in bench.drops}, bench.close()["facts"]


def test_rows_stay_by_the_level_that_a_rating_gives_them(tmp_path):
    kept, drops, facts = run(tmp_path, ROWS, levels=[4, 5])
    assert [(one.question, one.level) for one in kept] == [
        (ROWS[0].question, 5), (ROWS[1].question, 4)]
    assert [drops[one.id] for one in ROWS[2:]] == ["level 3", "level 1", "no rating", "no rating"]
    assert facts["ratings"] == {"given": 5, "rows_rated": 5, "with_pass_rate": 4}


def test_rows_stay_by_a_students_pass_rate(tmp_path):
    kept, drops, _ = run(tmp_path, ROWS, pass_rate=[0.25, 0.5])
    assert [one.question for one in kept] == [one.question for one in ROWS[1:3]]
    assert [drops[ROWS[n].id] for n in (0, 3, 4)] == ["pass rate", "pass rate", "no rating"]


def test_the_level_that_a_row_came_with_is_another_scale(tmp_path):
    rows = [row("a", level=5), row("b", level=1)]
    ratings = [Rated(rows[1].id, "teacher", 5)]
    kept, drops, _ = run(tmp_path / "1", rows, ratings, levels=[5])
    assert [(one.question, one.level) for one in kept] == [("b", 5)]
    assert drops == {rows[0].id: "no rating"}
    kept, *_ = run(tmp_path / "2", rows, ratings)
    assert [(one.question, one.level) for one in kept] == [("a", 5), ("b", 5)]


def test_what_cannot_be_is_said(tmp_path):
    for more, says in (({"pass_rate": [0.7, 0.1]}, "lower one"),
                       ({"ratings": None, "pass_rate": [0, 1]}, "ratings=")):
        with pytest.raises(UsageError, match=says):
            run(tmp_path, ROWS, **more)
    with pytest.raises(UsageError, match="texts have no rating"):
        run(tmp_path / "t", [make_text("A page.")])
    with pytest.raises(StepFailed, match="none of 1 rows is among the 5"):
        run(tmp_path / "o", [row("other")])
    with pytest.raises(StepFailed, match="none of 1 rows"):
        run(tmp_path / "n", [row("other")], [])
