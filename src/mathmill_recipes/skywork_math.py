"""Skywork-Math: diverse seeds, two syntheses, two stages of fine-tuning (arXiv 2407.08348v2).

The paper's order, at any size: three augmenters write from the seeds; a core-set of what they
wrote becomes the seeds of the main synthesis; hard seeds (levels 4 and 5) get a synthesis of
their own; a 30-gram filter guards the tests; stage 2 starts from stage 1's model. The paper
applies no correctness filter; here rows that contradict a known answer are dropped, until you
leave `verify` out of `clean` in a copy of your own.

Used as: `mathmill run skywork_math --seeds train.jsonl --teacher openai:MODEL --base MODEL`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mathmill.methods import EVOLVE, METAMATH, XWIN
from mathmill.pipeline import (
    Stage,
    Step,
    decontaminate,
    evaluate,
    rate,
    report,
    select,
    synthesize,
    train,
    verify,
)
from mathmill.pipeline import seeds as read
from mathmill_recipes import demo

METHODS = [*METAMATH, *EVOLVE, *XWIN]
FIRST_SHARE = 0.1  # of the rows, for the first synthesis; the paper does not say
CORE_SET = 0.5  # share of the first synthesis that becomes seeds; the paper does not say
HARD_SHARE = 0.16  # the paper's 0.4M of 2.5M
HARD = (4, 5)  # levels, as in the paper's section 3.2
SAMPLES = 8  # of the student a seed, where its pass rate tells what is hard
NGRAM = 30  # the paper's leakage filter
STAGE = Stage(epochs=3)  # of each of the two; the paper's 3
SCORING: dict[str, Any] = {"max_new_tokens": 256}
PAPER: dict[str, Any] = {  # the paper's section 4.1.3, for a 7B; cosine is MetaMath's
    "optimizer": "adamw", "batch_size": 32, "warmup": 0.03,
    "schedule": "cosine", "max_length": 2048,
}


def recipe(samples: int = 10_000, seeds: str = demo.SEEDS, teacher: str = demo.TEACHER,
           base: str = demo.BASE, test: str = "", *, hard_by: str = "level") -> Step:
    """Make `samples` rows from `seeds`, train `base` in two stages, measure on `test`.

    `hard_by`: what a hard seed of stage 2 is told by, its own `level`, as in the paper, or the
    `pass_rate` of the student that stage 1 made.

    Without `test`, a file `train.*` is tested on the `test.*` beside it, and everything on
    problems of the symbolic world.
    """
    suites = {"symbolic": read(demo.TEST, label="test symbolic")}
    if path := test or beside(seeds):
        suites[name_of(path)] = read(path, label="test")
    settings = demo.TRAINING if base == demo.BASE else {**PAPER, "learning_rate": peak_rate(base)}

    problems = read(seeds)
    first = synthesize(problems, METHODS, max(1, round(samples * FIRST_SHARE)), teacher,
                       include_seeds=True, label="first synthesis")
    diverse = read(select(first, fraction=CORE_SET, how="coreset", label="core-set"),
                   label="diverse seeds")
    drafts = synthesize(diverse, METHODS, round(samples * (1 - HARD_SHARE)), teacher,
                        include_seeds=True, label="normal synthesis")
    normal = clean(drafts, suites, teacher, "normal")

    stage1 = train(base, normal, [STAGE], label="stage 1", **settings)
    hard_seeds = hardest(problems, stage1 if hard_by == "pass_rate" else None)
    hard_drafts = synthesize(hard_seeds, METHODS, max(1, round(samples * HARD_SHARE)), teacher,
                             seed=1, include_seeds=True, label="hard synthesis")
    hard = clean(hard_drafts, suites, teacher, "hard")

    stage2 = train(stage1, hard, [STAGE], label="stage 2", **settings)
    scores = {name: evaluate(model, suites, label=f"score {name}", **SCORING)
              for name, model in (("base model", base), ("stage 1", stage1), ("stage 2", stage2))}
    return report("Skywork-Math", scores, data={"normal": normal, "hard": hard},
                  main="stage 2")


def hardest(problems: Step, student: Step | None) -> Step:
    """Return the problems of the hard levels: their own, or by a student's pass rate."""
    if student is None:
        return select(problems, how="all", levels=HARD, label="hard seeds")
    told = rate(problems, model=student, samples=SAMPLES, max_tokens=256,
                label="pass rates of stage 1")
    return select(problems, how="all", levels=HARD, ratings=told, label="hard seeds")


def peak_rate(base: str) -> float:
    """Return the paper's peak rate: 2e-6 for Mistral and DeepSeekMath, 2e-5 for LLaMA-2.

    The paper gives none for its other bases; they get LLaMA-2's.
    """
    return 2e-6 if any(name in base.lower() for name in ("mistral", "deepseek")) else 2e-5


def clean(drafts: Step, suites: dict[str, Step], teacher: str, name: str) -> Step:
    """Drop what contradicts a known answer or leaks from a test."""
    checked = verify(drafts, teacher=teacher, label=f"verify {name}")
    return decontaminate(checked, suites, ngram=NGRAM, label=f"decontaminate {name}")


def name_of(source: str) -> str:
    """Return the suite's name: of the hub's set, of a folder, or of the folder of a file."""
    kind, _, rest = source.partition(":")
    if kind == "hf":
        return rest.partition(":")[0].rpartition("/")[2]
    if kind == "symbolic":
        return "symbolic, given"
    path = Path(source).expanduser().resolve()
    return path.name if path.is_dir() else path.parent.name or path.stem


def beside(source: str) -> str:
    """Return the path of the test file beside a training file, empty where there is none."""
    path = Path(source)
    other = path.with_name("test" + path.suffix)
    return str(other) if path.stem == "train" and other.is_file() else ""
