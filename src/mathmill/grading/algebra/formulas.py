"""Decide whether two formulas are the same: exactly, to fifty digits, or by probing.

Why: this settles in microseconds what an algebra system takes 5-60 ms for, and refuses to
guess: what agrees only nearly, or is undefined at too many points, is undecided. A formula
is read over the reals, as answers are meant, so `sqrt(x^2)` is `|x|` and not `x`.

Used as: `same(parse("(x+1)^2"), parse("x^2+2x+1"))` -> `("correct", "formula")`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from mathmill.grading.algebra import probe
from mathmill.grading.algebra.atoms import UNKNOWN_BASE
from mathmill.grading.algebra.exact import PRECISION, decimal_value, rational
from mathmill.grading.algebra.parse import is_plain
from mathmill.grading.algebra.tree import Node, filled, has, names, number, replaced
from mathmill.types import CORRECT, UNDECIDED, WRONG

NAMES = 8  # variables of a formula that is probed
AGREE, DIFFER = 1e-10, 1e-6  # relative; between them nothing is said
_FEW = 2  # points that must agree
_WIDE = tuple(0.7 * 1.37 ** place for place in range(16))  # where steps are looked for
_BESIDE = (0.0, 1e-4, -1e-4, 1e-7, -1e-7)
_TINY = 1e-9  # values below it may be what cancelled, so floats say nothing

Finding = tuple[str, str]
"A verdict's value and how it was settled."


def same(gold: Node, answer: Node) -> Finding:
    """Return the verdict on two formulas without matrices or double signs."""
    if gold == answer:
        return CORRECT, "formula"
    if not (is_plain(gold) and is_plain(answer)):
        return UNDECIDED, "needs algebra"
    free = names(gold) | names(answer)
    if UNKNOWN_BASE.name in free:
        return _in_any_base(gold, answer)
    if not free:
        return constants(gold, answer)
    if len(free) > NAMES:
        return UNDECIDED, "needs algebra: many names"
    return _probed(gold, answer, free)


def _in_any_base(gold: Node, answer: Node) -> Finding:
    """Compare formulas with `log` in base 10 and in base e; only what holds in both is said."""
    found = []
    for base in (number(10), Node("c", (), name="e")):
        found.append(same(*(_with_base(each, base) for each in (gold, answer))))
    if found[0][0] == found[1][0]:
        return found[0]
    return UNDECIDED, "needs algebra: the base of a logarithm"


def _with_base(tree: Node, base: Node) -> Node:
    """Return the tree with the unknown base of its logarithms filled in."""
    if tree == UNKNOWN_BASE:
        return base
    if not tree.args:
        return tree
    return tree._replace(args=tuple(_with_base(each, base) for each in tree.args))


def constants(gold: Node, answer: Node) -> Finding:
    """Return the verdict on two formulas without names."""
    left, right = rational(gold), rational(answer)
    if left is not None and right is not None:
        return (CORRECT if left == right else WRONG), "number"
    ours, theirs = decimal_value(gold), decimal_value(answer)
    if ours is not None and theirs is not None:
        return _to_fifty_digits(ours, theirs, gold, answer)
    return _complex_constants(gold, answer)


def _to_fifty_digits(ours: Decimal, theirs: Decimal, gold: Node, answer: Node) -> Finding:
    """Compare two real values that are known to `PRECISION` digits."""
    scale, gap = max(abs(ours), abs(theirs)), abs(ours - theirs)
    if gap <= scale * Decimal(10) ** (10 - PRECISION):
        return CORRECT, "value"
    # sqrt(2)-sqrt(2) is 0 only up to what its terms leave behind.
    cancelled = has(gold, "+") or has(answer, "+") or has(gold, "f") or has(answer, "f")
    if cancelled and scale < Decimal(10) ** (5 - PRECISION):
        return CORRECT, "value"
    if gap > scale * Decimal(10) ** (20 - PRECISION):
        return WRONG, "value"
    return UNDECIDED, "needs algebra: agrees to many digits"


def _complex_constants(gold: Node, answer: Node) -> Finding:
    """Compare two values of which one is complex or has no decimal value.

    What has no value here, `1/0` or a tower, has none that an algebra system could be
    trusted with: math-verify calls 1/0 and 2/0 equal. Long sums are left to it.
    """
    long = any(has(each, "f", kind) for each in (gold, answer) for kind in ("sum", "prod"))
    unknown = "needs algebra: a long sum" if long else "undefined or too large"
    try:
        left, right = probe.complex_value(gold, {}), probe.complex_value(answer, {})
    except probe.FAILURES:
        return UNDECIDED, unknown
    scale, gap = max(abs(left), abs(right)), abs(left - right)
    if not math.isfinite(scale):
        return UNDECIDED, unknown
    if scale > _TINY and gap > DIFFER * scale:
        return WRONG, "value"
    if scale > _TINY and gap <= AGREE * scale:
        return CORRECT, "value"
    return UNDECIDED, "needs algebra: too near to tell"


def _probed(gold: Node, answer: Node, free: frozenset[str]) -> Finding:
    """Compare two formulas at points."""
    if has(gold, "f", "sum") or has(answer, "f", "sum") or has(gold, "f", "prod"):
        return _at_rationals(gold, answer, free, whole=True)
    agreeing, alone, unsure = 0, 0, False
    if not (has(gold, "c", "i") or has(answer, "c", "i")):
        stepped = has(gold, "f", "floor") or has(gold, "f", "ceil")
        sizes = _WIDE if stepped else (1.0, 6.1)
        at = [each for size in sizes for each in probe.points(free, size)]
        if stepped:  # the steps themselves, and close beside them
            at += [{each: place + order + beside for order, each in enumerate(sorted(free))}
                   for place in (2.0, -3.0, 2.5, 60.0, -60.0) for beside in _BESIDE]
        for point in at:
            if agreeing > 2 * _FEW and not stepped:
                break
            left, right = (_try(probe.real_value, each, point) for each in (gold, answer))
            if left is None or right is None:
                alone += left is not right
                continue
            verdict = _near(left, right)
            if verdict == WRONG:
                return WRONG, "formula at a point"
            agreeing += verdict == CORRECT
            unsure = unsure or verdict == UNDECIDED
    if unsure:
        return _at_rationals(gold, answer, free)
    if agreeing >= _FEW:
        # Where one side is undefined (2 ln x, ln x^2) the formulas count as one; but an
        # absolute value is written because its sign matters.
        if alone and has(gold, "f", "abs") != has(answer, "f", "abs"):
            return UNDECIDED, "needs algebra: defined at different points"
        # Floats run a small part into a huge one (10^20+x, 10^20+2x): what can be had
        # exactly must agree exactly.
        exactly = _at_rationals(gold, answer, free)
        if exactly[0] != WRONG and (_far_apart(gold) or _far_apart(answer)):
            return _at_decimals(gold, answer, free)
        return exactly if exactly[0] == WRONG else (CORRECT, "formula at points")
    if agreeing + alone == 0 and has(gold, "^") and has(answer, "^"):  # (-1)^n
        found = _at_rationals(gold, answer, free, whole=True)
        if found[0] != UNDECIDED:
            return found
    return _at_complex_points(gold, answer, free)


def _far_apart(tree: Node) -> bool:
    """Tell whether a formula has numbers so large or small that floats may lose a part of it."""
    waiting = [tree]
    while waiting:
        here = waiting.pop()
        if here.kind == "n" and max(here.value.numerator.bit_length(),
                                    here.value.denominator.bit_length()) > 20:
            return True
        if here.kind == "!" or (here.kind == "^" and max(
                (abs(each.value) for each in (here.args[1], *here.args[1].args)), default=0) > 5):
            return True
        waiting.extend(here.args)
    return False


def _at_decimals(gold: Node, answer: Node, free: frozenset[str]) -> Finding:
    """Compare at points to fifty digits, where a part may be too small for floats."""
    agreeing = 0
    for place in range(4):
        left, right = gold, answer
        for order, each in enumerate(sorted(free)):
            spot = number(Fraction(7 + 5 * order + 3 * place, (5 + order) * (-1) ** (place // 3)))
            left, right = (filled(tree, each, spot) for tree in (left, right))
        found = constants(left, right)
        if found[0] == WRONG:
            return WRONG, "formula at a point"
        agreeing += found[0] == CORRECT
    if agreeing >= _FEW:
        return CORRECT, "formula at points"
    return UNDECIDED, "needs algebra: numbers far apart"


def _near(left: complex, right: complex) -> str:
    """Return whether two values at a point agree."""
    scale, gap = max(abs(left), abs(right)), abs(left - right)
    if not math.isfinite(scale) or scale < _TINY:
        return UNDECIDED
    return WRONG if gap > DIFFER * scale else CORRECT if gap <= AGREE * scale else UNDECIDED


def _try(value: Callable[[Node, dict[str, float]], float], node: Node,
         point: dict[str, float]) -> float | None:
    """Return a value, or None where the formula is undefined."""
    try:
        found = value(node, point)
    except probe.FAILURES:
        return None
    return found if math.isfinite(found) else None


def _at_rationals(gold: Node, answer: Node, free: frozenset[str], *,
                  whole: bool = False) -> Finding:
    """Compare at rational points exactly, for what floats cannot tell; at `whole` ones, sums."""
    agreeing = 0
    for place in range(4):
        left, right = gold, answer
        for order, each in enumerate(sorted(free)):
            spot = number(3 + place + 5 * order if whole else Fraction(
                7 + 5 * order + 3 * place, (3 + order) * (-1) ** place))
            left, right = (filled(tree, each, spot) for tree in (left, right))
        ours, theirs = rational(left), rational(right)
        if ours is None or theirs is None:
            continue
        if ours != theirs:
            return WRONG, "formula at a point"
        agreeing += 1
    if agreeing >= 3:
        return CORRECT, "formula at points"
    return UNDECIDED, "needs algebra: too near to tell"


def _at_complex_points(gold: Node, answer: Node, free: frozenset[str]) -> Finding:
    """Compare at complex points, for what is complex or rarely defined over the reals."""
    imaginary = has(gold, "c", "i") or has(answer, "c", "i")
    agreeing = differing = 0
    for point in probe.all_points(free):
        try:
            left, right = (probe.complex_value(each, point) for each in (gold, answer))
        except probe.FAILURES:
            continue
        verdict = _near(left, right)
        agreeing += verdict == CORRECT
        differing += verdict == WRONG
    if differing and imaginary:
        return WRONG, "formula at a point"
    if agreeing > _FEW and not differing:
        return CORRECT, "formula at points"
    return UNDECIDED, "needs algebra: rarely defined"


def both_signs(tree: Node) -> tuple[Node, Node] | None:
    """Return the two formulas that one `±` (and any number of `∓`) stands for, or None."""
    if not has(tree, "±") and not has(tree, "∓"):
        return None
    upper = replaced(replaced(tree, "±", number(1)), "∓", number(-1))
    lower = replaced(replaced(tree, "±", number(-1)), "∓", number(1))
    return upper, lower
