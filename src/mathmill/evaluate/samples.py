"""Several samples an item: pass@k, vote@k and best-of-k, each with its interval.

Why: pass@k from k samples alone is noisy, and the usual 1 - (1 - c/n)^k is biased; a vote
over strings splits spellings; a figure without an interval over problems invites reading
noise. Everything here is the expectation over all draws of k of an item's n samples
without replacement, exact wherever that can be computed, and says so where it was drawn.

Used as: `items = [sampled(id, answers, gold)]; at_k(items, "vote", k=8)` -> `Estimate`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations
from typing import Any

from mathmill.errors import UsageError
from mathmill.evaluate.stats import Interval, paired_bootstrap, wilson
from mathmill.grading.equal import equal
from mathmill.grading.policy import Policy, named
from mathmill.grading.voting import vote
from mathmill.identity import draw
from mathmill.types import CORRECT

ENUMERATED = 20_000  # subsets of an item that are gone through one by one; more are drawn
DRAWS = 4_000  # draws an item where they are drawn: a standard error of at most 0.008
COUNTED = 1_000  # samples up to which the votes of all subsets are counted in floating point


@dataclass(frozen=True, slots=True)
class Sampled:
    """One item with the graded answers of all its samples."""

    item: str
    "Id of the item; where items share it (variants of one), they are resampled together."
    correct: tuple[bool, ...]
    "Whether each sample is right; what is undecided is not shown right."
    groups: tuple[int, ...]
    "Number of the group of equal answers that each sample is in; -1 for no answer."
    scores: tuple[float, ...] | None = None
    "What a verifier says of each sample; higher is better."


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measure over items with its 95 % interval."""

    measure: str
    "`pass`, `vote`, `weighted vote` or `best`."
    k: int
    "Samples that each problem is allowed."
    value: float
    "Mean over problems, 0 to 1."
    low: float
    "Lower end of the interval over problems."
    high: float
    "Upper end."
    problems: int
    "Problems (clusters of items), n of the interval."
    samples: int
    "Samples in all."
    drawn: int
    "Items whose value was drawn (4,000 subsets each) and not computed exactly."


def sampled(item: str, answers: Sequence[str | None], gold: str,
            policy: str | Policy = "tolerant", scores: Sequence[float] | None = None) -> Sampled:
    """Grade the answers to one item against its gold answer and group them by equality.

    Answers are final answers (as `extract(...).text` gives them), None where there is none;
    `scores` are finite, one an answer. A group is right if one of its spellings is.
    """
    if scores is not None and (len(scores) != len(answers) or not all(map(math.isfinite, scores))):
        raise UsageError(f"{item}: {len(answers)} answers need as many scores, all finite")
    found, groups = named(policy), [-1] * len(answers)
    correct = [False] * len(answers)
    for number, group in enumerate(vote(answers, found).groups):
        right = any(equal(gold, text, found).value == CORRECT for text in group.members)
        for place in group.places:
            groups[place], correct[place] = number, right
    return Sampled(item, tuple(correct), tuple(groups),
                   None if scores is None else tuple(scores))


def at_k(items: Sequence[Sampled], measure: str, k: int, seed: int = 0) -> Estimate:
    """Return `pass`, `vote`, `weighted vote` or `best` at k over items.

    `pass`: some sample of the k is right. `vote`: the largest group of the k is. `weighted
    vote`: the group with the highest sum of scores. `best`: the sample with the highest
    score. Where several lead they share the credit, as if one were drawn among them. The
    interval is a bootstrap over problems, with the seed; where all problems have the same
    value of 0 or 1, which shows it no spread, Wilson's. Raises UsageError for k below 1 or
    above an item's samples, no items, or missing scores.
    """
    if measure not in _MEASURES:
        raise UsageError(f"there is no measure {measure!r}; use one of {', '.join(_MEASURES)}")
    if not items:
        raise UsageError(f"{measure}@{k} of no items is nothing; give items with samples")
    problems: dict[str, list[float]] = {}
    drawn = 0
    for item in items:
        value, exact = expected(item, measure, k, seed)
        problems.setdefault(item.item, []).append(value)
        drawn += not exact
    found = over_problems([math.fsum(values) / len(values) for values in problems.values()], seed)
    return Estimate(measure, k, found.value, found.low, found.high, len(problems),
                    sum(len(item.correct) for item in items), drawn)


