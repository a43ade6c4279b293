"""Values of formulas at chosen points, real first and complex where that is asked for.

Why: two formulas that agree at points of both signs, in range and type, agree everywhere for
the formulas that answers are made of; one point where they differ proves them different.
A real point where a root or a logarithm leaves the reals is undefined, not a difference.

Used as: `real_value(tree, {"x": 1.7})`, `points({"x", "y"})`.
"""

from __future__ import annotations

import cmath
import math
import zlib
from collections.abc import Callable, Iterable, Mapping

from mathmill.grading.algebra.exact import FACTORIAL
from mathmill.grading.algebra.tree import Node

POWER = 1_000.0  # an exponent above it is not probed
FAILURES = (ArithmeticError, ValueError, TypeError, LookupError, RecursionError)

_REAL: dict[str, Callable[[float], float]] = {
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "sinh": math.sinh, "cosh": math.cosh,
    "tanh": math.tanh, "exp": math.exp, "ln": math.log, "abs": abs, "arctan": math.atan,
    "arcsin": math.asin, "arccos": math.acos, "floor": math.floor, "ceil": math.ceil,
    "cot": lambda x: 1 / math.tan(x), "sec": lambda x: 1 / math.cos(x),
    "csc": lambda x: 1 / math.sin(x),
}
_COMPLEX: dict[str, Callable[[complex], complex]] = {
    "sin": cmath.sin, "cos": cmath.cos, "tan": cmath.tan, "sinh": cmath.sinh,
    "cosh": cmath.cosh, "tanh": cmath.tanh, "exp": cmath.exp, "ln": cmath.log, "abs": abs,
    "arctan": cmath.atan, "arcsin": cmath.asin, "arccos": cmath.acos,
    "cot": lambda x: 1 / cmath.tan(x), "sec": lambda x: 1 / cmath.cos(x),
    "csc": lambda x: 1 / cmath.sin(x),
}
# Two points in the positive reals, and four with both signs; sizes on both sides of 1.
_SIGNS = (0, 0, 1, 2, 3, 4)


def points(names: Iterable[str], size: float = 1.0) -> list[dict[str, float]]:
    """Return real points for the variables, the same for the same names in every run.

    Values lie between 0.35 and 2.25 in size, times `size` (steps need a wider range).
    """
    known = [(each, zlib.crc32(each.encode("utf-8", "replace"))) for each in sorted(names)]
    found = []
    for place, signs in enumerate(_SIGNS):
        point = {}
        for order, (each, seed) in enumerate(known):
            value = 0.35 + ((seed >> (4 * place)) % 997) / 997 * (1.9 if place % 2 else 0.9)
            flip = signs == 1 or (signs > 1 and (seed >> (signs + 7) ^ order) & 1)
            value *= size
            point[each] = -value if flip or (signs == 2 and len(known) == 1) else value
        if "\\log" in point:
            point["\\log"] = 10.0
        found.append(point)
    return found


def all_points(names: Iterable[str]) -> list[dict[str, complex]]:
    """Return the real points and the complex ones after them."""
    return [{each: complex(value) for each, value in point.items()}
            for point in points(names)] + complex_points(names)


def complex_points(names: Iterable[str]) -> list[dict[str, complex]]:
    """Return complex points for the variables."""
    turns = (complex(0.8, 0.6), complex(-0.28, 0.96), complex(0.6, -0.8))
    return [{each: value * turn for each, value in point.items()}
            for point, turn in zip(points(names), turns, strict=False)]


def real_value(node: Node, point: Mapping[str, float]) -> float:
    """Return the value at a real point; raises one of `FAILURES` where it is undefined."""
    kind = node.kind
    if kind == "n":
        return node.value.numerator / node.value.denominator
    if kind == "v":
        return point[node.name]
    args = node.args
    if kind == "+":
        return math.fsum([real_value(each, point) for each in args])
    if kind == "*":
        product = 1.0
        for each in args:
            product *= real_value(each, point)
        return product
    if kind == "-":
        return -real_value(args[0], point)
    if kind == "/":
        return real_value(args[0], point) / real_value(args[1], point)
    if kind == "^":
        base, exponent = real_value(args[0], point), real_value(args[1], point)
        if abs(exponent) > POWER:
            raise OverflowError
        return math.pow(base, exponent)
    if kind == "c":
        if node.name == "i":
            raise TypeError
        return math.pi if node.name == "pi" else math.e
    if kind == "f":
        return _real_function(node, [real_value(each, point) for each in args])
    if kind == "!":
        return _factorial(real_value(args[0], point))
    if kind == "C":
        top, bottom = real_value(args[0], point), real_value(args[1], point)
        return _factorial(top) / (_factorial(bottom) * _factorial(top - bottom))
    raise ValueError


def _factorial(value: float) -> float:
    """Return the factorial, by the gamma function between whole numbers."""
    if not -20 < value < min(170, FACTORIAL):
        raise OverflowError
    return math.gamma(value + 1)


def _real_function(node: Node, values: list[float]) -> float:
    """Return the real value of a function; odd roots of negative numbers are real."""
    called = node.name
    if called == "root":
        degree, inside = values
        if inside < 0 and degree % 2 == 1:
            return -math.pow(-inside, 1 / degree)
        return math.sqrt(inside) if degree == 2 else math.pow(inside, 1 / degree)
    if called == "log":
        return math.log(values[1]) / math.log(values[0])
    if called.startswith("?"):
        return float(_opaque(called, values[0]).real)
    if called in ("max", "min"):
        return max(values) if called == "max" else min(values)
    if called not in _REAL:
        raise ValueError
    return float(_REAL[called](values[0]))


def _opaque(called: str, value: complex) -> complex:
    """Return the value of a function that is only a name: any one that is not linear."""
    shift = zlib.crc32(called.encode()) % 89 / 89
    return 0.7 + shift + 1.3 * value + (0.4 + shift) * value * value * value


def complex_value(node: Node, point: Mapping[str, complex]) -> complex:
    """Return the principal value at a complex point; raises one of `FAILURES`."""
    kind = node.kind
    if kind == "n":
        return complex(node.value.numerator / node.value.denominator)
    if kind == "v":
        return point[node.name]
    args = [complex_value(each, point) for each in node.args]
    if kind == "+":
        return sum(args)
    if kind == "*":
        return math.prod(args, start=complex(1))
    if kind == "-":
        return 0 - args[0]  # -(1+0j) would have a negative zero, on the other side of a cut
    if kind == "/":
        return args[0] / args[1]
    if not all(each.imag for each in args):
        args = [each if each.imag else complex(each.real, 0.0) for each in args]
    if kind == "^":
        if abs(args[1]) > POWER:
            raise OverflowError
        return complex(args[0] ** args[1])
    if kind == "c":
        return {"i": 1j, "pi": complex(math.pi), "e": complex(math.e)}[node.name]
    if kind == "!":
        if args[0].imag:
            raise ValueError
        return complex(_factorial(args[0].real))
    if kind == "f":
        if node.name == "root":
            return cmath.sqrt(args[1]) if args[0] == 2 else complex(args[1] ** (1 / args[0]))
        if node.name == "log":
            return cmath.log(args[1]) / cmath.log(args[0])
        if node.name.startswith("?"):
            return _opaque(node.name, args[0])
        if node.name in _COMPLEX:
            return complex(_COMPLEX[node.name](args[0]))
    raise ValueError
