"""Studies: arms that differ in one thing, each over seeds, against a control.

Why: most claims about training data rest on one run a side. Here an arm is compared with
its control seed by seed, the interval is over those differences, and a difference whose
interval holds zero is called what it is: no effect that this run could see.

Used as: `for study in read_studies(arms, results, measure, stats): study.arms[0].words`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mathmill.errors import StepFailed
from mathmill.report.markup import points, span
from mathmill.report.scores import Result, counted, pick
from mathmill.report.statistics import Statistics
from mathmill.types import Score

UNSEEN = "no effect that this run could see"


@dataclass(frozen=True)
class Arm:
    """One arm of a study."""

    name: str
    "What differs."
    control: bool
    "Whether the others are compared with this one."
    seeds: tuple[int, ...]
    "Seeds run."
    mean: float
    "Mean accuracy over seeds."
    low: float
    "Lower end of its 95 % interval."
    high: float
    "Upper end of it."
    items: int
    "Items asked of each run."
    levels: Mapping[int, float]
    "Mean accuracy by level of the items, where levels are known."
    difference: float | None = None
    "Mean difference to the control over common seeds; None for the control."
    interval: tuple[float, float] | None = None
    "Its 95 % interval."
    p_items: float | None = None
    "Exact McNemar over the items of all common seeds; None where items differ."
    words: str = ""
    "The outcome in plain words."


@dataclass(frozen=True)
class Study:
    """Arms that differ in one thing."""

    name: str
    "The question."
    arms: tuple[Arm, ...]
    "The control first, then as the recipe names them."


def read_studies(literal: Sequence[Mapping[str, Any]] | None, results: Mapping[str, Result],
                 measure: str, stats: Statistics) -> tuple[Study, ...]:
    """Return the studies that the recipe names: `[{study, arm, seed, score, control?, suite?}]`.

    Raises StepFailed where a study has no control (or two), or a cell is named twice.
    """
    grouped: dict[str, dict[str, dict[int, Mapping[str, Any]]]] = {}
    for entry in literal or ():
        seeds = grouped.setdefault(entry["study"], {}).setdefault(entry["arm"], {})
        if int(entry["seed"]) in seeds:
            raise StepFailed(f"the study {entry['study']!r} names the arm {entry['arm']!r} with "
                             f"seed {entry['seed']} twice; name each run once")
        seeds[int(entry["seed"])] = entry
    return tuple(_study(name, arms, results, measure, stats) for name, arms in grouped.items())


def _study(name: str, arms: Mapping[str, Mapping[int, Mapping[str, Any]]],
           results: Mapping[str, Result], measure: str, stats: Statistics) -> Study:
    controls = [arm for arm, runs in arms.items() if any(r.get("control") for r in runs.values())]
    if len(controls) != 1:
        raise StepFailed(f"the study {name!r} has {len(controls)} controls; mark exactly one arm "
                         'with "control": true')
    scores = {arm: {seed: pick(results, run) for seed, run in sorted(runs.items())}
              for arm, runs in arms.items()}
    order = controls + [arm for arm in arms if arm not in controls]
    base = scores[controls[0]]
    return Study(name, tuple(_arm(arm, arm in controls, scores[arm], base, (measure, stats))
                             for arm in order))


def _arm(name: str, control: bool, runs: Mapping[int, Sequence[Score]],
         base: Mapping[int, Sequence[Score]], how: tuple[str, Statistics]) -> Arm:
    measure, stats = how
    counts = [counted(run) for run in runs.values()]
    shares, items = [c.share(measure) for c in counts], min(c.total for c in counts)
    mean = sum(shares) / len(shares)
    low, high = stats.wilson(round(mean * items), items)
    if len(shares) > 1:  # the wider, as on the curves: seeds that agree met the same items
        _, under, over = stats.mean(shares)
        low, high = min(low, under), max(high, over)
    arm = Arm(name, control, tuple(runs), mean, max(0.0, low), min(1.0, high), items,
              _levels(list(runs.values()), measure))
    return arm if control else _against(arm, runs, base, measure, stats)


def _against(arm: Arm, runs: Mapping[int, Sequence[Score]], base: Mapping[int, Sequence[Score]],
             measure: str, stats: Statistics) -> Arm:
    """Return the arm with its difference to the control, paired by seed and by item."""
    common = [seed for seed in runs if seed in base]
    if not common:
        raise StepFailed(f"the arm {arm.name!r} and its control have no seed in common; "
                         "run both with the same seeds")
    same = all([s.item for s in runs[seed]] == [s.item for s in base[seed]] for seed in common)
    gains = [counted(runs[seed]).share(measure) - counted(base[seed]).share(measure)
             for seed in common]
    paired = None
    if same:
        paired = stats.compare([s for seed in common for s in base[seed]],
                               [s for seed in common for s in runs[seed]], measure)
    if len(gains) > 1:
        mean, low, high = stats.mean(gains)
    elif paired is not None:
        mean, (low, high) = gains[0], paired.interval
    else:
        mean, low, high = gains[0], -1.0, 1.0  # one run a side on other items: nothing is known
    return Arm(arm.name, False, arm.seeds, arm.mean, arm.low, arm.high, arm.items, arm.levels,
               mean, (low, high), None if paired is None else paired.p_mcnemar,
               in_words(mean, low, high))


def in_words(difference: float, low: float, high: float) -> str:
    """Return what a difference with its 95 % interval says, in plain words."""
    if low <= 0.0 <= high:
        return f"{UNSEEN} ({points(difference)} points, 95 % interval {span(low, high, True)})"
    better = "better" if difference > 0 else "worse"
    return (f"{better} by {abs(difference) * 100:.1f} points "
            f"(95 % interval {span(low, high, True)})")


def _levels(runs: Sequence[Sequence[Score]], measure: str) -> dict[int, float]:
    levels = sorted({s.level for run in runs for s in run if s.level is not None})
    return {level: sum(counted(s for s in run if s.level == level).share(measure)
                       for run in runs) / len(runs) for level in levels}
