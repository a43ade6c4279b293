"""Neighbours: the item that is nearest to each row in the space of an encoder.

Why: with blocks of rows against blocks of items every pair is met by a product of matrices, in
memory that depends on neither: 2.5 million rows times 10,000 items are 1.3e13 operations, three
minutes of a core. No approximate index is needed at this size, and none can miss.

Used as: `near = Neighbours(open_encoder("svd")); near.add(items); near.close()`;
`place, score = near.nearest(rows, least=0.66)`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mathmill.stages.decontaminate.encoders import Encoder
from mathmill.stages.decontaminate.features import Floats
from mathmill.stages.decontaminate.reading import Ints

ROWS, ITEMS = 1_000, 8_192  # of a block: 32 MB of products
GRAIN = 1e-4  # scores are told apart no finer: sums differ in their last digits by machine


class Neighbours:
    """The points of all items."""

    def __init__(self, encoder: Encoder) -> None:
        """Hold no item yet."""
        self._encoder = encoder
        self._items: list[str] = []
        self._points: Floats = np.zeros((0, 0), np.float32)

    def add(self, questions: Sequence[str]) -> None:
        """Take items, in the order of their places."""
        self._items += questions

    def close(self) -> None:
        """Place the items: all are in."""
        if self._items:
            self._encoder.fit(self._items)
            self._points = np.concatenate([
                self._encoder.encode(self._items[start:start + ROWS])
                for start in range(0, len(self._items), ROWS)])
        self._items.clear()

    def nearest(self, rows: Sequence[str], least: float) -> tuple[Ints, Floats]:
        """Return for each row the place of the nearest item and the cosine.

        Place -1 where none reaches `least`; of equal ones the first.
        """
        places, scores = np.full(len(rows), -1), np.zeros(len(rows), np.float32)
        if not len(self._points):
            return places, scores
        for start in range(0, len(rows), ROWS):
            points = self._encoder.encode(rows[start:start + ROWS])
            best, score = np.zeros(len(points), np.int64), np.full(len(points), -1.0)
            for first in range(0, len(self._points), ITEMS):
                products = np.rint(points @ self._points[first:first + ITEMS].T / GRAIN)
                place = products.argmax(axis=1)
                found = products[np.arange(len(points)), place] * GRAIN
                better = found > score
                best[better], score[better] = place[better] + first, found[better]
            reach = score >= least - GRAIN / 2
            places[start:start + len(points)] = np.where(reach, best, -1)
            scores[start:start + len(points)] = np.where(reach, score, 0.0)
        return places, scores
