"""TinyGSM's claims with controls: checks, what a verifier learns from, sizes of both.

Three questions, three seeds each. Do checks of the programs change accuracy, at equal rows and
steps, when the teacher errs (the paper used none but that they run)? What of the verifier's
recipe matters: labels on every token or the last, all weights or the head, the generator's
weights or none, candidates of several checkpoints or one, balance within a problem? And does
the verifier's size matter more than the generator's (the paper's Figure 4)?

Used as: `mathmill run tinygsm_studies` (hours on two cores; tinygsm itself is the short one).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mathmill.pipeline import (
    Stage,
    Step,
    choose,
    decontaminate,
    evaluate,
    pretrain,
    report,
    sample,
    select,
    synthesize,
    train,
    train_verifier,
    verify,
)
from mathmill.pipeline import seeds as read
from mathmill_recipes import tinygsm

ERRING = "symbolic:error_rate=0.3"  # share of wrong programs; the paper does not know its own
EXTRA = 2.5  # rows written for one that an arm trains on: the strictest check drops most
ARMS: dict[str, tuple[str, ...]] = {
    "it runs": ("runs",),
    "the recipe's checks": tinygsm.CHECKS,
    "two more programs agree": ("runs", "programs_agree(2)"),
    "a prose solution agrees": ("runs", "prose_agrees"),
}
VERIFIERS: dict[str, dict[str, Any]] = {  # what differs from the recipe's own
    "last token": {"supervision": "last"},
    "head only": {"head_only": True},
    "from scratch": {"init": "scratch"},
    "not balanced": {"balance": False},
}
SMALL: dict[str, Any] = {  # a third of the embedded base's weights
    "vocabulary": 1_200, "tokens": 4_000_000, "corpus_tokens": 6_000_000, "batch_tokens": 2_048,
    "block": 256, "architecture": {"hidden_size": 48, "layers": 3, "heads": 3,
                                   "intermediate_size": 128}}


def recipe(samples: int = 1_500, seeds: str = tinygsm.EMBEDDED_SCALE.seeds) -> Step:
    """Run the three studies with `samples` rows an arm."""
    at = replace(tinygsm.EMBEDDED_SCALE, rows=samples)
    suites = {"symbolic": read(at.test, label="test")}
    problems = read(seeds)
    known = decontaminate(read(at.verified, label="verifier's problems"), suites,
                          ngram=tinygsm.NGRAM, fold="letters", label="verifier's problems, clean")
    scores, arms = checks(problems, suites, at)
    rows = tinygsm.programs(problems, suites, round(samples * 1.1), at.teacher)
    bases: dict[str, str | Step] = {"small": pretrain("small base", **SMALL), "large": at.base}
    chosen = {}
    for seed in at.models:
        models = {size: tinygsm.generator(base, rows, at, seed, f"{size} generator")
                  for size, base in bases.items()}
        pool = sample(models, suites, n=tinygsm.SAMPLES, temperatures=tinygsm.TEMPERATURES,
                      seed=seed, label=f"test samples, seed {seed}", **at.sampling)
        chosen[seed] = choose(pool, verifiers(models, known, at, seed),
                              label=f"choose, seed {seed}")
    return report("TinyGSM's claims, with controls", scores, data=rows, choices=chosen, arms=arms)


def checks(problems: Step, suites: Mapping[str, Step], at: tinygsm.Scale
           ) -> tuple[dict[str, Step], list[dict[str, Any]]]:
    """Train on as many rows of every arm for as many steps; return scores and the study's arms."""
    drafts = synthesize(problems, tinygsm.METHODS, round(at.rows * EXTRA), ERRING,
                        label="write programs, some wrong")
    clean = decontaminate(select(drafts, how="all", label="drop copies, some wrong"), suites,
                          ngram=tinygsm.NGRAM, fold="letters", label="decontaminate, some wrong")
    made = {"as written": clean, **{
        name: verify(clean, by=by, teacher=ERRING, label=f"check: {name}")
        for name, by in ARMS.items()}}
    made["no program is wrong"] = tinygsm.programs(problems, suites, round(at.rows * 1.1),
                                                   at.teacher)
    scores: dict[str, Step] = {}
    arms = []
    for name, rows in made.items():
        for seed in at.models:
            some = select(rows, count=at.rows, how="random", seed=seed,
                          label=f"{name}, {at.rows} rows, seed {seed}")
            model = train(at.base, some, [Stage(**at.length)], seed=seed, form="program",
                          label=f"train {name}, seed {seed}", **at.training)
            key = f"{name}, seed {seed}"
            scores[key] = evaluate(model, suites, form="program", label=f"score {key}",
                                   **at.sampling)
            arms.append({"study": "checks of programs", "arm": name, "seed": seed,
                         "control": name == "as written", "score": f"score.{key}",
                         "suite": "symbolic"})
    return scores, arms


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
