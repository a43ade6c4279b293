r"""Read two answers with math-verify and settle whether they are equal; runs in the worker.

Why: math-verify's parser reads more LaTeX than any other, but its verdicts carry known
errors: six absolute digits, pairs read as intervals, doubles lost in lists, equations
without real solutions all equal to each other, a time-out that says `False`. So its trees
are compared here by value and by structure first, and its own `verify` is asked only about
what that leaves; nothing it says against the values becomes a verdict.

Used as: `judge(gold, answer, Asked(...))` -> `("correct", "math-verify: values")`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mathmill.grading.symbolic.numeric import ASK, DIFFERENT, DOUBT, SAME, compare, names
from mathmill.grading.symbolic.relations import (
    assigned,
    compare_relations,
    is_relation,
    is_set,
    right_side,
)
from mathmill.grading.symbolic.screen import pieces

ELEMENTS = 40  # of a list whose order does not count: matching is quadratic
_DECIMAL = re.compile(r"-?[0-9]*\.([0-9]+)")
_UNIT = re.compile(
    r"(?:[0-9)}][ ]?(?:[cmkd]m|m[lLg]|k[gmWN]|ft|in|hr|lb|oz|yd|mi|Hz|Pa)|[ ][mgslLhJNWVAKCF])"
    r"(?:[ ]?\^[ ]?\{?-?[0-9]\}?)?$")


@dataclass(frozen=True, slots=True)
class Asked:
    """The switches of a policy that count here."""

    ordered: bool = False
    "Whether the order of a bare list counts."
    places: int = 6
    "Written places from which a decimal may stand for what it only comes near."
    relative: float = 0.0
    "Relative difference that is overlooked between two numbers."
    absolute: float = 0.0
    "Absolute difference that is overlooked between two numbers."


class Unparsed(Exception):
    """A text of which math-verify's parser makes nothing."""


def judge(gold: str, answer: str, asked: Asked) -> tuple[str, str]:
    """Return a verdict (`correct`, `wrong`, `undecided`) and how, for two screened texts."""
    try:
        found = _texts(gold, answer, asked)
    except Unparsed:
        return "undecided", "unparsed"
    if found in (SAME, DIFFERENT):
        return ("correct" if found == SAME else "wrong"), "math-verify: values"
    nested = any(pieces(part)[0] for text in (gold, answer) for part in pieces(text)[2])
    if found == DOUBT or nested or _case_differs(gold, answer):
        return "undecided", "math-verify cannot be relied on here"
    if _verified(pieces(gold)[2], pieces(answer)[2]):
        return "correct", "math-verify"
    return "undecided", "math-verify sees no equality"


def _texts(gold: str, answer: str, asked: Asked) -> str:
    """Compare two texts, which may be lists of lists."""
    (opening, closing, ours), (start, end, theirs) = pieces(gold), pieces(answer)
    return _groups((opening, closing), (start, end), ours, theirs, asked)


def _groups(ours: tuple[str, str], theirs: tuple[str, str], gold: Sequence[str],
            answer: Sequence[str], asked: Asked) -> str:
    """Compare two lists: brackets first, then elements in order or as a multiset."""
    left, right = _read_each(gold), _read_each(answer)
    if len(left) == len(right) == 1 and None not in (left[0], right[0]):
        return _elements(left[0], right[0], gold[0], answer[0], asked)
    # `x < 2` against an interval, which was split as a pair.
    for one, pair, brackets, parts in ((left, right, theirs, answer), (right, left, ours, gold)):
        if len(one) == 1 and len(pair) == 2 and brackets[0] in ("(", "[") and (
                one[0] is not None and (is_relation(one[0]) or is_set(one[0]))):
            whole = _read(brackets[0] + ",".join(parts) + brackets[1])
            return compare_relations(one[0], whole)
    left, right = _spread(left), _spread(right)
    if len(left) != len(right):
        # {1, 1, 2} is {1, 2}.
        plain = all(tree is None or _is_scalar(tree) for tree in (*left, *right))
        return DIFFERENT if plain and "{" not in (ours[0], theirs[0]) else DOUBT
    # What was spread has no text of its own any more.
    gold, answer = (parts if len(parts) == len(trees) else [""] * len(trees)
                    for parts, trees in ((gold, left), (answer, right)))
    bare = "" in (ours[0], theirs[0])
    if ours != theirs and not bare:
        return DIFFERENT
    anyhow = {"{"} | (set() if asked.ordered else {""})
    if ours[0] in anyhow and theirs[0] in anyhow:
        return _matched(left, right, gold, answer, asked)
    if "{" in (ours[0], theirs[0]):
        return DOUBT  # an ordered list against a set
    return _all([_elements(*four, asked) for four in zip(left, right, gold, answer, strict=True)])


def _read_each(texts: Sequence[str]) -> list[Any]:
    """Return the trees of a list's elements, None for one that is a list itself."""
    return [None if pieces(text)[0] else _read(text) for text in texts]


def _spread(trees: list[Any]) -> list[Any]:
    r"""Return a list with `\pm 2` as two elements, and `x = 1, x = 2` without the name."""
    spread: list[Any] = []
    if None in trees:
        return trees
    for tree in trees:
        inner = tree.rhs if is_relation(tree) and is_set(getattr(tree, "rhs", None)) else tree
        kind = type(inner).__name__
        spread += list(inner.args) if kind == "FiniteSet" else [tree]
    named = {assigned(tree) for tree in spread}
    return [tree.rhs for tree in spread] if len(named) == 1 and named != {""} else spread


