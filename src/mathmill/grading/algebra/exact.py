"""Values of formulas without variables: exact rationals, else fifty decimal digits.

Why: floats call 1/2004! and 1/2006! equal (both are zero) and cannot tell a surd from a
decimal that is near it. Rationals settle most constants exactly; what has roots, logarithms
or pi is worked out to `PRECISION` digits, far below any difference that an answer can have.
All growth is bounded: numbers of `BITS` bits at most.

Used as: `rational(tree)` -> `Fraction` or None; `decimal_value(tree)` -> `Decimal` or None.
"""

from __future__ import annotations

import math
from decimal import ROUND_FLOOR, Context, Decimal, DecimalException
from fractions import Fraction

from mathmill.grading.algebra.tree import Node, filled, number, size

BITS = 40_000  # 2006! has 19,000; a product of two numbers of this size takes 0.1 ms
FACTORIAL = 3_000
TERMS, BODY = 200, 20  # of a sum that is added up term by term; nodes of a term
PRECISION = 50  # digits that are trusted; the context carries more
_ENOUGH = Context(prec=PRECISION + 20, Emax=100_000, Emin=-100_000)
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620"
              "899862803482534211706798214808651")
_FAR = Decimal(10) ** 15  # the largest angle whose sine still has its digits


class Unknown(Exception):
    """A value that cannot be had this way; never leaves this package."""


def rational(tree: Node) -> Fraction | None:
    """Return the exact value of a formula, or None where it is not clearly rational."""
    try:
        return _rational(tree)
    except (Unknown, ZeroDivisionError, OverflowError, RecursionError):
        return None


def _rational(node: Node) -> Fraction:
    """Return the exact value of a node; Unknown where there is none."""
    kind = node.kind
    if kind == "n":
        return node.value
    if kind == "+":
        total = Fraction(0)
        for each in node.args:
            total = _bounded(total + _rational(each))
        return total
    if kind == "*":
        product = Fraction(1)
        for each in node.args:
            product = _bounded(product * _rational(each))
        return product
    if kind == "-":
        return -_rational(node.args[0])
    if kind == "/":
        return _bounded(_rational(node.args[0]) / _rational(node.args[1]))
    if kind == "^":
        return _power(_rational(node.args[0]), _rational(node.args[1]))
    if kind == "!":
        whole = _rational(node.args[0])
        if whole.denominator != 1 or not 0 <= whole <= FACTORIAL:
            raise Unknown
        return Fraction(math.factorial(int(whole)))
    if kind == "C":
        top, bottom = _rational(node.args[0]), _rational(node.args[1])
        if top.denominator != 1 or bottom.denominator != 1 or not (
                0 <= bottom <= FACTORIAL and 0 <= top <= FACTORIAL):
            raise Unknown
        return Fraction(math.comb(int(top), int(bottom)))
    if kind == "f":
        return _function(node)
    raise Unknown


def _bounded(value: Fraction) -> Fraction:
    """Return a value that is not too long to go on with."""
    if value.numerator.bit_length() > BITS or value.denominator.bit_length() > BITS:
        raise Unknown
    return value


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    """Return a power that is rational and short enough."""
    root = exponent.denominator
    if root > 64 or abs(exponent.numerator) > BITS:
        raise Unknown
    if root > 1:
        if base < 0:
            raise Unknown
        base = Fraction(_root(base.numerator, root), _root(base.denominator, root))
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    if size > 1 and size * abs(exponent.numerator) > BITS:
        raise Unknown
    return base ** exponent.numerator


def _root(value: int, degree: int) -> int:
    """Return the exact whole root; Unknown where there is none."""
    if degree == 2:
        found = math.isqrt(value)
    else:
        if value.bit_length() > 1000:
            raise Unknown
        found = round(value ** (1.0 / degree))
    if found ** degree != value:
        raise Unknown
    return found


def _function(node: Node) -> Fraction:
    """Return the value of a function that can be rational."""
    called = node.name
    if called == "root":
        degree, inside = _rational(node.args[0]), _rational(node.args[1])
        if degree.denominator != 1 or not 2 <= degree <= 64:
            raise Unknown
        if inside < 0 and degree % 2:
            return -_power(-inside, 1 / degree)
        return _power(inside, 1 / degree)
    if called == "abs":
        return abs(_rational(node.args[0]))
    if called in ("sum", "prod"):
        return _repeated(node)
    if called in ("max", "min"):
        return (max if called == "max" else min)(map(_rational, node.args))
    if called in ("gcd", "lcm"):
        whole = [_rational(each) for each in node.args]
        if any(each.denominator != 1 for each in whole):
            raise Unknown
        return Fraction((math.gcd if called == "gcd" else math.lcm)(*map(int, whole)))
    if called == "floor":
        return Fraction(math.floor(_rational(node.args[0])))
    if called == "ceil":
        return Fraction(math.ceil(_rational(node.args[0])))
    raise Unknown


