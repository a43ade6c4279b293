"""MinHash sketches of texts: rows that share most of their word 5-grams get an equal key.

Why: near duplicates are pairs, and pairs grow with the square of the rows. A MinHash (Broder
1997) of two texts is equal with a chance of J, their Jaccard: the share of their 5-grams that
both have. 112 of them make 14 bands of 8, so that two rows have a band in common with a chance
of 1 - (1 - J^8)^14: 0.99 at J = 0.85, 0.65 at 0.72, 0.02 at 0.45.

A row leaves 4 bytes a band and 8 for its words as a whole: 64 bytes, however long it is. The
112 smallest numbers of a thousand rows are found together: rows of about one length stand side
by side as columns, so that each step is one multiplication and one minimum over an array that
stays in the second cache.

Used as: `sketches = Sketches(Near())`; `sketches.add(column)`; `sketches.keys(band)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mathmill.errors import UsageError
from mathmill.identity import draw
from mathmill.stages.tokens import Array, Words, shingles, signed_words, tiles, whole_digests

if TYPE_CHECKING:
    import pyarrow as pa

Numbers = NDArray[np.uint32]
CELLS = 1 << 16  # numbers in one array of rows side by side: 256 kB
LOT = 1 << 23  # bytes of text whose rows are sorted by length: of a tile's half would be filling
_GOLDEN, _FINISH = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
_HIGH = np.uint64(32)


@dataclass(frozen=True, slots=True)
class Near:
    """What near means. All of it is part of a step's identity."""

    threshold: float = 0.7
    "Least Jaccard of two rows' shingles, by which a pair that shares a band is judged."
    words: int = 5
    "Words in a shingle."
    bands: int = 14
    "Keys a row; two rows that share one are compared."
    rows: int = 8
    "MinHashes in a key."

    def __post_init__(self) -> None:
        """Raise UsageError for what finds nothing, or everything."""
        if not 0 < self.threshold <= 1:
            raise UsageError(f"threshold={self.threshold}: give a share of common runs of words "
                             "above 0, at most 1")
        if min(self.words, self.bands, self.rows) < 1 or self.bands * self.rows > 1 << 10:
            raise UsageError(f"near={asdict(self)}: give 1 word, band and row or more, and at "
                             "most 1,024 of bands times rows")

    def recall(self, jaccard: float) -> float:
        """Return the chance that two rows of such a Jaccard share a band."""
        return float(1 - (1 - jaccard**self.rows) ** self.bands)


def near_literals(duplicates: Sequence[str], threshold: float | None = None) -> dict[str, Any]:
    """Return the part of a step's identity that the rule `near` decides; nothing without it.

    Raises UsageError for a threshold without the rule, or one that there cannot be.
    """
    if "near" in duplicates:
        return {"near": asdict(Near() if threshold is None else Near(threshold))}
    if threshold is not None:
        raise UsageError(f"threshold={threshold} is that of near duplicates; name near in "
                         "duplicates too")
    return {}


def settings_of(literals: Mapping[str, Any]) -> Near:
    """Return the settings that a step's literals hold, or the defaults; UsageError for others."""
    try:
        return Near(**literals.get("near", {}), **{
            name: value for name, value in literals.items() if name != "near"})
    except TypeError as error:
        raise UsageError(f"select has no switch like that ({error}); near has "
                         f"{', '.join(asdict(Near()))}") from error


@dataclass
class Sketches:
    """The keys of rows, in their order."""

    near: Near
    _keys: list[Numbers] = field(default_factory=list)
    _wholes: list[Array] = field(default_factory=list)

    def add(self, texts: pa.Array) -> None:
        """Take some more rows (null: a row without words)."""
        for _, lot in tiles(texts, LOT):
            parts = []
            for _, tile in tiles(lot):
                words = signed_words(tile)
                self._wholes.append(whole_digests(words))
                parts.append(shingles(words, self.near.words))
            self._keys.append(band_keys(_joined(parts), self.near))

    def __len__(self) -> int:
        return sum(map(len, self._wholes))

    def wholes(self) -> Array:
        """Return 64 bits a row over its words in their order; 0 for a row without words."""
        return np.concatenate([np.zeros(0, np.uint64), *self._wholes])

    def keys(self, band: int) -> Numbers:
        """Return each row's key in a band; of rows without words it says nothing."""
        return np.concatenate([np.zeros(0, np.uint32), *(keys[band] for keys in self._keys)])


def _joined(parts: Sequence[Words]) -> Words:
    """Return the shingles of several lots of texts as one."""
    lots = [np.zeros(1, np.int64)]
    for part in parts:
        lots.append(lots[-1][-1] + part.bounds[1:])
    return Words(np.concatenate([np.zeros(0, np.uint64), *(part.hashes for part in parts)]),
                 np.concatenate(lots))


def band_keys(found: Words, near: Near) -> Numbers:
    """Return the keys of texts, shape (bands, texts), from their shingles."""
    counts = np.diff(found.bounds)
    keys = np.zeros((near.bands, len(counts)), np.uint32)
    numbers = (found.hashes >> _HIGH).astype(np.uint32)
    lanes = _GOLDEN * (2 * np.arange(near.rows, dtype=np.uint64) + np.uint64(1))
    for places in _alike(counts):
        smallest = _smallest(numbers, found.bounds[places], counts[places],
                             near.bands * near.rows)
        rows = smallest.reshape(near.bands, near.rows, len(places)).astype(np.uint64)
        mixed = (rows * lanes[None, :, None]).sum(axis=1)
        mixed = (mixed ^ (mixed >> _HIGH)) * _FINISH
        keys[:, places] = (mixed >> _HIGH).astype(np.uint32)
    return keys


def _alike(counts: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield places of texts with shingles, of about one length, `CELLS` shingles together."""
    order = np.argsort(counts, kind="stable")
    start = int(np.searchsorted(counts[order], 1))
    while start < len(order):
        # As many as fit if each had as many shingles as the last of them.
        ahead = counts[order[start:start + CELLS]]
        fits = np.searchsorted(ahead * np.arange(1, len(ahead) + 1), CELLS, side="right")
        end = start + max(1, int(fits))
        yield order[start:end]
        start = end


def _smallest(numbers: Numbers, starts: NDArray[np.int64], counts: NDArray[np.int64],
              hashes: int) -> Numbers:
    """Return each text's smallest number under each hash, shape (hashes, texts)."""
    deep = np.minimum(np.arange(int(counts.max()))[:, None], counts - 1)  # the last fills up
    columns = numbers[deep + starts]
    scratch = np.empty_like(columns)
    found = np.empty((hashes, len(starts)), np.uint32)
    for multiplier, own in zip(_multipliers(hashes), found, strict=True):
        np.multiply(columns, multiplier, out=scratch)
        np.minimum.reduce(scratch, axis=0, out=own)
    return found


@cache
def _multipliers(hashes: int) -> Numbers:
    """Return odd numbers: multiplying by one orders all 32-bit numbers anew, none twice."""
    drawn = draw("minhash")
    return np.array([drawn.getrandbits(32) | 1 for _ in range(hashes)], np.uint32)
