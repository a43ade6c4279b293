"""Compare values of several parts: matrices, ratios, sets of numbers, lists matched in any order.

Why: each is a rule over the verdicts on the parts, whatever the parts are; who judges a
part is handed in, so the rules know nothing of policies.

Used as: `matched(gold.items, answer.items, judge)` -> `correct`, `wrong` or `undecided`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mathmill.grading.algebra.formulas import both_signs
from mathmill.grading.algebra.tree import ZERO, Node, number
from mathmill.grading.reading.clock import as_time
from mathmill.grading.reading.intervals import spans
from mathmill.grading.reading.numbers import Number
from mathmill.grading.reading.values import Formula, Group, Matrix, Relation, Value, Words
from mathmill.types import CORRECT, UNDECIDED, WRONG, Verdict

MOST = 60  # elements of a set that are matched with each other
DOTS = Words("…")
Judge = Callable[[Value, Value], Verdict]


def spread(value: Value) -> Value:
    """Return the list of two values that a formula with one `±` stands for."""
    both = both_signs(value.tree) if isinstance(value, Formula) else None
    return value if both is None else Group("", "", tuple(map(plain, both)))


def plain(tree: Node) -> Value:
    """Return a tree as a number where it is one."""
    return Number(tree.value) if tree.kind == "n" else Formula(tree)


def tree_of(value: Value) -> Node | None:
    """Return a single value as a tree, or None."""
    if isinstance(value, Number):
        return number(value.value)
    return value.tree if isinstance(value, Formula) else None


def same_matrices(gold: Matrix, answer: Matrix, judge: Judge) -> Verdict:
    """Compare two matrices entry by entry."""
    shapes = {(len(each.rows), len(each.rows[0])) for each in (gold, answer)}
    if len(shapes) > 1:
        return Verdict(WRONG, "shape of a matrix")
    pairs = [(plain(left), plain(right)) for rows in zip(gold.rows, answer.rows, strict=True)
             for left, right in zip(*rows, strict=True)]
    return Verdict(all_alike(pairs, judge), "matrix")


def same_vector(group: Group, matrix: Matrix, judge: Judge) -> Verdict:
    """Compare a tuple with a matrix of one row or one column."""
    rows = matrix.rows
    cells = rows[0] if len(rows) == 1 else tuple(row[0] for row in rows)
    if (len(rows) > 1 and len(rows[0]) > 1) or group.open not in ("(", "[", "") or (
            len(cells) != len(group.items)):
        return Verdict(WRONG, "a matrix against another kind")
    pairs = [(item, plain(cell)) for item, cell in zip(group.items, cells, strict=True)]
    return Verdict(all_alike(pairs, judge), "vector")


def all_alike(pairs: Sequence[tuple[Value, Value]], judge: Judge) -> str:
    """Return the verdict on values compared pair by pair."""
    unsure = False
    for left, right in pairs:
        value = judge(left, right).value
        if value == WRONG:
            return WRONG
        unsure = unsure or value == UNDECIDED
    return UNDECIDED if unsure else CORRECT


def before_dots(gold: Group, answer: Group) -> list[tuple[Value, Value]]:
    """Return the pairs of elements that stand before the dots in both lists."""
    until = min(each.items.index(DOTS) if DOTS in each.items else len(each.items)
                for each in (gold, answer))
    return list(zip(gold.items[:until], answer.items[:until], strict=False))


def flat(group: Group) -> Group:
    """Return the group with every `±` among its elements written out."""
    written = [spread(each) for each in group.items]
    if all(one is other for one, other in zip(written, group.items, strict=True)):
        return group
    return Group(group.open, group.close, tuple(
        piece for each, item in zip(written, group.items, strict=True)
        for piece in (each.items if isinstance(each, Group) and each is not item else (each,))))


def all_named(group: Group) -> bool:
    """Tell whether each element is a value with a name of its own: `x = 1, y = 2`."""
    names = [each.name for each in group.items if isinstance(each, Relation) and each.name]
    return len(set(names)) == len(group.items)


def by_name(gold: Sequence[Value], answer: Sequence[Value], judge: Judge) -> str:
    """Compare lists of named values by name."""
    ours = {each.name: each for each in gold if isinstance(each, Relation)}
    theirs = {each.name: each for each in answer if isinstance(each, Relation)}
    if ours.keys() != theirs.keys():
        return UNDECIDED
    return all_alike([(each, theirs[name]) for name, each in ours.items()], judge)


def same_ratios(gold: Group, answer: Group, judge: Judge) -> Verdict:
    """Compare ratios: `3:2` and `6:4` are one."""
    if gold.open != answer.open:
        return Verdict(UNDECIDED, "ratio")
    times = time_of(gold), time_of(answer)
    if times[0] is not None and times[0] == times[1]:
        return Verdict(CORRECT, "ratio or time")
    if len(gold.items) != len(answer.items):
        return Verdict(WRONG, "ratio")
    trees = [[tree_of(each) for each in group.items] for group in (gold, answer)]
    ours = [tree for tree in trees[0] if tree is not None]
    theirs = [tree for tree in trees[1] if tree is not None]
    if len(ours) < len(gold.items) or len(theirs) < len(gold.items):
        return Verdict(UNDECIDED, "needs algebra: a ratio")
    pairs = [(Formula(Node("*", (ours[place], theirs[0]))),
              Formula(Node("*", (theirs[place], ours[0])))) for place in range(1, len(ours))]
    value = all_alike(pairs, judge)
    if any(each == Number(ZERO) for each in (*gold.items, *answer.items)):  # 12:00 and 1:00
        value = all_alike(list(zip(gold.items, answer.items, strict=True)), judge)
    if value == CORRECT and gold != answer and (_as_clock(gold) and _as_clock(answer)):
        return Verdict(UNDECIDED, "a ratio or a time")  # 2:20 and 4:40
    return Verdict(value, "ratio")


def time_of(group: Group) -> str | None:
    """Return the time of day that numbers between colons may be."""
    whole = [int(each.value) for each in group.items
             if isinstance(each, Number) and each.value.denominator == 1]
    return as_time(whole) if len(whole) == len(group.items) else None


def _as_clock(group: Group) -> bool:
    """Tell whether a ratio is written as times are: minutes of two digits, or none."""
    time = time_of(group)
    return time is not None and (time[3] != "0" or time[3:5] == "00")


def same_sets(gold: Value, answer: Value, judge: Judge) -> Verdict | None:
    """Compare two sets of real numbers interval by interval; None where one is no such set."""
    ours, theirs = spans(gold), spans(answer)
    if ours is None or theirs is None:
        return None
    if [each.closed for each in ours] != [each.closed for each in theirs]:
        return Verdict(WRONG, "intervals")
    pairs = [pair for left, right in zip(ours, theirs, strict=True)
             for pair in ((left.low, right.low), (left.high, right.high))]
    return Verdict(all_alike(pairs, judge), "intervals")


def matched(gold: Sequence[Value], answer: Sequence[Value], judge: Judge) -> str:
    """Return the verdict on two multisets: every element needs a partner of its own."""
    if len(gold) > MOST:
        return UNDECIDED
    left, unsure = list(answer), False
    for item in gold:
        verdicts = []
        for place, other in enumerate(left):
            value = judge(item, other).value
            verdicts.append(value)
            if value == CORRECT:
                left.pop(place)
                break
        else:
            if UNDECIDED not in verdicts:
                return WRONG
            unsure = True
    return UNDECIDED if unsure else CORRECT
