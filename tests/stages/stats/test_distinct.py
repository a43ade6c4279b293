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
        assert (one.rows, one.count(), two.count()) == (7_500, 5_000, 900)
        assert one.count() == 5_000  # asked again
        assert any(folder.iterdir())
    assert not folder.exists()


def test_nothing_is_nothing():
    with scratch() as folder:
        assert Distinct(folder).count() == 0
