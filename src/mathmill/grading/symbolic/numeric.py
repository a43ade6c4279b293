"""Evaluate SymPy trees to fifty digits at given points, without SymPy's own evaluation.

Why: math-verify compares to six absolute digits, so it calls 1/2004! and 1/2006! equal, and
its `simplify` takes seconds. A walk over the tree with mpmath takes 0.1 ms, compares
relatively, and knows nothing but the functions listed here: what else stands in a tree
raises `Unknown`. Runs in the worker only, where SymPy is loaded.

Used as: `same(value(tree, point), value(other, point))`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

DIGITS = 50
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53)
SAME, DIFFERENT, ASK, DOUBT = "same", "different", "ask", "doubt"


class Unknown(Exception):
    """Something in a tree that has no value here."""


@lru_cache(maxsize=1)
def _functions() -> dict[str, Callable[..., Any]]:
    """Return what each of SymPy's function names means in mpmath."""
    import mpmath as mp

    table = {name: getattr(mp, name) for name in (
        "sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan", "acot", "asec", "acsc",
        "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "exp", "gamma", "floor",
        "factorial", "binomial", "re", "im", "sign")}
    table |= {"Abs": abs, "ceiling": mp.ceil, "arg": mp.arg, "conjugate": mp.conj,
              "UnevaluatedExpr": lambda x: x,
              "log": lambda x, base=None: mp.log(x) if base is None else mp.log(x) / mp.log(base),
              "Max": _of_reals(max), "Min": _of_reals(min), "Mod": _remainder}
    return table


