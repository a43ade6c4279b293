"""Tests of quantiles that stream by."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mathmill.stages.stats.lengths import FINE, SHARES, Lengths

NUMBERS = st.lists(st.integers(0, 1 << 33), min_size=1, max_size=60)


def counted(numbers):
    found = Lengths()
    found.add(np.array(numbers, np.int64))
    return found


@given(NUMBERS)
def test_quantiles_are_those_of_the_sorted_numbers_but_for_one_in_2000(numbers):
    told = counted(numbers).told()
    for name, share in SHARES.items():
        exact = sorted(numbers)[max(1, math.ceil(share * len(numbers))) - 1]
        assert exact * (1 - 1 / 2000) <= told[name] <= exact
        if exact < FINE:
            assert told[name] == exact
    assert (told["least"], told["most"], told["sum"]) == (min(numbers), max(numbers), sum(numbers))


@given(NUMBERS, NUMBERS)
def test_parts_joined_are_the_whole(one, two):
    joined = counted(one)
    joined.include(counted(two))
    assert joined == counted(one + two)


def test_nothing_has_no_quantile():
    found = counted([])
    found.include(Lengths())
    assert found.told() is None
    assert found.quantile(0.5) is None
