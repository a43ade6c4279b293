"""Programs of the symbolic teacher: a problem's solution as lines of Python.

Why: a student of programs needs many that are right, told in several spellings, and some
that are wrong in a known way. A program is written from the same plan as a worked solution,
so that its value is known without running it.

Used as: `write_program(reading, rng)`; `program_for(question, rng)` -> `Program(body, value,
mistake)`; `solve_problem(problem, rng)` -> `(question, body, answer)`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from mathmill.teachers.symbolic.expressions import ATOM, Term, combine, literal
from mathmill.teachers.symbolic.naming import RESULT, Names
from mathmill.teachers.symbolic.quantities import write_share
from mathmill.teachers.symbolic.reader import Reading, answer_of, read
from mathmill.teachers.symbolic.solution import Plan, Stage, carry_out, make_plan
from mathmill.teachers.symbolic.story import SHARE_KINDS, Story
from mathmill.teachers.symbolic.tables import Beat
from mathmill.types import Problem


@dataclass(frozen=True, slots=True)
class Style:
    """How a program is spelled."""

    named: str = "each"
    "Which numbers get a variable: `each` where it is used, `first` all at the top, `none`."
    inline: float = 0.0
    "Chance that a value on the way gets no line of its own."
    same: bool = False
    "Whether the running value keeps one name (`riders = riders - 3`)."
    short: bool = False
    "Whether that is written `riders -= 3`."
    direct: bool = False
    "Whether the last line computes, instead of `result = riders_left`."
    decimal: bool = False
    "Whether a percentage is written `* 0.15`, not `* 15 / 100`."
    fixed: bool = False
    "Whether each thing has one name only, none drawn."


STYLES = (
    Style(), Style("none"), Style("first"), Style("none", same=True),
    Style("each", 0.3, direct=True), Style("none", 0.5, direct=True),
    Style("none", same=True, short=True, decimal=True), Style("first", 0.4, direct=True),
    Style("none", 1.0, direct=True), Style("first", same=True))
"Spellings of a program; number 0 is the plain one: every number and every step named."


COMPACT = Style("none", same=True, direct=True, fixed=True)
"A spelling by itself: 26 tokens of the embedded base a program of levels 1-3, against 44 drawn."


@dataclass(frozen=True, slots=True)
class Program:
    """A program and what it does."""

    body: str
    "Lines of Python, the last of which assigns `result`."
    answer: str
    "What it gives, exactly (`17/8`; the float of it when it is run)."
    mistake: str | None
    "What is wrong with it (`faults.KINDS`); None where it is right."
    printed: str = ""
    "What Python prints as its result (`8.0`, `2.125`)."


@dataclass
class _Script:
    """The lines written so far and what the names in them stand for."""

    style: Style
    names: Names
    rng: random.Random
    lines: list[str] = field(default_factory=list)

    def assign(self, name: str, term: Term) -> Term:
        """Write `name = term` and return the name as a term."""
        self.lines.append(f"{name} = {term.text}")
        return Term(name, ATOM, term.value, term.number)


def write_program(told: Reading | Story, rng: random.Random,
                  style: int | Style | None = None) -> str:
    """Return the right program for a problem: dedented lines ending in `result = ...`.

    `style`: one of `STYLES` by number, or of your own; None draws one. A problem with an
    unknown must be a `Reading` that tells the answer; AssertionError where it does not.
    """
    story, answer = (told.story, told.answer) if isinstance(told, Reading) else (told, None)
    return write_plan(story, make_plan(story, answer), labels(story), rng, style)


def program_for(question: str, rng: random.Random, *, wrong: bool = False,
                style: int | Style | None = None) -> Program | None:
    """Return a right (or a wrong) program for a question; None where it cannot be read."""
    reading = read(question)
    if reading is None or answer_of(reading) is None:
        return None
    return program_of(reading, rng, wrong=wrong, style=style)


def program_of(reading: Reading, rng: random.Random, *, wrong: bool = False,
               style: int | Style | None = None) -> Program:
    """Return a right (or a wrong) program for a question that was read and can happen."""
    from mathmill.teachers.symbolic.faults import spoil

    story, kind = reading.story, None
    plan, marks = make_plan(story, reading.answer), labels(story)
    _, value = carry_out(plan)
    if wrong:
        kind, plan, marks, value = spoil(story, plan, marks, rng)
    body, number = spell_plan(story, plan, marks, rng, style)
    answer = write_share(value) if plan.as_share else story.show(value)
    return Program(body, answer, kind, repr(number))


def solve_problem(problem: Problem, rng: random.Random,
                  style: int | Style | None = None) -> tuple[str, str, str]:
    """Return question, right program and answer of a symbolic problem (`make_problems`).

    Raises ValueError for a problem of another world.
    """
    made = program_for(problem.question, rng, style=style)
    if made is None:
        raise ValueError(f"not a problem of the symbolic world: {problem.question[:80]!r}")
    return problem.question, made.body, made.answer


Label = tuple[Beat, str]
"The beat that a stage of a plan comes from, and the state that its result is in."


def labels(story: Story) -> tuple[Label, ...]:
    """Return the label of each stage of `make_plan(story)`, in order; `x` is the unknown."""
    unknown = story.unknown()
    if unknown is None:
        return tuple((event.beat, event.beat.after) for event in story.events)
    place = unknown[0]
    ahead = tuple((event.beat, event.beat.after) for event in story.events[:place])
    back = tuple((event.beat, event.beat.before) for event in reversed(story.events[place + 1:]))
    return (*ahead, *back, (story.events[place].beat, "x"))


def write_plan(story: Story, plan: Plan, marks: tuple[Label, ...], rng: random.Random,
               style: int | Style | None = None) -> str:
    """Return the program that carries out a plan, right or wrong."""
    return spell_plan(story, plan, marks, rng, style)[0]


def spell_plan(story: Story, plan: Plan, marks: tuple[Label, ...], rng: random.Random,
               style: int | Style | None = None) -> tuple[str, int | float]:
    """Return the program that carries out a plan, and the number that Python makes of it."""
    if style is None:
        style = rng.choice(STYLES)
    style = STYLES[style] if isinstance(style, int) else style
    script = _Script(style, Names(story, None if style.fixed else rng), rng)
    numbers = [_numbers(script, stage, mark) if script.style.named == "first" else None
               for stage, mark in zip(plan.stages, marks, strict=True)]
    values = {name: script.assign("known_result", literal(value))
              for name, value in plan.known.items()}
    final = literal(Fraction(0))
    for place, (stage, mark) in enumerate(zip(plan.stages, marks, strict=True)):
        last = place == len(plan.stages) - 1
        final = _write_stage(script, stage, mark, values, numbers[place], last)
        values[stage.target] = final
    number = final.number
    if final.noisy and 100 % final.value.denominator == 0:
        number = round(number, 2)
        if final.text == RESULT:
            script.lines[-1] = f"{RESULT} = round({script.lines[-1].partition(' = ')[2]}, 2)"
        else:
            script.lines.append(f"{RESULT} = round({final.text}, 2)")
    elif final.text != RESULT:
        script.assign(RESULT, final)
    return "\n".join(script.lines), number


def _numbers(script: _Script, stage: Stage, mark: Label) -> dict[str, Term]:
    """Return a stage's numbers as terms, writing the lines that name them."""
    beat, kinds = mark[0], dict(mark[0].slots)
    used = {move.left for move in stage.moves} | {move.right for move in stage.moves}
    terms: dict[str, Term] = {}
    for slot, value in stage.numbers.items():
        share = kinds[slot][0] in SHARE_KINDS
        term = literal(value, share=share)
        # A third is no float: only shares that are get a name, the others are written out.
        exact = not share or value.denominator in (1, 2, 4, 8)
        if slot in used and exact and script.style.named != "none":
            term = script.assign(script.names.slot(beat.name, slot), term)
        terms[slot] = term
    return terms