def _of_reals(choose: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of real values only."""
    def chosen(*values: Any) -> Any:
        return choose(_real(value) for value in values)
    return chosen


def _remainder(left: Any, right: Any) -> Any:
    """Return the remainder with the divisor's sign."""
    return _real(left) % _real(right)


def _real(value: Any) -> Any:
    """Return a value as a real number; raises Unknown for a complex one."""
    if value.imag != 0:
        raise Unknown("not real")
    return value.real


def value(tree: Any, point: Mapping[str, Any]) -> Any:
    """Return the complex value of a tree where each symbol has the value that `point` names.

    Raises Unknown for what has no value (a function that is not listed, a pole, a symbol
    that the point lacks).
    """
    import mpmath as mp

    try:
        found = _walk(tree, point, mp)
    except (ArithmeticError, ValueError, TypeError, RecursionError) as error:
        raise Unknown(type(error).__name__) from None
    if not (mp.isfinite(found.real) and mp.isfinite(found.imag)):
        raise Unknown("not finite")
    return found


def _walk(tree: Any, point: Mapping[str, Any], mp: Any) -> Any:
    """Return the value of one node."""
    if tree.is_Symbol:
        if tree.name not in point:
            raise Unknown(tree.name)
        return point[tree.name]
    if tree.is_Rational:
        return mp.mpf(int(tree.p)) / int(tree.q)
    if tree.is_Float:  # what was written: 0.1 is a tenth, not its nearest double
        return mp.mpf(str(tree))
    kind = type(tree).__name__
    if kind in ("Pi", "Exp1", "ImaginaryUnit", "GoldenRatio"):
        return {"Pi": +mp.pi, "Exp1": +mp.e, "ImaginaryUnit": mp.mpc(0, 1),
                "GoldenRatio": +mp.phi}[kind]
    parts = tree.args
    if tree.is_Function and kind not in _functions():
        if str(tree) in point:  # f(x) stands for a name
            return point[str(tree)]
        raise Unknown(kind)
    values = [_walk(part, point, mp) for part in parts]
    if tree.is_Add:
        return mp.fsum(values)
    if tree.is_Mul:
        return mp.fprod(values)
    if tree.is_Pow:
        return _power(values[0], values[1], mp)
    if not parts or kind not in _functions():
        raise Unknown(kind)
    return _functions()[kind](*values)


def _power(base: Any, exponent: Any, mp: Any) -> Any:
    """Return a power; the odd root of a negative number has two readings, so it has no value."""
    if base.imag == 0 and base.real < 0 and exponent.imag == 0 and not mp.isint(exponent):
        for odd in (3, 5, 7, 9):
            if abs(odd * exponent - mp.nint(odd * exponent)) < mp.mpf(10) ** -30:
                raise Unknown("odd root")
    return mp.power(base, exponent)


def names(tree: Any) -> set[str]:
    """Return the names whose values a tree depends on; `e` and `i` are numbers."""
    from sympy.core.function import AppliedUndef

    applied = tree.atoms(AppliedUndef)
    free = set() if applied and tree in applied else {
        symbol.name for symbol in tree.free_symbols}
    return (free | {str(function) for function in applied}) - {"e", "i"}


def points(tree_names: set[str]) -> list[tuple[str, dict[str, Any]]]:
    """Return the points of comparison: two positive, two of integers, one negative, one complex.

    Irrational-looking values, so that no coincidence of small integers passes.
    """
    import mpmath as mp

    ordered, made = sorted(tree_names), []
    for kind, start in (("positive", 0.7310585), ("positive", 2.4142031), ("integer", 3),
                        ("integer", 6), ("negative", -1.3819660), ("complex", 0.5772156)):
        point = {"e": +mp.e, "i": mp.mpc(0, 1)}
        for place, name in enumerate(ordered):
            # Steps of one size would make a - b and b - c the same.
            step = mp.sqrt(_PRIMES[place % len(_PRIMES)]) * (1 + place // len(_PRIMES))
            point[name] = (-(abs(mp.mpf(start)) + step) if kind == "negative" else
                           mp.mpc(start + step, 1 / step) if kind == "complex" else
                           mp.mpf(start + place * (place * place + start)) if kind == "integer" else
                           mp.mpf(start) + step)
        made.append((kind, point))
    return made


def compare(ours: Any, theirs: Any, slack: float = 0.0, relative: float = 0.0) -> str:
    r"""Return whether two scalar trees have the same values: SAME, DIFFERENT, ASK or DOUBT.

    `slack` is an absolute difference that is overlooked, `relative` a relative one. Trees
    that agree at every point are the same, ones that differ at positive reals and integers
    different; in between (`\sqrt{x^2}` and `x`) algebra must be asked.
    """
    import mpmath as mp

    together = names(ours) | names(theirs)
    agree: dict[str, list[str]] = {}
    with mp.workdps(DIGITS):
        for kind, point in points(together) if together else points(set())[:1]:
            try:
                found = _same(ours, theirs, point, slack, relative, mp)
            except Unknown:
                continue
            agree.setdefault(kind, []).append(found)
    positive, whole = agree.get("positive", []), agree.get("integer", [])
    rest = agree.get("negative", []) + agree.get("complex", [])
    if not positive or DOUBT in positive + whole + rest:
        return DOUBT if DOUBT in positive + whole + rest else ASK
    if DIFFERENT in positive:
        return ASK if len(whole) == 2 and DIFFERENT not in whole else DIFFERENT
    return SAME if DIFFERENT not in rest and (rest or not together) else ASK


def _same(ours: Any, theirs: Any, point: Mapping[str, Any], slack: float, relative: float,
          mp: Any) -> str:
    """Compare two trees at one point, relatively; DOUBT where rounding cannot tell."""
    left, right = value(ours, point), value(theirs, point)
    if max(abs(left), abs(right)) < mp.mpf(10) ** -30:  # tiny, or nought but for rounding
        with mp.workdps(3 * DIGITS):
            sharp = value(ours, point), value(theirs, point)
        left, right = (mp.mpf(0) if abs(new) < abs(old) * mp.mpf(10) ** -20 else new
                       for new, old in zip(sharp, (left, right), strict=True))
    gap, scale = abs(left - right), max(abs(left), abs(right))
    if gap <= max(scale * mp.mpf(10) ** -25, slack, relative * scale):
        return SAME
    return DIFFERENT if gap >= scale * mp.mpf(10) ** -9 else DOUBT
