"""TinyGSM: problems with Python programs, a small generator, and a verifier that picks.

The third paper's system whole (arXiv 2312.09241v1), at two scales. `embedded`: the symbolic
teacher, the embedded base, three seeds, at most 20 minutes on two cores. `paper`: 12.3M rows by
a teacher and on a base that you name, with the paper's settings; see what it would ask and cost
with `mathmill plan tinygsm --scale paper` before you run it.

What the paper leaves open, and what stands here for it, is in docs/tinygsm.md.

Used as: `mathmill run tinygsm`; `mathmill run tinygsm --scale paper --seeds train.jsonl --teacher
openai:MODEL --base MODEL`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mathmill.errors import UsageError
from mathmill.methods import program
from mathmill.pipeline import (
    EMBEDDED,
    Stage,
    Step,
    choose,
    decontaminate,
    evaluate,
    report,
    sample,
    select,
    synthesize,
    train,
    train_verifier,
    verify,
)
from mathmill.pipeline import seeds as read
from mathmill.types import Method
from mathmill_recipes.skywork_math import beside, name_of

SEEDS = (0, 1, 2)
# The paper: most by one call, a third descends from GSM-IC; how the rest is split it does not say.
METHODS: dict[Method, float] = {program.ten: 0.6, program.two: 0.07, program.two_distractor: 0.33}
CHECKS = ("runs", "deterministic", "long_enough", "has_digits")  # the paper's; twice run is ours
TEMPERATURES = (0.5, 0.7)
SAMPLES = 48  # a problem, to choose among
PAIR = 146  # tokens of one of the paper's pairs: 1.8 billion over 12.3M
CONTROL = "generator taught by its right programs"
NGRAM = 13  # with punctuation and digits removed, as in the paper; 8 is counted beside


@dataclass(frozen=True)
class Scale:
    """Everything in which the two scales differ."""

    rows: int
    "Programs to make."
    seeds: str
    "Problems that the teacher starts from."
    teacher: str
    "Who writes the programs."
    base: str
    "The generator before it is trained."
    length: Mapping[str, Any]
    "How long the generator is trained."
    training: Mapping[str, Any]
    "Its settings."
    checkpoints: tuple[float, ...]
    "Shares of the steps after which the verifier's candidates are drawn."
    candidates: int
    "Candidates a problem that each of those draws for the verifier."
    verifying: Mapping[str, Any]
    "Settings of the verifier's training."
    again: Mapping[str, Any]
    "How long the control goes on: the generator, taught by its own right programs."
    verified: str = ""
    "Problems whose candidates the verifier learns from; the seeds where empty."
    test: str = ""
    "Problems to test on; those beside the seeds where empty."
    sampling: Mapping[str, Any] = field(default_factory=dict)
    "Settings of sampling."
    models: tuple[int, ...] = SEEDS
    "Seeds of generator and verifier."


EMBEDDED_SCALE = Scale(  # docs/verifier.md has the measurements behind these
    rows=3_000, seeds="symbolic:count=500,seed=1,levels=2-3", teacher="symbolic:compact=1",
    base=EMBEDDED, test="symbolic:count=600,seed=2,levels=2-3",
    verified="symbolic:count=8000,seed=3,levels=2-3",
    length={"steps": 560}, checkpoints=(0.7, 1.0), candidates=2,
    training={"optimizer": "muon+adamw", "learning_rate": 0.01, "adam_rate": 3e-3,
              "batch_size": 16, "schedule": "wsd", "warmup": 0.05, "decay": 0.6,
              "max_length": 512},
    verifying={"confidence": True, "epochs": 5}, again={"steps": 400},
    sampling={"max_new_tokens": 96, "batch": 512})
PAPER = Scale(
    rows=12_300_000, seeds="hf:openai/gsm8k:main/train", test="hf:openai/gsm8k:main/test",
    teacher="openai:gpt-5-mini", base="microsoft/phi-1_5",
    length={"steps": 20_000},  # the paper's most, about 1.7 epochs
    checkpoints=(0.05, 0.3, 0.6),  # after 1k, 6k and 12k of 20k steps
    candidates=16,  # 48 a problem over three checkpoints; the split is not in the paper
    training={"optimizer": "adamw", "learning_rate": 1e-4, "weight_decay": 0.01,
              "batch_size": 1024, "accumulate": 32, "schedule": "constant", "warmup": 0.03,
              "max_length": 512},
    # Nothing of the verifier's training is in the paper but its data, its head and its labels.
    verifying={"optimizer": "adamw", "learning_rate": 1e-5, "batch_size": 32, "epochs": 2,
               "balance": False, "most": 48, "schedule": "linear"},
    again={"epochs": 1.0},
    sampling={"max_new_tokens": 256, "batch": 256})
SCALES = {"embedded": EMBEDDED_SCALE, "paper": PAPER}


def recipe(samples: int | None = None, seeds: str | None = None, teacher: str | None = None,
           base: str | None = None, test: str | None = None, scale: str = "embedded") -> Step:
    """Make programs, train generators and verifiers, choose among 48 samples, report."""
    if scale not in SCALES:
        raise UsageError(f"tinygsm has no scale {scale!r}; it has {', '.join(SCALES)}")
    at = SCALES[scale]
    source = seeds or at.seeds
    place = test or (at.test if seeds is None else beside(seeds)) or at.test
    suites = {name_of(place).replace("symbolic, given", "symbolic"): read(place, label="test")}
    problems = read(source)
    clean = programs(problems, suites, samples or at.rows, teacher or at.teacher)
    known = decontaminate(read(at.verified, label="verifier's problems") if at.verified
                          and seeds is None else problems, suites, ngram=NGRAM, fold="letters",
                          label="verifier's problems, clean")
    chosen: dict[int, Step] = {}
    scores = {"base model": evaluate(base or at.base, suites, form="program",
                                     label="score base model", **at.sampling)}
    for seed in at.models:
        model = generator(base or at.base, clean, at, seed)
        pool = sample({"generator": model}, suites, n=SAMPLES, temperatures=TEMPERATURES,
                      seed=seed, label=f"test samples, seed {seed}", **at.sampling)
        drawn = candidates(model, known, at, seed)
        judge = train_verifier(model, drawn, seed=seed, label=f"verifier, seed {seed}",
                               **at.verifying)
        scores[f"{CONTROL}, seed {seed}"] = evaluate(
            taught_again(model, drawn, at, seed), suites, form="program",
            label=f"score {CONTROL}, seed {seed}", **at.sampling)
        chosen[seed] = choose(pool, {"verifier": judge}, label=f"choose, seed {seed}")
    return report("TinyGSM: programs, a generator, and a verifier that picks", scores, data=clean,
                  choices=chosen)


def programs(problems: Step, suites: Mapping[str, Step], rows: int, teacher: str,
             checks: Sequence[str] = CHECKS) -> Step:
    """Return rows with programs: written, run, without copies, clean of the tests."""
    drafts = synthesize(problems, METHODS, rows, teacher, label="write programs")
    checked = verify(drafts, by=checks, teacher=teacher, label="check programs")
    single = select(checked, how="all", label="drop copies")
    return decontaminate(single, suites, ngram=NGRAM, fold="letters")


def generator(base: str | Step, rows: Step, at: Scale, seed: int,
              name: str = "generator") -> Step:
    """Return a trained generator, kept on the way where the verifier's data is drawn."""
    return train(base, rows, [Stage(**at.length)], seed=seed, form="program",
                 checkpoints=at.checkpoints, label=f"{name}, seed {seed}", **at.training)


