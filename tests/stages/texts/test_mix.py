"""Tests of how many texts of each source are taken, and which."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.errors import StepFailed, UsageError
from mathmill.stages.texts.mix import chosen, portions, spread, weights_of
from mathmill.texts import make_text

AB = ("a", "b")


def test_without_weights_and_count_everything_is_taken():
    assert portions(AB, [7, 3], None, None) == [7, 3]


def test_without_weights_a_count_is_shared_by_size():
    assert portions(AB, [70, 30], None, 10) == [7, 3]


def test_weights_are_met_to_the_row_or_refused():
    assert portions(AB, [90, 4_000], [1, 3], 200) == [50, 150]
    with pytest.raises(StepFailed, match=r"a has 90 texts, and 250 of 1000 are asked of it by its "
                       r"weight 1 of 4; ask for 360 or fewer"):
        portions(AB, [90, 4_000], [1, 3], 1_000)


def test_weights_without_a_count_take_as_many_as_they_allow():
    assert portions(AB, [90, 4_000], [1, 3], None) == [90, 270]


def test_more_than_there_is_cannot_be_asked_for():
    with pytest.raises(StepFailed, match=r"11 texts were asked for, and 10 are left \(a: 7, b: 3"):
        portions(AB, [7, 3], None, 11)


def test_a_weight_that_leaves_a_source_without_a_text_is_refused():
    with pytest.raises(StepFailed, match="leave a without a text"):
        portions(AB, [10, 10], [1, 1_000], 10)


@given(st.lists(st.tuples(st.integers(1, 500), st.floats(0.1, 50)), min_size=1, max_size=5))
def test_portions_stay_within_what_there_is_and_near_the_weights(sources):
    left, weights = [n for n, _ in sources], [weight for _, weight in sources]
    try:
        found = portions([str(n) for n in range(len(left))], left, weights, None)
    except StepFailed:
        return
    total = sum(found)
    for n, have, weight in zip(found, left, weights, strict=True):
        assert n <= have
        assert abs(n - total * weight / sum(weights)) < 1


@pytest.mark.parametrize(("weights", "words"), [
    ([1, None], "b has no weight"), ([1, 0], "b has weight 0"), ([-1, 1], "a has weight -1"),
    ([float("inf"), 1], "a has weight inf"), ([1, float("nan")], "b has weight nan")])
def test_bad_weights_are_refused(weights, words):
    with pytest.raises(UsageError, match=words):
        weights_of(AB, weights)


def test_the_choice_hangs_on_the_texts_and_the_seed_and_not_on_their_order():
    digests = np.random.default_rng(0).integers(0, 1 << 63, (1_000, 2)).astype(np.uint64)
    able = np.ones(1_000, np.bool_)
    able[::3] = False
    first = chosen(digests, able, 100, 0)
    assert first.sum() == 100
    assert not (first & ~able).any()
    turned = chosen(digests[::-1].copy(), able[::-1].copy(), 100, 0)
    assert (turned[::-1] == first).all()
    assert (chosen(digests, able, 100, 1) != first).any()
    assert (chosen(digests, able, int(able.sum()), 0) == able).all()


def test_the_choice_is_even_over_the_rows():
    digests = np.random.default_rng(1).integers(0, 1 << 63, (20_000, 2)).astype(np.uint64)
    stays = chosen(digests, np.ones(20_000, np.bool_), 5_000, 3)
    tenths = stays.reshape(10, -1).sum(1)
    assert (abs(tenths - 500) < 100).all()


def test_sources_are_spread_evenly_over_the_whole():
    rows = [[make_text(f"{name} {n}", source=name) for n in range(size)]
            for name, size in (("a", 300), ("b", 100))]
    found = [row.source for row in spread(rows, [300, 100])]
    assert len(found) == 400
    for start in range(0, 400, 40):
        assert Counter(found[start:start + 40]) == {"a": 30, "b": 10}
    own = [row.text for row in spread(rows, [300, 100]) if row.source == "b"]
    assert own == [row.text for row in rows[1]]
