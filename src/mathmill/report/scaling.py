"""How accuracy rises with data, and what the next size would bring, with uncertainty.

Why: a straight line through six points always looks good. Here three laws compete to
predict the largest sizes from the smaller ones, the winner is refitted on all sizes, and
every statement carries an interval that includes the doubt about which law it is.

Used as: `fits = fit(points)`; `fits.chosen.name`, `fits.next[0].low`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mathmill.errors import StepFailed
from mathmill.identity import draw
from mathmill.report.laws import LAWS, Array, Law

MIN_SIZES = 4
"Three parameters through three sizes leave nothing to hold out."
FACTORS = (2, 4)
"The sizes predicted, as multiples of the largest measured."
CURVE_POINTS = 49
"Sizes at which the band is given, evenly in log N."


@dataclass(frozen=True)
class Point:
    """One trained model: how many rows it saw and how many items it solved."""

    rows: int
    "Training rows N."
    seed: int
    "Seed of the training."
    correct: int
    "Items solved."
    total: int
    "Items asked."


@dataclass(frozen=True)
class Fitted:
    """One law, fitted."""

    name: str
    "Name of the law."
    formula: str
    "Its formula."
    parameters: Mapping[str, float]
    "Fitted on all sizes."
    intervals: Mapping[str, tuple[float, float]]
    "95 % bootstrap intervals of the parameters."
    held_out: float
    "Root mean square error at held-out largest sizes, as a share (0.01 is one point)."
    r2: float
    "Share of the variance of the size means explained: shown, never used to choose."
    chosen_share: float
    "Share of the bootstrap draws in which this law won."


@dataclass(frozen=True)
class Prediction:
    """What one more size would measure."""

    rows: int
    "Training rows."
    accuracy: float
    "Expected accuracy under the chosen law, within 0 and 1."
    low: float
    "Lower end of the 95 % interval for one new run on as many items."
    high: float
    "Upper end of it."


@dataclass(frozen=True)
class Fits:
    """All three laws on one curve, the one chosen, and its predictions."""

    laws: tuple[Fitted, ...]
    "In the order log-linear, power law, sigmoid."
    chosen: Fitted
    "The law with the smallest held-out error."
    sizes: tuple[int, ...]
    "Sizes measured."
    means: tuple[float, ...]
    "Mean accuracy over seeds at each of them."
    noise: float
    "Estimated standard deviation between runs beyond the sampling of items."
    next: tuple[Prediction, ...]
    "Predictions at 2 and 4 times the largest size."
    curve: tuple[Prediction, ...]
    "The chosen law and its band from the smallest size to the last prediction."


def fit(points: Sequence[Point], draws: int = 400) -> Fits:
    """Fit the three laws to a full grid of sizes and seeds.

    The law is chosen by leave-largest-out: fitted without the largest size (and, with five
    sizes or more, also without the two largest) and scored on what was left out. Intervals
    come from a parametric bootstrap: every draw makes new size means from the measured ones
    with binomial and between-run noise, chooses a law anew and predicts, so that doubt about
    the law widens them. Raises StepFailed where a cell of the grid is missing or doubled, or
    there are fewer than four sizes.
    """
    sizes, seeds = check_grid(points)
    points = sorted(points, key=lambda p: (p.rows, p.seed))  # sums do not hang on the order
    rows = np.array(sizes, dtype=float)
    means = np.array([[np.mean([p.correct / p.total for p in points if p.rows == size])
                       for size in sizes]])
    cells = _cell_variance(points, sizes)
    tau2, freedom = _between_runs(points, sizes, cells, means)
    asked = _asked(sizes)
    errors = _held_out(rows, means)[:, 0]
    chosen = int(errors.argmin())

    dice = np.random.default_rng(draw("scaling", *sorted(
        [p.rows, p.seed, p.correct, p.total] for p in points)).getrandbits(63))
    spread = tau2 * freedom / dice.chisquare(freedom, draws) if tau2 else np.zeros(draws)
    drawn = means + dice.standard_normal((draws, len(sizes))) * np.sqrt(
        (cells + spread[:, None]) / len(seeds))
    winners = _held_out(rows, drawn).argmin(axis=0)
    fitted = [law.fit(rows, drawn) for law in LAWS]
    futures = np.stack([law.predict(found, asked)
                        for law, found in zip(LAWS, fitted, strict=True)])
    band = np.clip(futures[winners, np.arange(draws)], 0.0, 1.0)
    total = min(p.total for p in points)
    measured = band + dice.standard_normal(band.shape) * np.sqrt(
        band * (1 - band) / total + spread[:, None])
    best = np.clip(LAWS[chosen].predict(LAWS[chosen].fit(rows, means), asked)[0], 0.0, 1.0)

    laws = tuple(
        _fitted(law, rows, means, found, float(error), float((winners == number).mean()))
        for number, (law, found, error) in enumerate(zip(LAWS, fitted, errors, strict=True)))
    ahead = len(FACTORS)
    return Fits(laws, laws[chosen], tuple(sizes), tuple(float(m) for m in means[0]),
                float(np.sqrt(tau2)), _predictions(asked, best, measured)[:ahead],
                _predictions(asked, best, band)[ahead:])


def check_grid(points: Sequence[Point]) -> tuple[list[int], list[int]]:
    """Return (sizes, seeds) of a full grid; raise StepFailed where it has a hole."""
    counts = Counter((p.rows, p.seed) for p in points)
    sizes, seeds = sorted({p.rows for p in points}), sorted({p.seed for p in points})
    missing = [f"{size} rows with seed {seed}" for size in sizes for seed in seeds
               if not counts[size, seed]]
    if missing:
        raise StepFailed(f"the scaling sweep lacks {', '.join(missing)}; run every size with "
                         "every seed, since a fit over what happened to finish is biased")
    twice = [f"{size} rows with seed {seed}" for (size, seed), n in counts.items() if n > 1]
    if twice:
        raise StepFailed(f"the scaling sweep has {', '.join(twice)} more than once; "
                         "name each cell once")
    if len(sizes) < MIN_SIZES:
        raise StepFailed(f"the scaling sweep has {len(sizes)} sizes; a law cannot be told from "
                         f"fewer than {MIN_SIZES}, so give more sizes")
    empty = [p for p in points if p.total < 1 or p.rows < 1 or not 0 <= p.correct <= p.total]
    if empty:
        raise StepFailed(f"the cell of {empty[0].rows} rows with seed {empty[0].seed} counts "
                         f"{empty[0].correct} of {empty[0].total} items; evaluate it again")
    return sizes, seeds


def as_json(fits: Fits) -> dict[str, Any]:
    """Return the fits as JSON for machines (`scaling.json` beside the report)."""
    def line(p: Prediction) -> dict[str, float]:
        return {"rows": p.rows, "accuracy": p.accuracy, "low": p.low, "high": p.high}

    return {
        "chosen": fits.chosen.name, "sizes": list(fits.sizes), "means": list(fits.means),
        "noise": fits.noise, "next": [line(p) for p in fits.next],
        "laws": [{"name": law.name, "formula": law.formula, "parameters": dict(law.parameters),
                  "intervals": {k: list(v) for k, v in law.intervals.items()},
                  "held_out": law.held_out, "r2": law.r2, "chosen_share": law.chosen_share}
                 for law in fits.laws],
    }


def _asked(sizes: Sequence[int]) -> Array:
    """Return the sizes to predict: the next ones first, then the whole curve."""
    last = sizes[-1] * FACTORS[-1]
    curve = np.geomspace(sizes[0], last, CURVE_POINTS)
    return np.concatenate([np.array([sizes[-1] * f for f in FACTORS], dtype=float), curve])


def _cell_variance(points: Sequence[Point], sizes: Sequence[int]) -> Array:
    """Return the binomial variance of one cell of each size, at the size's pooled accuracy."""
    found = []
    for size in sizes:
        here = [p for p in points if p.rows == size]
        solved, asked = sum(p.correct for p in here), sum(p.total for p in here)
        share = (solved + 1) / (asked + 2)  # never exactly 0 or 1, which would claim no doubt
        found.append(share * (1 - share) / (asked / len(here)))
    return np.array(found)


