"""Do checks of the programs matter? The paper used none but that they run; this asks with controls.

A teacher errs in three programs of ten. From one set of drafts each arm keeps what its checks
keep, and all arms train on as many rows for as many steps, three seeds each.

Used as: `mathmill run tinygsm_checks` (about a quarter of an hour on two cores).
"""

from __future__ import annotations

from typing import Any

from mathmill.pipeline import (
    Stage,
    Step,
    decontaminate,
    evaluate,
    report,
    select,
    synthesize,
    train,
    verify,
)
from mathmill.pipeline import seeds as read
from mathmill_recipes import tinygsm

ERRING = "symbolic:error_rate=0.3,compact=1"  # the paper does not know its own share
EXTRA = 4.0  # rows written for one that an arm trains on: the strictest check drops most
SIFTED, DECIDED = ("correct", "undecided"), ("correct",)
ARMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # checks, and the verdicts kept
    "it runs": (("runs",), SIFTED),
    "the recipe's checks": (tinygsm.CHECKS, SIFTED),
    "two more programs agree": (("runs", "programs_agree(2)"), DECIDED),
    "a prose solution agrees": (("runs", "prose_agrees"), DECIDED),
}


def recipe(samples: int = 1_500, seeds: str = tinygsm.EMBEDDED_SCALE.seeds) -> Step:
    """Train on `samples` rows of every arm; report the study."""
    at = tinygsm.EMBEDDED_SCALE
    suites = {"symbolic": read(at.test, label="test")}
    problems = read(seeds)
    drafts = synthesize(problems, tinygsm.METHODS, round(samples * EXTRA), ERRING,
                        label="write programs, some wrong")
    clean = decontaminate(select(drafts, how="all", label="drop copies, some wrong"), suites,
                          ngram=tinygsm.NGRAM, fold="letters", label="decontaminate, some wrong")
    made = {"as written": clean, **{
        name: verify(clean, by=by, keep=keep, teacher=ERRING, label=f"check: {name}")
        for name, (by, keep) in ARMS.items()}}
    made["no program is wrong"] = tinygsm.programs(problems, suites, round(samples * 1.4),
                                                   at.teacher)
    scores: dict[str, Step] = {}
    arms: list[dict[str, Any]] = []
    for name, rows in made.items():
        for seed in at.models:
            some = select(rows, count=samples, how="random", seed=seed,
                          label=f"{name}, {samples} rows, seed {seed}")
            model = train(at.base, some, [Stage(**at.length)], seed=seed, form="program",
                          label=f"train {name}, seed {seed}", **at.training)
            key = f"{name}, seed {seed}"
            scores[key] = evaluate(model, suites, form="program", label=f"score {key}",
                                   **at.sampling)
            arms.append({"study": "checks of programs", "arm": name, "seed": seed,
                         "control": name == "as written", "score": f"score.{key}",
                         "suite": "symbolic"})
    return report("TinyGSM: do checks of programs matter?", scores, data=clean, arms=arms)