def _repeated(node: Node) -> Fraction:
    """Return a sum or product over a short range."""
    run, low, high, body = node.args
    first, last = _rational(low), _rational(high)
    if first.denominator != 1 or last.denominator != 1 or last - first > TERMS or (
            size(body) > BODY):
        raise Unknown
    total = Fraction(node.name == "prod")
    for place in range(int(first), int(last) + 1):
        term = _rational(filled(body, run.name, number(place)))
        total = _bounded(total * term if node.name == "prod" else total + term)
    return total


def decimal_value(tree: Node) -> Decimal | None:
    """Return the real value of a formula to `PRECISION` digits, or None."""
    try:
        value = _decimal(tree)
        return value if value.is_finite() else None
    except (Unknown, DecimalException, OverflowError, ValueError, RecursionError):
        return None


def _decimal(node: Node) -> Decimal:
    """Return the value of a node in decimals; Unknown where it is not real."""
    kind = node.kind
    if kind in ("n", "!", "C"):
        exact = _rational(node)
        return _ENOUGH.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    if kind == "c":
        if node.name == "pi":
            return _PI
        if node.name == "e":
            return Decimal(1).exp(_ENOUGH)
        raise Unknown
    if kind == "+":
        total = Decimal(0)
        for each in node.args:
            total = _ENOUGH.add(total, _decimal(each))
        return total
    if kind == "*":
        product = Decimal(1)
        for each in node.args:
            product = _ENOUGH.multiply(product, _decimal(each))
        return product
    if kind == "-":
        return _ENOUGH.minus(_decimal(node.args[0]))
    if kind == "/":
        return _ENOUGH.divide(_decimal(node.args[0]), _decimal(node.args[1]))
    if kind == "^":
        return _decimal_power(node.args[0], node.args[1])
    if kind == "f":
        return _decimal_function(node)
    raise Unknown


def _decimal_power(base: Node, exponent: Node) -> Decimal:
    """Return a real power."""
    value, power = _decimal(base), _decimal(exponent)
    if abs(power) > BITS or abs(value.adjusted() * power) > 20_000:
        raise Unknown
    if value < 0 and power != power.to_integral_value():
        raise Unknown
    return _ENOUGH.power(value, power)


def _decimal_function(node: Node) -> Decimal:
    """Return the real value of a function."""
    called = node.name
    values = [_decimal(each) for each in node.args]
    if called == "root":
        degree, inside = values
        if degree == 2:
            return inside.sqrt(_ENOUGH)
        if degree != degree.to_integral_value() or not 2 < degree <= 64:
            raise Unknown
        if inside < 0 and degree % 2 == 0:
            raise Unknown
        size = _ENOUGH.power(_ENOUGH.abs(inside), _ENOUGH.divide(Decimal(1), degree))
        return size.copy_sign(inside)
    if called == "log":
        return _ENOUGH.divide(values[1].ln(_ENOUGH), values[0].ln(_ENOUGH))
    if called in ("max", "min"):
        return (max if called == "max" else min)(values)
    value = values[0]
    if called == "ln":
        return value.ln(_ENOUGH)
    if called == "exp":
        if abs(value) > 20_000:
            raise Unknown
        return value.exp(_ENOUGH)
    if called == "abs":
        return _ENOUGH.abs(value)
    if called in ("sin", "cos", "tan", "cot", "sec", "csc"):
        return _trigonometric(called, value)
    raise Unknown


def _trigonometric(called: str, angle: Decimal) -> Decimal:
    """Return a circular function of an angle in radians; Unknown at a pole."""
    if abs(angle) > _FAR:
        raise Unknown
    sine = _sine(angle)
    cosine = _sine(_ENOUGH.add(angle, _ENOUGH.divide(_PI, Decimal(2))))
    tiny = Decimal(10) ** -PRECISION
    sine = Decimal(0) if abs(sine) < tiny else sine
    cosine = Decimal(0) if abs(cosine) < tiny else cosine
    over, under = {"sin": (sine, Decimal(1)), "cos": (cosine, Decimal(1)), "tan": (sine, cosine),
                   "cot": (cosine, sine), "sec": (Decimal(1), cosine),
                   "csc": (Decimal(1), sine)}[called]
    return _ENOUGH.divide(over, under)


def _sine(angle: Decimal) -> Decimal:
    """Return the sine by its series, after taking whole turns away."""
    turn = _ENOUGH.multiply(Decimal(2), _PI)
    turns = _ENOUGH.divide(angle, turn).to_integral_value(ROUND_FLOOR)
    angle = _ENOUGH.subtract(angle, _ENOUGH.multiply(turns, turn))
    term = total = angle
    square = _ENOUGH.minus(_ENOUGH.multiply(angle, angle))  # a bare minus rounds to 28 digits
    for place in range(2, 200, 2):
        term = _ENOUGH.divide(_ENOUGH.multiply(term, square), Decimal(place * (place + 1)))
        total = _ENOUGH.add(total, term)
        if term == 0 or term.adjusted() < -PRECISION - 18:
            break
    return total
