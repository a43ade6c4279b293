"""Clusters of near duplicates: rows that share a band are compared, and joined where alike.

Why: a band in common is a hint; whether two rows say nearly the same is told by the Jaccard of
their shingles. Only rows that share a band with another are read again, and their shingles lie
in a file beside the work, so that memory stays flat where every row is a copy of one.

Nothing grows with the square of the rows. Rows with the same words are one row from the start.
In a band up to `CROWD` rows of one key are compared each with each; of more, one is compared
with all, those that are like it leave, and so on `CROWD` times. Rows that are joined already
are not compared again.

Used as: `found = clustered(sketches, read, folder)`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from mathmill.stages.select.duplicates import repeated
from mathmill.stages.select.minhash import Near, Numbers
from mathmill.stages.tokens import Array, shingles, signed_words, tiles

if TYPE_CHECKING:
    import pyarrow as pa

Places = NDArray[np.int64]
Mask = NDArray[np.bool_]
Read = Callable[[], "Iterator[pa.Array]"]
"The texts of all rows again, in their order, in pieces of any length."
CROWD = 16  # rows of one key that are compared each with each
TOGETHER = 1 << 16  # shingles compared at a time: they stay in the second cache
_HIGH, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Clusters:
    """Which rows say nearly the same."""

    firsts: Places
    "For each row the place of the first row of its cluster; its own where it is alone."
    identical: int
    "Rows that have the words of an earlier row, in its order."
    compared: int
    "Pairs whose Jaccard was taken."
    alike: int
    "Those of them at the threshold or above."
    uncompared: int
    "Rows left in crowds when `CROWD` rounds were over: what they may miss."


class Keys(Protocol):
    """What is known of rows: `minhash.Sketches`, or the like of it in files."""

    @property
    def near(self) -> Near:
        """What near means."""
        ...

    def wholes(self) -> Array:
        """Return 64 bits a row over its words; 0 for a row without words."""
        ...

    def keys(self, band: int) -> Numbers:
        """Return each row's key in a band."""
        ...


def clustered(sketches: Keys, read: Read, folder: Path) -> Clusters:
    """Return the clusters of rows; a row without words stays alone.

    `read` is called once, where some rows share a band. `folder`: where a scratch file may lie.
    """
    wholes = sketches.wholes()
    again, first = repeated(np.broadcast_to(wholes[:, None], (len(wholes), 2)))
    firsts = np.arange(len(wholes))
    firsts[again] = first
    alone = wholes != 0
    alone[again] = False
    del wholes  # what is not needed beside a band is 8 bytes a row
    heads = np.flatnonzero(alone)
    bands = range(sketches.near.bands)
    shares = np.zeros(len(firsts), np.bool_)
    for band in bands:
        shares[_crowds(sketches.keys(band), heads)[0]] = True
    places = np.flatnonzero(shares)
    with tempfile.TemporaryFile(dir=folder) as file:
        work = _Joining(sketches.near, *_shingles(read, shares, sketches.near.words, file))
        number = np.cumsum(shares) - 1  # of a row among those that share a band
        for band in bands if len(places) else ():
            members, keys = _crowds(sketches.keys(band), places)
            work.settle(number[members], keys)
    firsts[places] = places[work.first]
    firsts[again] = firsts[first]
    return Clusters(firsts, len(again), work.compared, work.alike, work.uncompared)


def _crowds(keys: Numbers, heads: Places) -> tuple[Places, Numbers]:
    """Return the rows that share a key of a band, by key and then in their order, and the keys."""
    packed = keys[heads].astype(np.uint64)
    packed <<= _HIGH
    packed |= np.arange(len(heads), dtype=np.uint64)
    packed.sort()
    key = (packed >> _HIGH).astype(np.uint32)
    same = key[1:] == key[:-1]
    shared = np.zeros(len(key), np.bool_)
    shared[1:] = same
    shared[:-1] |= same
    return heads[(packed[shared] & _LOW).astype(np.int64)], key[shared]


