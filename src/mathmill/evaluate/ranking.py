"""How well scores rank right answers above wrong ones: within a problem, and over all of them.

Why: a verifier that has only learned how hard a problem is ranks the pooled answers well and
chooses no better than chance, for a choice is among the answers to one problem. So the share
of (right, wrong) pairs within a problem is the measure that counts, and the pooled one stands
beside it to show the difference.

Used as: `pair_accuracy([0.9, 0.2], [True, False])` -> `1.0`; `pooled_auc(...)` -> `Interval`.
"""

from __future__ import annotations

from collections.abc import Sequence

from mathmill.evaluate.stats import Interval
from mathmill.identity import draw

DRAWS = 1_000  # resamples of the problems: an end of the interval is good to about a point of p


def pair_accuracy(scores: Sequence[float], right: Sequence[bool]) -> float | None:
    """Return the share of (right, wrong) pairs whose right one has the higher score.

    Equal scores count half. None where there is no such pair.
    """
    assert len(scores) == len(right)
    good = [s for s, ok in zip(scores, right, strict=True) if ok]
    bad = [s for s, ok in zip(scores, right, strict=True) if not ok]
    if not good or not bad:
        return None
    won = sum((a > b) + 0.5 * (a == b) for a in good for b in bad)
    return won / (len(good) * len(bad))


def pooled_auc(scores: Sequence[float], right: Sequence[bool], problems: Sequence[int],
               seed: int = 0) -> Interval | None:
    """Return the area under the ROC curve of all answers together, whatever their problem.

    `problems`: the number of each answer's problem, 0 on; the 95 % interval is a bootstrap over
    problems. None where all answers are right, or none is.
    """
    import numpy as np

    truth = np.asarray(right, dtype=bool)
    if truth.all() or not truth.any():
        return None
    levels, place = np.unique(np.asarray(scores, dtype=float), return_inverse=True)
    owner, size = np.asarray(problems), len(levels)

    def area(weight: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
        good = np.bincount(place, weight * truth, size)
        bad = np.bincount(place, weight * ~truth, size)
        pairs = good.sum() * bad.sum()
        return float(good @ (np.cumsum(bad) - 0.5 * bad) / pairs) if pairs else 0.5

    count = int(owner.max()) + 1
    random = np.random.default_rng(draw("auc", seed, count).getrandbits(64))
    drawn = random.multinomial(count, np.full(count, 1 / count), size=DRAWS).astype(float)
    low, high = np.quantile([area(weights[owner]) for weights in drawn], [0.025, 0.975])
    return Interval(area(np.ones(len(truth))), float(low), float(high))
