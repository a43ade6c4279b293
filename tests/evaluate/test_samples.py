"""pass@k, vote@k and best-of-k against going through every subset in fractions."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.errors import UsageError
from mathmill.evaluate import samples
from mathmill.evaluate.samples import Sampled, at_k, pass_at_k, sampled, vote_at_k
from mathmill.grading.wilson import wilson


def brute(item: Sampled, measure: str, k: int) -> Fraction:
    """Return the mean credit over all subsets of k, written out from the definitions."""
    subsets = list(combinations(range(len(item.correct)), k))
    total = Fraction(0)
    for subset in subsets:
        if measure == "pass":
            total += any(item.correct[i] for i in subset)
        elif measure == "best":
            first = max(item.scores[i] for i in subset)
            lead = [item.correct[i] for i in subset if item.scores[i] == first]
            total += Fraction(sum(lead), len(lead))
        else:
            sums: dict[int, Fraction] = {}
            for i in subset:
                if item.groups[i] >= 0:
                    weight = Fraction(item.scores[i]) if measure == "weighted vote" else 1
                    sums[item.groups[i]] = sums.get(item.groups[i], Fraction(0)) + weight
            lead = [g for g in sums if sums[g] == max(sums.values())]
            if lead:
                right = {item.groups[i] for i in range(len(item.correct)) if item.correct[i]}
                total += Fraction(sum(g in right for g in lead), len(lead))
    return total / len(subsets)


@st.composite
def items(draw: st.DrawFn) -> Sampled:
    groups = draw(st.lists(st.integers(-1, 3), min_size=1, max_size=8))
    right = draw(st.sets(st.integers(0, 3), max_size=2))
    scores = draw(st.lists(st.sampled_from([0.25, 0.5, 1.0, 2.0]), min_size=len(groups),
                           max_size=len(groups)))
    return Sampled("q", tuple(g in right for g in groups), tuple(groups), tuple(scores))


@settings(max_examples=150)
@given(items(), st.data())
def test_every_measure_is_the_mean_over_all_subsets(item: Sampled, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(item.correct)))
    for measure in ("pass", "vote", "weighted vote", "best"):
        assert at_k([item], measure, k).value == pytest.approx(
            float(brute(item, measure, k)), abs=1e-12), measure


@pytest.mark.parametrize(("n", "c", "k", "value"), [
    (10, 3, 1, 0.3), (10, 3, 10, 1.0), (10, 0, 5, 0.0), (5, 2, 2, 0.7), (4, 1, 2, 0.5)])
def test_pass_at_k_is_that_of_its_definition(n: int, c: int, k: int, value: float) -> None:
    assert pass_at_k(n, c, k) == pytest.approx(value, abs=1e-15)


def test_pass_at_k_is_exact_where_factorials_overflow_and_differences_cancel() -> None:
    assert pass_at_k(100_000, 1, 1) == 1e-5
    assert pass_at_k(10_000, 1, 3) == float(Fraction(3, 10_000))
    assert pass_at_k(10_000, 5_000, 1_000) == 1.0


def test_a_vote_over_hundreds_of_samples_is_counted_exactly() -> None:
    # Two groups and k odd: the larger part wins, a hypergeometric tail.
    tail = sum(Fraction(math.comb(120, j) * math.comb(80, 31 - j), math.comb(200, 31))
               for j in range(16, 32))
    assert vote_at_k([120, 80], [True, False], 200, 31) == pytest.approx(float(tail), abs=1e-12)


def test_spellings_of_an_answer_vote_together_and_ties_share_the_credit() -> None:
    item = sampled("q", ["1/2", "0.5", "3", "3", None], "50%", scores=[1, 2, 3, 4, 5])
    assert item.groups[:4] in ((0, 0, 1, 1), (1, 1, 0, 0))
    assert item.correct == (True, True, False, False, False)
    assert at_k([item], "vote", 5).value == 0.5
    assert at_k([item], "best", 5).value == 0.0
    assert at_k([item], "best", 1).value == at_k([item], "pass", 1).value == pytest.approx(0.4)


def test_what_is_too_many_to_enumerate_is_drawn_repeatably_and_near_the_truth() -> None:
    groups = [0] * 14 + [1] * 10 + [2] * 4
    item = Sampled("q", tuple(g == 0 for g in groups), tuple(groups), (1.0,) * len(groups))
    found = at_k([item], "weighted vote", 9)  # equal weights: the plain vote, which is exact
    assert (found.drawn, at_k([item], "vote", 9).drawn) == (1, 0)
    assert found == at_k([item], "weighted vote", 9)
    assert found != at_k([item], "weighted vote", 9, seed=1)
    assert found.value == pytest.approx(at_k([item], "vote", 9).value, abs=0.03)


def right(item: str, number: int, of: int = 4) -> Sampled:
    return Sampled(item, (True,) * number + (False,) * (of - number),
                   (0,) * number + (1,) * (of - number))


def test_the_interval_is_over_problems_and_repeatable() -> None:
    many = [right(f"q{i}", i % 5) for i in range(200)]
    found = at_k(many, "pass", 1)
    assert (found.problems, found.samples) == (200, 800)
    assert found.value == pytest.approx(0.5)
    spread = math.sqrt(0.125 / 200)
    assert found.low == pytest.approx(0.5 - 1.96 * spread, abs=0.01)
    assert found.high == pytest.approx(0.5 + 1.96 * spread, abs=0.01)
    assert found == at_k(many, "pass", 1)


def test_items_of_one_problem_are_resampled_together() -> None:
    many = [right(f"q{i}", 4 * (i % 2)) for i in range(40)]
    four_times = at_k(many * 4, "pass", 1)
    assert four_times.problems == 40
    assert (four_times.low, four_times.high) == (at_k(many, "pass", 1).low,
                                                 at_k(many, "pass", 1).high)


def test_problems_that_all_go_right_do_not_have_an_interval_of_nothing() -> None:
    found = at_k([right(f"q{i}", 4) for i in range(20)], "vote", 3)
    assert (found.low, found.high) == wilson(20, 20)
    assert found.low < 0.9


@pytest.mark.parametrize(("measure", "k", "words"), [
    ("mode", 1, "no measure 'mode'"), ("pass", 0, "at least 1"), ("pass", 5, "it has 4"),
    ("best", 1, "needs a score"), ("weighted vote", 1, "needs a score")])
def test_what_cannot_be_measured_is_refused(measure: str, k: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        at_k([right("q", 1)], measure, k)


def test_scores_that_are_no_scores_and_no_items_are_refused() -> None:
    with pytest.raises(UsageError, match="finite"):
        sampled("q", ["1"], "1", scores=[math.nan])
    with pytest.raises(UsageError, match="cannot weigh"):
        at_k([sampled("q", ["1"], "1", scores=[-1.0])], "weighted vote", 1)
    with pytest.raises(UsageError, match="no items"):
        at_k([], "pass", 1)


def test_the_number_of_subsets_gone_through_is_bounded() -> None:
    assert math.comb(16, 8) <= samples.ENUMERATED < math.comb(18, 9)
