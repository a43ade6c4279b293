"""Intervals and tests that a score needs before anybody may read a difference into it.

Why: 1,319 items give a 95 % interval of about 2.5 points each way; two models measured on
the same items must be compared item by item. Everything here is plain Python with the
formula's source named; nothing draws but `paired_bootstrap`, which is seeded.

Used as: `wilson(950, 1319)`, `mcnemar(12, 30)`, `mean_interval([.41, .44, .40])`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mathmill.grading.wilson import Z95, wilson
from mathmill.identity import draw

__all__ = ["Interval", "mcnemar", "mean_interval", "newcombe", "paired_bootstrap", "sign_flip",
           "wilson"]

FEW = 16  # distinct values up to which a resample is a multinomial draw over them
RESAMPLED = 2_000  # items up to which resamples are kept: 80 MB

# Student's t at 0.975 for 1 to 30 degrees of freedom (standard table, 4 decimals).
_T975 = (12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
         2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860,
         2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423)


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the 95 % interval around it."""

    value: float
    "The estimate."
    low: float
    "Lower end."
    high: float
    "Upper end."


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the exact two-sided p of McNemar's test on the two discordant counts.

    Under the null each discordant item falls to either side by a fair coin: twice the
    binomial tail of the smaller count, at most 1 (and 1 where nothing differs).
    """
    assert only_a >= 0
    assert only_b >= 0
    trials, fewer = only_a + only_b, min(only_a, only_b)
    tail = sum(math.comb(trials, k) for k in range(fewer + 1))
    # Integers of any size divide exactly where floats of them would overflow.
    return min(1.0, 2 * tail / 2**trials) if trials else 1.0


def newcombe(successes_a: int, trials_a: int, successes_b: int, trials_b: int) -> Interval:
    """Return the difference of two independent shares (b - a), Newcombe's method 10 (1998)."""
    share_a = successes_a / trials_a if trials_a else 0.0
    share_b = successes_b / trials_b if trials_b else 0.0
    low_a, high_a = wilson(successes_a, trials_a)
    low_b, high_b = wilson(successes_b, trials_b)
    gap = share_b - share_a
    return Interval(gap, gap - math.hypot(share_b - low_b, high_a - share_a),
                    gap + math.hypot(high_b - share_b, share_a - low_a))


def paired_bootstrap(differences: Sequence[float], seed: int = 0,
                     draws: int = 10_000) -> Interval:
    """Return the mean of paired differences (one an item) with its percentile interval.

    Items are drawn with replacement `draws` times; the seed makes it repeatable. Of few values
    only how often each occurs matters, so that a resample is one multinomial draw; of many, the
    same resamples of the places serve all measures of as many items (1 ms instead of 0.3 s).
    """
    import numpy as np

    if not differences:
        return Interval(0.0, -1.0, 1.0)
    values, counts = np.unique(np.asarray(differences, dtype=float), return_counts=True)
    total = int(counts.sum())
    if len(values) <= FEW or total > RESAMPLED:
        random = np.random.default_rng(draw("bootstrap", seed, total).getrandbits(64))
        means = random.multinomial(total, counts / total, size=draws) @ values / total
    else:
        means = _resamples(total, seed, draws) @ np.asarray(differences, dtype=np.float32) / total
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(values @ counts / total), float(low), float(high))


@lru_cache(maxsize=1)
def _resamples(total: int, seed: int, draws: int) -> Any:
    """Return how often each of `total` places occurs in each of `draws` resamples."""
    import numpy as np

    random = np.random.default_rng(draw("resamples", seed, total).getrandbits(64))
    found = np.empty((draws, total), dtype=np.float32)
    for row in found:
        row[:] = np.bincount(random.integers(0, total, total), minlength=total)
    return found


def sign_flip(differences: Sequence[float], seed: int = 0, draws: int = 10_000) -> float:
    """Return the two-sided p of the paired permutation test on differences, one an item.

    Under the null a difference is as likely with the other sign: the share of `draws` random
    signs whose mean is at least as far from 0, the data's own among them, so that p is at least
    1 / (draws + 1). What McNemar's test is to differences of -1 and 1, for any.
    """
    import numpy as np

    values = np.asarray([d for d in differences if d], dtype=float)
    if not len(values):
        return 1.0
    random = np.random.default_rng(draw("signs", seed, len(values)).getrandbits(64))
    signs = 2.0 * random.integers(0, 2, (draws, len(values))) - 1.0
    far = int((np.abs(signs @ values) >= abs(values.sum()) - 1e-9).sum())
    return (far + 1) / (draws + 1)


def mean_interval(values: Sequence[float]) -> Interval:
    """Return the mean over seeds with Student's 95 % interval.

    One value says nothing of the spread: the ends are then infinite.
    """
    assert values, "a mean needs a value"
    count, mean = len(values), math.fsum(values) / len(values)
    if count == 1:
        return Interval(mean, -math.inf, math.inf)
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    reach = t975(count - 1) * math.sqrt(variance / count)
    return Interval(mean, mean - reach, mean + reach)


def t975(freedom: int) -> float:
    """Return Student's t quantile at 0.975: the table up to 30, then its expansion in 1/n."""
    if freedom <= len(_T975):
        return _T975[freedom - 1]
    z, n = Z95, freedom  # Abramowitz and Stegun 26.7.5, right to 5 decimals from 30 on
    return (z + (z**3 + z) / (4 * n) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
            + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3))