def _between_runs(points: Sequence[Point], sizes: Sequence[int], cells: Array,
                  means: Array) -> tuple[float, int]:
    """Return the variance between runs beyond the binomial's, and its degrees of freedom.

    From the scatter within sizes where there are several seeds; with one seed, from the
    scatter around the closest of the three laws.
    """
    within = [p.correct / p.total - means[0, sizes.index(p.rows)] for p in points]
    freedom = len(points) - len(sizes)
    if freedom:
        found = float(np.sum(np.square(within))) / freedom
    else:
        rows = np.array(sizes, dtype=float)
        freedom = len(sizes) - max(len(law.parameters) for law in LAWS)
        found = min(float(((law.predict(law.fit(rows, means), rows) - means) ** 2).sum())
                    for law in LAWS) / freedom
    return max(0.0, found - float(cells.mean())), freedom


def _held_out(rows: Array, means: Array) -> Array:
    """Return (laws, draws) root mean square errors at the held-out largest sizes."""
    splits = [1] if len(rows) == MIN_SIZES else [1, 2]
    errors = []
    for law in LAWS:
        squares = [((law.predict(law.fit(rows[:-out], means[:, :-out]), rows[-out:])
                     - means[:, -out:]) ** 2).mean(axis=1) for out in splits]
        errors.append(np.sqrt(np.mean(squares, axis=0)))
    return np.array(errors)


def _fitted(law: Law, rows: Array, means: Array, drawn: Array, error: float,
            share: float) -> Fitted:
    """Return one law fitted to the size means, with intervals from its bootstrap fits."""
    found = law.fit(rows, means)
    left = float(((law.predict(found, rows) - means) ** 2).sum())
    whole = float(((means - means.mean()) ** 2).sum())
    ends = np.percentile(drawn, [2.5, 97.5], axis=0)
    return Fitted(
        law.name, law.formula, dict(zip(law.parameters, map(float, found[0]), strict=True)),
        {name: (float(ends[0, i]), float(ends[1, i])) for i, name in enumerate(law.parameters)},
        error, 1.0 - left / whole if whole else 0.0, share)


def _predictions(asked: Array, best: Array, drawn: Array) -> tuple[Prediction, ...]:
    """Return predictions whose intervals always hold the best guess, within 0 and 1."""
    low, high = np.clip(np.percentile(drawn, [2.5, 97.5], axis=0), 0.0, 1.0)
    return tuple(
        Prediction(round(size), float(guess), float(min(a, guess)), float(max(b, guess)))
        for size, guess, a, b in zip(asked, best, low, high, strict=True))