def expected(item: Sampled, measure: str, k: int, seed: int = 0) -> tuple[float, bool]:
    """Return what a measure at k comes to on one item, and whether that is exact (not drawn).

    Raises UsageError for k below 1 or above its samples, and for missing scores.
    """
    if not 1 <= k <= len(item.correct):
        raise UsageError(f"{measure}@{k} of {item.item} needs at least {max(k, 1)} samples "
                         f"and a k of at least 1; it has {len(item.correct)}")
    if item.scores is None and measure in ("best", "weighted vote"):
        raise UsageError(f"{measure}@{k} of {item.item} needs a score a sample")
    return _MEASURES[measure](item, k, seed)


def over_problems(means: Sequence[float], seed: int = 0) -> Interval:
    """Return the mean over problems with its 95 % interval: bootstrap, else Wilson's.

    Wilson's where every problem has the same value, 0 or 1: a bootstrap sees no spread there.
    """
    found = paired_bootstrap(means, seed)
    if set(means) in ({0.0}, {1.0}):
        return Interval(found.value, *wilson(round(math.fsum(means)), len(means)))
    return found


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the chance that k of n samples drawn without replacement hold one of c right ones.

    Chen et al. 2021, equation 1: 1 - C(n-c, k) / C(n, k). In integers, divided once: no
    factor is rounded and no difference cancels, for any n.
    """
    assert 0 <= c <= n, f"{c} right ones among {n} samples"
    assert 1 <= k <= n, f"{k} draws from {n} samples"
    return (math.comb(n, k) - math.comb(n - c, k)) / math.comb(n, k)


def _pass(item: Sampled, k: int, seed: int) -> tuple[float, bool]:
    return pass_at_k(len(item.correct), sum(item.correct), k), True


def _best(item: Sampled, k: int, seed: int) -> tuple[float, bool]:
    """Return best-of-k in closed form: the chance that each score is the highest of k drawn."""
    assert item.scores is not None
    n, above, total = len(item.correct), 0, 0.0
    for score in sorted(set(item.scores), reverse=True):
        level = [right for right, s in zip(item.correct, item.scores, strict=True) if s == score]
        # None above is drawn and one of this level is; those drawn share the credit, and by
        # symmetry their expected share of right ones is the level's.
        ways = math.comb(n - above, k) - math.comb(n - above - len(level), k)
        total += ways / math.comb(n, k) * (sum(level) / len(level))
        above += len(level)
    return min(1.0, total), True


def _vote(item: Sampled, k: int, seed: int) -> tuple[float, bool]:
    n = len(item.correct)
    if n <= COUNTED:
        return vote_at_k(*_sizes(item), n, k), True
    return _over_subsets(item, [1.0] * n, k, seed)


def _weighted(item: Sampled, k: int, seed: int) -> tuple[float, bool]:
    assert item.scores is not None
    if min(item.scores) < 0:
        raise UsageError(f"{item.item}: the score {min(item.scores)} cannot weigh a vote; give "
                         "scores of at least 0, such as probabilities")
    return _over_subsets(item, item.scores, k, seed)


_MEASURES: dict[str, Callable[[Sampled, int, int], tuple[float, bool]]] = {
    "pass": _pass, "vote": _vote, "weighted vote": _weighted, "best": _best}


def _sizes(item: Sampled) -> tuple[list[int], list[bool]]:
    """Return the size of each group of equal answers and whether it is right."""
    groups = sorted(set(item.groups) - {-1})
    right = {group for group, ok in zip(item.groups, item.correct, strict=True) if ok}
    return [item.groups.count(group) for group in groups], [group in right for group in groups]


def vote_at_k(sizes: Sequence[int], right: Sequence[bool], n: int, k: int) -> float:
    """Return the chance that the largest group among k of n samples is right, ties shared.

    `sizes` are those of the groups of equal answers; the other samples have no answer, and
    a draw without any answer earns nothing. Counts, for every size t of the largest group,
    the draws in which no group has more than t, by how many have t and how many of these
    are right: sums of positive terms only, so that nothing cancels (within 1e-12).
    """
    import numpy as np

    total, empty = 0.0, n - sum(sizes)
    for t in range(1, min(k, max(sizes, default=0)) + 1):
        most = k // t  # so many groups at most can have t
        truths = min(most, sum(right))
        # ways[d, a, b]: draws of d samples so far with a groups of t, b of them right ones.
        ways = np.zeros((k + 1, most + 1, truths + 1))
        ways[:, 0, 0] = [math.comb(empty, d) for d in range(k + 1)]
        for size, ok in zip(sizes, right, strict=True):
            after = np.zeros_like(ways)
            for d in range(min(t - 1, size) + 1):
                after[d:] += math.comb(size, d) * ways[:k + 1 - d]
            if size >= t:
                step = math.comb(size, t) * ways[:k + 1 - t, :most]
                if ok:
                    after[t:, 1:, 1:] += step[:, :, :truths]
                else:
                    after[t:, 1:, :] += step
            ways = after
        share = np.arange(truths + 1)[None, :] / np.arange(1, most + 1)[:, None]
        total += float((ways[k, 1:] * share).sum() / math.comb(n, k))
    return min(1.0, total)


def _over_subsets(item: Sampled, weights: Sequence[float], k: int,
                  seed: int) -> tuple[float, bool]:
    """Return the mean credit of a weighted vote over all subsets of k, or over drawn ones."""
    n = len(item.correct)
    exact = math.comb(n, k) <= ENUMERATED
    if not any(item.correct):
        return 0.0, exact
    return _credit(item, weights, _all(n, k) if exact else _some(item.item, n, k, seed)), exact


@lru_cache(maxsize=4)
def _all(n: int, k: int) -> Any:
    """Return every subset of k of n samples as a row of ones and zeros."""
    import numpy as np

    number = math.comb(n, k)
    places = np.fromiter(chain.from_iterable(combinations(range(n), k)), int, number * k)
    chosen = np.zeros((number, n))
    np.put_along_axis(chosen, places.reshape(number, k), 1.0, axis=1)
    return chosen


@lru_cache(maxsize=64)
def _some(item: str, n: int, k: int, seed: int) -> Any:
    """Return drawn subsets of an item's samples, the same for whoever weighs them.

    64 of them, 100 MB at 48 samples, are kept for the next verifier of the same item.
    """
    import numpy as np

    random = np.random.default_rng(draw("vote@k", seed, item, n, k).getrandbits(64))
    places = random.random((DRAWS, n)).argpartition(k - 1, axis=1)[:, :k]
    chosen = np.zeros((DRAWS, n))
    np.put_along_axis(chosen, places, 1.0, axis=1)
    return chosen


def _credit(item: Sampled, weights: Sequence[float], chosen: Any) -> float:
    """Return the mean share of right groups among those that lead, over subsets (rows)."""
    import numpy as np

    groups, n = sorted(set(item.groups) - {-1}), len(item.correct)
    members = np.zeros((n, len(groups)))
    for place, group in enumerate(item.groups):
        if group >= 0:
            members[place, groups.index(group)] = 1.0
    right = members[list(item.correct)].any(axis=0)
    there = chosen @ members > 0
    sums = np.where(there, chosen @ (members * np.asarray(weights, float)[:, None]), -np.inf)
    first = sums.max(axis=1, keepdims=True, initial=-np.inf)
    # 0.1 + 0.2 and 0.3 are the same weight.
    lead = there & (sums >= first - 1e-9 * np.abs(first))
    return float(((lead & right).sum(axis=1) / np.maximum(lead.sum(axis=1), 1)).mean())
