"""The demo: Skywork-Math in miniature, real at every step, in minutes on a laptop.

Seeds of the symbolic world are augmented by MetaMath's, Evol's and Xwin-Math's ways, checked
against known answers, freed of everything that shares a meaning with the test, and used to
fine-tune the embedded base model in two stages; then a scaling sweep over nested subsets says
how far more data would carry it.

Used as: `make demo`, or `mathmill run demo`.
"""

from __future__ import annotations

from typing import Any

from mathmill.methods import EVOLVE, METAMATH, XWIN
from mathmill.pipeline import (
    EMBEDDED,
    SYMBOLIC,
    Stage,
    Step,
    decontaminate,
    evaluate,
    report,
    seeds,
    select,
    synthesize,
    train,
    verify,
)

SAMPLES = 6_000
SEEDS = "symbolic:count=1000,seed=1"
TEST = "symbolic:count=1000,seed=2"
TEACHER = SYMBOLIC
BASE = EMBEDDED
METHODS = [*METAMATH, *EVOLVE, *XWIN]
CORE_SET = 0.9  # drops the rows that lie nearest to others
EASY, HARD = (1, 2, 3), (4, 5)  # Skywork-Math's second stage is made from levels 4 and 5
EPOCHS = 3
FIXED_STEPS = 200
TRAINING: dict[str, Any] = {  # for the embedded base on a CPU; docs/train.md has the measurements
    "optimizer": "muon+adamw", "learning_rate": 0.01, "adam_rate": 3e-3, "batch_size": 16,
    "schedule": "wsd", "warmup": 0.05, "decay": 0.6, "max_length": 512,
}
SCORING: dict[str, Any] = {"max_new_tokens": 192, "batch": 128}


def data(samples: int, source: str, teacher: str) -> tuple[Step, dict[str, Step]]:
    """Return the clean training rows and the test suites, disjoint in meaning."""
    problems = seeds(source)
    suites = {"symbolic": seeds(TEST, label="test")}
    drafts = synthesize(problems, METHODS, samples, teacher, include_seeds=True)
    checked = verify(drafts, by=("answer_agrees",), teacher=teacher)
    chosen = select(checked, fraction=CORE_SET, how="coreset")
    return decontaminate(chosen, suites), suites


def recipe(samples: int = SAMPLES, seeds: str = SEEDS, teacher: str = TEACHER,
           base: str = BASE) -> Step:
    """Make `samples` rows, train in two stages, sweep six sizes, report."""
    from mathmill_recipes.scaling_sweep import halvings, sweep

    clean, suites = data(samples, seeds, teacher)
    sizes = halvings(samples * 2 // 3)  # some rows fall to the checks; every size must be full
    scores, curves = sweep(base, clean, suites, sizes=sizes, epochs=EPOCHS, steps=FIXED_STEPS,
                           settings=TRAINING)
    normal = train(base, clean, [Stage(levels=EASY)], label="train stage 1", **TRAINING)
    final = train(normal, clean, [Stage(levels=HARD)], label="train stage 2", **TRAINING)
    scores = {
        "base model": evaluate(base, suites, label="score base model", **SCORING),
        "after stage 1": evaluate(normal, suites, label="score stage 1", **SCORING),
        "after stage 2": evaluate(final, suites, label="score stage 2", **SCORING),
        **scores,
    }
    return report("The mill turns: Skywork-Math in miniature", scores, data=clean, curves=curves)


