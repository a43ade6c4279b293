"""The curves of a scaling sweep: which score stands where, and the law through them.

Used as: `curves = read_curves(literal, results, measure, stats)`; `curves[0].fits`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mathmill.report.scaling import Fits, Point, fit
from mathmill.report.scores import Result, counted, pick
from mathmill.report.statistics import Statistics


@dataclass(frozen=True)
class Size:
    """One size of a curve, over its seeds."""

    rows: int
    "Training rows."
    shares: tuple[float, ...]
    "Accuracy of each seed, in the order of the seeds."
    items: int
    "Items that each of them was asked."
    mean: float
    "Mean over seeds."
    low: float
    "Lower end of the 95 % interval."
    high: float
    "Upper end of it."


@dataclass(frozen=True)
class Curve:
    """Accuracy against rows under one regime, e.g. fixed epochs."""

    name: str
    "The regime, as the recipe calls it."
    seeds: tuple[int, ...]
    "Seeds of every size."
    sizes: tuple[Size, ...]
    "From the smallest to the largest."
    fits: Fits
    "The laws through it."

    @property
    def gain(self) -> float:
        """Return the difference of the largest and the smallest size, as a share."""
        return self.sizes[-1].mean - self.sizes[0].mean

    @property
    def apart(self) -> bool:
        """Tell whether the intervals of the smallest and the largest size do not overlap."""
        first, last = self.sizes[0], self.sizes[-1]
        return first.high < last.low or last.high < first.low


def read_curves(literal: Mapping[str, Sequence[Mapping[str, Any]]] | None,
                results: Mapping[str, Result], measure: str,
                stats: Statistics) -> tuple[Curve, ...]:
    """Return the curves that the recipe names: `{"fixed epochs": [{rows, seed, score}, ...]}`.

    Raises StepFailed for a score that is not there, a hole in the grid, or too few sizes.
    """
    return tuple(_curve(name, cells, results, measure, stats)
                 for name, cells in (literal or {}).items())


def _curve(name: str, cells: Sequence[Mapping[str, Any]], results: Mapping[str, Result],
           measure: str, stats: Statistics) -> Curve:
    points = []
    for cell in cells:
        count = counted(pick(results, cell))
        points.append(Point(int(cell["rows"]), int(cell["seed"]), count.solved(measure),
                            count.total))
    points.sort(key=lambda p: (p.rows, p.seed))
    fits = fit(points)
    seeds = tuple(sorted({p.seed for p in points}))
    sizes = tuple(_size([p for p in points if p.rows == rows], stats) for rows in fits.sizes)
    return Curve(name, seeds, sizes, fits)


def _size(points: Sequence[Point], stats: Statistics) -> Size:
    """Return one size with the wider of two intervals.

    Seeds answer the same items, so averaging over them does not shrink the doubt from the
    choice of items (Wilson, at one run's items); and they differ, which Wilson cannot see (t).
    """
    shares = tuple(p.correct / p.total for p in points)
    items = min(p.total for p in points)
    mean = sum(shares) / len(shares)
    low, high = stats.wilson(round(mean * items), items)
    if len(shares) > 1:
        _, under, over = stats.mean(shares)
        low, high = min(low, under), max(high, over)
    return Size(points[0].rows, shares, items, mean, max(0.0, low), min(1.0, high))
