"""Features of questions, each weighted by its rarity among the items: words, numbers, order.

Why: two finders look at the same features, one at all pairs that share some (`likeness`), one
through a space of few dimensions (`encoders`). Items' features lie in sorted arrays and are
looked up many at a time; a feature that no item has still counts in a row's length.

Used as: `kind = Kind(rows, keys, items)`, `here = kind.of(rows, keys, count)`, with
`rows, keys` of `keys_of(read)`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mathmill.stages.decontaminate.reading import Ints, Read

Floats = NDArray[np.float32]
OTHERS = 1_000  # questions that count as seen without any of these: few items tell no rarity


@dataclass(frozen=True, slots=True)
class Features:
    """Features of one kind of some texts, each once a text."""

    rows: Ints
    "Which text."
    places: Ints
    "Which feature of the items; -1 for a stranger."
    squares: Floats
    "Square of its rarity."
    norms: Floats
    "Length of each text, over all its features."


class Kind:
    """One kind of features (words, numbers, order) of the items, and how rare each is."""

    def __init__(self, rows: Ints, keys: NDArray[np.uint64], items: int) -> None:
        """Take the features of all items: `rows` says whose each key is."""
        rows, keys = once(rows, keys)
        self.keys, inverse = np.unique(keys, return_inverse=True)
        self.items = items
        seen = np.bincount(inverse, minlength=len(self.keys))
        self.squares = (np.log((items + OTHERS) / (seen + 0.5)) ** 2).astype(np.float32)
        self.strange = float(np.log((items + OTHERS) / 0.5) ** 2)
        order = np.argsort(inverse, kind="stable")
        self.posted = rows[order]
        self.starts = np.concatenate([[0], np.cumsum(seen)])
        self.norms = self._norms(rows, self.squares[inverse], items)
        # What a posted feature adds to the cosine with its item, but for the row's length.
        self.weights = np.repeat(self.squares, seen) / self.norms[self.posted]
        by_item = np.argsort(rows, kind="stable")
        self.of_item = inverse[by_item]
        self.item_starts = np.searchsorted(rows[by_item], np.arange(items + 1))

    def of(self, rows: Ints, keys: NDArray[np.uint64], count: int) -> Features:
        """Return the features of some other texts."""
        rows, keys = once(rows, keys)
        if not len(self.keys):
            places = np.full(len(keys), -1)
        else:
            near = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            places = np.where(self.keys[near] == keys, near, -1)
        squares = np.where(places >= 0, self.squares[places] if len(self.keys) else 0.0,
                           self.strange).astype(np.float32)
        return Features(rows, places, squares, self._norms(rows, squares, count))

    @staticmethod
    def _norms(rows: Ints, squares: Floats, count: int) -> Floats:
        return np.sqrt(np.bincount(rows, squares, count)).astype(np.float32)

    def sums(self, here: Features, start: int, count: int) -> NDArray[np.float64]:
        """Return each row's cosine with each item times its own length: (count, items)."""
        low, high = np.searchsorted(here.rows, [start, start + count])
        known = np.flatnonzero(here.places[low:high] >= 0) + low
        places, rows = here.places[known], here.rows[known] - start
        flat, lengths = spread(self.starts, places)
        cells = np.repeat(rows * self.items, lengths) + self.posted[flat]
        found: NDArray[np.float64] = np.bincount(
            cells, self.weights[flat], count * self.items).astype(np.float64, copy=False)
        return found.reshape(count, self.items)

    def cosines(self, here: Features, start: int, count: int, rows: Ints,
                items: Ints) -> NDArray[np.float64]:
        """Return the cosine of some pairs of a row of a tile and an item."""
        low, high = np.searchsorted(here.rows, [start, start + count])
        known = np.flatnonzero(here.places[low:high] >= 0) + low
        held = np.zeros((count, max(1, len(self.keys))), np.bool_)
        held[here.rows[known] - start, here.places[known]] = True
        flat, lengths = spread(self.item_starts, items)
        features = self.of_item[flat]
        shared = held[np.repeat(rows, lengths), features] * self.squares[features]
        pairs = np.repeat(np.arange(len(rows)), lengths)
        sums = np.bincount(pairs, shared, len(rows))
        lengths_of = here.norms[start + rows] * self.norms[items]
        found: NDArray[np.float64] = np.zeros(len(rows))
        np.divide(sums, lengths_of, out=found, where=lengths_of > 0)
        return found


def keys_of(read: Read) -> list[tuple[Ints, NDArray[np.uint64]]]:
    """Return rows and keys of the three kinds: words, numbers with their count, order."""
    rows, numbers = read.number_rows, read.numbers
    sort = np.lexsort((np.arange(len(rows)), numbers, rows))
    new = np.ones(len(rows), np.bool_)
    new[1:] = (np.diff(rows[sort]) != 0) | (np.diff(numbers[sort]) != 0)
    first = np.maximum.accumulate(np.where(new, np.arange(len(rows)), 0))
    again = np.empty(len(rows), np.int64)
    again[sort] = np.arange(len(rows)) - first
    pairs = [(rows[gap:][same], (numbers[:-gap][same] << 32) | numbers[gap:][same])
             for gap in (1, 2) for same in [rows[gap:] == rows[:-gap]]]
    return [(read.word_rows, read.words.astype(np.uint64)),
            (rows, ((numbers << 6) | np.minimum(again, 63)).astype(np.uint64)),
            (np.concatenate([p[0] for p in pairs]),
             np.concatenate([p[1] for p in pairs]).astype(np.uint64))]


def once(rows: Ints, keys: NDArray[np.uint64]) -> tuple[Ints, NDArray[np.uint64]]:
    """Return each key of a text once, texts in order."""
    order = np.lexsort((keys, rows))
    rows, keys = rows[order], keys[order]
    new = np.ones(len(rows), np.bool_)
    new[1:] = (rows[1:] != rows[:-1]) | (keys[1:] != keys[:-1])
    return rows[new], keys[new]


def spread(starts: Ints, places: Ints) -> tuple[Ints, Ints]:
    """Return the indices of the runs that begin at `starts[places]`, and each run's length."""
    low = starts[places]
    lengths = starts[places + 1] - low
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(low - ends + lengths, lengths), lengths
