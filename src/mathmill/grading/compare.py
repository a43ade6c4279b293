"""Compare two values that were read: which kinds may be equal, and by which rule.

Why: brackets tell a tuple from an interval, a set from a list, and each kind has its own
idea of sameness; here is the one place where the kinds meet.

Used as: `compare(read("1/2", p), read("0.5", p), p)` -> `Verdict("correct", "number")`.
"""

from __future__ import annotations

from collections.abc import Sequence

from mathmill.grading.algebra.equations import difference, same_equation, same_inequality
from mathmill.grading.algebra.formulas import both_signs
from mathmill.grading.algebra.parse import parse
from mathmill.grading.algebra.tree import Node, names, number
from mathmill.grading.intervals import spans
from mathmill.grading.normal import SET_OPEN
from mathmill.grading.numbers import Number
from mathmill.grading.policy import Policy
from mathmill.grading.quantities import same_number, same_quantity
from mathmill.grading.relations import is_dependent
from mathmill.grading.values import Formula, Group, Matrix, Relation, Value, Words
from mathmill.types import CORRECT, UNDECIDED, WRONG, Verdict

MOST = 60  # elements of a set that are matched with each other

_ANYHOW = frozenset({SET_OPEN, "cup", ""})


def compare(gold: Value, answer: Value, policy: Policy) -> Verdict:
    """Return the verdict on two values; it names the kind of comparison."""
    if isinstance(gold, Number) and isinstance(answer, Number):
        return Verdict(CORRECT if same_number(gold, answer, policy) else WRONG, "number")
    if isinstance(gold, Relation) or isinstance(answer, Relation):
        return _relations(gold, answer, policy)
    gold, answer = _spread(gold), _spread(answer)
    if isinstance(gold, Number | Formula) and isinstance(answer, Number | Formula):
        return Verdict(*same_quantity(gold, answer, policy))
    if isinstance(gold, Words) and isinstance(answer, Words):
        return _words(gold, answer)
    if isinstance(gold, Matrix) and isinstance(answer, Matrix):
        return _matrices(gold, answer, policy)
    if isinstance(gold, Group) and isinstance(answer, Group):
        return _groups(gold, answer, policy)
    return _different_kinds(gold, answer, policy)


def _spread(value: Value) -> Value:
    """Return the list of two values that a formula with one `±` stands for."""
    both = both_signs(value.tree) if isinstance(value, Formula) else None
    return value if both is None else Group("", "", tuple(map(_plain, both)))


def _plain(tree: Node) -> Value:
    """Return a tree as a number where it is one."""
    return Number(tree.value) if tree.kind == "n" else Formula(tree)


def _words(gold: Words, answer: Words) -> Verdict:
    """Compare words: names differ for sure, phrases may say the same."""
    if gold.text == answer.text:
        return Verdict(CORRECT, "words")
    if " " in gold.text or " " in answer.text or sorted(gold.text) == sorted(answer.text):
        return Verdict(UNDECIDED, "words differ")
    return Verdict(WRONG, "words")


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
            return _vector(one, other, policy)
        if isinstance(one, Group) and len(one.items) == 1:
            return compare(one.items[0], other, policy)
        if isinstance(one, Group) and one.open == ":" and isinstance(other, Number | Formula):
            return _ratio_as_number(one, other, policy)
        if isinstance(one, Group) and one.open in ("cup", "∖") and isinstance(other, Words):
            return _sets(one, other, policy) or Verdict(UNDECIDED, "needs algebra: sets")
        if isinstance(one, Group) and isinstance(other, Words) and other.text == "ℝ":
            return _sets(one, other, policy) or Verdict(WRONG, "sets")
    if isinstance(gold, Matrix) or isinstance(answer, Matrix):
        return Verdict(WRONG, "a matrix against another kind")
    return Verdict(WRONG, "one value against several")


