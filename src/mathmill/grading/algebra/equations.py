"""Decide whether two equations or inequalities say the same.

Why: `2x+y=1` and `y=1-2x` are one line. Two equations whose difference of sides has a
constant ratio are the same; where one of them vanishes and the other clearly does not, they
differ; the rest is left to algebra.

Used as: `same_equation(left - right of one, left - right of the other)`.
"""

from __future__ import annotations

from fractions import Fraction

from mathmill.grading.algebra import probe
from mathmill.grading.algebra.exact import rational
from mathmill.grading.algebra.formulas import AGREE, NAMES, Finding, constants
from mathmill.grading.algebra.tree import Node, filled, has, names, number
from mathmill.types import CORRECT, UNDECIDED, WRONG

_STEPS = 40  # of Newton's method, in complex floats
_SCAN = [place * 0.731 - 11.3 for place in range(32)]  # where signs are compared


def difference(left: Node, right: Node) -> Node:
    """Return the left side less the right side."""
    return Node("+", (left, Node("-", (right,))))


def same_equation(gold: Node, answer: Node) -> Finding:
    """Return the verdict on `gold = 0` against `answer = 0`."""
    free = names(gold) | names(answer)
    if has(gold, "m") or has(answer, "m") or not free or len(free) > NAMES:
        return UNDECIDED, "needs algebra: equations"
    ratio = _ratio(gold, answer, free)
    if ratio == "both zero" or isinstance(ratio, complex):
        return CORRECT, "equations up to a factor"
    if ratio in ("gold zero", "answer zero"):
        return WRONG, "equations"
    if names(gold) != names(answer):
        return UNDECIDED, "needs algebra: different names"
    solved = [_solved_alike(gold, answer, each, free) for each in sorted(free)]
    known = [each for each in solved if each is not None]
    if known:
        return (CORRECT if all(known) else WRONG), "equations solved for a name"
    if _vanishes_elsewhere(gold, answer, free) or _vanishes_elsewhere(answer, gold, free):
        return WRONG, "equations at a point"
    return UNDECIDED, "needs algebra: equations"


def solves(left: Node, right: Node, value: Fraction) -> Finding:
    """Return the verdict on a number where an equation in one name is given.

    One that does not satisfy the equation is wrong. One that does, or that stands alone on
    one side (`sin x = 1/2`), may be what is meant: that is undecided.
    """
    (name,) = names(left) | names(right)
    alone = value in (rational(left), rational(right))
    at = [filled(side, name, number(value)) for side in (left, right)]
    if not alone and constants(at[0], at[1])[0] == WRONG:
        return WRONG, "a number that does not satisfy the equation"
    return UNDECIDED, "needs algebra: a relation against a value"


def same_inequality(gold: Node, answer: Node) -> Finding:
    """Return the verdict on `gold < 0` against `answer < 0`, both strict or both not."""
    free = names(gold) | names(answer)
    if has(gold, "m") or has(answer, "m") or not free or len(free) > NAMES:
        return UNDECIDED, "needs algebra: inequalities"
    ratio = _ratio(gold, answer, free)
    if ratio == "both zero":
        return CORRECT, "inequalities"
    if isinstance(ratio, complex):
        if abs(ratio.imag) > AGREE * abs(ratio):
            return UNDECIDED, "needs algebra: inequalities"
        return (CORRECT if ratio.real > 0 else WRONG), "inequalities up to a factor"
    for point in [*probe.points(free), *(dict.fromkeys(free, spot) for spot in _SCAN)]:
        try:
            left, right = probe.real_value(gold, point), probe.real_value(answer, point)
        except probe.FAILURES:
            continue
        if min(abs(left), abs(right)) > 1e-6 and (left < 0) != (right < 0):
            return WRONG, "inequalities at a point"
    return UNDECIDED, "needs algebra: inequalities"


def _ratio(gold: Node, answer: Node, free: frozenset[str]) -> complex | str:
    """Return the constant ratio of two formulas, `both zero`, `gold zero`, ... or `varies`."""
    first: complex | None = None
    seen = zero_gold = zero_answer = 0
    for point in probe.all_points(free):
        try:
            left, right = (probe.complex_value(each, point) for each in (gold, answer))
        except probe.FAILURES:
            continue
        if not (abs(left) < 1e100 and abs(right) < 1e100):
            continue
        seen += 1
        zero_gold += abs(left) < 1e-12
        zero_answer += abs(right) < 1e-12
        if min(abs(left), abs(right)) < 1e-12:
            continue
        here = left / right
        if first is None:
            first = here
        elif abs(here - first) > 1e-9 * abs(first):
            return "varies"
    if seen < 4:
        return "varies"
    if zero_gold == seen or zero_answer == seen:
        return ("both zero" if zero_gold == zero_answer else
                "gold zero" if zero_gold == seen else "answer zero")
    return first if first is not None and zero_gold + zero_answer == 0 else "varies"


def _solved_alike(gold: Node, answer: Node, name: str, free: frozenset[str]) -> bool | None:
    """Compare the solutions for a name in which both are linear; None where one is not."""
    for point in probe.points(free)[:4]:
        roots = [_root(each, name, point) for each in (gold, answer)]
        if roots[0] is None or roots[1] is None:
            return None
        if abs(roots[0] - roots[1]) > 1e-8 * max(1.0, abs(roots[0])):
            return False
    return True


def _root(tree: Node, name: str, point: dict[str, float]) -> complex | None:
    """Return where a formula that is linear in a name vanishes; None where it is not linear."""
    try:
        at = [probe.complex_value(tree, {**point, name: complex(spot)})
              for spot in (0.37, 1.37, 2.37, -3.63)]
    except probe.FAILURES:
        return None
    slope = at[1] - at[0]
    size = max(1.0, *(abs(each) for each in at))
    if abs(slope) < 1e-9 * size:
        return None
    if abs(at[2] - at[1] - slope) > 1e-10 * size or abs(at[0] - 4 * slope - at[3]) > 1e-10 * size:
        return None
    return 0.37 - at[0] / slope


def _vanishes_elsewhere(gold: Node, answer: Node, free: frozenset[str]) -> bool:
    """Tell whether a point was found where `gold` is zero and `answer` is clearly not."""
    name = sorted(free)[-1]
    for start in (complex(0.7, 0.1), complex(-1.3, 0.4), complex(2.9, -0.8)):
        for point in probe.points(free)[:2]:
            try:
                spot = _newton(gold, name, dict(point), start)
                if spot is None:
                    continue
                value = probe.complex_value(answer, spot)
                beside = probe.complex_value(answer, {**spot, name: spot[name] + 0.1})
            except probe.FAILURES:
                continue
            # A double zero is found to half the digits only: 1e-4 beside values of 0.1.
            if abs(value) > 1e-3 * max(1e-3, abs(beside)):
                return True
    return False


def _newton(tree: Node, name: str, point: dict[str, float],
            start: complex) -> dict[str, complex] | None:
    """Return a point where a formula vanishes, near a start; None where none was found."""
    spot: dict[str, complex] = {**point, name: start}
    for _ in range(_STEPS):
        here = probe.complex_value(tree, spot)
        if abs(here) < 1e-13:
            return spot
        step = 1e-7 * max(1.0, abs(spot[name]))
        slope = (probe.complex_value(tree, {**spot, name: spot[name] + step}) - here) / step
        if slope == 0:
            return None
        move = here / slope
        spot[name] -= move
        if abs(move) < 1e-14 * max(1.0, abs(spot[name])):
            return spot if abs(probe.complex_value(tree, spot)) < 1e-9 else None
    return None
