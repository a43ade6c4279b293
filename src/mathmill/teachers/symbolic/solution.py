"""Worked solutions: a plan of stages, carried out step by step and written one line a step.

Why a plan: the same machine solves forwards (the question as asked), backwards (for the
unknown `x` of FOBAR and self-verification) and wrongly (`mistakes`), where a fault in one
step must carry through to the end. Recipes for going back are data, in moves.

Used as: `write_solution(story)`; `plan = make_plan(story, answer)`, `carry_out(plan, ...)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from mathmill.teachers.symbolic.quantities import (
    Impossible,
    Move,
    Step,
    read_moves,
    take_step,
    write_share,
)
from mathmill.teachers.symbolic.story import SHARE_KINDS, Story, known, with_number

UNDO = {
    "v+a": "y-a", "v-a": "y+a", "v*a": "y/a", "v/a": "y*a", "a-v": "a-y",
    "a*b;v+_": "a*b;y-_", "a*b;v-_": "a*b;y+_", "v*a%": "y/a%",
    "v*a;v-_": "1-a;y/_", "v*a;v+_": "1+a;y/_", "v*a%;v-_": "100-a;y/_%",
    "v*a%;v+_": "100+a;y/_%", "v+a;v+_": "y-a;_/2",
}
"The value before a beat, from `y`, the value after it."
FIND = {
    "a*b": {"a": "y/b", "b": "y/a"}, "a+b": {"a": "y-b", "b": "y-a"},
    "a*b;_*c": {"a": "b*c;y/_", "b": "a*c;y/_", "c": "a*b;y/_"},
    "v+a": {"a": "y-v"}, "v-a": {"a": "v-y"}, "v*a": {"a": "y/v"}, "v/a": {"a": "v/y"},
    "a-v": {"a": "y+v"}, "v*a%": {"a": "y/v;_*100"},
    "a*b;v+_": {"a": "y-v;_/b", "b": "y-v;_/a"}, "a*b;v-_": {"a": "v-y;_/b", "b": "v-y;_/a"},
    "v*a;v-_": {"a": "v-y;_/v"}, "v*a;v+_": {"a": "y-v;_/v"},
    "v*a%;v-_": {"a": "v-y;_/v;_*100"}, "v*a%;v+_": {"a": "y-v;_/v;_*100"},
    "v+a;v+_": {"a": "y-v;_-v"},
}
"The unknown number of a beat, from `v`, the value before, and `y`, the value after it."
_BACK = {"en": "Before that it was {eq}.", "zh": "在那之前是{eq}。"}
_FOUND = {"en": "So x is {eq}.", "zh": "所以x是{eq}。"}
_PART = {"en": "That is {eq}.", "zh": "这是{eq}。"}
STYLES = 4
"Ways to write a line: plain, sum first, numbered, with the sum as reason."


@dataclass(frozen=True)
class Stage:
    """Some moves that give one value: a beat, a beat undone, or the unknown found."""

    moves: tuple[Move, ...]
    numbers: Mapping[str, Fraction]
    target: str
    "What the result becomes: `v`, `y` or `x`."
    line: str
    "Template of the line of its last step."


@dataclass(frozen=True)
class Plan:
    """Stages in order; `known` holds `y` where the answer was told."""

    stages: tuple[Stage, ...]
    known: Mapping[str, Fraction] = field(default_factory=dict)
    as_share: bool = False
    "Whether the final value is written as a fraction (`1/2`, not `0.5`)."


Fault = Callable[[int, int, Move, Step], Step | None]
"""Replaces a step: (stage, place, move, right step) -> another step, or None to leave it."""


def shape(moves: Sequence[Move]) -> str:
    """Return moves as they stand in a table: the key of `UNDO` and `FIND`."""
    return ";".join(f"{m.left}{m.sign}{m.right}{'%' if m.percent else ''}" for m in moves)


def make_plan(story: Story, answer: Fraction | None = None) -> Plan:
    """Return how to solve the story: forwards, or back from `answer` to its unknown."""
    unknown = story.unknown()
    forward = story.events if unknown is None else story.events[:unknown[0]]
    stages = [Stage(event.beat.moves, known(event), "v",
                    story.family.lines[event.beat.after][story.language]) for event in forward]
    if unknown is None:
        return Plan(tuple(stages))
    assert answer is not None, "the unknown can be found only where the answer is told"
    place, slot = unknown
    for event in reversed(story.events[place + 1:]):
        stages.append(Stage(read_moves(UNDO[shape(event.beat.moves)]), known(event), "y",
                            _BACK[story.language]))
    event = story.events[place]
    moves = read_moves(FIND[shape(event.beat.moves)][slot]) if event.beat.moves else ()
    stages.append(Stage(moves, known(event), "x", _FOUND[story.language]))
    return Plan(tuple(stages), {"y": answer}, dict(event.beat.slots)[slot][0] in SHARE_KINDS)


def carry_out(plan: Plan, fault: Fault | None = None,
              without: int = -1) -> tuple[list[tuple[Stage, list[Step]]], Fraction]:
    """Return each stage's steps and the final value; faults carry through to the end.

    `without` leaves out one stage. Raises Impossible where something divides by nothing.
    """
    values = dict(plan.known)
    done: list[tuple[Stage, list[Step]]] = []
    final = Fraction(0)
    for number, stage in enumerate(plan.stages):
        if number == without:
            continue
        here = {**values, **stage.numbers}
        last = here["y"] if stage.target == "x" else here.get("a")
        steps: list[Step] = []
        for place, move in enumerate(stage.moves):
            step = take_step(move, here, last)
            step = (fault(number, place, move, step) if fault else None) or step
            last = step.value
            steps.append(step)
        assert last is not None, "a stage has moves or a number"
        values[stage.target] = final = last
        done.append((stage, steps))
    return done, final


def solve_unknown(story: Story, answer: Fraction) -> Fraction | None:
    """Return the value of the unknown that gives `answer`; None where there is none.

    The chain is linear in any one number, or linear in its inverse where that number
    divides; two values tell the line, the result is checked by running the story.
    """
    unknown = story.unknown()
    if unknown is None:
        return None

    def outcome(value: Fraction) -> Fraction:
        return with_number(story, *unknown, value).run()[1]

    try:
        first, second = outcome(Fraction(1)), outcome(Fraction(2))
        if first != second:
            found = 1 + (answer - first) / (second - first)
            if outcome(found) == answer:
                return found
            slope = 2 * (first - second)
            found = slope / (answer - first + slope)
            if outcome(found) == answer:
                return found
    except (Impossible, ZeroDivisionError):
        pass
    return None


def write_equation(story: Story, step: Step, value: str) -> str:
    """Return `12 + 7 = 19`, `80 * 25% = 20` or `24 * 1/3 = 8`; `value` is the right side."""
    show = story.show
    right = write_share(step.right) if step.sign in "*/" and step.right < 1 else show(step.right)
    return (f"{show(step.left)} {step.sign} {right}{'%' if step.percent else ''}"
            f" = {value}")


def write_line(story: Story, line: str, step: Step, style: int = 0, number: int = 1,
               shown: str = "") -> str:
    """Return one line of a solution in a style; `shown` overrides how its value is written."""
    language = story.language
    shown = shown or story.show(step.value)
    equation = write_equation(story, step, shown)
    if style == 0:
        return fill_line(line, story, equation)
    value = fill_line(line, story, shown)
    stop = "。" if language == "zh" else "."
    if style == 1:
        return f"{equation}{stop}{'' if language == 'zh' else ' '}{value}"
    if style == 2:
        head = f"第{number}步：" if language == "zh" else f"Step {number}: "
        return head + fill_line(line, story, equation)
    if language == "zh":
        return f"因为{equation}，{value}"
    return f"{value.removesuffix('.')}, because {equation}."


def fill_line(line: str, story: Story, equation: str) -> str:
    """Return a line's template with its words and the equation (or value) put in."""
    return line.format_map({**story.words, "eq": equation})


def write_done(story: Story, done: Sequence[tuple[Stage, list[Step]]], final: Fraction,
               style: int = 0, as_share: bool = False) -> str:
    """Return a carried-out plan as text; its last line is `The answer is ...`."""
    lines: list[str] = []
    answer = write_share(final) if as_share else story.show(final)
    for stage, steps in done:
        for step in steps[:-1]:
            lines.append(write_line(story, _PART[story.language], step, style, len(lines) + 1))
        if steps:
            shown = answer if stage is done[-1][0] else ""
            lines.append(write_line(story, stage.line, steps[-1], style, len(lines) + 1, shown))
    if not lines:
        lines.append(fill_line(done[-1][0].line, story, answer))
    return "\n".join([*lines, f"The answer is {answer}"])


def write_solution(story: Story) -> str:
    """Return the full worked solution of a forward problem in the plain style."""
    return write_done(story, *carry_out(make_plan(story)))


def step_lines(story: Story) -> list[list[str]]:
    """Return the plain lines of each event, for prose that weaves them in."""
    done, _ = carry_out(make_plan(story))
    part = _PART[story.language]
    return [[write_line(story, stage.line if step is steps[-1] else part, step)
             for step in steps] for stage, steps in done]
