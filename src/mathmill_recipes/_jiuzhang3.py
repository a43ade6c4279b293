"""The parts of the recipe jiuzhang3: what a scale decides, and the paper's steps for a strand.

Why apart: the recipe should be read in one look, and whoever writes one of their own takes the
parts as they are. No recipe by itself.

Used as: `Mill(scale, scale.strands[0], suites, "openai:MODEL", "BASE").arm(VALUE, seed=0)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mathmill.methods import from_text
from mathmill.pipeline import (
    Stage,
    Step,
    decontaminate,
    lessons,
    select,
    solved,
    synthesize,
    texts,
    train,
    value,
    verify,
)
from mathmill.pipeline import seeds as read

SEEDS = (0, 1, 2)
TEACHER, FIRST, RANDOM, VALUE, UNTAUGHT, STRICT = (
    "(a) teacher only", "(b) not boosted", "(c) boosted, random texts", "(d) boosted, by gradient",
    "(e) never taught", "(f) as (d), without shared runs of 10 words")
LENGTH = ("epochs", "steps")
AGAIN = 1_000  # added to a seed for a second draw of one corpus


@dataclass(frozen=True)
class Strand:
    """What differs between prose and programs."""

    first: int
    "First calls of the teacher, a text each."
    more: int
    "Calls for boosting."
    rows: int
    "Rows that a synthesizer writes."
    known: tuple[str, ...]
    "Problems like those of the test: targets of the value, and rows for fine-tuning."
    teaching: Mapping[str, Any]
    "Training of a synthesizer: its length, and its settings."
    targets: int | None = None
    "Known rows, drawn at random, that pairs are valued for; None: all of them."
    valued: int | None = None
    "Pairs that the first synthesizer writes to be valued; None: all that it wrote."
    kinds: tuple[str, ...] | None = None
    "Kinds of problems that are asked for; all of the paper's where None."
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
    student: Mapping[str, Any]
    "Settings of a student, one optimiser from the first row to the last."
    length: Mapping[str, Any]
    "How long it learns from synthetic rows."
    ngram: tuple[int, ...]
    "Words in a run that no row may share with the test; further lengths are counted only."
    features: Mapping[str, Any] = field(default_factory=dict)
    "Settings of `value`."
    snippets: Mapping[str, Any] = field(default_factory=dict)
    "Texts for the first calls; those of the corpus where empty."
    school: tuple[str, str] = ("", "")
    "Problems and texts from which the embedded synthesizer's base learns to write problems."
    schooling: Mapping[str, Any] = field(default_factory=dict)
    "Training of it."
    scoring: Mapping[str, Any] = field(default_factory=dict)
    "Settings of `evaluate`."
    arms: tuple[str, ...] = (TEACHER, FIRST, RANDOM, VALUE, UNTAUGHT, STRICT)
    "Which arms are run."
    models: tuple[int, ...] = SEEDS
    "Seeds: each draws calls, texts, models and rows anew."


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
    def apart(self) -> bool:
        """Tell whether the first calls have texts of their own."""
        return bool(self.at.snippets) and self.source is None

    @property
    def web(self) -> Step:
        """Return the corpus."""
        return texts(self.source or self.at.texts, label=self.named("corpus"), **self.strand.cut)

    @property
    def known(self) -> Step:
        """Return the problems that are like those of the test, without any of the test."""
        every = [read(one, label=self.named("known problems")) for one in self.strand.known]
        return self.clean(solved(every, label=self.named("known rows")), "known rows")

    def named(self, label: str) -> str:
        """Return a label that tells the strands apart."""
        return f"{label}, tools" if self.strand.tool else label

    def methods(self, short: bool) -> list[Any]:
        """Return how a teacher (or in short a synthesizer) is asked: one kind a text."""
        fields = self.strand.written if short else self.strand.asked
        return [from_text.any_of(from_text.group(short=short, tool=self.strand.tool,
                                                 kinds=self.strand.kinds, **fields))]

    def arm(self, arm: str, seed: int) -> list[Step]:
        """Return the rows that an arm's student learns first, clean."""
        if arm == UNTAUGHT:
            made = [self.mass(self.writer, 0, "never taught")]
        elif arm == TEACHER:
            made = [self.first(seed)[0], self.more(RANDOM, seed)]
        else:
            made = [self.mass(self.taught(arm, seed), seed, f"{arm[4:]}, seed {seed}"
                              ) if arm != STRICT else self.arm(VALUE, seed)[0]]
        if self.strand.tool:
            made = [verify(rows, by=("tool_runs",), label=f"runs, {arm}, seed {seed}")
                    for rows in made]
        name = self.named(arm if arm == UNTAUGHT else f"{arm}, seed {seed}")
        return [self.clean(rows, name, self.at.ngram[::-1] if arm == STRICT else self.at.ngram)
                for rows in made]

    def first(self, seed: int) -> tuple[Step, Step]:
        """Return the teacher's first rows, and the texts that they were drawn from."""
        of = texts(self.at.snippets, label=self.named("texts for the first calls"),
                   **self.strand.cut) if self.apart else self.web
        some = select(of, how="random", count=self.strand.first, seed=seed,
                      label=self.named(f"texts asked about first, seed {seed}"))
        return self.asked(some, self.strand.first, f"first calls, seed {seed}"), of

    def more(self, arm: str, seed: int) -> Step:
        """Return the teacher's rows for boosting."""
        count, name = self.strand.more, "valued" if arm == VALUE else "random"
        # Of one corpus the same seed would draw texts of the first calls again.
        drawn = seed if self.apart else seed + AGAIN
        how: dict[str, Any] = ({"how": "value", "values": self.worth(seed)} if arm == VALUE else
                               {"how": "random", "seed": drawn})
        some = select(self.web, count=count, label=self.named(f"{name} texts, seed {seed}"), **how)
        return self.asked(some, count, f"calls on {name} texts, seed {seed}")

    def asked(self, about: Step, count: int, label: str) -> Step:
        """Return the teacher's rows on texts, one call each."""
        return synthesize(about, self.methods(short=False), count, self.teacher,
                          label=self.named(label))

    @property
    def writer(self) -> str | Step:
        """Return the synthesizer before it is taught."""
        if self.at.writer:
            return self.at.writer
        problems, pages = self.at.school
        rows = solved(read(problems, label="school problems"),
                      texts(pages, label="school texts", **self.strand.cut),
                      self.methods(short=True), label="school rows")
        return train(self.base, self.clean(rows, "school rows"),
                     [Stage(**_only(self.at.schooling, LENGTH))], seed=0,
                     label="synthesizer's base", **{**_without(self.strand.teaching, LENGTH),
                                                    **_without(self.at.schooling, LENGTH)})

    def taught(self, arm: str, seed: int) -> Step:
        """Return the synthesizer of an arm: it learned from the teacher's rows."""
        rows, of = self.first(seed)
        more = [] if arm == FIRST else [self.more(arm, seed)]
        name = self.named(f"{arm[4:]}, seed {seed}")
        study = lessons([rows, *more], [of, *([self.web] if more and of is not self.web else [])],
                        self.methods(short=True), label=f"lessons, {name}")
        return train(self.writer, study, [Stage(**_only(self.strand.teaching, LENGTH))], seed=seed,
                     label=f"synthesizer, {name}", **_without(self.strand.teaching, LENGTH))

    def mass(self, model: str | Step, seed: int, label: str, count: int | None = None) -> Step:
        """Return what a synthesizer writes from the corpus; no row is judged."""
        teacher = f"local:{model}" if isinstance(model, str) else model
        return synthesize(self.web, self.methods(short=True),
                          count or self.samples or self.strand.rows, teacher, seed=seed,
                          label=self.named(f"mass synthesis, {label}"))

    def worth(self, seed: int) -> Step:
        """Return what each pair of the first synthesizer is worth for the known problems."""
        told, tool = self.at.reference, {"form": "tool"} if self.strand.tool else {}
        pairs = self.mass(self.taught(FIRST, seed), seed, f"{FIRST[4:]}, seed {seed}" if
                          self.strand.valued is None else "pairs to value", self.strand.valued)
        written = self.strand.valued or self.samples or self.strand.rows
        some = select(pairs, how="random", count=min(told["rows"], -(-written // 2)), seed=seed,
                      label=self.named(f"pairs for the reference, seed {seed}"))
        reference = train(self.base, some, [Stage(**_only(told, LENGTH))], seed=seed,
                          label=self.named(f"reference, seed {seed}"), **tool,
                          **_without(told, LENGTH, "rows"))
        known = self.known if self.strand.targets is None else select(
            self.known, how="random", count=self.strand.targets, label=self.named("targets"))
        return value(pairs, {"known": known}, reference, seed=seed,
                     label=self.named(f"values, seed {seed}"), **self.at.features)

    def clean(self, rows: Step, label: str, ngram: tuple[int, ...] = ()) -> Step:
        """Return rows without copies, and without any that the test gives away."""
        single = select(rows, how="all", label=f"once each, {label}")
        return decontaminate(single, self.suites, ngram=list(ngram or self.at.ngram),
                             label=f"clean, {label}")

    def student(self, rows: list[Step], known: list[Step], seed: int, label: str) -> Step:
        """Return a student: synthetic rows first, known ones last, in one training."""
        first = {f"synthetic{place}": one for place, one in enumerate(rows)}
        last = {f"known{place}": one for place, one in enumerate(known)}
        form = {"form": "by_row"} if len(self.at.strands) > 1 else {}
        return train(self.base, {**first, **last},
                     [Stage(rows=tuple(first), **self.at.length),
                      Stage(rows=tuple(last), epochs=1)], seed=seed, continuous=True,
                     label=f"student, {label}", **self.at.student, **form)


def _only(settings: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: settings[name] for name in names if name in settings}


def _without(settings: Mapping[str, Any], names: tuple[str, ...], *more: str) -> dict[str, Any]:
    return {name: one for name, one in settings.items() if name not in (*names, *more)}