def _shingles(read: Read, shares: Mask, words: int, file: IO[bytes]) -> tuple[Numbers, Places]:
    """Write the shingles of some rows to a file; return them, each row's sorted, and bounds."""
    import pyarrow as pa

    sizes, start = [np.zeros(1, np.int64)], 0
    for texts in read() if shares.any() else ():
        here = shares[start:start + len(texts)]
        start += len(texts)
        for _, tile in tiles(texts.filter(pa.array(here))):
            found = shingles(signed_words(tile), words)
            row = np.repeat(np.arange(len(tile), dtype=np.uint64), np.diff(found.bounds))
            own = np.sort(row << _HIGH | found.hashes >> _HIGH)
            own = own[np.append(True, own[1:] != own[:-1])[:len(own)]]
            sizes.append(np.bincount((own >> _HIGH).astype(np.int64), minlength=len(tile)))
            file.write((own & _LOW).astype(np.uint32).tobytes())
    bounds = np.cumsum(np.concatenate(sizes))
    file.flush()
    numbers = np.memmap(file, np.uint32, "r") if bounds[-1] else np.zeros(0, np.uint32)
    return numbers, bounds


@dataclass
class _Joining:
    """Rows, by their numbers among those that share a band, on the way to clusters."""

    near: Near
    numbers: Numbers
    "Shingles of all rows, one row after another."
    bounds: Places
    first: Places = field(init=False)
    "For each row the first of its cluster so far."
    compared: int = 0
    alike: int = 0
    uncompared: int = 0

    def __post_init__(self) -> None:
        self.first = np.arange(len(self.bounds) - 1)

    def settle(self, members: Places, keys: Numbers) -> None:
        """Compare rows of equal key, which stand together, and join those that are alike."""
        size = _lengths(keys)
        crowded = np.repeat(size > CROWD, size)
        for _ in range(CROWD):
            if not len(members):
                return
            size = _lengths(keys)
            at = np.cumsum(size) - size
            leader = np.repeat(members[at], size)
            rest = np.ones(len(members), np.bool_)
            rest[at] = False
            apart = rest & (self.first[leader] != self.first[members])
            one, other = leader[apart], members[apart]
            alike = self._alike(one, other)
            self._join(one[alike], other[alike])
            rest &= ~crowded | (self.first[leader] != self.first[members])
            rest &= np.repeat(np.add.reduceat(rest, at, dtype=np.int64) > 1, size)
            members, keys, crowded = members[rest], keys[rest], crowded[rest]
        self.uncompared += len(members)

    def _alike(self, one: Places, other: Places) -> Mask:
        """Tell for pairs of rows whether their Jaccard is at the threshold or above."""
        sizes = np.diff(self.bounds)
        few, many = np.minimum(sizes[one], sizes[other]), np.maximum(sizes[one], sizes[other])
        found = few >= self.near.threshold * many  # a smaller set is no greater share
        open_ = np.flatnonzero(found)
        self.compared += len(open_)
        ends = np.cumsum(few[open_] + many[open_])
        start = 0
        while start < len(open_):
            before = ends[start - 1] if start else 0
            end = max(start + 1, int(np.searchsorted(ends, before + TOGETHER, side="right")))
            part = open_[start:end]
            common = self._common(one[part], other[part])
            union = few[part] + many[part] - common
            found[part] = common >= self.near.threshold * union
            start = end
        self.alike += int(found.sum())
        return found

    def _common(self, one: Places, other: Places) -> Places:
        """Return how many shingles the rows of each pair share."""
        rows = np.concatenate([one, other])
        sizes = self.bounds[rows + 1] - self.bounds[rows]
        ends = np.cumsum(sizes)
        at = np.arange(int(ends[-1])) + np.repeat(self.bounds[rows] - (ends - sizes), sizes)
        pair = np.repeat(np.tile(np.arange(len(one), dtype=np.uint64), 2), sizes)
        both = pair << _HIGH | self.numbers[at]
        both.sort(kind="stable")  # two runs that are sorted: a merge, five times as fast
        twice = both[1:][both[1:] == both[:-1]]
        return np.bincount((twice >> _HIGH).astype(np.int64), minlength=len(one))

    def _join(self, one: Places, other: Places) -> None:
        """Make one cluster of the clusters of each pair; the lowest row is its first."""
        first = self.first
        while True:
            low, high = np.sort([first[one], first[other]], axis=0)
            apart = low != high
            if not apart.any():
                return
            one, other = one[apart], other[apart]
            np.minimum.at(first, high[apart], low[apart])
            while (first[first] != first).any():
                first[:] = first[first]


def _lengths(keys: Numbers) -> Places:
    """Return how often each key comes in a row of keys in which equal ones stand together."""
    edges = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return np.diff(np.append(edges, len(keys)))
