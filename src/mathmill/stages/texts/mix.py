"""How many texts of each source are taken, which, and in which order they stand.

Why: a mixture is a number in a paper's table; it must be met to the row or refused, and be the
same whatever order the files came in.

Used as: `taken = portions([4_000, 90], [3.0, 1.0], count=None)` -> `[270, 90]`;
`chosen(digests, able, n, seed)` -> mask; `spread([rows_a, rows_b], [270, 90])`.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mathmill.errors import StepFailed, UsageError
from mathmill.identity import draw
from mathmill.stages.budget import shares
from mathmill.texts import Text

Mask = NDArray[np.bool_]


def weights_of(names: Sequence[str], weights: Sequence[float | None]) -> list[float] | None:
    """Return the weights, or None where none is given; raises UsageError for a bad one."""
    given = [weight for weight in weights if weight is not None]
    if not given:
        return None
    if len(given) < len(weights):
        bare = names[list(weights).index(None)]
        raise UsageError(f"{bare} has no weight, and others have; give each source one, or none")
    for name, weight in zip(names, given, strict=True):
        if not 0 < weight < math.inf:
            raise UsageError(f"{name} has weight {weight}; give a number above 0")
    return given


def portions(names: Sequence[str], left: Sequence[int], weights: Sequence[float] | None,
             count: int | None) -> list[int]:
    """Return how many texts each source gives, of the `left` that it has.

    With weights and no count: as many as the weights allow. With neither: all. With a count
    and no weights, each by its size. Raises StepFailed where there are too few, with the most
    that could be asked for.
    """
    if count is not None and count > sum(left):
        raise StepFailed(f"{count} texts were asked for, and {sum(left)} are left ("
                         + ", ".join(f"{name}: {n}" for name, n in zip(names, left, strict=True))
                         + "); ask for fewer, or give more sources")
    if weights is None:
        return list(left) if count is None else _split(count, [float(n) for n in left])
    most = _most(left, weights)
    wanted = _split(most if count is None else count, weights)
    for name, n, have, weight in zip(names, wanted, left, weights, strict=True):
        if n > have:
            raise StepFailed(f"{name} has {have} texts, and {n} of {count} are asked of it by its "
                             f"weight {weight:g} of {sum(weights):g}; ask for {most} or fewer in "
                             "all, give it less weight, or leave out count")
    if not all(wanted):
        raise StepFailed(f"the weights {', '.join(f'{weight:g}' for weight in weights)} leave "
                         f"{names[wanted.index(0)]} without a text; ask for more texts, or give "
                         "it more weight")
    return wanted


def _split(total: int, weights: Sequence[float]) -> list[int]:
    found = shares(total, {str(place): weight for place, weight in enumerate(weights)})
    return list(found.values())


def _most(left: Sequence[int], weights: Sequence[float]) -> int:
    """Return the most texts of which every source has its share."""
    most = math.floor(min(n / weight for n, weight in zip(left, weights, strict=True))
                      * sum(weights) + 1e-9)
    while any(n > have for n, have in zip(_split(most, weights), left, strict=True)):
        most -= 1
    return most


def chosen(digests: NDArray[np.uint64], able: Mask, count: int, seed: int) -> Mask:
    """Return which `count` of the rows that are `able` stay: those of the lowest numbers.

    The numbers are drawn from what the texts say (`digests`, shape (rows, 2)) and the seed, so
    the choice does not hang on the order of the rows.
    """
    places = np.flatnonzero(able)
    assert count <= len(places), "portions asks for no more than there are"
    if count == len(places):
        return able.copy()
    odd = np.uint64(draw("texts", seed).getrandbits(64) | 1)
    lanes = digests[places]
    numbers = (lanes[:, 0] ^ (lanes[:, 1] * odd)) * odd
    numbers ^= numbers >> np.uint64(29)  # the low bits of a product know little of the high ones
    numbers *= np.uint64(0xBF58476D1CE4E5B9)
    stays = np.zeros(len(able), np.bool_)
    if count:
        stays[places[np.argpartition(numbers, count - 1)[:count]]] = True
    return stays


def spread(sources: Sequence[Iterable[Text]], sizes: Sequence[int]) -> Iterator[Text]:
    """Yield the rows of all sources, each source's in its order and evenly over the whole."""

    def placed(number: int, rows: Iterable[Text], size: int) -> Iterator[tuple[float, int, Text]]:
        for place, row in enumerate(rows):
            yield (place + 0.5) / size, number, row

    lines = [placed(number, rows, size)
             for number, (rows, size) in enumerate(zip(sources, sizes, strict=True))]
    for _, _, row in heapq.merge(*lines, key=lambda line: line[:2]):
        yield row
