"""What rows are worth to target sets: cosines of their features, read once, a slab at a time.

Why: comparing a million rows with a few directions is a thousand times less work than making
their features; what it costs is reading 16 GB. So float16 is widened in the cache, not in
memory, and nothing is held but one number a row and target.

With one reference model (JiuZhang3.0) a row's value is the cosine to the mean feature of all
target rows. LESS adds up several checkpoints by their weights, compares with each target row
apart (the mean of the cosines), and takes the best of the target sets.

Used as: `for worth in valued([features], {"train": [target]}): ...`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mathmill.errors import StepFailed, UsageError
from mathmill.texts import Valued
from mathmill.train.influence.features import Features

MEAN, MAX = "mean", "max"
FEATURES, COSINES = "features", "cosines"
# Numbers widened at a time: 1 MB of float32, which a core's own cache holds, and too little for
# BLAS to wake its threads (from 460,800 on): on a busy machine they wait for each other.
WIDENED = 1 << 18
# float16 as float32: shift sign, exponent and mantissa into their places, and the exponents are
# 112 too low. That is exact, small numbers included, and 3 times as fast as numpy's own cast.
_SHIFT, _KEEP, _LOW = 13, np.int32(0x8FFFE000 - (1 << 32)), np.float32(2.0 ** 112)


def products(rows: NDArray[np.float16], directions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows (n, d) times directions (d, k) in float32, shape (n, k); rows are finite."""
    raised = [np.ascontiguousarray(each) * _LOW for each in directions.T]
    found = np.empty((len(raised), len(rows)), np.float32)
    step = max(1, WIDENED // rows.shape[1])
    wide = np.empty((step, rows.shape[1]), np.int32)
    for start in range(0, len(rows), step):
        part = _widened(rows[start:start + step], wide)
        for toward, own in zip(raised, found, strict=True):
            np.matmul(part, toward, out=own[start:start + step])
    return found.T


def _widened(part: NDArray[np.float16], wide: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return float16 rows as float32, 2 ** -112 of what they are, in the memory of `wide`."""
    own = wide[:len(part)]
    own[:] = part.view(np.int16)
    np.left_shift(own, _SHIFT, out=own)
    np.bitwise_and(own, _KEEP, out=own)
    return own.view(np.float32)


def summed(features: Features, mean: str = FEATURES) -> NDArray[np.float64]:
    """Return the sum (d,) of the rows: as they were (`features`) or at length 1 (`cosines`)."""
    norms = features.norms
    total: NDArray[np.float64] = np.zeros(features.header.space.dimension)
    step = max(1, WIDENED // len(total))
    for start, slab in features.slabs():
        for at in range(0, len(slab), step):
            part = slab[at:at + step].astype(np.float32)
            weights = norms[start + at:start + at + len(part)]
            # In float64 where norms weigh: they may be 1e-25 and 1 side by side.
            total += (part.sum(axis=0, dtype=np.float64) if mean == COSINES
                      else weights.astype(np.float64) @ part)
    return total


def direction(sets: Sequence[Features], mean: str = FEATURES) -> NDArray[np.float32]:
    """Return what unit rows (d,) are multiplied with to give their value to some target sets.

    `features`: the mean feature of all rows of all sets, at length 1, for the cosine to it.
    `cosines`: the mean of the unit rows, as it is: the product is the mean of the cosines to
    them. Raises StepFailed where there is no row, or where they add up to nothing.
    """
    if mean not in (FEATURES, COSINES):
        raise UsageError(f"mean is {mean!r}; it is `{FEATURES}` or `{COSINES}`")
    total: NDArray[np.float64] = np.sum([summed(each, mean) for each in sets], axis=0)
    length = float(np.sqrt(np.square(total / (peak := np.abs(total).max() or 1.0)).sum()) * peak)
    if not length > 0:
        raise StepFailed(f"the gradients of the target rows in {sets[0].folder} add up to nothing; "
                         "there is no direction to compare with")
    rows = sum(map(len, sets))
    made: NDArray[np.float32] = (total / (rows if mean == COSINES else length)).astype(np.float32)
    return made


def worths(candidates: Sequence[Features], directions: Sequence[NDArray[np.float32]],
           weights: Sequence[float]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield (first row, values (n, targets)) slab by slab; NaN for a row without a gradient.

    `candidates`: one matrix a checkpoint, the same rows in the same order; `directions`: (d,
    targets) for each of them; `weights`: what each checkpoint counts.
    """
    norms = [each.norms for each in candidates]
    for parts in zip(*(each.slabs() for each in candidates), strict=True):
        start, rows = parts[0][0], len(parts[0][1])
        worth = sum(np.float32(weight) * products(slab, toward)
                    for (_, slab), toward, weight in zip(parts, directions, weights, strict=True))
        assert not isinstance(worth, int)
        without = np.all([each[start:start + rows] == 0 for each in norms], axis=0)
        worth[without] = np.nan
        yield start, worth


def valued(candidates: Sequence[Features], targets: Mapping[str, Sequence[Features]],
           weights: Sequence[float] = (1.0,), over: str = MEAN, mean: str = FEATURES,
           how: str = "gradient") -> Iterator[Valued]:
    """Yield the candidates' values in their order; a row without any gradient has none.

    `candidates`: one matrix a checkpoint; `targets`: of each set one a checkpoint; `weights`: one
    a checkpoint. `over`: `mean` over the rows of all sets together, or the `max` over the sets,
    and then `target` names the set that gave it. `mean`: see `direction`. Raises UsageError for
    features that may not be compared.
    """
    if over not in (MEAN, MAX):
        raise UsageError(f"over is {over!r}; it is `{MEAN}` or `{MAX}`")
    _comparable(candidates, targets, weights)
    names = list(targets)
    directions = []
    for place in range(len(candidates)):
        sets = [targets[name][place] for name in names]
        ways = [sets] if over == MEAN else [[each] for each in sets]
        directions.append(np.stack([direction(way, mean) for way in ways], axis=1))
    ids, seeds = candidates[0].ids, candidates[0].seeds
    for start, worth in worths(candidates, directions, weights):
        known = np.flatnonzero(~np.isnan(worth).any(axis=1))
        best = worth[known].argmax(axis=1)
        for row, target, value in zip((known + start).tolist(), best.tolist(),
                                      worth[known, best].tolist(), strict=True):
            yield Valued(ids[row].decode(), seeds[row].decode(), value, how,
                         names[target] if over == MAX else "")


def _comparable(candidates: Sequence[Features], targets: Mapping[str, Sequence[Features]],
                weights: Sequence[float]) -> None:
    """Raise UsageError where matrices do not belong together."""
    if not targets:
        raise UsageError("there is no target set to compare with; give at least one")
    for name, sets in targets.items():
        if not len(sets) == len(candidates) == len(weights):
            raise UsageError(f"{len(candidates)} checkpoints of candidates, {len(sets)} of target "
                             f"set {name!r} and {len(weights)} weights do not match")
        for own, other in zip(candidates, sets, strict=True):
            other.check(own.header)
    for other in candidates[1:]:
        if not np.array_equal(candidates[0].ids, other.ids):
            raise UsageError(f"{other.folder} and {candidates[0].folder} hold other rows, or in "
                             "another order; make the features of all checkpoints from one set")


class TopK:
    """The best k of any number of rows: about 4 k of them are held. Of equals, lower ids first."""

    def __init__(self, k: int) -> None:
        """Prepare for `k` rows, at least one."""
        self.k = k
        self._ids: list[NDArray[np.bytes_]] = []
        self._values: list[NDArray[np.float64]] = []
        self._held, self._least = 0, -np.inf

    def take(self, ids: NDArray[np.bytes_], values: NDArray[np.floating]) -> None:
        """Look at rows; those without a value (NaN) are never among the best."""
        fit = np.flatnonzero(values >= self._least)  # equals too: their id may be lower
        if len(fit):
            self._ids.append(np.asarray(ids[fit]))
            self._values.append(values[fit].astype(np.float64))
            self._held += len(fit)
            if self._held > 4 * self.k:
                self._settle()

    def _settle(self) -> None:
        ids, values = np.concatenate(self._ids), np.concatenate(self._values)
        order = np.lexsort((ids, -values))[:self.k]
        self._ids, self._values, self._held = [ids[order]], [values[order]], len(order)
        if len(order) == self.k:
            self._least = float(values[order[-1]])

    def best(self) -> list[tuple[str, float]]:
        """Return ids and values, the best first; fewer than k where fewer came."""
        if not self._held:
            return []
        self._settle()
        return [(each.decode(), value) for each, value in
                zip(self._ids[0].tolist(), self._values[0].tolist(), strict=True)]
