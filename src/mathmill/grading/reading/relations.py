"""Read equations and inequalities, and say what set of numbers a relation names.

Why: `x = 5`, `x < 3`, `-2 <= x <= 7`, `x in [1, 2)` and `x != 0` are said in as many ways as
sets; with the name apart and the set as intervals they can be compared exactly.

Used as: `read_relation("-2≤x≤7", read)` -> a `Relation` of the interval `[-2, 7]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mathmill.grading.algebra.equations import difference
from mathmill.grading.algebra.exact import rational
from mathmill.grading.algebra.parse import parse
from mathmill.grading.algebra.tree import Node, filled, names, number
from mathmill.grading.reading.numbers import Number
from mathmill.grading.reading.values import Formula, Group, Relation, Value, Words

SIGNS = "=<>≤≥≠≈∈"
INFINITY, MINUS_INFINITY = Words("∞"), Words("-∞")
Reader = Callable[[str], Value | None]

_NAME = re.compile(r"(?:the |m)?(?:\\?[A-Za-z]{1,20}(?: [A-Za-z]{1,15}){0,4}|∠ ?[A-Z]{1,3}"
                   r"|\\angle ?[A-Z]{1,3})(?: ?_ ?\{?\\?\w{1,5}\}?)?'{0,3}(?:\([^()=]{1,12}\))?"
                   r"|[A-Z]\w{0,3}(?:_\{?\w{1,5}\}?)? ?: ?[A-Z]\w{0,3}(?:_\{?\w{1,5}\}?)?"
    r"|[fgh]\^\{?-1\}?\([a-z]\)|\\frac\{d[a-z]\}\{d[a-z]\}"
                   r"|\|[A-Z]{2}\||\( ?[A-Za-z](?: ?, ?[A-Za-z]){1,5} ?\)")
_DEPENDENT = re.compile(r"[yzwfghFGPQ]'?|[a-zA-Z]'?\(.*\)")
_DISTANCE = re.compile(r"\| ?([A-Za-z]) ?\|")
_TURNED = {"<": ">", ">": "<", "≤": "≥", "≥": "≤", "=": "=", "≠": "≠"}


def split_relation(text: str) -> tuple[list[str], list[str]] | None:
    """Return the sides and the signs between them outside brackets, or None for no relation."""
    sides, signs, depth, start = [], [], 0, 0
    for place, sign in enumerate(text):
        if sign in "([{⦃":
            depth += 1
        elif sign in ")]}⦄":
            depth -= 1
        elif depth == 0 and sign in SIGNS:
            sides.append(text[start:place].strip())
            signs.append(sign)
            start = place + 1
    if not signs or len(signs) > 12:
        return None
    return [*sides, text[start:].strip()], signs


def is_name(text: str) -> bool:
    """Tell whether a text is what values are given to: `x`, `f(x)`, `Total`, `x_1`."""
    return _NAME.fullmatch(text) is not None


def is_dependent(name: str) -> bool:
    """Tell whether a name is that of a function or its value: `y`, `f(x)`, `g`."""
    return _DEPENDENT.fullmatch(name) is not None


def read_relation(text: str, read: Reader) -> Value | None:
    """Return the relation that a text writes, the value it concludes, or None."""
    parts = split_relation(text)
    if parts is None:
        return None
    sides, signs = parts
    if "≈" in signs:
        return _approximate(sides, signs, read)
    if not sides[0] and set(signs) == {"="}:
        return read(sides[-1])
    if not all(sides):
        return None
    if signs == ["∈"]:
        value = read(sides[1])
        named = is_name(sides[0]) and value is not None
        return Relation(sides[0], value, ("∈",), ()) if named else None
    if "∈" in signs:
        return None
    if set(signs) == {"="}:
        return _equation(sides, read)
    trees = [parse(side) for side in sides]
    if None in trees and not all(side in ("∞", "-∞", "+∞") or tree is not None
                                 for side, tree in zip(sides, trees, strict=True)):
        return None
    return _inequality(sides, signs, [tree for tree in trees if tree is not None], read)


def _approximate(sides: list[str], signs: list[str], read: Reader) -> Value | None:
    r"""Read `\sqrt{3}/3 ≈ 0.577` as its exact side, `x ≈ 5` as 5."""
    at = signs.index("≈")
    exact = sides[at]
    if not exact or is_name(exact):
        return read(sides[at + 1])
    return read("=".join(sides[:at + 1])) if set(signs[:at]) <= {"="} else None


def _equation(sides: list[str], read: Reader) -> Value | None:
    """Read `x = 5`, what `2 + 3 = 5` or `x = 24/10 = 2.4` concludes, or an equation."""
    named = is_name(sides[0])
    middle = sides[1:-1] if named else sides[:-1]
    if named or not any(letter.isalpha() and letter not in "ei" for side in middle
                        for letter in re.sub(r"\\(?:frac|sqrt|pi|binom)|sqrt|pi", "", side)):
        last = read(sides[-1])
        trees = parse(sides[0]), parse(sides[-1])
        if named and (len(sides) == 2 or last is not None):
            both = (trees[0], trees[1]) if trees[0] is not None and trees[1] is not None else ()
            if last is None and not both:
                return None
            return Relation(sides[0], last, ("=",), both)
        if not named and last is not None and (trees[1] is None or not names(trees[1]) or (
                is_name(sides[-1]))):
            if is_name(sides[-1]) and len(sides) == 2:  # 5 = x
                return _equation([sides[1], sides[0]], read)
            return last
    if len(sides) > 2:
        return None
    left, right = parse(sides[0]), parse(sides[1])
    if left is None or right is None:
        return None
    if is_name(sides[1]):
        return _equation([sides[1], sides[0]], read)
    return Relation("", None, ("=",), (left, right))


def _inequality(sides: list[str], signs: list[str], trees: list[Node],
                read: Reader) -> Value | None:
    """Read an inequality, as a set where it bounds one name."""
    if len(sides) == 2 and len(trees) == 2:
        solved = _bounds_of_one(signs[0], trees, sides, read)
        if solved is not None:
            return solved
        return Relation("", None, tuple(signs), tuple(trees))
    if len(sides) != 3 or not is_name(sides[1]):
        return Relation("", None, tuple(signs), tuple(trees)) if len(trees) == len(sides) else None
    first, last = signs
    if first in "<≤" and last in "<≤":
        low, high, opening, closing = sides[0], sides[2], first, last
    elif first in ">≥" and last in ">≥":
        low, high, opening, closing = sides[2], sides[0], last, first
    else:
        return None
    ends = read(low), read(high)
    if ends[0] is None or ends[1] is None:
        return None
    value = Group("(" if opening in "<>" else "[", ")" if closing in "<>" else "]",
                  (ends[0], ends[1]))
    return Relation(sides[1], value, tuple(signs), tuple(trees))


def _bounds_of_one(sign: str, trees: list[Node], sides: list[str],
                   read: Reader) -> Relation | None:
    """Return the set that an inequality linear in its one name says, or None."""
    if not is_name(sides[0]) and is_name(sides[1]):
        trees, sides, sign = trees[::-1], sides[::-1], _TURNED[sign]
    distance = _DISTANCE.fullmatch(sides[0])
    if distance is not None and sign != "≠":
        ends = read(f"-({sides[1]})"), read(sides[1])
        if ends[0] is None or not isinstance(ends[1], Number | Formula):
            return None
        if sign in "<≤":
            value = Group("(" if sign == "<" else "[", ")" if sign == "<" else "]",
                          (ends[0], ends[1]))
        else:
            value = Group("cup", "", (_ray(_TURNED[sign], ends[0]), _ray(sign, ends[1])))
        return Relation(distance[1], value, (sign,), tuple(trees))
    if is_name(sides[0]):
        bound = read(sides[1])
        if bound is None or not isinstance(bound, Number | Formula | Words):
            return None
        return Relation(sides[0], _ray(sign, bound), (sign,), tuple(trees))
    free = names(trees[0]) | names(trees[1])
    if len(free) != 1:
        return None
    name = next(iter(free))
    whole = difference(*trees)
    at = [rational(filled(whole, name, number(spot))) for spot in (0, 1, 3, -4)]
    if at[0] is None or at[1] is None or at[2] is None or at[3] is None:
        return None
    slope = at[1] - at[0]
    if slope == 0 or at[2] - at[1] != 2 * slope or at[0] - at[3] != 4 * slope:
        return None
    bound = Number(-at[0] / slope)
    return Relation(name, _ray(sign if slope > 0 else _TURNED[sign], bound), (sign,),
                    tuple(trees))


def _ray(sign: str, bound: Value) -> Group:
    """Return the interval on one side of a bound, or the two beside it."""
    if sign in "<≤":
        return Group("(", ")" if sign == "<" else "]", (MINUS_INFINITY, bound))
    if sign in ">≥":
        return Group("(" if sign == ">" else "[", ")", (bound, INFINITY))
    return Group("cup", "", (Group("(", ")", (MINUS_INFINITY, bound)),
                             Group("(", ")", (bound, INFINITY))))
