"""JiuZhang3.0: a few teacher calls train the model that writes the data, and gradients say which.

The second paper's system whole (arXiv 2405.14365), at two scales, beside the controls that show
what its parts are worth. All students take the same optimiser steps, and the same rows of known
problems at the end: (a) the teacher's rows alone; (b) rows of a synthesizer taught by the first
calls; (c) of one taught by more calls, on texts at random; (d) on the texts whose pairs have the
most valuable gradients. (a), (c) and (d) ask the teacher equally often, `UNTAUGHT` never.

`embedded`: texts of the symbolic world, three seeds, half an hour at most on two cores. `paper`:
six million rows by models that you name, with the paper's settings; see what it would ask and
cost with `mathmill plan jiuzhang3 --scale paper` before you run it. docs/jiuzhang3.md says what
the paper leaves open, and what stands here for it.

Used as: `mathmill run jiuzhang3`; `mathmill run jiuzhang3 --scale paper --seeds texts.parquet
--teacher openai:MODEL --base MODEL`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mathmill.errors import UsageError
from mathmill.methods import from_text
from mathmill.pipeline import (
    EMBEDDED,
    Stage,
    Step,
    census,
    decontaminate,
    evaluate,
    lessons,
    report,
    select,
    synthesize,
    texts,
    train,
    value,
)
from mathmill.pipeline import seeds as read
from mathmill.pipeline import step as work
from mathmill.types import Problem, Sample, sample_id, seed_as_sample
from mathmill.workbench import Workbench
from mathmill_recipes.skywork_math import name_of

SEEDS = (0, 1, 2)
NGRAM = 10
TEACHER, FIRST, RANDOM, VALUE, UNTAUGHT = ARMS = (
    "(a) teacher only", "(b) not boosted", "(c) boosted, random texts", "(d) boosted, by gradient",
    "(0) synthesizer's base, untaught")
STUDIES: dict[str, tuple[str, ...]] = {  # the first of each is its control
    "what a synthesizer is worth": (TEACHER, FIRST, RANDOM, VALUE, UNTAUGHT),
    "what more calls are worth": (FIRST, RANDOM, VALUE),
    "which texts to ask about": (RANDOM, VALUE)}
ORDER = "Task: problem."  # what the embedded synthesizer's base is told at school


@dataclass(frozen=True)
class Strand:
    """What differs between prose and programs."""

    first: int
    "First calls of the teacher, a text each."
    more: int
    "Calls for boosting."
    rows: int
    "Rows that a synthesizer writes."
    known: str
    "Problems like those of the test: targets of the value, and rows for fine-tuning."
    teaching: Mapping[str, Any]
    "Training of a synthesizer: its length, and its settings."
    valued: int | None = None
    "Pairs that the first synthesizer writes to be valued; None: all that it wrote."
    asked: Mapping[str, Any] = field(default_factory=dict)
    "Fields of the teacher's methods other than the paper's."
    written: Mapping[str, Any] = field(default_factory=dict)
    "Fields of the synthesizer's methods other than the paper's."
    cut: Mapping[str, Any] = field(default_factory=dict)
    "How texts are cut."
    tool: bool = False
    "Whether solutions are programs with their outputs."


@dataclass(frozen=True)
class Scale:
    """Everything in which the two scales differ."""

    texts: Mapping[str, Any]
    "The corpus: what is valued, sent to the teacher again, and written from."
    snippets: Mapping[str, Any]
    "Texts for the first calls; those of the corpus where empty."
    strands: tuple[Strand, ...]
    "Prose, and programs where there are any."
    test: str
    "Problems to test on."
    teacher: str
    "Who is asked a few times."
    writer: str
    "The synthesizer before it is taught; a model that `school` makes where empty."
    base: str
    "Student and reference before training."
    reference: Mapping[str, Any]
    "Training of the reference: its rows, its length and its settings."
    features: Mapping[str, Any]
    "Settings of `value`."
    student: Mapping[str, Any]
    "Settings of a student, one optimiser from the first row to the last."
    length: Mapping[str, Any]
    "How long it learns from synthetic rows."
    school: str = ""
    "Problems from which the embedded synthesizer's base learns to write and to solve."
    schooling: Mapping[str, Any] = field(default_factory=dict)
    "Training of it."
    scoring: Mapping[str, Any] = field(default_factory=dict)
    "Settings of `evaluate`."
    arms: tuple[str, ...] = ARMS
    "Which of the arms are run."
    models: tuple[int, ...] = SEEDS
    "Seeds: each draws calls, texts, models and rows anew."


FAMILIES = "bakery+basket+bus+class+orchard+reading+shop+theatre"  # what the corpus speaks of
ASKED = "bus+orchard+shop"  # what is asked in the end: narrower than the corpus
MUON = {"optimizer": "muon+adamw", "schedule": "wsd", "max_length": 640}
EMBEDDED_SCALE = Scale(  # docs/jiuzhang3.md has the measurements behind these
    texts={f"symbolic:count=4000,seed=1,plain=0.2,families={FAMILIES}": None},
    snippets={f"symbolic:count=1200,seed=2,plain=0.2,families={FAMILIES}": None},
    strands=(Strand(
        first=300, more=200, rows=3_800,
        known=f"symbolic:count=200,seed=3,levels=2-3,families={ASKED}",
        asked={"temperature": 0.0},  # one plain style, which so small a model learns
        written={"temperature": 0.4, "max_tokens": 220},
        teaching={"epochs": 5.0, "learning_rate": 0.005, "adam_rate": 1.5e-3, "warmup": 0.05,
                  "decay": 0.6, "batch_size": 16, **MUON}),),
    test=f"symbolic:count=1000,seed=4,levels=2-3,families={ASKED}",
    teacher="symbolic:", writer="", base=EMBEDDED,
    reference={"rows": 1_000, "epochs": 2.0, "lora": {"rank": 8}},
    features={"dimension": 1024},
    student={"learning_rate": 0.01, "adam_rate": 3e-3, "warmup": 0.03, "decay": 0.15,
             "floor": 0.1, "batch_size": 8, **MUON},
    length={"steps": 425},
    school=f"symbolic:count=3000,seed=5,levels=1-2,families={FAMILIES}",
    schooling={"steps": 500}, scoring={"max_new_tokens": 96, "batch": 256})
SCALES = {"embedded": EMBEDDED_SCALE}


def recipe(samples: int | None = None, seeds: str | None = None, teacher: str | None = None,
           base: str | None = None, test: str | None = None, scale: str = "embedded") -> Step:
    """Teach synthesizers, write by them, train students on what each way gave, report."""
    if scale not in SCALES:
        raise UsageError(f"jiuzhang3 has no scale {scale!r}; it has {', '.join(SCALES)}")
    at = SCALES[scale]
    place = test or at.test
    suites = {name_of(place).replace("symbolic, given", "symbolic"): read(place, label="test")}
    scores: dict[str, Step] = {}
    sets: dict[str, list[Step]] = {}
    mill = Mill(at, at.strands[0], suites, teacher or at.teacher, base or at.base, samples, seeds)
    for seed in at.models:
        for arm, rows in mill.arms(seed).items():
            key = f"{arm}, seed {seed}"
            sets[key] = rows
            scores[key] = evaluate(mill.student(rows, seed, key), suites, label=f"score {key}",
                                   **at.scoring)
    arms = [{"study": study, "arm": arm, "seed": seed, "control": arm == names[0],
             "score": f"score.{arm}, seed {seed}", "suite": next(iter(suites))}
            for study, names in STUDIES.items() for arm in names for seed in at.models
            if f"{arm}, seed {seed}" in scores]
    main = f"{VALUE}, seed {at.models[0]}"
    return report("JiuZhang3.0: a model that writes the data, taught by a few calls", scores,
                  data=sets[main][0], arms=arms, main=main,
                  counted=census(sets, mill.known) if mill.readable else None)


@dataclass(frozen=True)
class Mill:
    """The paper's parts, as steps of one strand."""

    at: Scale
    strand: Strand
    suites: Mapping[str, Step]
    "What is tested in the end."
    teacher: str
    base: str
    samples: int | None = None
    "Rows to write in the place of the scale's."
    source: str | None = None
    "Texts in the place of the scale's."

    @property
    def readable(self) -> bool:
        """Tell whether the symbolic world can read what is written."""
        return self.source is None and all(name.startswith("symbolic:") for name in self.at.texts)

    @property
    def rows(self) -> int:
        """Return the rows that a synthesizer writes."""
        return self.samples or self.strand.rows

    @property
    def web(self) -> Step:
        """Return the corpus."""
        return texts(self.source or self.at.texts, label="corpus", **self.strand.cut)

    @property
    def snippets(self) -> Step:
        """Return the texts for the first calls."""
        if self.source or not self.at.snippets:
            return self.web
        return texts(self.at.snippets, label="texts for the first calls", **self.strand.cut)

    @property
    def known(self) -> Step:
        """Return the problems that are like those of the test, without any of the test."""
        return decontaminate(read(self.strand.known, label="known problems"), self.suites,
                             ngram=NGRAM, label="known problems, clean")

    def methods(self, short: bool) -> list[Any]:
        """Return how a teacher (or in short a synthesizer) is asked: one kind a text."""
        fields = self.strand.written if short else self.strand.asked
        return [from_text.any_of(from_text.group(short=short, tool=self.strand.tool,
                                                 answers=True, **fields))]

    def arms(self, seed: int) -> dict[str, list[Step]]:
        """Return the rows that each arm trains its student on."""
        at, count = self.at, self.strand.more
        first = self.asked(select(self.snippets, how="random", count=self.strand.first, seed=seed,
                                  label=f"texts asked about first, seed {seed}"),
                           self.strand.first, f"first calls, seed {seed}")
        plain = self.taught([first], [self.snippets], seed, f"not boosted, seed {seed}")
        drafts = self.mass(plain, seed, f"not boosted, seed {seed}")
        lucky = select(self.web, how="random", count=count, seed=seed,
                       label=f"texts at random, seed {seed}")
        worthy = select(self.web, how="value", values=self.worth(drafts, seed), count=count,
                        label=f"texts by value, seed {seed}")
        more = {RANDOM: self.asked(lucky, count, f"calls on random texts, seed {seed}"),
                VALUE: self.asked(worthy, count, f"calls on valued texts, seed {seed}")}
        made: dict[str, list[Step]] = {}
        if TEACHER in at.arms:
            made[TEACHER] = [first, more[RANDOM]]
        if FIRST in at.arms:
            made[FIRST] = [drafts]
        for arm in (RANDOM, VALUE):
            if arm in at.arms:
                model = self.taught([first, more[arm]], [self.snippets, self.web], seed,
                                    f"{arm[4:]}, seed {seed}")
                made[arm] = [self.mass(model, seed, f"{arm[4:]}, seed {seed}")]
        if UNTAUGHT in at.arms:
            made[UNTAUGHT] = [self.mass(self.writer, 0, "untaught")]
        return {arm: [self.clean(rows, f"{arm}, seed {seed}" if arm != UNTAUGHT else arm)
                      for rows in steps] for arm, steps in made.items()}

    def asked(self, about: Step, count: int, label: str) -> Step:
        """Return the teacher's rows on texts, one call each."""
        return synthesize(about, self.methods(short=False), count, self.teacher, label=label)

    @property
    def writer(self) -> str | Step:
        """Return the synthesizer before it is taught."""
        if self.at.writer:
            return self.at.writer
        lessons_ = self.clean(work("as_rows", as_rows, {"order": ORDER},
                                   {"problems": read(self.at.school, label="school problems")},
                                   label="school rows"), "school rows")
        return train(self.at.base, lessons_, [Stage(**self.at.schooling)], seed=0,
                     label="synthesizer's base", **_without(self.strand.teaching, LENGTH,
                                                            "learning_rate", "adam_rate"))

    def taught(self, rows: list[Step], about: list[Step], seed: int, label: str) -> Step:
        """Return a synthesizer that learned from the teacher's rows."""
        study = lessons(rows, about, self.methods(short=True), label=f"lessons, {label}")
        return train(self.writer, study, [Stage(**_only(self.strand.teaching, LENGTH))], seed=seed,
                     label=f"synthesizer, {label}", **_without(self.strand.teaching, LENGTH))

    def mass(self, model: str | Step, seed: int, label: str) -> Step:
        """Return what a synthesizer writes from the corpus; no row is judged."""
        return synthesize(self.web, self.methods(short=True), self.rows, model, seed=seed,
                          label=f"mass synthesis, {label}")

    def worth(self, drafts: Step, seed: int) -> Step:
        """Return what each pair of the first synthesizer is worth for the known problems."""
        told = self.at.reference
        some = select(drafts, how="random", count=told["rows"], seed=seed,
                      label=f"pairs for the reference, seed {seed}")
        reference = train(self.base, some, [Stage(**_only(told, LENGTH))], seed=seed,
                          label=f"reference, seed {seed}", **_without(told, LENGTH, "rows"))
        return value(drafts, {"known": self.known}, reference, label=f"values, seed {seed}",
                     **self.at.features)

    def clean(self, rows: Step, label: str) -> Step:
        """Return rows without copies, and without any that shares ten words with the test."""
        single = select(rows, how="all", label=f"once each, {label}")
        return decontaminate(single, self.suites, ngram=NGRAM, label=f"clean, {label}")

    def student(self, rows: list[Step], seed: int, label: str) -> Step:
        """Return a student: synthetic rows first, known problems last, in one training."""
        known = work("as_rows", as_rows, {"order": ""}, {"problems": self.known},
                     label="known rows")
        given = {f"synthetic{place}": one for place, one in enumerate(rows)}
        return train(self.base, {**given, "known": known},
                     [Stage(rows=tuple(given), **self.at.length), Stage(rows="known", epochs=1)],
                     seed=seed, continuous=True, label=f"student, {label}", **self.at.student)


LENGTH = ("epochs", "steps")


def _only(settings: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: settings[name] for name in names if name in settings}


def _without(settings: Mapping[str, Any], names: tuple[str, ...], *more: str) -> dict[str, Any]:
    return {name: one for name, one in settings.items() if name not in (*names, *more)}


def as_rows(bench: Workbench, *, order: str) -> None:
    """Write solved problems as training rows; under an `order`, both as the reply to that."""
    def made(problem: Problem) -> Sample:
        row = seed_as_sample(problem, problem.solution or "", problem.answer)
        if not order:
            return row
        reply = from_text.written(row.question, row.solution)
        return replace(row, id=sample_id(order, reply), question=order, solution=reply)

    bench.keep((made(one) for one in bench.rows("problems", Problem) if one.solution), Sample)
