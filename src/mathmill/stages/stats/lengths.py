"""Quantiles of lengths that stream by: a histogram of whole numbers, fine where most lie.

Why: a billion lengths cannot be sorted in memory, and a sample misses the longest, which is
what breaks a training. Numbers below `FINE` are counted one by one; above, 2,048 bins an
octave, so that a quantile is at most 0.05 % too low. Least, most and mean are exact.

Used as: `lengths.add(np.array([12, 840]))`; `lengths.quantile(0.95)`; `lengths.told()`.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

FINE = 4096  # below it every number has a bin of its own
SHARES = {"5 %": 0.05, "median": 0.5, "95 %": 0.95}


@dataclass
class Lengths:
    """How many there are of each length."""

    bins: Counter[int] = field(default_factory=Counter)
    "Counts by the least number of a bin; at most 50,000 bins below 2^34."
    count: int = 0
    total: int = 0
    least: int | None = None
    most: int | None = None

    def add(self, numbers: NDArray[np.int64]) -> None:
        """Take some more whole numbers of at least 0."""
        if not len(numbers):
            return
        beyond = np.maximum(np.frexp(numbers.astype(np.float64))[1] - 12, 0)
        values, counts = np.unique(numbers >> beyond << beyond, return_counts=True)
        self.bins.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        self._widen(len(numbers), int(numbers.sum()), int(numbers.min()), int(numbers.max()))

    def include(self, other: Lengths) -> None:
        """Take those of another count."""
        if other.least is not None and other.most is not None:
            self.bins.update(other.bins)
            self._widen(other.count, other.total, other.least, other.most)

    def quantile(self, share: float) -> int | None:
        """Return the number below or at which this share lies (nearest rank); None of nothing."""
        rank = max(1, math.ceil(share * self.count))
        for value in sorted(self.bins):
            rank -= self.bins[value]
            if rank <= 0:
                assert self.least is not None, "there is a number"
                return max(value, self.least)
        return None

    def told(self) -> dict[str, Any] | None:
        """Return count, least, quantiles, most, mean and sum; None where there is no number."""
        if not self.count:
            return None
        return {"count": self.count, "least": self.least,
                **{name: self.quantile(share) for name, share in SHARES.items()},
                "most": self.most, "mean": round(self.total / self.count, 2), "sum": self.total}

    def _widen(self, count: int, total: int, least: int, most: int) -> None:
        self.count += count
        self.total += total
        self.least = least if self.least is None else min(self.least, least)
        self.most = most if self.most is None else max(self.most, most)
