"""What of the verifier's recipe matters, and whose size: TinyGSM's ablations, with controls.

Two questions, three seeds each. Does the verifier's size matter more than the generator's (the
paper's Figure 4)? And what do labels on every token, all weights, candidates of several
checkpoints, and balance within a problem (ours) each give, one changed at a time?

Used as: `mathmill run tinygsm_verifiers` (about half an hour on two cores).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mathmill.pipeline import (
    Step,
    choose,
    decontaminate,
    evaluate,
    pretrain,
    report,
    sample,
    train_verifier,
)
from mathmill.pipeline import seeds as read
from mathmill_recipes import tinygsm

SAMPLES = 16  # a problem, to choose among
EPOCHS = 3  # of every verifier; the recipe's own has more
VERIFIERS: dict[str, dict[str, Any]] = {  # what differs from the recipe's own
    "last token": {"supervision": "last"},
    "head only": {"head_only": True},
    "not balanced": {"balance": False},
}
SMALL: dict[str, Any] = {  # a third of the embedded base's weights
    "vocabulary": 1_200, "tokens": 4_000_000, "corpus_tokens": 6_000_000, "batch_tokens": 2_048,
    "block": 256, "architecture": {"hidden_size": 48, "layers": 3, "heads": 3,
                                   "intermediate_size": 128}}


def recipe(samples: int = tinygsm.EMBEDDED_SCALE.rows,
           seeds: str = tinygsm.EMBEDDED_SCALE.seeds) -> Step:
    """Train generators and verifiers of two sizes, and one verifier for each change; report."""
    at = tinygsm.EMBEDDED_SCALE
    at = replace(at, verifying={**at.verifying, "epochs": EPOCHS})
    suites = {"symbolic": read(at.test, label="test")}
    known = decontaminate(read(at.verified, label="verifier's problems"), suites,
                          ngram=tinygsm.NGRAM, fold="letters", label="verifier's problems, clean")
    rows = tinygsm.programs(read(seeds), suites, samples, at.teacher)
    bases: dict[str, str | Step] = {"small": pretrain("small base", **SMALL), "large": at.base}
    chosen = {}
    for seed in at.models:
        models = {size: tinygsm.generator(base, rows, at, seed, f"{size} generator")
                  for size, base in bases.items()}
        pool = sample(models, suites, n=SAMPLES, temperatures=tinygsm.TEMPERATURES,
                      seed=seed, label=f"test samples, seed {seed}", **at.sampling)
        chosen[seed] = choose(pool, verifiers(models, known, at, seed),
                              sizes=[1, 2, 4, 8, SAMPLES], label=f"choose, seed {seed}")
    base = evaluate(at.base, suites, form="program", label="score base model", **at.sampling)
    return report("TinyGSM: what a verifier learns from, and whose size matters",
                  {"base model": base}, data=rows, choices=chosen)


def verifiers(models: Mapping[str, Step], problems: Step, at: tinygsm.Scale, seed: int
              ) -> dict[str, Step]:
    """Return verifiers of both sizes, and the large one with one thing changed at a time."""
    drawn = {size: tinygsm.candidates(model, problems, at, seed, f"{size} verifier's samples")
             for size, model in models.items()}
    made = {size: train_verifier(model, drawn[size], seed=seed,
                                 label=f"{size} verifier, seed {seed}", **at.verifying)
            for size, model in models.items()}
    for name, change in VERIFIERS.items():
        made[name] = train_verifier(models["large"], drawn["large"], seed=seed,
                                    label=f"{name}, seed {seed}", **{**at.verifying, **change})
    single = replace(at, checkpoints=(1.0,), candidates=at.candidates * len(at.checkpoints))
    one = tinygsm.candidates(models["large"], problems, single, seed, "one checkpoint's samples")
    made["one checkpoint"] = train_verifier(models["large"], one, seed=seed,
                                            label=f"one checkpoint, seed {seed}", **at.verifying)
    return made
