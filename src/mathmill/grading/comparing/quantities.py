"""Compare two single values: numbers as they are written, and formulas.

Why: whether `24%` is `24` and `0.333333` is a third are decisions of the policy, and they
must be the same for a number alone, in a list, in a matrix and against a surd.

Used as: `same_number(Number(...), Number(...), TOLERANT)`.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from mathmill.grading.algebra.exact import decimal_value, rational
from mathmill.grading.algebra.formulas import Finding, same
from mathmill.grading.algebra.tree import Node, names, number
from mathmill.grading.policy import Policy
from mathmill.grading.reading.numbers import Number
from mathmill.grading.reading.values import Formula
from mathmill.types import CORRECT, UNDECIDED, WRONG

SURD_PLACES = 4  # an irrational has no exact decimal: 0.8660 is as good as most sources give
SURD_FIGURES = 6  # or 125.663 for 40 pi

_LAST_BITS = Fraction(1, 2**48)

_ONE, _HUNDREDTH = Fraction(1), Fraction(1, 100)


def same_number(gold: Number, answer: Number, policy: Policy) -> bool:
    """Tell whether two written numbers are the same under the policy."""
    if gold.base != answer.base and gold.base and answer.base:
        return False
    if gold.percent == answer.percent:
        return _near(gold, answer, _ONE, _ONE, policy)
    ours = _HUNDREDTH if gold.percent else _ONE
    theirs = _HUNDREDTH if answer.percent else _ONE
    if _near(gold, answer, ours, theirs, policy):
        return True
    return policy.percent == "either" and _near(gold, answer, _ONE, _ONE, policy)


def _near(gold: Number, answer: Number, ours: Fraction, theirs: Fraction,
          policy: Policy) -> bool:
    """Compare two numbers scaled, exactly but for long decimals of fractions."""
    left = gold.value if ours is _ONE else gold.value * ours
    right = answer.value if theirs is _ONE else answer.value * theirs
    if left == right:
        return True
    gap = abs(left - right)
    if policy.relative and gap <= Fraction(policy.relative) * max(abs(left), abs(right)):
        return True
    if policy.absolute and gap <= Fraction(policy.absolute):
        return True
    # 0.333333 may stand for 1/3, but never for another decimal or an integer.
    for decimal, other, scale in ((gold, answer, ours), (answer, gold, theirs)):
        if (decimal.places >= policy.places and other.places < 0
                and other.value.denominator > 1 and figures(decimal) >= 4):
            return _written_as(abs(left if decimal is answer else right),
                               abs(right if decimal is answer else left),
                               Fraction(1, 10 ** decimal.places) * scale)
    return False


def _written_as(value: Fraction, decimal: Fraction, unit: Fraction) -> bool:
    """Tell whether a decimal is a value rounded, or cut off, at a unit of its last place.

    One with 15 figures and more is what a program printed: the last bits of a double count
    for nothing (7/3 is printed as 2.3333333333333335).
    """
    gap = abs(value - decimal)
    if decimal <= value < decimal + unit or gap <= unit / 2:
        return True
    return decimal >= unit * 10**14 and gap <= value * _LAST_BITS


def figures(decimal: Number) -> int:
    """Return how many significant figures a decimal is written with."""
    shifted = abs(decimal.value) * 10 ** max(decimal.places, 0)
    return len(str(shifted.numerator // shifted.denominator).lstrip("0"))


def same_quantity(gold: Number | Formula, answer: Number | Formula, policy: Policy) -> Finding:
    """Return the verdict on two single values of which at least one is a formula."""
    ours, theirs = _tree(gold), _tree(answer)
    percent = gold.percent, answer.percent
    if percent[0] == percent[1]:
        found = same(ours, theirs)
    else:
        found = same(*(Node("/", (tree, number(100))) if per else tree
                       for tree, per in zip((ours, theirs), percent, strict=True)))
        if found[0] != CORRECT and policy.percent == "either":
            other = same(ours, theirs)
            found = other if other[0] != WRONG else found
    if found[0] == WRONG and not names(ours) and not names(theirs):
        for written, tree in ((gold, theirs), (answer, ours)):
            if isinstance(written, Number) and written.places > 0 and stands_for(
                    written, tree, policy):
                return CORRECT, "decimal of an irrational"
        if (policy.relative or policy.absolute) and _overlooked(ours, theirs, policy):
            return CORRECT, "value within the tolerance"
    return found


def _tree(value: Number | Formula) -> Node:
    """Return a single value as a tree."""
    return value.tree if isinstance(value, Formula) else Node("n", (), value.value)


def stands_for(decimal: Number, tree: Node, policy: Policy) -> bool:
    """Tell whether a decimal is a value's rounding, or its beginning, with enough places."""
    exact = rational(tree)
    if exact is not None:
        return same_number(decimal, Number(exact), policy)
    enough = min(policy.places, SURD_PLACES)
    if decimal.places < enough and figures(decimal) < SURD_FIGURES:
        return False
    value = decimal_value(tree)
    if value is None or figures(decimal) < 3:
        return False
    if (value < 0) != (decimal.value < 0):
        return False
    return _written_as(abs(Fraction(value)), abs(decimal.value),
                       Fraction(1, 10 ** decimal.places))


def _overlooked(gold: Node, answer: Node, policy: Policy) -> bool:
    """Tell whether a policy's tolerance covers the difference of two values."""
    ours, theirs = decimal_value(gold), decimal_value(answer)
    if ours is None or theirs is None:
        return False
    gap, scale = abs(ours - theirs), max(abs(ours), abs(theirs))
    return gap <= Decimal(policy.relative) * scale or gap <= Decimal(policy.absolute)


def undecided(why: str = "needs algebra") -> Finding:
    """Return the finding that says nothing."""
    return UNDECIDED, why
