"""A share of the points, with what is known of how far each is from the chosen ones.

Why: a distance to the chosen only shrinks, so one that is behind is an upper bound, and most
points need never know more than that: those at or below a limit are not told of new centres.
When the radius has come down to the limit, it is lowered, and what rises above it catches up:
first with the centres of its own cell (the nearest of the first `CELLS` centres), one of which
often covers it, so that it may stay behind; then in their order, until one does. Products of
blocks of points with up to `MEET` centres do all the work.

A part is asked in steps and answers with its farthest rows, so that it may live in another
process or on another machine; `greedy` asks.

Used as: `part = Part(points, 0, len(points)); reply = part.step(rows, centres, limit)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathmill.stages.select.coreset.points import Floats, Rows, Stored, copies, opened, wide

BATCH = 1024  # candidates a step
MEET = 512  # centres a product: after it, a point that one of them covers is let go
CELLS = 256
FAR_BEHIND = 4 * CELLS  # centres: who has to catch up with more looks into its cell first
CHOSEN, COPY = -1.0, -2.0  # instead of a distance
_ROWS = 2048  # points a product: with its centres 2.5 MB, their products 4 MB
_WIDE = 16 * MEET  # centres as float32 at a time: 8 MB


@dataclass(frozen=True, slots=True)
class Reply:
    """What a part says of its points after a step."""

    rows: Rows
    "The `BATCH` farthest of all points above the limit, by their rows in the whole, ascending."
    near: Floats
    "Their squared distances to the nearest centre."
    points: Stored
    "Their coordinates."
    outside: tuple[float, int]
    "Distance and row of the first that is not among them; row -1 where only a bound is known."
    top: float
    "The greatest bound of all, up to date if it is above the limit; not above 0: all are covered."


class Part:
    """The points of some rows; `greedy` asks for no more than `step` and `rest`."""

    def __init__(self, points: Stored | Path, start: int = 0, stop: int | None = None,
                 before: int = 0) -> None:
        """Take rows `start` to `stop` of points, or of a file of them.

        `before`: rows of the whole that stand before these points, where they are not all.
        """
        whole = opened(points) if isinstance(points, Path) else points
        self.points, self.start = whole[start:stop], start + before
        self._own: Floats = np.zeros(len(self.points), np.float32)
        for at in range(0, len(self.points), _ROWS):
            self._own[at:at + _ROWS] = lengths(wide(self.points[at:at + _ROWS]))
        self._copies = copies(self.points)
        self._begin()

    def _begin(self) -> None:
        """Know nothing of any centre."""
        count = len(self.points)
        self._near: Floats = np.full(count, np.inf, np.float32)
        self._near[self._copies] = COPY
        self._told = np.zeros(count, np.int32)
        self._cell = np.full(count, -1, np.int16)
        self._limit = -0.5
        self._count = 0  # of the centres so far
        self._centres: Floats = np.zeros((BATCH, self.points.shape[1]), np.float32)  # twice each
        self._lengths: Floats = np.zeros(BATCH, np.float32)
        self._homes = np.zeros(0, np.int16)  # the cells of the centres after the first

    def step(self, rows: Rows, centres: Stored, limit: float) -> Reply:
        """Take new centres (rows of the whole, or -1) and a limit; tell those above it."""
        self._add(wide(centres))
        own = rows[(rows >= self.start) & (rows < self.start + len(self._near))]
        self._near[own - self.start] = CHOSEN
        self._limit = limit
        behind = np.flatnonzero((self._near > limit) & (self._told < self._count))
        far = self._count - self._told[behind] > FAR_BEHIND
        if far.any():
            self._look_around(behind[far])
            behind = behind[self._near[behind] > limit]
        self._tell(behind)
        above = np.flatnonzero(self._near > limit)
        inside, outside = farthest(above, self._near[above], limit)
        best = above[inside]
        return Reply(best + self.start, self._near[best], np.asarray(self.points[best]),
                     (outside[0], outside[1] + self.start if outside[1] >= 0 else -1),
                     float(self._near.max(initial=COPY)))

    def rest(self, count: int) -> Rows:
        """Return the first rows that are not chosen, up to `count`."""
        return np.flatnonzero(self._near != CHOSEN)[:count] + self.start

    def anew(self, rows: Rows, centres: Stored, limit: float) -> Reply:
        """Forget all centres and take these: `step` of a part that was just made."""
        self._begin()
        return self.step(rows, centres, limit)

    def _add(self, new: Floats) -> None:
        """Put centres behind those that are there."""
        need = self._count + len(new)
        if need > len(self._centres):
            more = max(need - len(self._centres), len(self._centres) // 2)
            self._centres = np.concatenate(
                [self._centres, np.zeros((more, new.shape[1]), np.float32)])
            self._lengths = np.concatenate([self._lengths, np.zeros(more, np.float32)])
        np.multiply(new, 2.0, out=self._centres[self._count:need])
        self._lengths[self._count:need] = lengths(new)
        self._count = need

    def _tell(self, rows: Rows) -> None:
        """Bring rows up to date, or to where a centre has put them below the limit."""
        rows = rows[np.argsort(self._told[rows], kind="stable")]
        for start in range(0, len(rows), _ROWS):
            block = rows[start:start + _ROWS]
            points, at = wide(self.points[block]), int(self._told[block[0]])
            while at < self._count and len(block):
                end = min(at + MEET, self._count)
                self._meet(block, points, slice(at, end))
                self._told[block], at = np.maximum(self._told[block], end), end
                above = self._near[block] > self._limit
                if at < self._count and above.mean() < 0.9:
                    block, points = block[above], points[above]

    def _meet(self, rows: Rows, points: Floats, which: slice | Rows) -> None:
        """Lower the bounds of rows, whose points these are, by their distances to centres."""
        found = self._own[rows] - self._nearness(points, which).max(axis=1)
        self._near[rows] = np.minimum(self._near[rows], found)

    def _nearness(self, points: NDArray[Any], which: slice | Rows) -> Floats:
        """Return 2xc - cc of points x and centres c: xx less that is the squared distance."""
        found: Floats = points @ self._centres[which].T
        found -= self._lengths[which]
        return found

    def _look_around(self, rows: Rows) -> None:
        """Lower the bounds of rows by the centres of their own cells."""
        unknown = rows[self._cell[rows] < 0]
        for at in range(0, len(unknown), _ROWS):
            block = unknown[at:at + _ROWS]
            self._cell[block] = self._cells(wide(self.points[block]))
        for at in range(len(self._homes) + CELLS, self._count, _ROWS):
            block = np.arange(at, min(at + _ROWS, self._count))
            self._homes = np.concatenate([self._homes, self._cells(0.5 * self._centres[block])])
        order = np.argsort(self._homes, kind="stable")
        starts = np.searchsorted(self._homes[order], np.arange(CELLS + 1))
        rows = rows[np.argsort(self._cell[rows], kind="stable")]
        ends = np.searchsorted(self._cell[rows], np.arange(CELLS + 1))
        for cell in np.flatnonzero((np.diff(ends) > 0) & (np.diff(starts) > 0)):
            centres = order[starts[cell]:starts[cell + 1]] + CELLS
            for at in range(ends[cell], ends[cell + 1], _ROWS):
                block = rows[at:min(at + _ROWS, ends[cell + 1])]
                points = wide(self.points[block])
                for first in range(0, len(centres), MEET):
                    self._meet(block, points, centres[first:first + MEET])

    def _cells(self, points: NDArray[Any]) -> NDArray[np.int16]:
        """Return which of the first centres is nearest to each point."""
        found: NDArray[np.int16] = self._nearness(points, slice(0, CELLS)).argmax(axis=1).astype(
            np.int16)
        return found


def farthest(rows: Rows, near: Floats, limit: float) -> tuple[Rows, tuple[float, int]]:
    """Return the places of the `BATCH` farthest, ascending, and the first one left outside.

    `rows` ascend; of equal distances the lower row is farther. What is outside is said as
    (distance, row): `rows` are all above the limit, so at least (limit, -1).
    """
    if len(rows) <= BATCH:
        return np.arange(len(rows)), (limit, -1)
    edge = np.partition(near, len(near) - BATCH)[len(near) - BATCH]
    above, ties = np.flatnonzero(near > edge), np.flatnonzero(near == edge)
    inside = np.sort(np.concatenate([above, ties[:BATCH - len(above)]]))
    rest = ties[BATCH - len(above):]
    if len(rest):
        return inside, (float(edge), int(rows[rest[0]]))
    return inside, (float(near[near < edge].max()), -1)


def lengths(points: Floats) -> Floats:
    """Return the squared length of each point."""
    found: Floats = np.einsum("ij,ij->i", points, points)
    return found


def nearest(points: Stored, centres: Stored) -> Floats:
    """Return each point's squared distance to the nearest centre, shape (points,)."""
    near: Floats = np.full(len(points), np.inf, np.float32)
    for first in range(0, len(centres), _WIDE):
        held = centres[first:first + _WIDE]
        both = [(2 * wide(held[at:at + MEET]), lengths(wide(held[at:at + MEET])))
                for at in range(0, len(held), MEET)]
        for start in range(0, len(points), _ROWS):
            block = wide(points[start:start + _ROWS])
            own, here = lengths(block), near[start:start + _ROWS]
            for twice, theirs in both:
                np.minimum(here, own - (block @ twice.T - theirs).max(axis=1), out=here)
    return near