def _all(found: Sequence[str]) -> str:
    """Return the verdict on a whole from those on its parts."""
    return next((kind for kind in (DIFFERENT, DOUBT, ASK) if kind in found), SAME)


def _matched(left: list[Any], right: list[Any], gold: Sequence[str], answer: Sequence[str],
             asked: Asked) -> str:
    """Compare as multisets: each element takes the first free one that equals it."""
    if len(left) > ELEMENTS:
        return DOUBT
    free, unsure = list(range(len(right))), False
    for tree, text in zip(left, gold, strict=True):
        for place in free:
            found = _elements(tree, right[place], text, answer[place], asked)
            if found == SAME:
                free.remove(place)
                break
            unsure |= found in (ASK, DOUBT)
        else:
            return DOUBT if unsure else DIFFERENT
    return SAME


def _elements(ours: Any, theirs: Any, gold: str, answer: str, asked: Asked) -> str:
    """Compare two trees of whatever kinds; a list within a list by its text."""
    if ours is None or theirs is None:
        return _texts(gold, answer, asked) if gold and answer else DOUBT
    if is_relation(ours) or is_relation(theirs) or is_set(ours) or is_set(theirs):
        left, right = right_side(ours, theirs)
        if _is_scalar(left) and _is_scalar(right):
            return _scalars(left, right, gold, answer, asked)
        return compare_relations(left, right)
    if hasattr(ours, "shape") or hasattr(theirs, "shape"):
        if getattr(ours, "shape", None) != getattr(theirs, "shape", None):
            flat = getattr(ours, "shape", (2, 2)), getattr(theirs, "shape", (2, 2))
            # A row and a column may be one vector.
            return DOUBT if any(1 in shape for shape in flat) else DIFFERENT
        return _all([_scalars(*pair, "", "", asked)
                     for pair in zip(ours.flat(), theirs.flat(), strict=True)])
    if _is_scalar(ours) and _is_scalar(theirs):
        return _scalars(ours, theirs, gold, answer, asked)
    return ASK


def _scalars(ours: Any, theirs: Any, gold: str, answer: str, asked: Asked) -> str:
    """Compare two expressions by value; decimals may stand for what they come near."""
    if ours.is_infinite or theirs.is_infinite:
        return SAME if ours == theirs else DIFFERENT
    if ("%" in gold) != ("%" in answer):
        return DOUBT  # a matter of policy, which the exact tiers know
    slack = max(_slack(gold, theirs, asked), _slack(answer, ours, asked), asked.absolute)
    found = compare(_done(ours), _done(theirs), slack, asked.relative)
    ours_only = names(ours) - names(theirs)
    if found == SAME and _case_differs(gold, answer):
        return DOUBT  # the parser reads A as a
    unit = names(ours) != names(theirs) and _UNIT.search(gold if ours_only else answer)
    # `5 cm` is read as a product; a unit is not for algebra to judge.
    return DOUBT if found == DIFFERENT and unit else found


def _slack(text: str, other: Any, asked: Asked) -> float:
    """Return how far an exact value may be from a written decimal that stands for it."""
    from sympy import Float

    found = _DECIMAL.fullmatch(text.strip())
    if found is None or len(found[1]) < asked.places or (
            other.is_Rational and other.q == 1):
        return 0.0
    return 0.0 if other.atoms(Float) else float(10.0 ** -len(found[1]))


def _done(tree: Any) -> Any:
    """Return a tree with its sums, products, limits and integrals worked out."""
    from sympy import Derivative, Integral, Limit, Product, Sum

    return tree.doit() if tree.has(Sum, Product, Integral, Limit, Derivative) else tree


def _is_scalar(tree: Any) -> bool:
    """Tell whether a tree is an expression of numbers and names."""
    from sympy import Expr

    return isinstance(tree, Expr) and not hasattr(tree, "shape")


def _case_differs(gold: str, answer: str) -> bool:
    """Tell whether two texts have the same letters in other cases."""
    ours, theirs = (set(re.findall(r"[A-Za-z]", re.sub(r"\\[A-Za-z]+", " ", text)))
                    for text in (gold, answer))
    return bool({letter.swapcase() for letter in ours - theirs} & (theirs - ours))


def _read(text: str) -> Any:
    """Return math-verify's tree of one element; raises Unparsed."""
    from latex2sympy2_extended import NormalizationConfig
    from math_verify import parse
    from math_verify.parser import LatexExtractionConfig

    # Without its units: they make 5 of `5t`, `5d` and `5c`.
    spelled = NormalizationConfig(basic_latex=True, units=False, malformed_operators=True,
                                  nits=True, boxed="none", equations=False)
    try:
        # No alarm here: the caller's deadline kills, and tells a time-out from `nothing found`.
        trees = parse(f"${text}$", extraction_config=[
            LatexExtractionConfig(normalization_config=spelled, boxed_match_priority=-1)],
                      fallback_mode="no_fallback", parsing_timeout=None, raise_on_error=True)
    except MemoryError:
        raise
    except Exception:
        raise Unparsed from None
    if len(trees) != 1 or not hasattr(trees[0], "atoms"):
        raise Unparsed
    return trees[0]


def _verified(gold: Sequence[str], answer: Sequence[str]) -> bool:
    """Return what math-verify itself says of the two texts, in order if there are several."""
    from math_verify import verify

    if len(gold) != len(answer):
        return False
    try:
        return all(verify(_read(ours), _read(theirs), timeout_seconds=None, raise_on_error=True)
                   for ours, theirs in zip(gold, answer, strict=True))
    except (MemoryError, Unparsed):
        raise
    except Exception:
        return False
