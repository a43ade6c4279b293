"""The choice of k-center greedy: always the point farthest from those chosen, many at a time.

Why: the plain loop makes one pass over all points a choice. Here the loop runs inside the
`BATCH` farthest points, with the distances among them, until the best is no better than the
first point outside; all of these choices are then told at once, as one product. Choices and
their order are those of the plain loop: ties go to the lower row, and points on a grid
(`points`) have exact distances on any machine.

The points may lie in several parts, each in a process or on a machine of its own. A step asks
all of them at once and merges what they answer; so the choice does not depend on how many there
are. A part that was lost is made anew and told of all centres so far.

Used as: `chosen, radius = k_center(points, k, first=0)`; `parts=` where others hold them.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from mathmill.stages.select.coreset.part import CHOSEN, Part, Reply, farthest
from mathmill.stages.select.coreset.points import Rows, Stored, wide
from mathmill.stages.select.embed import squared

SHRINK = 0.985  # of the distance: how far the limit comes down at a time
_NONE = np.zeros(0, np.int64)


class Parts(Protocol):
    """The parts of all points, in order; `workbench.Actors` is one of these."""

    def ask(self, method: str, *given: Any, only: int | None = None) -> list[Any]:
        """Return what each part, or `only` one, answers; None of one that is now made anew."""
        ...


class Alone:
    """The one part that is here."""

    def __init__(self, part: Part) -> None:
        """Hold a part."""
        self._part = part

    def ask(self, method: str, *given: Any, only: int | None = None) -> list[Any]:
        """Return what the part answers."""
        return [getattr(self._part, method)(*given)]


def shares(rows: int, count: int) -> list[tuple[int, int]]:
    """Return the first and last row (exclusive) of each of `count` parts of nearly equal size."""
    edges = [rows * at // count for at in range(count + 1)]
    return [(start, stop) for start, stop in pairwise(edges) if stop > start]


def k_center(points: Stored, k: int, first: int = 0, centres: Stored | None = None, *,
             parts: Parts | None = None, show: Callable[[int, int | None, str], None] | None = None
             ) -> tuple[list[int], float]:
    """Return k rows in the order of choice and the covering radius (squared, grid units).

    `centres`: points that count as chosen already; without them `first` is the first choice.
    The radius is the greatest distance of any point to the nearest chosen or given one.
    `parts`: who holds the points (`Part`s of `shares`); here where None. `show` hears how many
    are chosen.
    """
    assert 1 <= k <= len(points), f"cannot choose {k} of {len(points)}"
    state = _Choice(parts or Alone(Part(points)))
    if centres is not None and len(centres):
        state.step(np.full(len(centres), -1), np.asarray(centres).astype(points.dtype))
    else:
        state.chosen.append(first)
        state.step(np.array([first]), np.asarray(points[[first]]))
    while len(state.chosen) < k and state.top > 0:
        if state.limit < 0 or not state.round(k - len(state.chosen)):
            state.lower()
        if show is not None:
            show(len(state.chosen), k, "rows chosen")
    if len(state.chosen) < k:  # the rest repeats what is chosen: the first rows, by the rule
        state.chosen += state.rest(k - len(state.chosen))
        return state.chosen, 0.0
    while 0 < state.top <= state.limit:
        state.lower()  # the radius may be that of a point which is behind
    return state.chosen, max(0.0, state.top)


class _Choice:
    """What has been chosen so far, and what the parts said last."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.chosen: list[int] = []
        self.limit = -0.5
        self._all: list[tuple[Rows, Stored]] = []
        self._replies: list[Reply] = []

    @property
    def top(self) -> float:
        """The greatest bound of any point."""
        return max(reply.top for reply in self._replies)

    def step(self, rows: Rows, centres: Stored | None = None) -> None:
        """Tell the parts of new centres and of the limit."""
        if centres is None:
            centres = self._all[0][1][:0]
        else:
            self._all.append((rows, centres))
        self._replies = self.parts.ask("step", rows, centres, self.limit)
        for at, reply in enumerate(self._replies):
            while reply is None:  # its process died, and another one knows nothing yet
                [reply] = self.parts.ask("step", *self._so_far(), self.limit, only=at)
            self._replies[at] = reply

    def lower(self) -> None:
        """Move the limit down; what rises above it is brought up to date."""
        self.limit = self.top * SHRINK ** 2
        self.step(_NONE)

    def round(self, most: int) -> int:
        """Choose up to `most` points that are surely next; return how many."""
        rows = np.concatenate([reply.rows for reply in self._replies])
        near = np.concatenate([reply.near for reply in self._replies])
        points = np.concatenate([reply.points for reply in self._replies])
        inside, outside = farthest(rows, near, self.limit)
        outside = min([outside, *(reply.outside for reply in self._replies)],
                      key=lambda one: (-one[0], one[1]))
        found = _loop(rows[inside], near[inside], points[inside], outside, most)
        if found:
            places = inside[found]
            self.chosen += rows[places].tolist()
            self.step(rows[places], points[places])
        return len(found)

    def rest(self, count: int) -> list[int]:
        """Return the first rows that are not chosen."""
        found: list[Any] = self.parts.ask("rest", count)
        for at, rows in enumerate(found):
            while rows is None:
                self.parts.ask("step", *self._so_far(), self.limit, only=at)
                [rows] = self.parts.ask("rest", count, only=at)
            found[at] = rows
        first: list[int] = np.concatenate(found)[:count].tolist()
        return first

    def _so_far(self) -> tuple[Rows, Stored]:
        return (np.concatenate([rows for rows, _ in self._all]),
                np.concatenate([centres for _, centres in self._all]))


def _loop(rows: Rows, near: Any, points: Stored, outside: tuple[float, int], most: int
          ) -> list[int]:
    """Return the places, in the order of choice, of points that come before any outside."""
    if not len(rows):
        return []
    own = wide(points)
    table, near = squared(own, own), near.copy()
    found: list[int] = []
    while len(found) < most:
        best = int(near.argmax())  # the first of equals: the lowest row
        value = float(near[best])
        if value <= 0 or value < outside[0] or (
                value == outside[0] and rows[best] > outside[1]):
            break
        found.append(best)
        np.minimum(near, table[best], out=near)
        near[best] = CHOSEN
    return found