def _write_stage(script: _Script, stage: Stage, mark: Label, values: Mapping[str, Term],
                 numbers: dict[str, Term] | None, last: bool) -> Term:
    """Write the lines of one stage and return its result as a term."""
    style, names, (beat, state) = script.style, script.names, mark
    uses = sum((move.left == stage.target) + (move.right == stage.target)
               for move in stage.moves)
    here = dict(values)
    if uses > 1 and here[stage.target].level < ATOM:
        here[stage.target] = script.assign(names.base(state, stage.target), here[stage.target])
    here |= numbers if numbers is not None else _numbers(script, stage, mark)
    if not stage.moves:
        result = here["y"] if stage.target == "x" else here["a"]
        if result.level == ATOM and result.constant is None:
            return result
        if style.inline == 1:
            return result
        return script.assign(names.base(state, stage.target), result)
    result = here["y"] if stage.target == "x" else here.get("a", literal(Fraction(0)))
    for place, move in enumerate(stage.moves):
        left, right = (_term(name, here, result) for name in (move.left, move.right))
        result = combine(left, move.sign, right, script.rng, percent=move.percent,
                         decimal=style.decimal)
        inner = place < len(stage.moves) - 1
        if inner and script.rng.random() >= style.inline and result.constant is None:
            result = script.assign(names.slot(beat.name, "_"), result)
    if last and style.direct:
        return script.assign(RESULT, result)
    if script.rng.random() < style.inline:
        return result
    return _keep(script, result, stage, state, values)


def _keep(script: _Script, result: Term, stage: Stage, state: str,
          values: Mapping[str, Term]) -> Term:
    """Write a stage's result under the name that the style gives it."""
    names, move = script.names, stage.moves[-1]
    if not script.style.same:
        return script.assign(names.running(state, move.sign, stage.target), result)
    name = names.base(state, stage.target)
    before = values.get(stage.target)
    short = f"{name} {move.sign} "
    if (script.style.short and before is not None and before.text == name
            and result.text.startswith(short) and result.tail):
        script.lines.append(f"{name} {move.sign}= {result.tail}")
        return Term(name, ATOM, result.value, result.number)
    return script.assign(name, result)


def _term(name: str, here: Mapping[str, Term], last: Term) -> Term:
    if name == "_":
        return last
    return literal(Fraction(name)) if name.isdigit() else here[name]