def _ratio_as_number(ratio: Group, other: Number | Formula, policy: Policy) -> Verdict:
    """Compare `3:2` with `3/2`."""
    trees = [_tree(each) for each in ratio.items]
    if len(trees) != 2 or trees[0] is None or trees[1] is None:
        return Verdict(WRONG, "one value against several")
    return Verdict(*same_quantity(Formula(Node("/", (trees[0], trees[1]))), other, policy))


def _tree(value: Value) -> Node | None:
    """Return a single value as a tree, or None."""
    if isinstance(value, Number):
        return number(value.value)
    return value.tree if isinstance(value, Formula) else None


def _matrices(gold: Matrix, answer: Matrix, policy: Policy) -> Verdict:
    """Compare two matrices entry by entry."""
    shapes = {(len(each.rows), len(each.rows[0])) for each in (gold, answer)}
    if len(shapes) > 1:
        return Verdict(WRONG, "shape of a matrix")
    pairs = [(_plain(left), _plain(right)) for rows in zip(gold.rows, answer.rows, strict=True)
             for left, right in zip(*rows, strict=True)]
    return Verdict(_all(pairs, policy), "matrix")


def _vector(group: Group, matrix: Matrix, policy: Policy) -> Verdict:
    """Compare a tuple with a matrix of one row or one column."""
    rows = matrix.rows
    cells = rows[0] if len(rows) == 1 else tuple(row[0] for row in rows)
    if (len(rows) > 1 and len(rows[0]) > 1) or group.open not in ("(", "[", "") or (
            len(cells) != len(group.items)):
        return Verdict(WRONG, "a matrix against another kind")
    pairs = [(item, _plain(cell)) for item, cell in zip(group.items, cells, strict=True)]
    return Verdict(_all(pairs, policy), "vector")


def _all(pairs: Sequence[tuple[Value, Value]], policy: Policy) -> str:
    """Return the verdict on values compared pair by pair."""
    unsure = False
    for left, right in pairs:
        value = compare(left, right, policy).value
        if value == WRONG:
            return WRONG
        unsure = unsure or value == UNDECIDED
    return UNDECIDED if unsure else CORRECT


def _groups(gold: Group, answer: Group, policy: Policy) -> Verdict:
    """Compare tuples and intervals in order, sets and bare lists in any order."""
    opened = {gold.open, answer.open}
    if ":" in opened:
        return _ratios(gold, answer, policy)
    if opened & {"cup", "∖"}:
        return _sets(gold, answer, policy) or Verdict(UNDECIDED, "needs algebra: sets")
    dots = [any(item == Words("…") for item in each.items) for each in (gold, answer)]
    if len(gold.items) != len(answer.items):
        if any(dots):
            return Verdict(UNDECIDED, "needs algebra: dots in a list")
        return Verdict(WRONG, "number of elements")
    if dots[0] != dots[1]:
        return Verdict(WRONG, "dots in a list")
    bare = "" in opened or (opened == {"(", "["} and len(gold.items) > 2)
    if not bare and (gold.open, gold.close) != (answer.open, answer.close):
        return Verdict(WRONG, "brackets differ")
    anyhow = _ANYHOW - ({""} if policy.ordered_lists else set())
    free = opened <= anyhow and not any(dots)
    if free and "" in opened and _named(gold) and _named(answer):
        return Verdict(_by_name(gold.items, answer.items, policy), "values by name")
    if free:
        return Verdict(_matched(gold.items, answer.items, policy), "set")
    pairs = list(zip(gold.items, answer.items, strict=True))
    return Verdict(_all(pairs, policy), "elements in order")


def _named(group: Group) -> bool:
    """Tell whether each element is a value with a name of its own: `x = 1, y = 2`."""
    names = [each.name for each in group.items if isinstance(each, Relation) and each.name]
    return len(set(names)) == len(group.items)


