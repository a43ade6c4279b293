"""Three laws by which accuracy may rise with data, each fitted by least squares.

Why: which law holds decides what more data would bring, and at a handful of sizes several
fit. All three are linear but for one or two shape parameters, which are searched on a grid:
there is no start value to choose, no local minimum to fall into, and hundreds of bootstrap
draws are fitted in one matrix product.

Used by `scaling`: `law.fit(rows, accuracies)` and `law.predict(parameters, rows)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Exponents from nearly flat (0.02: an error that halves in 35 doublings ten times over) to
# steeper than any published curve of accuracy.
EXPONENTS = np.geomspace(0.02, 3.0, 90)
# Steepness in natural units of log10 rows: 0.8 spreads the rise over five decades, 12 packs
# it into a third of one. Midpoints run from below the smallest size to a decade above the largest.
STEEPNESS = np.geomspace(0.8, 12.0, 28)
MIDPOINTS = 36
RIDGE = 1e-12  # keeps a singular grid point (all columns equal) from dividing by zero


@dataclass(frozen=True)
class Law:
    """One shape of accuracy against rows."""

    name: str
    "Plain name."
    formula: str
    "As it is written in the report."
    parameters: tuple[str, ...]
    "Names of the fitted parameters, in order."
    fit: Callable[[Array, Array], Array]
    "(sizes,) rows and (draws, sizes) accuracies -> (draws, parameters)."
    predict: Callable[[Array, Array], Array]
    "(draws, parameters) and (sizes,) rows -> (draws, sizes) accuracies."


def _fit_linear(rows: Array, accuracy: Array) -> Array:
    design = np.stack([np.ones_like(rows), np.log10(rows)], axis=1)
    solved: Array = np.linalg.lstsq(design, accuracy.T, rcond=None)[0].T
    return solved


def _predict_linear(parameters: Array, rows: Array) -> Array:
    curve: Array = parameters[:, :1] + parameters[:, 1:2] * np.log10(rows)
    return curve


def _fit_power(rows: Array, accuracy: Array) -> Array:
    """Fit error = e + c N^-p with 0 <= e and 0 <= c; p from the grid, all of it at once."""
    error, unit = 1.0 - accuracy, float(rows.min())
    shapes = (rows / unit) ** -EXPONENTS[:, None]
    mean, average = error.mean(axis=1)[:, None], shapes.mean(axis=1)
    centred = shapes - average[:, None]
    c = error @ centred.T / ((centred ** 2).sum(axis=1) + RIDGE)
    e = mean - c * average
    through = error @ shapes.T / (shapes ** 2).sum(axis=1)  # the best c where the floor is zero
    c, e = np.where(e < 0, through, c), np.where(e < 0, 0.0, e)
    c, e = np.where(c < 0, 0.0, c), np.where(c < 0, mean, e)
    loss = ((error[:, None] - e[:, :, None] - c[:, :, None] * shapes) ** 2).sum(axis=2)
    best = (np.arange(len(error)), loss.argmin(axis=1))
    found: Array = np.stack([e[best], (c * unit ** EXPONENTS)[best], EXPONENTS[best[1]]], axis=1)
    return found


def _predict_power(parameters: Array, rows: Array) -> Array:
    e, c, p = (parameters[:, i:i + 1] for i in range(3))
    curve: Array = 1.0 - e - c * rows ** -p
    return curve


def _fit_sigmoid(rows: Array, accuracy: Array) -> Array:
    """Fit top / (1 + exp(-k (log10 N - m))) with 0 <= top <= 1; k and m from the grid."""
    x = np.log10(rows)
    middle = np.linspace(x.min() - 0.5, x.max() + 1.0, MIDPOINTS)
    k, m = (grid.ravel() for grid in np.meshgrid(STEEPNESS, middle, indexing="ij"))
    shapes = 1.0 / (1.0 + np.exp(-k[:, None] * (x - m[:, None])))
    squares = (shapes ** 2).sum(axis=1)
    along = accuracy @ shapes.T
    top = np.clip(along / (squares + RIDGE), 0.0, 1.0)
    loss = top ** 2 * squares - 2 * top * along  # plus the squares of the data: the same for all
    best = loss.argmin(axis=1)
    picked = top[np.arange(len(accuracy)), best]
    found: Array = np.stack([picked, k[best], m[best]], axis=1)
    return found


def _predict_sigmoid(parameters: Array, rows: Array) -> Array:
    top, k, m = (parameters[:, i:i + 1] for i in range(3))
    curve: Array = top / (1.0 + np.exp(-k * (np.log10(rows) - m)))
    return curve


LOG_LINEAR = Law("log-linear", "a + b·log10 N", ("a", "b"), _fit_linear, _predict_linear)
POWER = Law("power law of error", "1 - (e + c·N^-p)", ("e", "c", "p"), _fit_power, _predict_power)
SIGMOID = Law("sigmoid in log N", "top / (1 + exp(-k·(log10 N - m)))", ("top", "k", "m"),
              _fit_sigmoid, _predict_sigmoid)
LAWS = (LOG_LINEAR, POWER, SIGMOID)
