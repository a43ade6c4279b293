"""k-center greedy (Sener & Savarese 2017): always add the point farthest from those chosen.

Why: it halves at worst the best possible covering radius, and it is what "core-set" means in
Skywork-Math. The plain loop makes one pass over all points a choice. Here the same choices,
in the same order, are made in batches. A distance to the chosen only shrinks, so a stale one
is an upper bound: the loop runs inside the `BATCH` farthest points, with distances among
them, until the best of these is no better than the first point outside; then one matrix
product tells all points of the whole batch. Points nearer than a moving limit are not even
told (`lazy`) until the radius has come down to it.

Ties go to the lower row; with points on a grid (`embed`) distances are exact, so the
choices are those of the plain loop, on any machine.

Used as: `chosen, radius = k_center(points, k, first=0)`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathmill.stages.select.embed import Points, squared

BATCH = 1024  # candidates a round: their table of distances is 4 MB
SHRINK = 0.95  # of the distance: how far the limit comes down at a time
_ROWS = 8192  # points told of new centres at a time


@dataclass
class _Field:
    """All points with what is known of their distance to the chosen ones."""

    points: Points
    near: NDArray[np.float32]
    "Squared distance to the nearest of the chosen that this point has been told of."
    told: NDArray[np.int64]
    "How many of the chosen each point has been told of."
    limit: float = -1.0
    "Points at or below it (squared) may be behind; those above are up to date."
    chosen: list[int] = field(default_factory=list)

    def tell(self, rows: NDArray[np.int64]) -> None:
        """Bring rows up to date with all that were chosen."""
        rows = rows[np.argsort(self.told[rows], kind="stable")]
        for start in range(0, len(rows), _ROWS):
            block = rows[start:start + _ROWS]
            since = int(self.told[block[0]])
            for at in range(since, len(self.chosen), BATCH):
                centres = self.points[self.chosen[at:at + BATCH]]
                found = squared(self.points[block], centres).min(axis=1)
                self.near[block] = np.minimum(self.near[block], found)
            self.told[block] = len(self.chosen)

    def lower(self) -> None:
        """Move the limit down and bring the points above it up to date."""
        top = float(self.near.max())
        self.limit = top * SHRINK ** 2 if top > 0 else -1.0
        self.tell(np.flatnonzero((self.near > self.limit) & (self.told < len(self.chosen))))

    def candidates(self) -> tuple[NDArray[np.int64], tuple[float, int]]:
        """Return the farthest rows above the limit, and the first one left outside.

        What is outside is said as (distance, row): a point inside comes before it if its
        distance is greater, or equal with a lower row.
        """
        rows = np.flatnonzero(self.near > self.limit)
        outside = (self.limit, -1)
        if len(rows) > BATCH:
            near = self.near[rows]
            edge = np.partition(near, len(rows) - BATCH)[len(rows) - BATCH]
            above, ties = rows[near > edge], rows[near == edge]
            inside = np.sort(np.concatenate([above, ties[:BATCH - len(above)]]))
            rest = ties[BATCH - len(above):]
            if len(rest):
                outside = (float(edge), int(rest[0]))
            else:
                outside = max(outside, (float(near[near < edge].max()), -1))
            rows = inside
        return rows, outside

    def round(self, most: int) -> None:
        """Choose up to `most` points that are surely next; tell the points above the limit."""
        rows, outside = self.candidates()
        if not len(rows):
            return
        near, table = self.near[rows], squared(self.points[rows], self.points[rows])
        before = len(self.chosen)
        while len(self.chosen) - before < most:
            best = int(near.argmax())  # the first of equals: the lowest row
            value, row = float(near[best]), int(rows[best])
            if value < outside[0] or (value == outside[0] and row > outside[1]):
                break
            self.chosen.append(row)
            near = np.minimum(near, table[best])
            near[best] = -1.0  # never twice, not even among points that are all the same
            self.near[row] = -1.0
        self.tell(np.flatnonzero((self.near > self.limit) & (self.near >= 0)))


def k_center(points: Points, k: int, first: int = 0,
             centres: Points | None = None) -> tuple[list[int], float]:
    """Return k rows in the order of choice and the covering radius (squared, grid units).

    `centres`: points that count as chosen already; without them `first` is the first choice.
    The radius is the greatest distance of any point to the nearest chosen or given one.
    """
    n = len(points)
    assert 1 <= k <= n, f"cannot choose {k} of {n}"
    near = np.full(n, np.inf, np.float32)
    state = _Field(points, near, np.zeros(n, np.int64))
    if centres is not None and len(centres):
        near[:] = nearest(points, centres)
    else:
        state.chosen.append(first)
        near[first] = -1.0
        state.tell(np.flatnonzero(near >= 0))
    if k > len(state.chosen):
        state.lower()
    while len(state.chosen) < k:
        before = len(state.chosen)
        state.round(k - before)
        if len(state.chosen) == before:
            state.lower()
    while state.limit >= 0 and float(near.max()) <= state.limit:
        state.lower()  # the radius may be that of a point which is behind
    return state.chosen, max(0.0, float(near.max()))


def nearest(points: Points, centres: Points) -> Any:
    """Return each point's squared distance to the nearest centre, shape (points,)."""
    near = np.full(len(points), np.inf, np.float32)
    for start in range(0, len(points), _ROWS):
        block = slice(start, start + _ROWS)
        for at in range(0, len(centres), BATCH):
            found = squared(points[block], centres[at:at + BATCH]).min(axis=1)
            near[block] = np.minimum(near[block], found)
    return near
