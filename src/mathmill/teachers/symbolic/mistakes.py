"""Mistakes as models make them: a wrong operation, a slip of arithmetic, a dropped step.

Why: a teacher that errs at a known rate in known ways lets every check of the pipeline be
measured. A mistake is made in one step and carried through honestly to the end, so that the
solution reads well and its answer is wrong.

Used as: `wrong = draw_mistake(plan, right, story, rng)`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from mathmill.teachers.symbolic.quantities import Impossible, Move, Step, compute
from mathmill.teachers.symbolic.solution import Plan, Stage, carry_out
from mathmill.teachers.symbolic.story import Story

OPERATION, SLIP, DROPPED = "wrong operation", "slip of arithmetic", "dropped step"
KINDS = (OPERATION, SLIP, DROPPED)
_SWAPS = {"+": "-*", "-": "+", "*": "/+", "/": "*-"}


@dataclass(frozen=True)
class Mistaken:
    """A solution gone wrong."""

    kind: str
    done: list[tuple[Stage, list[Step]]]
    final: Fraction


def draw_mistake(plan: Plan, right: Fraction, story: Story, rng: random.Random) -> Mistaken:
    """Return the plan carried out with one mistake that changes the final answer.

    The kind is drawn first; where none of that kind would change the answer and still be
    written well, another kind takes its place, and last a slip of one in the answer itself.
    """
    kinds = list(KINDS)
    rng.shuffle(kinds)
    tries = {OPERATION: _wrong_operations, SLIP: _slips, DROPPED: _drops}
    for kind in kinds:
        for done, final in tries[kind](plan, rng):
            values = [step.value for _, steps in done for step in steps]
            if final != right and all(_writable(value, story) for value in (*values, final)):
                return Mistaken(kind, done, final)
    done, final = carry_out(plan)
    stage, steps = done[-1]
    if steps:
        steps = [*steps[:-1], replace(steps[-1], value=final + 1)]
    return Mistaken(SLIP, [*done[:-1], (stage, steps)], final + 1)


def _writable(value: Fraction, story: Story) -> bool:
    """Tell whether a person would write the value down without a second thought."""
    if value < 0:
        return False
    below = value.denominator
    return below <= 60 if story.family.rule == "share" else 100 % below == 0


def _places(plan: Plan, rng: random.Random) -> list[tuple[int, int]]:
    """Return all (stage, move) places of a plan in random order."""
    places = [(number, place) for number, stage in enumerate(plan.stages)
              for place in range(len(stage.moves))]
    rng.shuffle(places)
    return places


def _faulty(plan: Plan, where: tuple[int, int], wrong: Step,
            ) -> tuple[list[tuple[Stage, list[Step]]], Fraction] | None:
    """Return the plan with one step replaced; None where it then cannot go on."""
    def fault(number: int, place: int, move: Move, step: Step) -> Step | None:
        return wrong if (number, place) == where else None

    try:
        return carry_out(plan, fault)
    except Impossible:
        return None


Outcome = tuple[list[tuple[Stage, list[Step]]], Fraction]


def _right_steps(plan: Plan) -> list[list[Step]]:
    return [steps for _, steps in carry_out(plan)[0]]


def _wrong_operations(plan: Plan, rng: random.Random) -> Iterator[Outcome]:
    """Yield outcomes with one sign exchanged for another."""
    right = _right_steps(plan)
    for number, place in _places(plan, rng):
        step = right[number][place]
        if step.percent:
            continue
        signs = list(_SWAPS[step.sign])
        rng.shuffle(signs)
        for sign in signs:
            try:
                value = compute(step.left, sign, step.right)
            except Impossible:
                continue
            made = _faulty(plan, (number, place),
                           Step(step.left, sign, step.right, False, value))
            if made:
                yield made


def _slips(plan: Plan, rng: random.Random) -> Iterator[Outcome]:
    """Yield outcomes with one result off by one, by ten or in a digit."""
    right = _right_steps(plan)
    for number, place in _places(plan, rng):
        step = right[number][place]
        value = step.value
        unit = Fraction(1, value.denominator) if value.denominator <= 10 else Fraction(1, 10)
        wrong = [value + 1, value - 1, value + 10, value - 10, value + unit, value - unit]
        text = str(value.numerator)
        if value.denominator == 1 and len(text) > 1 and text[-1] != text[-2]:
            wrong.append(Fraction(int(text[:-2] + text[-1] + text[-2])))
        rng.shuffle(wrong)
        for slip in wrong:
            if slip > 0 and slip != value:
                made = _faulty(plan, (number, place), Step(step.left, step.sign, step.right,
                                                           step.percent, slip))
                if made:
                    yield made


def _drops(plan: Plan, rng: random.Random) -> Iterator[Outcome]:
    """Yield outcomes with one stage left out: never the first, nor the one that finds `x`."""
    places = [number for number, stage in enumerate(plan.stages)
              if number and stage.moves and stage.target != "x"]
    rng.shuffle(places)
    for number in places:
        try:
            yield carry_out(plan, None, number)
        except Impossible:
            continue
