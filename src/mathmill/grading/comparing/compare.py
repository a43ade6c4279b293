"""Compare two values that were read: which kinds may be equal, and by which rule.

Why: brackets tell a tuple from an interval, a set from a list, and each kind has its own
idea of sameness; here is the one place where the kinds meet.

Used as: `compare(read("1/2", p), read("0.5", p), p)` -> `Verdict("correct", "number")`.
"""

from __future__ import annotations

from mathmill.grading.algebra.equations import difference, same_equation, same_inequality, solves
from mathmill.grading.algebra.parse import parse
from mathmill.grading.algebra.tree import Node, names
from mathmill.grading.comparing.quantities import same_number, same_quantity
from mathmill.grading.comparing.several import (
    DOTS,
    Judge,
    all_alike,
    all_named,
    before_dots,
    by_name,
    flat,
    matched,
    same_matrices,
    same_ratios,
    same_sets,
    same_vector,
    spread,
    time_of,
    tree_of,
)
from mathmill.grading.policy import Policy
from mathmill.grading.reading.normal import SET_OPEN
from mathmill.grading.reading.numbers import Number
from mathmill.grading.reading.relations import is_dependent
from mathmill.grading.reading.values import Formula, Group, Matrix, Relation, Value, Words
from mathmill.types import CORRECT, UNDECIDED, WRONG, Verdict

_ANYHOW = frozenset({SET_OPEN, "cup", ""})


def compare(gold: Value, answer: Value, policy: Policy) -> Verdict:
    """Return the verdict on two values; it names the kind of comparison."""
    if isinstance(gold, Number) and isinstance(answer, Number):
        return Verdict(CORRECT if same_number(gold, answer, policy) else WRONG, "number")
    if isinstance(gold, Relation) or isinstance(answer, Relation):
        return _relations(gold, answer, policy)
    gold, answer = spread(gold), spread(answer)
    if isinstance(gold, Number | Formula) and isinstance(answer, Number | Formula):
        return Verdict(*same_quantity(gold, answer, policy))
    if isinstance(gold, Words) and isinstance(answer, Words):
        return _words(gold, answer)
    if isinstance(gold, Matrix) and isinstance(answer, Matrix):
        return same_matrices(gold, answer, _judge(policy))
    if isinstance(gold, Group) and isinstance(answer, Group):
        return _groups(gold, answer, policy)
    return _different_kinds(gold, answer, policy)


def _judge(policy: Policy) -> Judge:
    """Return the comparison of parts under a policy."""
    def judge(gold: Value, answer: Value) -> Verdict:
        for one, other in ((gold, answer), (answer, gold)):  # {1} within a set is not 1
            if isinstance(one, Group) and one.open == SET_OPEN and not isinstance(
                    other, Group | Relation):
                return Verdict(WRONG, "a set against an element")
        return compare(gold, answer, policy)
    return judge


def _words(gold: Words, answer: Words) -> Verdict:
    """Compare words: names differ for sure, phrases may say the same."""
    if gold.text == answer.text:
        return Verdict(CORRECT, "words")
    ours, theirs = gold.text.split(), answer.text.split()
    if {gold.text, answer.text} == {"∅", "does not exist"} or (
            gold.text.isalpha() and sorted(gold.text) == sorted(answer.text)):
        return Verdict(UNDECIDED, "words differ")
    # Phrases without a word in common are taken to say different things, sentences are not.
    if len(ours) == len(theirs) == 1 or (max(len(ours), len(theirs)) <= 4
                                         and not set(ours) & set(theirs)):
        return Verdict(WRONG, "words")
    return Verdict(UNDECIDED, "words differ")


def _different_kinds(gold: Value, answer: Value, policy: Policy) -> Verdict:
    """Compare values of two kinds, of which few pairs can be equal."""
    for one, other in ((gold, answer), (answer, gold)):
        if isinstance(one, Words) and isinstance(other, Formula):
            tree = parse(one.text) if one.text.isascii() and len(one.text) <= 4 else None
            if tree is None:
                return Verdict(WRONG, "a formula against words")
            return Verdict(*same_quantity(Formula(tree), other, policy))
        if isinstance(one, Words) and isinstance(other, Number):
            if one.text == "∅" and not other.value:
                return Verdict(UNDECIDED, "none or nought")
            return Verdict(WRONG, "a number against words")
        if isinstance(one, Group) and isinstance(other, Matrix):
            return same_vector(one, other, _judge(policy))
        if isinstance(one, Group) and isinstance(other, Words) and other.text == "∅":
            return Verdict(WRONG, "sets")
        if isinstance(one, Group) and len(one.items) == 1:
            return compare(one.items[0], other, policy)
        if isinstance(one, Group) and one.open == ":" and isinstance(other, Words):
            return Verdict(CORRECT if time_of(one) == other.text else WRONG, "time")
        if isinstance(one, Group) and one.open == ":" and isinstance(other, Number | Formula):
            return _ratio_as_number(one, other, policy)
        if isinstance(one, Group) and one.open in ("cup", "cap", "∖") and isinstance(other, Words):
            return same_sets(one, other, _judge(policy)) or Verdict(
                UNDECIDED, "needs algebra: sets")
        if isinstance(one, Group) and isinstance(other, Words) and other.text == "ℝ":
            return same_sets(one, other, _judge(policy)) or Verdict(WRONG, "sets")
    if isinstance(gold, Matrix) or isinstance(answer, Matrix):
        return Verdict(WRONG, "a matrix against another kind")
    return Verdict(WRONG, "one value against several")