def _by_name(gold: Sequence[Value], answer: Sequence[Value], policy: Policy) -> str:
    """Compare lists of named values by name."""
    ours = {each.name: each for each in gold if isinstance(each, Relation)}
    theirs = {each.name: each for each in answer if isinstance(each, Relation)}
    if ours.keys() != theirs.keys():
        return UNDECIDED
    return _all([(each, theirs[name]) for name, each in ours.items()], policy)


def _ratios(gold: Group, answer: Group, policy: Policy) -> Verdict:
    """Compare ratios: `3:2` and `6:4` are one."""
    if gold.open != answer.open or len(gold.items) != len(answer.items):
        return Verdict(WRONG if gold.open == answer.open else UNDECIDED, "ratio")
    trees = [[_tree(each) for each in group.items] for group in (gold, answer)]
    ours = [tree for tree in trees[0] if tree is not None]
    theirs = [tree for tree in trees[1] if tree is not None]
    if len(ours) < len(gold.items) or len(theirs) < len(gold.items):
        return Verdict(UNDECIDED, "needs algebra: a ratio")
    pairs = [(Formula(Node("*", (ours[place], theirs[0]))),
              Formula(Node("*", (theirs[place], ours[0])))) for place in range(1, len(ours))]
    return Verdict(_all(pairs, policy), "ratio")


def _sets(gold: Value, answer: Value, policy: Policy) -> Verdict | None:
    """Compare two sets of real numbers interval by interval; None where one is no such set."""
    ours, theirs = spans(gold), spans(answer)
    if ours is None or theirs is None:
        return None
    if [each.closed for each in ours] != [each.closed for each in theirs]:
        return Verdict(WRONG, "intervals")
    pairs = [pair for left, right in zip(ours, theirs, strict=True)
             for pair in ((left.low, right.low), (left.high, right.high))]
    return Verdict(_all(pairs, policy), "intervals")


def _matched(gold: Sequence[Value], answer: Sequence[Value], policy: Policy) -> str:
    """Return the verdict on two multisets: every element needs a partner of its own."""
    if len(gold) > MOST:
        return UNDECIDED
    left, unsure = list(answer), False
    for item in gold:
        verdicts = []
        for place, other in enumerate(left):
            value = compare(item, other, policy).value
            verdicts.append(value)
            if value == CORRECT:
                left.pop(place)
                break
        else:
            if UNDECIDED not in verdicts:
                return WRONG
            unsure = True
    return UNDECIDED if unsure else CORRECT


def _relations(gold: Value, answer: Value, policy: Policy) -> Verdict:
    """Compare where at least one side is a relation."""
    if isinstance(gold, Relation) and isinstance(answer, Relation):
        return _two_relations(gold, answer, policy)
    relation, other = (gold, answer) if isinstance(gold, Relation) else (answer, gold)
    assert isinstance(relation, Relation)
    if relation.value is not None:
        if "=" not in relation.signs:
            return _sets(relation.value, other, policy) or compare(relation.value, other, policy)
        return compare(relation.value, other, policy)
    free = frozenset[str]().union(*map(names, relation.sides))
    if len(free) > 1 and isinstance(other, Number):
        return Verdict(WRONG, "a relation against a number")
    return Verdict(UNDECIDED, "needs algebra: a relation against a value")


def _two_relations(gold: Relation, answer: Relation, policy: Policy) -> Verdict:
    """Compare two equations, inequalities or named values."""
    same_name = gold.name == answer.name and gold.name
    both = is_dependent(gold.name) and is_dependent(answer.name)
    if gold.value is not None and answer.value is not None and (same_name or (
            both and isinstance(gold.value, Formula) and isinstance(answer.value, Formula))):
        found = (_sets(gold.value, answer.value, policy)
                 if "=" not in gold.signs + answer.signs else None)
        found = found or compare(gold.value, answer.value, policy)
        if found.value != UNDECIDED and not (both and not same_name and found.value == WRONG):
            return found
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
