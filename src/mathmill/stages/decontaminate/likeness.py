"""How alike two questions are: by the words they share, times the numbers and their order.

Why: of 1,319 test questions rephrased by a model 11 share ten words in a row with their source;
nearly all share names, things and every number, in the same order. Neither tells alone: of a
training set's clean questions a tenth shares all its (small) numbers with some test question,
and many speak of the same things. Both together tell (docs/decontaminate.md has the figures).

    words    cosine of the content words, each weighted by its rarity among the items
    numbers  cosine of the multisets of numbers, weighted likewise
    order    cosine of what number stands before what other, next to it or one further
    score    words x (numbers + order) / 2

The items' words lie in an index by word; a tile of rows is added up over the words that it
shares, so that no row meets all items, and numbers are compared only where the words alone reach
the least score: nothing is lost by it. Memory holds the index and one tile.

Used as: `index = Likeness(); index.add(questions); index.close()`;
`place, score = index.nearest(rows, least=0.16)`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mathmill.stages.decontaminate.features import Features, Floats, Kind, keys_of
from mathmill.stages.decontaminate.reading import Ints, Read, Reader

TILE = 256  # rows at a time
CELLS = 4 << 20  # of a tile: rows x items, 32 MB
BLOCK = 1_000  # rows that are read at a time
NO_NUMBERS = 0.3  # what `numbers` and `order` count for where neither question states a number
# Between two languages words are those of the glossary; tuned on MGSM and CMATH, even rows.
EVIDENCE = 10.0  # rarity of shared numbers that counts for half
ACROSS = 0.75  # share of the score that words decide
FULL = 0.125  # their cosine that counts for all of it


class Likeness:
    """All items' words and numbers; finds the item that a row is most like."""

    def __init__(self) -> None:
        """Hold no item yet."""
        self._reader = Reader()
        self._parts: list[Read] = []
        self._count = 0

    def add(self, questions: Sequence[str]) -> None:
        """Take items, in the order of their places."""
        for start in range(0, len(questions), BLOCK):
            part = questions[start:start + BLOCK]
            self._parts.append(_moved(self._reader.read(part), self._count))
            self._count += len(part)

    def close(self) -> None:
        """Build the index: all items are in."""
        self._reader.close()
        whole = _joined(self._parts)
        self._parts.clear()
        self._words, self._numbers, self._order = (
            Kind(*features, self._count) for features in keys_of(whole))
        self._chinese = whole.chinese
        self._stated = np.bincount(whole.number_rows, minlength=self._count)

    def nearest(self, rows: Sequence[str], least: float,
                across: float | None = None) -> tuple[Ints, Floats]:
        """Return for each row the place of the item that it is most like, and the score.

        Place -1 where none reaches `least`; `across`: the least between two languages (None:
        such pairs are passed over). Of equal scores the first item.
        """
        places, scores = np.full(len(rows), -1), np.zeros(len(rows), np.float32)
        if not self._count:
            return places, scores
        for start in range(0, len(rows), BLOCK):
            part = rows[start:start + BLOCK]
            places[start:start + len(part)], scores[start:start + len(part)] = self._block(
                self._reader.read(part), least, across)
        return places, scores

    def _block(self, read: Read, least: float, across: float | None) -> tuple[Ints, Floats]:
        count = len(read.chinese)
        kinds = [kind.of(*features, count) for kind, features in zip(
            (self._words, self._numbers, self._order), keys_of(read), strict=True)]
        stated = np.bincount(read.number_rows, minlength=count)
        places, scores = np.full(count, -1), np.zeros(count, np.float32)
        step = max(1, min(TILE, CELLS // self._count))
        for start in range(0, count, step):
            size = min(step, count - start)
            rows, items, found = self._scores(kinds, start, size, stated, read.chinese,
                                              (least, across))
            order = np.lexsort((-items, found, rows))  # the best of each row comes last
            last = order[np.flatnonzero(np.diff(rows[order], append=-1))]
            places[start + rows[last]], scores[start + rows[last]] = items[last], found[last]
        return places, scores

    def _scores(self, kinds: list[Features], start: int, size: int, stated: Ints,
                chinese: NDArray[np.bool_], least: tuple[float, float | None],
                ) -> tuple[Ints, Ints, Floats]:
        """Return rows of a tile, items and scores of the pairs that reach the least score."""
        words, numbers, order = kinds
        sums = self._words.sums(words, start, size)
        lengths = words.norms[start:start + size].astype(np.float64)
        near = sums >= np.maximum(least[0] * lengths, 1e-9)[:, None]
        foreign = None
        if least[1] is not None and (other := chinese[start:start + size, None]
                                     != self._chinese[None]).any():
            foreign = other
        if foreign is not None:  # words across languages are the few that the glossary has
            near |= foreign & (sums > 0)
        flat = np.flatnonzero(near)
        rows, items = flat // self._count, flat % self._count
        alike = sums.ravel()[flat] / lengths[rows]
        n = self._numbers.cosines(numbers, start, size, rows, items)
        s = self._order.cosines(order, start, size, rows, items)
        few, none = (np.maximum(stated[start + rows], self._stated[items]) < k for k in (2, 1))
        s[few] = n[few]
        told = (n + s) / 2
        told[none] = NO_NUMBERS
        found = alike * told
        reach = np.full(len(rows), least[0])
        if foreign is not None:
            far = foreign.ravel()[flat]
            shared = n[far] * numbers.norms[start + rows[far]] * self._numbers.norms[items[far]]
            found[far] = told[far] * shared / (shared + EVIDENCE) * (
                1 - ACROSS + ACROSS * np.minimum(1.0, alike[far] / FULL))
            reach[far] = least[1]
        elif least[1] is None:
            same = chinese[start + rows] == self._chinese[items]
            found = np.where(same, found, 0.0)
        keep = found >= reach
        return rows[keep], items[keep], found[keep].astype(np.float32)


def _moved(read: Read, by: int) -> Read:
    return Read(read.words, read.word_rows + by, read.numbers, read.number_rows + by,
                read.chinese)


def _joined(parts: Sequence[Read]) -> Read:
    none, no = np.zeros(0, np.int64), np.zeros(0, np.bool_)
    return Read(np.concatenate([none, *(part.words for part in parts)]),
                np.concatenate([none, *(part.word_rows for part in parts)]),
                np.concatenate([none, *(part.numbers for part in parts)]),
                np.concatenate([none, *(part.number_rows for part in parts)]),
                np.concatenate([no, *(part.chinese for part in parts)]))
