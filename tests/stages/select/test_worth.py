"""Rows chosen by their value: texts by their pairs, samples by their own."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest
from stage_makers import row

from mathmill.errors import StepFailed, UsageError
from mathmill.io import read_rows, write_rows
from mathmill.stages import select
from mathmill.texts import Valued, make_text
from mathmill.types import Drop, make_problem
from mathmill.workbench import Workbench

TEXTS = [make_text(f"A page on numbers that tells of {n} things.") for n in range(30)]


def run(folder: Path, rows: list[Any], values: list[Valued] | None, **literals: Any
        ) -> tuple[list[Any], list[Drop], dict[str, Any]]:
    record, inputs = type(rows[0]), {"rows": folder / "in"}
    write_rows(folder / "in" / "rows.parquet", rows, record)
    if values is not None:
        inputs["values"] = folder / "values"
        write_rows(folder / "values" / "rows.parquet", values, Valued)
    bench = Workbench(folder / "out", inputs=inputs)
    select.run(bench, **literals)
    return (list(read_rows(folder / "out" / "rows.parquet", record)), list(bench.drops),
            bench.close())


def pairs(worths: dict[int, list[float]]) -> list[Valued]:
    return [Valued(f"pair {text} {number}", TEXTS[text].id, value, "gradient")
            for text, each in worths.items() for number, value in enumerate(each)]


@pytest.mark.parametrize(("how", "best"), [("value", [3, 5]), ("mean_value", [5, 8])])
def test_a_text_is_worth_its_best_pair_or_the_mean_of_all(tmp_path, how, best):
    values = pairs({3: [0.9, -0.9], 5: [0.8, 0.7], 8: [0.1], 9: [0.05, 0.1, 0.11]})
    rows, drops, tally = run(tmp_path, TEXTS, values, how=how, count=2)
    assert rows == [TEXTS[place] for place in best]
    reasons = {drop.id: drop.reason for drop in drops}
    assert reasons[TEXTS[0].id] == "no value"
    assert reasons[TEXTS[9].id] == f"not chosen ({how})"
    assert len(drops) == 28
    facts = tally["facts"]["values"]
    assert facts["given"] == 8
    assert facts["rows_valued"] == 4
    assert facts["by"] == ["gradient"]
    assert facts["least_chosen"] == {"value": 0.8, "mean_value": 0.1}[how]


@pytest.mark.parametrize("make", ["sample", "problem"])
def test_samples_have_their_own_value_and_problems_that_of_their_children(tmp_path, make):
    rows = [row(f"How many of {n}?", seed=f"seed {n}", level=1) if make == "sample"
            else make_problem(f"How many of {n}?") for n in range(9)]
    values = [Valued(each.id, f"seed {n}", n / 10, "gradient") if make == "sample"
              else Valued(f"child {n}", each.id, n / 10, "gradient")
              for n, each in enumerate(rows)]
    random.Random(0).shuffle(values)
    assert run(tmp_path, rows, values, how="value", count=3)[0] == rows[-3:]


def test_of_equal_values_the_lower_ids_are_chosen_whatever_the_order(tmp_path):
    values = pairs({n: [1.0] for n in range(30)})
    chosen = [{text.id for text in run(tmp_path / str(number), rows, values, how="value",
                                       count=7)[0]}
              for number, rows in enumerate((TEXTS, TEXTS[::-1]))]
    assert chosen[0] == chosen[1] == set(sorted(text.id for text in TEXTS)[:7])


def test_a_value_that_is_no_number_is_none(tmp_path):
    values = pairs({1: [math.nan], 2: [math.nan, 0.2], 3: [0.1], 4: [math.inf]})
    rows, drops, _ = run(tmp_path, TEXTS, values, how="value")
    assert rows == [TEXTS[2], TEXTS[3]]
    assert {drop.reason for drop in drops} == {"no value"}


def test_a_share_of_those_with_a_value_can_be_asked_for(tmp_path):
    values = pairs({n: [n / 10] for n in range(10)})
    assert run(tmp_path, TEXTS, values, how="value", fraction=0.25)[0] == TEXTS[7:10]


def test_repeats_go_before_the_choice_is_made(tmp_path):
    rows = [TEXTS[0], make_text(TEXTS[0].text.upper()), TEXTS[1]]
    values = [Valued(str(n), text.id, 3.0 - n, "gradient") for n, text in enumerate(rows)]
    chosen, drops, _ = run(tmp_path, rows, values, how="value", count=2)
    assert chosen == [rows[0], rows[2]]
    assert drops[0].reason == "near duplicate"


@pytest.mark.parametrize("how", ["random", "all", "coreset"])
def test_texts_are_chosen_in_the_other_ways_too(tmp_path, how):
    rows, drops, _ = run(tmp_path, TEXTS, None, how=how, count=None if how == "all" else 5)
    assert len(rows) == (30 if how == "all" else 5)
    assert len(rows) + len(drops) == 30
    again = run(tmp_path / "again", TEXTS[::-1], None, how=how,
                count=None if how == "all" else 5)[0]
    assert {text.id for text in again} == {text.id for text in rows}


@pytest.mark.parametrize(("literals", "values", "error", "words"), [
    ({"how": "value"}, None, UsageError, "needs values"),
    ({"how": "value", "count": 3}, {1: [1.0]}, StepFailed, "asked for 3 rows, but 1 of 30"),
    ({"how": "value"}, {}, StepFailed, "none of 30 rows has a value among the 0"),
    ({"how": "best"}, None, UsageError, "say coreset, random, all, value or mean_value"),
    ({"how": "all", "levels": [1]}, None, UsageError, "texts have no level"),
    ({"how": "all", "difficulty": "teacher"}, None, UsageError, "texts have no level"),
    ({"how": "all", "duplicates": ["structure"]}, None, UsageError, "texts hold no question")])
def test_what_cannot_be_is_refused(tmp_path, literals, values, error, words):
    with pytest.raises(error, match=words):
        run(tmp_path, TEXTS, None if values is None else pairs(values), **literals)


def test_levels_and_values_go_together(tmp_path):
    rows = [row(f"How many of {n}?", level=1 + n % 2) for n in range(8)]
    values = [Valued(each.id, "s", n / 10, "perplexity") for n, each in enumerate(rows[:6])]
    chosen, drops, _ = run(tmp_path, rows, values, how="value", count=2, levels=[1])
    assert chosen == [rows[2], rows[4]]
    assert {(d.id, d.reason) for d in drops} >= {(rows[6].id, "no value"), (rows[7].id, "level 2")}
