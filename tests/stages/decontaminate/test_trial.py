"""Tests of `stages.decontaminate.trial` and of the self-test, on our own world and on real data."""

from __future__ import annotations

import random

import numpy as np
import pytest

from mathmill.errors import UsageError
from mathmill.pipeline import contamination
from mathmill.stages.decontaminate.trial import (
    Planted,
    in_company,
    measure,
    with_other_numbers,
)
from mathmill.teachers import symbolic
from mathmill.teachers.symbolic.leaks import KINDS, leak, same_problem


def lines(planted, **more):
    return {line.name: line for line in measure(planted, "t", **more).lines}


@pytest.fixture(scope="module")
def world():
    contamination_items, contamination.ITEMS = contamination.ITEMS, 60
    clean, contamination.CLEAN = contamination.CLEAN, 200
    yield contamination._world("en")
    contamination.ITEMS, contamination.CLEAN = contamination_items, clean


def test_planted_leaks_are_found_by_who_can_find_them(world):
    found = lines(world, signature=symbolic.signature,
                  extra={"judge": contamination._judge(world)})
    grams, numbers = found["13-gram or whole text"], found["numbers"]
    assert grams.kinds["verbatim"].hits == 60
    assert grams.kinds["translated"].hits == 0
    assert numbers.kinds["paraphrased"].hits >= 54
    assert numbers.kinds["translated"].hits >= 24
    assert found["neighbours words"].kinds["numbers changed"].hits == 60
    assert found["signature"].kinds["paraphrased"].hits == 60
    assert found["signature"].kinds["translated"].hits == 60
    assert found["signature"].false.hits == 0
    assert found["judge"].kinds["numbers changed"].hits == 60
    assert numbers.right.hits >= 0.95 * numbers.right.whole
    together = found["13-gram, numbers and neighbours words together"]
    assert together.kinds["verbatim"].hits == together.kinds["numbers changed"].hits == 60


def test_a_threshold_is_set_on_even_rows_and_told_on_odd_ones(world):
    least, kinds, false = lines(world)["numbers"].tuned
    assert 0 < least < 1
    assert kinds["verbatim"].whole == 30
    assert false.whole == 100
    assert lines(world, tune=False)["numbers"].tuned is None


def test_the_sheet_says_counts_intervals_and_what_was_taken():
    item = "Nora keeps 14 hens and each lays 3 eggs a day. How many eggs does she get in 6 days?"
    sheet = measure(Planted([item], {"verbatim": [(0, item)]}, [item]), "One item").text(shown=1)
    assert sheet.startswith("One item\n")
    assert "verbatim         found 100.00% [20.65%, 100.00%] 1/1" in sheet
    assert f"taken at 1.00: {item}" in sheet


def test_leaks_of_the_world_mean_what_they_say():
    problems = list(symbolic.make_problems(40, 3, ("en", "zh")))
    for place, problem in enumerate(problems):
        rng = random.Random(place)
        told = {kind: leak(kind, problem.question, rng) for kind in KINDS}
        assert problem.question in told["verbatim"]
        for kind in ("paraphrased", "translated"):
            assert symbolic.signature(told[kind]) == problem.signature
            assert same_problem(problem.question, told[kind])
        if told["numbers changed"] is not None:
            assert symbolic.signature(told["numbers changed"]) != problem.signature
            assert same_problem(problem.question, told["numbers changed"])
        assert same_problem(problem.question, problems[place - 1].question) is False
    assert leak("verbatim", "What is this?", random.Random(0)) is None
    assert same_problem("What is this?", problems[0].question) is None


def test_numbers_are_changed_and_nothing_else():
    text = "Tom has 3 of 1200 pens, 123456789012 in all."
    other = with_other_numbers(text, random.Random(0))
    words = [w for w in text.replace(",", "").split() if not w.isdigit()]
    assert [w for w in other.replace(",", "").split() if not w.isdigit()] == words
    assert not {"3", "1200", "123456789012"} & set(other.replace(",", "").split())
    assert all(text in in_company(text, place) for place in range(3))


def test_a_folder_without_the_three_files_is_refused(tmp_path):
    with pytest.raises(UsageError, match="benchmark, leaks and clean"):
        next(contamination.self_test(tmp_path))


@pytest.mark.slow
def test_the_goal_holds_on_real_rephrased_questions(shared_data):
    """Thresholds set on even rows; 636 of 659 odd ones found at 35 of 3,736 clean rows."""
    planted = contamination._real(*contamination._parts(shared_data))
    assert (len(planted.items), len(planted.clean), planted.paired) == (1319, 7473, True)
    found = lines(planted)
    for name, least in (("numbers", 0.95), ("neighbours svd", 0.92)):
        _, kinds, false = found[name].tuned
        assert kinds["rephrased"].hits >= least * kinds["rephrased"].whole
        assert false.hits <= 0.01 * false.whole
        assert found[name].false.hits <= 0.01 * found[name].false.whole
    assert found["neighbours words"].kinds["numbers changed"].hits == 1296
    assert found["10-gram or whole text"].kinds["rephrased"].hits == 11
    assert found["numbers"].right.hits >= 0.99 * found["numbers"].right.whole


@pytest.mark.slow
def test_translated_real_questions_are_found_by_numbers_and_glossary(shared_data):
    """MGSM's Chinese questions against GSM8K test; clean: CMATH, Chinese school problems."""
    from mathmill.stages.decontaminate.files import read_texts
    from mathmill.stages.decontaminate.finders import ACROSS, NUMBERS
    from mathmill.stages.decontaminate.likeness import Likeness

    def questions(path):
        return [question for _, question, _ in read_texts(path)]

    index = Likeness()
    index.add(questions(shared_data / "gsm8k" / "test.jsonl"))
    index.close()
    told = (shared_data / "mgsm" / "mgsm_zh.tsv").read_text(encoding="utf-8").splitlines()
    places, _ = index.nearest([line.rpartition("\t")[0] for line in told], NUMBERS, ACROSS)
    taken, _ = index.nearest(questions(shared_data / "cmath" / "cmath_dev.jsonl"), NUMBERS, ACROSS)
    assert (places == np.arange(250)).sum() >= 175
    assert (taken >= 0).sum() <= 9