def _ratio_as_number(ratio: Group, other: Number | Formula, policy: Policy) -> Verdict:
    """Compare `3:2` with `3/2`."""
    trees = [tree_of(each) for each in ratio.items]
    if len(trees) != 2 or trees[0] is None or trees[1] is None:
        return Verdict(WRONG, "one value against several")
    return Verdict(*same_quantity(Formula(Node("/", (trees[0], trees[1]))), other, policy))


def _groups(gold: Group, answer: Group, policy: Policy) -> Verdict:
    """Compare tuples and intervals in order, sets and bare lists in any order."""
    if gold.open in _ANYHOW and answer.open in _ANYHOW:
        gold, answer = flat(gold), flat(answer)
    opened = {gold.open, answer.open}
    if ":" in opened:
        return same_ratios(gold, answer, _judge(policy))
    if opened & {"cup", "cap", "∖"}:
        return same_sets(gold, answer, _judge(policy)) or Verdict(UNDECIDED, "needs algebra: sets")
    dots = [any(item == DOTS for item in each.items) for each in (gold, answer)]
    if any(dots) and all_alike(before_dots(gold, answer), _judge(policy)) == WRONG:
        return Verdict(WRONG, "elements before the dots")
    if len(gold.items) != len(answer.items):
        if any(dots):
            return Verdict(UNDECIDED, "dots in a list")
        return Verdict(WRONG, "number of elements")
    if dots[0] != dots[1]:
        return Verdict(WRONG, "dots in a list")
    bare = "" in opened or (opened == {"(", "["} and len(gold.items) > 2)
    if not bare and (gold.open, gold.close) != (answer.open, answer.close):
        return Verdict(WRONG, "brackets differ")
    anyhow = _ANYHOW - ({""} if policy.ordered_lists else set())
    free = opened <= anyhow and not any(dots)
    if free and "" in opened and all_named(gold) and all_named(answer):
        return Verdict(by_name(gold.items, answer.items, _judge(policy)), "values by name")
    if free:
        return Verdict(matched(gold.items, answer.items, _judge(policy)), "set")
    pairs = list(zip(gold.items, answer.items, strict=True))
    return Verdict(all_alike(pairs, _judge(policy)), "elements in order")


def _relations(gold: Value, answer: Value, policy: Policy) -> Verdict:
    """Compare where at least one side is a relation."""
    if isinstance(gold, Relation) and isinstance(answer, Relation):
        return _two_relations(gold, answer, policy)
    relation, other = (gold, answer) if isinstance(gold, Relation) else (answer, gold)
    assert isinstance(relation, Relation)
    if not policy.names:
        return Verdict(WRONG, "a relation against a value")
    if relation.value is not None:
        if "=" not in relation.signs:
            return same_sets(relation.value, other, _judge(policy)) or compare(
                relation.value, other, policy)
        return compare(relation.value, other, policy)
    free = frozenset[str]().union(*map(names, relation.sides))
    if len(free) > 1 and isinstance(other, Number):
        return Verdict(WRONG, "a relation against a number")
    if relation.signs == ("=",) and len(free) == 1 and isinstance(other, Number):
        return Verdict(*solves(relation.sides[0], relation.sides[1], other.value))
    return Verdict(UNDECIDED, "needs algebra: a relation against a value")


def _two_relations(gold: Relation, answer: Relation, policy: Policy) -> Verdict:
    """Compare two equations, inequalities or named values."""
    same_name = gold.name == answer.name and gold.name
    both = is_dependent(gold.name) and is_dependent(answer.name)
    if gold.value is not None and answer.value is not None and (same_name or (
            both and isinstance(gold.value, Formula) and isinstance(answer.value, Formula))):
        found = (same_sets(gold.value, answer.value, _judge(policy))
                 if "=" not in gold.signs + answer.signs else None)
        found = found or compare(gold.value, answer.value, policy)
        sure = same_name or "(" in gold.name + answer.name  # y = 2x and z = 2x+1 may be two things
        if found.value == CORRECT or (found.value == WRONG and sure):
            return found
    if gold.name and answer.name and len(gold.name + answer.name) == 2 and not same_name and all(
            names(side) <= {each.name} for each in (gold, answer) for side in each.sides):
        return Verdict(UNDECIDED, "different names")
    if len(gold.sides) != 2 or len(answer.sides) != 2 or len(gold.signs + answer.signs) != 2:
        return Verdict(UNDECIDED, "needs algebra: relations")
    ours, theirs = difference(*gold.sides), difference(*answer.sides)
    signs = gold.signs[0], answer.signs[0]
    if signs == ("=", "="):
        return Verdict(*same_equation(ours, theirs))
    if "=" in signs:
        return Verdict(WRONG, "an equation against an inequality")
    if (signs[0] in "<>") != (signs[1] in "<>") or "≠" in signs:
        return Verdict(WRONG if "≠" not in signs else UNDECIDED, "needs algebra: inequalities")
    turned = [difference(*sides[::-1]) if sign in ">≥" else difference(*sides)
              for sides, sign in ((gold.sides, signs[0]), (answer.sides, signs[1]))]
    return Verdict(*same_inequality(*turned))
