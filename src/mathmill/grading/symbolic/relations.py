"""Compare equations, inequalities and sets of numbers by what they are true of.

Why: math-verify solves both sides and compares the solutions, so that two equations without
real solutions are equal to each other, and half of its time-outs happen there. A point that
satisfies one relation and not the other proves them different; a constant ratio of the two
sides' differences proves equations the same; intervals and linear inequalities in one name
are the same if they agree at every end, beside it and between. Runs in the worker only.

Used as: `compare_relations(tree, other)` -> SAME, DIFFERENT, ASK or DOUBT.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from mathmill.grading.symbolic.numeric import (
    ASK,
    DIFFERENT,
    DIGITS,
    DOUBT,
    SAME,
    Unknown,
    compare,
    names,
    points,
    value,
)

EDGE = 1e-7  # how far beside an end of an interval is looked
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


def is_relation(tree: Any) -> bool:
    """Tell whether a tree is an equation, an inequality or several of them at once."""
    from sympy.core.relational import Relational

    if type(tree).__name__ in ("And", "Or"):
        return bool(tree.args) and all(is_relation(part) for part in tree.args)
    return isinstance(tree, Relational)


def is_set(tree: Any) -> bool:
    """Tell whether a tree is a set."""
    from sympy import Set

    return isinstance(tree, Set)


def right_side(ours: Any, theirs: Any) -> tuple[Any, Any]:
    """Return both trees, without the name of `x = 5` where the other one has none or the same."""
    left, right = assigned(ours), assigned(theirs)
    if left and right and left == right:
        return ours.rhs, theirs.rhs
    if left and not is_relation(theirs):
        return ours.rhs, theirs
    if right and not is_relation(ours):
        return ours, theirs.rhs
    return ours, theirs


def assigned(tree: Any) -> str:
    """Return the left side of `x = ...` or `f(x) = ...`, or an empty text."""
    if type(tree).__name__ != "Equality":
        return ""
    left = tree.lhs
    alone = left.is_Symbol or (left.is_Function and type(type(left)).__name__
                               == "UndefinedFunction")
    return str(left) if alone and not (tree.rhs.has(left)) else ""


def compare_relations(ours: Any, theirs: Any) -> str:
    """Compare two trees of which one at least is a relation or a set."""
    if _operator(ours) == "==" == _operator(theirs):
        return _equations(ours, theirs)
    if _operator(ours) and _operator(theirs) and _proportional(ours, theirs) == SAME:
        return SAME
    if not all(is_relation(tree) or is_set(tree) for tree in (ours, theirs)):
        return DOUBT
    elements = _finite(ours), _finite(theirs)
    if elements[0] is not None and elements[1] is not None:
        return _finite_sets(elements[0], elements[1])
    try:
        return _truths(ours, theirs)
    except Unknown:
        return SAME if ours == theirs else DOUBT


def _operator(tree: Any) -> str:
    """Return the sign of a single relation, or an empty text."""
    sides = getattr(tree, "lhs", None), getattr(tree, "rhs", None)
    if getattr(tree, "rel_op", None) is None or any(is_set(side) for side in sides):
        return ""
    return str(tree.rel_op)


def _proportional(ours: Any, theirs: Any) -> str:
    """Tell whether two relations say the same of proportional differences."""
    import mpmath as mp

    left, right = ours.lhs - ours.rhs, theirs.lhs - theirs.rhs
    ratios = []
    with mp.workdps(DIGITS):
        for kind, point in points(names(left) | names(right)):
            if kind == "complex" and _operator(ours) != "==":
                continue
            try:
                over, under = value(left, point), value(right, point)
            except Unknown:
                continue
            if abs(under) < mp.mpf(10) ** -30 or abs(over) < mp.mpf(10) ** -30:
                return DIFFERENT
            ratios.append(over / under)
        if len(ratios) < 4 or any(abs(ratio - ratios[0]) > abs(ratios[0]) * mp.mpf(10) ** -20
                                  for ratio in ratios):
            return DIFFERENT
        if _operator(ours) in ("==", "!="):
            return SAME if _operator(ours) == _operator(theirs) else DIFFERENT
        if ratios[0].imag != 0:
            return DIFFERENT
        sign = _operator(theirs) if ratios[0].real > 0 else _FLIPPED[_operator(theirs)]
        return SAME if sign == _operator(ours) else DIFFERENT


def _equations(ours: Any, theirs: Any) -> str:
    """Compare two equations; a point on one and off the other tells them apart."""
    if _proportional(ours, theirs) == SAME:
        return SAME
    if names(ours) != names(theirs):
        return DOUBT  # y = 2x + 3 may be meant by f(x) = 2x + 3
    for one, other in ((ours, theirs), (theirs, ours)):
        if _leaves(one.lhs - one.rhs, other.lhs - other.rhs):
            return DIFFERENT
    return DOUBT


def _leaves(one: Any, other: Any) -> bool:
    """Tell whether a root of the first expression, in a name where it is linear, is no root."""
    import mpmath as mp

    with mp.workdps(DIGITS):
        for name in sorted(names(one)):
            for kind, point in points(names(one) | names(other))[:2]:
                try:
                    root = _root(one, name, point)
                    if root is None:
                        break
                    there = value(other, {**point, name: root})
                    size = sum(abs(value(part, {**point, name: root})) for part in other.args)
                except Unknown:
                    break
                if abs(there) > (1 + size) * mp.mpf(10) ** -20:
                    return True
                del kind
    return False


def _root(tree: Any, name: str, point: dict[str, Any]) -> Any:
    """Return where a tree that is linear in a name is nought, or None where it is not linear."""
    import mpmath as mp

    low, middle, high = (value(tree, {**point, name: mp.mpf(at)}) for at in (1, 2, 3))
    slope = middle - low
    if abs(high - middle - slope) > mp.mpf(10) ** -30 * (1 + abs(slope)) or abs(slope) < 1e-30:
        return None
    return 1 - low / slope


def _finite(tree: Any) -> list[Any] | None:
    """Return the elements of a finite set."""
    return list(tree.args) if type(tree).__name__ == "FiniteSet" else (
        [] if type(tree).__name__ == "EmptySet" else None)


def _finite_sets(ours: list[Any], theirs: list[Any]) -> str:
    """Compare two finite sets: each element must have its equal on the other side."""
    unsure = False
    for left, right in ((ours, theirs), (theirs, ours)):
        for one in left:
            found = {compare(one, other) for other in right
                     if not is_relation(one) and not is_relation(other)}
            if SAME in found:
                continue
            if found - {DIFFERENT} or any(is_relation(other) for other in (one, *right)):
                unsure = True
            else:
                return DIFFERENT
    return ASK if unsure else SAME


def _truths(ours: Any, theirs: Any) -> str:
    """Compare by truth at every end of either, beside it and between; one name at most."""
    together = (names(ours) if is_relation(ours) else set()) | (
        names(theirs) if is_relation(theirs) else set())
    if len(together) > 1 or (is_set(ours) and names(ours)) or (is_set(theirs) and names(theirs)):
        raise Unknown("several names")
    name = next(iter(together), "x")
    ends, sure = set(), True
    for tree in (ours, theirs):
        found, linear = _ends(tree, name)
        ends |= found
        sure &= linear
    stand = sorted(ends) or [0.0]
    tried = {at + aside for at in stand for aside in (-EDGE, 0.0, EDGE)}
    tried |= {(low + high) / 2 for low, high in pairwise(stand)}
    tried |= {stand[0] - 1.3, stand[-1] + 1.3, stand[0] - 1e6, stand[-1] + 1e6}
    for at in sorted(tried):
        if _holds(ours, name, at) != _holds(theirs, name, at):
            return DIFFERENT
    return SAME if sure else ASK


def _ends(tree: Any, name: str) -> tuple[set[float], bool]:
    """Return where the truth of a relation or membership in a set may change; and if all."""
    kind = type(tree).__name__
    if kind in ("And", "Or", "Union", "Intersection", "Complement"):
        found = [_ends(part, name) for part in tree.args]
        return set().union(*(ends for ends, _ in found)), all(sure for _, sure in found)
    if kind == "Interval":
        return {_real(end) for end in (tree.start, tree.end) if end.is_finite}, True
    if kind == "FiniteSet":
        return {_real(element) for element in tree.args}, True
    if kind in ("Reals", "EmptySet"):
        return set(), True
    if _operator(tree):
        root = _root(tree.lhs - tree.rhs, name, {})
        if root is not None:
            return {float(root.real)}, True
        return {_real(part) for part in tree.atoms() if part.is_number}, False
    raise Unknown(kind)


def _real(tree: Any) -> float:
    """Return the value of a number without names; raises Unknown."""
    found = value(tree, {})
    if found.imag != 0:
        raise Unknown("complex")
    return float(found.real)


def _holds(tree: Any, name: str, at: float) -> bool:
    """Tell whether a relation is true at a point, or a set contains it."""
    import mpmath as mp

    kind = type(tree).__name__
    if kind in ("And", "Intersection"):
        return all(_holds(part, name, at) for part in tree.args)
    if kind in ("Or", "Union"):
        return any(_holds(part, name, at) for part in tree.args)
    if kind == "Complement":
        return _holds(tree.args[0], name, at) and not _holds(tree.args[1], name, at)
    if kind == "Interval":
        low = -float("inf") if tree.start.is_infinite else _real(tree.start)
        high = float("inf") if tree.end.is_infinite else _real(tree.end)
        if _near(at, low) or _near(at, high):
            return not (tree.left_open if _near(at, low) else tree.right_open)
        return low < at < high
    if kind == "FiniteSet":
        return any(_near(at, _real(element)) for element in tree.args)
    if kind in ("Reals", "EmptySet"):
        return kind == "Reals"
    gap = value(tree.lhs - tree.rhs, {name: mp.mpf(at)})
    if gap.imag != 0:
        raise Unknown("complex")
    gap = 0.0 if abs(gap.real) < EDGE * 1e-3 else float(gap.real)
    return {"<": gap < 0, ">": gap > 0, "<=": gap <= 0, ">=": gap >= 0, "==": gap == 0,
            "!=": gap != 0}[str(tree.rel_op)]


def _near(at: float, end: float) -> bool:
    """Tell whether a point is an end, but for rounding."""
    return abs(at - end) <= EDGE * 1e-3 * (1 + abs(end)) if abs(end) != float("inf") else False
