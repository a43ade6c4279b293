"""The choice in two rounds, which covers worse and ends sooner; and what a choice covers.

Why: where even the exact choice with many workers is too slow, each share of the points picks
twice what falls to it, with nobody else's word, and one greedy choice among all picks is the
end. It is deterministic: the number of shares is part of what is asked for, not the number of
workers. How much worse it covers is told beside it.

Used as: `chosen = two_round(points, k, count=8)`; `covering(points, chosen)` is its radius.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mathmill.stages.select.coreset.greedy import Alone, Parts, k_center, shares
from mathmill.stages.select.coreset.part import Part, nearest
from mathmill.stages.select.coreset.points import Rows, Stored

SPARE = 2  # picks of the first round for each choice
SAMPLE = 4_096  # points whose distance is the first guess at the radius


class Picker(Part):
    """A part that can also choose among its own points."""

    def pick(self, spans: Sequence[tuple[int, int]], each: int, first: int, centres: Stored | None
             ) -> list[Rows]:
        """Return for each span of rows that begins here those it would choose, ascending.

        The span with the row `first` begins with it, others with their first row.
        """
        found = []
        for start, stop in spans:
            if self.start <= start < self.start + len(self.points):
                own = self.points[start - self.start:stop - self.start]
                rows, _ = k_center(own, min(each, len(own)),
                                   first - start if start <= first < stop else 0, centres)
                found.append(np.sort(np.array(rows, np.int64)) + start)
        return found


def two_round(points: Stored, k: int, count: int, first: int = 0,
              centres: Stored | None = None, parts: Parts | None = None) -> list[int]:
    """Return k rows: in `count` shares each picks `SPARE` x k / count, then all picks are sifted.

    `first`, `centres` as `k_center` has them. `parts` hold whole shares (`spans`), any number.
    """
    assert 1 <= k <= len(points), f"cannot choose {k} of {len(points)}"
    spans = shares(len(points), count)
    asked: tuple[Any, ...] = (spans, -(-SPARE * k // count), first, centres)
    told = (parts or Alone(Picker(points))).ask("pick", *asked)
    for at, picks in enumerate(told):
        while picks is None and parts is not None:  # its process died: another one has its place
            [picks] = parts.ask("pick", *asked, only=at)
        told[at] = picks
    rows = np.concatenate([picks for part in told for picks in part])
    left = np.asarray(points[rows])
    place = int(np.searchsorted(rows, first)) if centres is None or not len(centres) else 0
    chosen, _ = k_center(left, k, place, centres)
    found: list[int] = rows[chosen].tolist()
    return found


def spans(rows: int, count: int, workers: int) -> list[tuple[int, int]]:
    """Return what each of up to `workers` parts holds: whole shares of `count`, side by side."""
    edges = shares(rows, count)
    return [(edges[start][0], edges[stop - 1][1])
            for start, stop in shares(len(edges), min(workers, len(edges)))]


def covering(points: Stored, chosen: Sequence[int], centres: Stored | None = None,
             parts: Parts | None = None) -> float:
    """Return the covering radius of a choice (squared): exact, over all points.

    No point need be measured to its end: the greatest distance in a sample is a limit, and who
    has found a centre within it is done.
    """
    rows = np.array(chosen, np.int64)
    all_of = np.asarray(points[rows])
    if centres is not None and len(centres):
        rows = np.concatenate([np.full(len(centres), -1), rows])
        all_of = np.concatenate([np.asarray(centres).astype(points.dtype), all_of])
    least = float(nearest(points[:SAMPLE], all_of).max())
    held = parts or Alone(Part(points))
    tops = []
    for at, reply in enumerate(held.ask("anew", rows, all_of, least)):
        while reply is None and parts is not None:
            [reply] = parts.ask("anew", rows, all_of, least, only=at)
        tops.append(reply.top)
    return float(max(least, *tops))
