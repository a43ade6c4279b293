"""Tests of counting what is different, in memory and beyond it."""

from __future__ import annotations

import numpy as np

from mathmill.stages.stats import distinct
from mathmill.stages.stats.distinct import Distinct, scratch


def test_rows_beyond_memory_are_counted_as_those_in_it(monkeypatch):
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 1 << 64, 5_000, np.uint64)
    rows = np.concatenate([numbers, numbers[::2], np.zeros(7, np.uint64)])
    monkeypatch.setattr(distinct, "HELD", 1_000)
    with scratch() as folder:
        one, two = Distinct(folder), Distinct(folder)
        for start in range(0, len(rows), 300):
            one.add(rows[start:start + 300])
        two.add(rows[:900])
        assert (one.count(), two.count()) == (5_007, 900), "seven say nothing, each for itself"
        assert one.count() == 5_007  # asked again
        assert any(folder.iterdir())
    assert not folder.exists()


def test_a_count_that_is_over_is_in_no_later_ones_way(monkeypatch):
    monkeypatch.setattr(distinct, "HELD", 10)
    with scratch() as folder:
        for start in range(1, 500, 100):  # each is gone when the next comes, perhaps to its place
            one = Distinct(folder)
            one.add(np.arange(start, start + 100, dtype=np.uint64))
            assert one.count() == 100
            del one


def test_nothing_is_nothing():
    with scratch() as folder:
        assert Distinct(folder).count() == 0
