"""Python expressions of exact values: terms, and how two of them are put together.

Why: a float holds no third and no tenth, so `60 * 2 / 3` is written where `60 * (2 / 3)`
would miss 40 by a hair; and `//` stands only where nothing is lost.

Used as: `combine(literal(Fraction(60)), "*", literal(Fraction(2, 3), share=True), rng)`.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from fractions import Fraction

from mathmill.teachers.symbolic.quantities import compute

SUM, PRODUCT, ATOM = 1, 2, 3
FLOOR = 0.3
"How often a division of whole numbers without a rest is written `//`."


@dataclass(frozen=True, slots=True)
class Term:
    """A Python expression and its exact value."""

    text: str
    "As written."
    level: int
    "How strongly it binds: `SUM`, `PRODUCT` or `ATOM`."
    value: Fraction
    "Its exact value."
    number: int | float
    "What Python makes of it: an int, or a float that may be a hair off."
    constant: Fraction | None = None
    "The number, where it is written as one."
    tail: str = ""
    "What is on the right, where it is `left sign right`."

    @property
    def whole(self) -> bool:
        """Tell whether Python holds it as an int."""
        return isinstance(self.number, int)

    @property
    def noisy(self) -> bool:
        """Tell whether Python's float is further off than a reader of answers forgives."""
        exact = float(self.value)
        return abs(self.number - exact) > 2 * math.ulp(exact)

    def within(self, level: int) -> str:
        """Return the text, in brackets where it binds less than `level`."""
        return self.text if self.level >= level else f"({self.text})"


def literal(value: Fraction, *, share: bool = False) -> Term:
    """Return a number as a term: `12`, `3.5`, or `3 / 4` for a share."""
    if value.denominator == 1:
        return Term(str(value.numerator), ATOM, value, value.numerator, value)
    if share or 100 % value.denominator:
        text = f"{value.numerator} / {value.denominator}"
        return Term(text, PRODUCT, value, float(value), value)
    return Term(repr(float(value)), ATOM, value, float(value), value)


def combine(left: Term, sign: str, right: Term, rng: random.Random, *, percent: bool = False,
            decimal: bool = False) -> Term:
    """Return `left sign right` as a term; `percent`: the right side counts hundredths.

    Raises Impossible on division by zero.
    """
    value = compute(left.value, sign, right.value / 100 if percent else right.value)
    if left.constant is not None and right.constant is not None and not percent and (
            {left.level, right.level} == {ATOM, PRODUCT} and sign in "+-"):
        return literal(value, share=True)  # 1 - 2 / 3: a third must not become a float here
    if percent:
        if decimal and sign == "*" and right.constant is not None:
            tail = repr(float(right.value / 100))
            return Term(f"{left.within(PRODUCT)} * {tail}", PRODUCT, value,
                        left.number * float(tail), None, tail)
        above, below = (right, literal(Fraction(100)))
        if sign == "/":
            above, below = below, above
        return _scaled(left, above, below, value, rng)
    if sign in "*/" and right.level == PRODUCT and right.constant is not None:
        above, below = (literal(Fraction(part)) for part in
                        (right.value.numerator, right.value.denominator))
        if sign == "/":
            above, below = below, above
        return _scaled(left, above, below, value, rng)
    if sign == "/":
        floor = left.whole and right.whole and value.denominator == 1 and rng.random() < FLOOR
        tail = right.within(ATOM)
        number = value.numerator if floor else left.number / right.number
        return Term(f"{left.within(PRODUCT)} {'//' if floor else '/'} {tail}", PRODUCT, value,
                    number, None, "" if floor else tail)
    if sign == "*":
        tail = right.within(ATOM)
        return Term(f"{left.within(PRODUCT)} * {tail}", PRODUCT, value,
                    left.number * right.number, None, tail)
    tail = right.within(PRODUCT if sign == "-" else SUM)
    number = left.number + (right.number if sign == "+" else -right.number)
    return Term(f"{left.within(SUM)} {sign} {tail}", SUM, value, number, None, tail)


def _scaled(left: Term, above: Term, below: Term, value: Fraction,
            rng: random.Random) -> Term:
    """Return `left * above / below`, without a factor or divisor that is one."""
    text, number = left.within(PRODUCT), left.number
    if above.constant != 1:
        text, number = f"{text} * {above.within(ATOM)}", number * above.number
    if below.constant == 1:
        return Term(text, PRODUCT, value, number)
    floor = (isinstance(number, int) and below.whole and value.denominator == 1
             and rng.random() < FLOOR)
    number = value.numerator if floor else number / below.number
    return Term(f"{text} {'//' if floor else '/'} {below.within(ATOM)}", PRODUCT, value, number)
