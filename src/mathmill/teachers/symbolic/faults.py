"""Mistakes in programs: a wrong operation, a wrong number, a missing step, swapped roles.

Why: as in `mistakes`, a teacher that errs in known ways lets checks be measured; but a
program makes no slip of arithmetic, it errs in what it computes.

Used as: `kind, plan, marks, value = spoil(story, plan, marks, rng)`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from mathmill.teachers.symbolic.quantities import Impossible
from mathmill.teachers.symbolic.solution import Plan, Stage, carry_out
from mathmill.teachers.symbolic.story import Story

OPERATION, NUMBER, MISSING, SWAPPED = (
    "wrong operation", "wrong number", "missing step", "swapped roles")
KINDS = (OPERATION, NUMBER, MISSING, SWAPPED)
_SWAPS = {"+": "-*", "-": "+", "*": "/+", "/": "*-"}

Marks = tuple[Any, ...]
Spoilt = tuple[Plan, Marks]


def spoil(story: Story, plan: Plan, marks: Marks, rng: random.Random,
          ) -> tuple[str, Plan, Marks, Fraction]:
    """Return a plan with one mistake that changes the result: kind, plan, labels, value.

    The kind is drawn first; where none of that kind changes the result and leaves a value
    that could be one, another kind takes its place, and last a number that is one too large.
    """
    _, right = carry_out(plan)
    kinds = list(KINDS)
    rng.shuffle(kinds)
    tries = {OPERATION: _operations, NUMBER: _numbers, MISSING: _missing, SWAPPED: _swaps}
    for strict in (True, False):
        for kind in kinds:
            for wrong, left in tries[kind](plan, marks, rng):
                if not any(stage.moves for stage in wrong.stages):
                    continue  # a number written down is no program
                value = _value(wrong)
                if value is not None and value != right and (
                        (value >= 0 and value.denominator <= 100) or not strict):
                    return kind, wrong, left, value
    raise AssertionError(f"no mistake changes the result of {story.signature()}")


def _value(plan: Plan) -> Fraction | None:
    try:
        return carry_out(plan)[1]
    except Impossible:
        return None


def _with(plan: Plan, place: int, stage: Stage) -> Plan:
    return replace(plan, stages=(*plan.stages[:place], stage, *plan.stages[place + 1:]))


def _places(plan: Plan, rng: random.Random) -> list[tuple[int, int]]:
    places = [(number, place) for number, stage in enumerate(plan.stages)
              for place in range(len(stage.moves))]
    rng.shuffle(places)
    return places


def _with_move(plan: Plan, number: int, place: int, **changes: Any) -> Plan:
    stage = plan.stages[number]
    moves = list(stage.moves)
    moves[place] = replace(moves[place], **changes)
    return _with(plan, number, replace(stage, moves=tuple(moves)))


def _operations(plan: Plan, marks: Marks, rng: random.Random) -> Iterator[Spoilt]:
    """Yield plans with one sign exchanged for another."""
    for number, place in _places(plan, rng):
        move = plan.stages[number].moves[place]
        signs = [] if move.percent else list(_SWAPS[move.sign])
        rng.shuffle(signs)
        for sign in signs:
            yield _with_move(plan, number, place, sign=sign), marks


def _numbers(plan: Plan, marks: Marks, rng: random.Random) -> Iterator[Spoilt]:
    """Yield plans with one number misread: another of the problem's, or one or ten off."""
    slots = [(place, slot) for place, stage in enumerate(plan.stages) for slot in stage.numbers]
    rng.shuffle(slots)
    told = sorted({value for stage in plan.stages for value in stage.numbers.values()})
    for place, slot in slots:
        stage = plan.stages[place]
        value = stage.numbers[slot]
        near = ([value + 1, value - 1, value + 10, value - 10] if value.denominator == 1
                else [1 - value, value + Fraction(1, 2), 1 / value])
        others = [other for other in told if (other < 1) == (value < 1)]
        choices = [other for other in (*near, *others) if other > 0 and other != value]
        rng.shuffle(choices)
        for other in choices:
            yield _with(plan, place, replace(
                stage, numbers={**stage.numbers, slot: other})), marks


def _missing(plan: Plan, marks: Marks, rng: random.Random) -> Iterator[Spoilt]:
    """Yield plans without one stage, or with the last move of one left undone."""
    numbers = list(range(len(plan.stages)))
    rng.shuffle(numbers)
    for number in numbers:
        stage = plan.stages[number]
        if number and stage.target != "x":
            yield (replace(plan, stages=_without(plan.stages, number)),
                   marks[:number] + marks[number + 1:])
        if len(stage.moves) > 1:
            yield _with(plan, number, replace(stage, moves=stage.moves[:-1])), marks


def _without(stages: Sequence[Stage], number: int) -> tuple[Stage, ...]:
    return (*stages[:number], *stages[number + 1:])


def _swaps(plan: Plan, marks: Marks, rng: random.Random) -> Iterator[Spoilt]:
    """Yield plans with the two sides of a step exchanged, or two numbers in each other's place."""
    for number, place in _places(plan, rng):
        move = plan.stages[number].moves[place]
        if move.sign in "-/" and not move.percent:
            yield _with_move(plan, number, place, left=move.right, right=move.left), marks
    slots = [(place, slot) for place, stage in enumerate(plan.stages) for slot in stage.numbers]
    pairs = [(one, other) for one in slots for other in slots if one < other]
    rng.shuffle(pairs)
    for (here, slot), (there, other) in pairs:
        first, second = plan.stages[here], plan.stages[there]
        a, b = first.numbers[slot], second.numbers[other]
        if a == b or (a < 1) != (b < 1):
            continue
        made = _with(plan, here, replace(first, numbers={**first.numbers, slot: b}))
        stage = made.stages[there]
        yield _with(made, there, replace(stage, numbers={**stage.numbers, other: a})), marks