def candidates(model: Step, problems: Step, at: Scale, seed: int,
               name: str = "verifier's samples") -> Step:
    """Return what a verifier learns from: candidates of several checkpoints and temperatures."""
    return sample({f"after {share:.0%}": (model, share) for share in at.checkpoints},
                  {"problems": problems}, n=at.candidates, temperatures=TEMPERATURES,
                  greedy=False, seed=seed + 100, label=f"{name}, seed {seed}", **at.sampling)


def taught_again(model: Step, drawn: Step, at: Scale, seed: int) -> Step:
    """Return the generator trained on with its own right programs: the verifier's control.

    The verifier's problems come with known answers; this is what those are worth where they
    are spent on the generator.
    """
    right = select(verify(drawn, keep=("correct",), label=f"right programs, seed {seed}"),
                   how="all", label=f"right programs, once each, seed {seed}")
    return train(model, right, [Stage(**at.again)], seed=seed, form="program",
                 label=f"{CONTROL}, seed {seed}", **at.training)


def beside_plan(plan: Any) -> str:
    """Return what the paper paid beside a plan's total, and the plan at the paper's lengths."""
    total, _ = plan.total
    charges = [step.charge for step in plan.steps]
    lines = [("", "rows", "calls", "tokens in", "tokens out", "money"),
             ("this plan", *(f"{n:,.0f}" for n in (total.rows, total.calls, total.read,
                                                   total.written)), _dollars(total.cost))]
    if None not in charges and len(charges) == 1:
        # Each pair once; of the second route the question is read again, and that is in `read`.
        written = total.rows * PAIR
        lines.append((f"at {PAIR} tokens a pair", f"{total.rows:,.0f}", f"{total.calls:,.0f}",
                      f"{total.read:,.0f}", f"{written:,.0f}",
                      _dollars(charges[0].cost(total.read, 0.0, written))))
    lines.append(("the paper, 2023", "12,300,000", "not told", "not told", "1,800,000,000",
                  "about $3,600"))
    widths = [max(len(line[place]) for line in lines) for place in range(6)]
    table = ["  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(
        line[1:], widths[1:], strict=True))]) for line in lines]
    return "\n".join([*table, "The paper (arXiv 2312.09241, section 3) counts the tokens of its "
                      f"pairs, {PAIR} each, and paid GPT-3.5-turbo's price of 2023;",
                      "the plan's money is today's price of the teacher that is named."])


def _dollars(pico: float) -> str:
    return f"${pico / 1e12:,.2f}"
