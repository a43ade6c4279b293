"""Tests of the stage `select`."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from stage_makers import ShuffledTeacher, problems, row, solve_request

from mathmill.errors import StepFailed, UsageError
from mathmill.io import read_rows, write_rows
from mathmill.stages import select
from mathmill.types import Problem, Sample, make_problem
from mathmill.workbench import Workbench

TOPICS = ["apples in a basket", "trains and hours", "area of a field", "prices at a market"]
ROWS = [make_problem(f"Question {n} about {TOPICS[0 if n % 20 else n // 20 % 4]}: what is {n}?")
        for n in range(160)]


def run(folder, rows, record=Problem, answers=None, base=None, **literals):
    write_rows(folder / "in" / "rows.parquet", rows, record)
    inputs = {"rows": folder / "in"}
    if base is not None:
        inputs["base"] = folder / "base"
        write_rows(folder / "base" / "rows.parquet", base, Problem)
    bench = Workbench(folder / "out", inputs=inputs, tools={
        "open_teacher": lambda name, home, terms: answers, "difficulty_request": solve_request,
        "read_level": lambda text: int(text[-1]) if text[-1].isdigit() else None})
    select.run(bench, **literals)
    return list(read_rows(folder / "out" / "rows.parquet", record)), bench.drops, bench.close()


@pytest.mark.parametrize("how", ["coreset", "random"])
@pytest.mark.parametrize(("literals", "left"), [({"count": 12}, 12), ({"fraction": 0.1}, 16),
                                                ({}, 160), ({"count": 160}, 160)])
def test_as_many_rows_as_asked_stay_in_their_order(tmp_path, how, literals, left):
    rows, drops, tally = run(tmp_path, ROWS, how=how, **literals)
    assert len(rows) == left == 160 - len(drops)
    places = [ROWS.index(r) for r in rows]
    assert places == sorted(places)
    assert tally["facts"]["chosen"] == left


def test_a_coreset_covers_better_than_random_and_finds_every_topic(tmp_path):
    rows, _, tally = run(tmp_path, ROWS, how="coreset", count=12)
    cover = tally["facts"]["coverage"]
    assert cover["coreset"]["radius"] < cover["random"]["radius"]
    assert cover["coreset"]["diversity_gain"] > cover["random"]["diversity_gain"]
    assert all(any(topic in r.question for r in rows) for topic in TOPICS)


@pytest.mark.parametrize("how", ["coreset", "random"])
def test_the_choice_depends_on_the_rows_and_the_seed_and_not_on_their_order(tmp_path, how):
    mixed = random.Random(0).sample(ROWS, len(ROWS))
    one, two, three = (
        {r.id for r in run(tmp_path / name, rows, how=how, count=12, seed=seed)[0]}
        for name, rows, seed in (("1", ROWS, 0), ("2", mixed, 0), ("3", ROWS, 1)))
    assert one == two != three


def test_rows_near_a_base_are_chosen_last(tmp_path):
    rows, _, tally = run(tmp_path, ROWS, how="coreset", count=10, base=ROWS[:140] + ROWS[150:])
    assert rows == ROWS[140:150]
    assert tally["facts"]["coverage"]["coreset"]["gain_over"] == "base"


def test_near_duplicates_differ_in_case_and_punctuation_but_not_in_signs_of_maths(tmp_path):
    rows = [make_problem(q) for q in ("What is 5 + 3?", "what is 5 + 3", "What is 5 - 3?")]
    kept, drops, _ = run(tmp_path, rows)
    assert [r.question for r in kept] == ["What is 5 + 3?", "What is 5 - 3?"]
    assert drops[0].reason == "near duplicate"
    answers = [row("q", "1"), row("q", "2"), row("Q", "1")]
    kept, *_ = run(tmp_path / "samples", answers, Sample)
    assert [r.answer for r in kept] == ["1", "2"]


def test_levels_are_counted_from_steps_and_filter(tmp_path):
    rows = [row("a", solution="x = 1\nThe answer is 1"), row("b", solution="x = 1\ny = 2\nz = 3"),
            row("c", level=4), row("d", solution="The answer is 4")]
    kept, drops, tally = run(tmp_path, rows, Sample, levels=[3, 4])
    assert [(r.question, r.level) for r in kept] == [("b", 3), ("c", 4)]
    assert Counter(d.reason for d in drops) == {"level 1": 1, "level unknown": 1}
    assert tally["facts"]["levels"] == {
        "given": 1, "how": "by_steps", "rated": 2, "without": 1,
        "rows": {"1": 1, "3": 1, "4": 1, "none": 1}}


def test_a_teacher_may_rate_and_what_it_cannot_say_stays_unknown(tmp_path):
    teacher = ShuffledTeacher(
        lambda r: "Level: 5" if "is 3 +" in r.messages[0].content else "No idea")
    kept, _, tally = run(tmp_path, problems(6), Problem, teacher, difficulty="teacher")
    assert [r.level for r in kept] == [None, None, None, 5, None, None]
    assert tally["facts"]["levels"]["rated"] == 1


@pytest.mark.parametrize("literals", [
    {"how": "best"}, {"count": 0}, {"fraction": 0.0}, {"fraction": 1.5},
    {"fraction": 0.5, "count": 3}, {"levels": []}, {"levels": [6]}, {"difficulty": "guess"}])
def test_what_cannot_be_right_is_refused(tmp_path, literals):
    with pytest.raises(UsageError):
        run(tmp_path, ROWS, **literals)


def test_nothing_left_is_one_line(tmp_path):
    with pytest.raises(StepFailed, match="none of 160 rows"):
        run(tmp_path, ROWS, levels=[5])
    with pytest.raises(StepFailed):
        run(tmp_path, [])
    with pytest.raises(StepFailed, match="asked for 161 rows, but 160 of 160"):
        run(tmp_path, ROWS, count=161)  # arms of unequal size would be compared unawares
