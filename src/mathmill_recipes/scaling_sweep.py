"""Accuracy against the number of training rows: nested subsets, fixed epochs and fixed steps.

Why both: at fixed epochs more rows also mean more optimiser steps, so a rise could come from
training longer; at fixed steps every size is trained equally long. The report shows both.

Used as: `mathmill run scaling_sweep --samples 8000`, and as a part of other recipes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mathmill.errors import UsageError
from mathmill.pipeline import Stage, Step, evaluate, report, train
from mathmill_recipes import demo

SIZES = 6  # halvings from the largest size down: enough for a fit that holds one out


def sweep(base: str, data: Step, suites: Mapping[str, Step], *, sizes: Sequence[int],
          seeds: Sequence[int] = (0,), epochs: float, steps: int, settings: Mapping[str, Any],
          ) -> tuple[dict[str, Step], dict[str, list[dict[str, Any]]]]:
    """Return the scores by name, and which of them make up which curve, on the first suite."""
    scores: dict[str, Step] = {}
    curves: dict[str, list[dict[str, Any]]] = {"fixed epochs": [], "fixed steps": []}
    for curve, length in (("fixed epochs", {"epochs": epochs}), ("fixed steps", {"steps": steps})):
        for rows in sizes:
            for seed in seeds:
                name = f"{curve}, {rows} rows, seed {seed}"
                model = train(base, data, [Stage(first=rows, **length)], seed=seed,
                              label=f"train {name}", **settings)
                scores[name] = evaluate(model, suites, label=f"score {name}",
                                        **demo.SCORING)
                curves[curve].append({"rows": rows, "seed": seed, "score": f"score.{name}",
                                      "suite": next(iter(suites))})
    return scores, curves


def halvings(largest: int, count: int = SIZES) -> list[int]:
    """Return `count` sizes, each twice the one before, ending at `largest`.

    Raises UsageError where the smallest would have no row.
    """
    if largest < 1 << (count - 1):
        raise UsageError(f"the largest of {count} sizes would have {largest} rows, too few to "
                         "halve so often; raise --samples to 48 or more")
    return [largest >> k for k in reversed(range(count))]


def recipe(samples: int = 8_000, seeds: str = demo.SEEDS, teacher: str = demo.TEACHER,
           base: str = demo.BASE) -> Step:
    """Sweep sizes up to `samples` with three seeds."""
    data, suites = demo.data(samples, seeds, teacher)
    scores, curves = sweep(base, data, suites, sizes=halvings(samples * 2 // 3), seeds=(0, 1, 2),
                           epochs=demo.EPOCHS, steps=demo.FIXED_STEPS, settings=demo.TRAINING)
    return report("Accuracy against the number of rows", scores, data=data, curves=curves)
