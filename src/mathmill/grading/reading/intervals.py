r"""Sets of real numbers as sorted intervals, so that two ways to write one set are one.

Why: `(-2, 1) ∪ [1, 3)`, `(-2, 3)`, `R \ {0}` and `x != 0` differ only in writing. Ends are
kept as exact values; floats are used for their order alone.

Used as: `spans(Group("cup", "", ...))` -> intervals from left to right, or None.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from mathmill.grading.algebra import probe
from mathmill.grading.reading.normal import SET_OPEN
from mathmill.grading.reading.numbers import Number
from mathmill.grading.reading.values import Formula, Group, Relation, Value, Words

MOST = 40  # intervals in one set


@dataclass(frozen=True, slots=True)
class Span:
    """One interval; a point is a closed one of no length."""

    low: Value
    "The lower end."
    high: Value
    "The upper end."
    closed: tuple[bool, bool]
    "Whether each end belongs to it."
    place: tuple[float, float]
    "The ends as floats, for their order."


def spans(value: Value) -> tuple[Span, ...] | None:
    """Return the intervals of a set of real numbers; None for what is none."""
    found = _pieces(value)
    if found is None or len(found) > MOST:
        return None
    merged: list[Span] = []
    for span in sorted(found, key=lambda each: (each.place[0], not each.closed[0])):
        last = merged[-1] if merged else None
        if last is None or not _touch(last, span):
            merged.append(span)
        elif span.place[1] > last.place[1] or (
                span.place[1] == last.place[1] and span.closed[1]):
            merged[-1] = replace(last, high=span.high, closed=(last.closed[0], span.closed[1]),
                                 place=(last.place[0], span.place[1]))
    return tuple(merged)


def _touch(left: Span, right: Span) -> bool:
    """Tell whether two intervals in order leave no point between them."""
    if right.place[0] < left.place[1]:
        return True
    return right.place[0] == left.place[1] and (left.closed[1] or right.closed[0])


def _pieces(value: Value) -> list[Span] | None:
    """Return the intervals of a set as they are written."""
    if isinstance(value, Relation):
        return None if value.value is None else _pieces(value.value)
    if isinstance(value, Words):
        if value.text == "ℝ":
            return [Span(Words("-∞"), Words("∞"), (False, False), (-math.inf, math.inf))]
        return [] if value.text == "∅" else None
    if not isinstance(value, Group):
        return None
    if value.open == "cup" or (value.open == "" and all(
            isinstance(each, Relation) and "=" not in each.signs for each in value.items)):
        parts = [_pieces(each) for each in value.items]
        return None if None in parts else [span for part in parts if part for span in part]
    if value.open == "cap":
        return _in_all(value)
    if value.open == "∖":
        return _without_points(value)
    if value.open == SET_OPEN:
        points = [_point(each) for each in value.items]
        return None if None in points else [span for span in points if span is not None]
    if value.open in ("(", "[") and value.close in (")", "]") and len(value.items) == 2:
        return _interval(value)
    return None


def _in_all(value: Group) -> list[Span] | None:
    """Return what several sets have in common."""
    whole: list[Span] | None = None
    for each in value.items:
        part = spans(each)
        if part is None:
            return None
        whole = list(part) if whole is None else [
            both for left in whole for right in part if (both := _common(left, right))]
    return whole


def _common(left: Span, right: Span) -> Span | None:
    """Return the points that two intervals share."""
    from_left = (left.place[0], not left.closed[0]) >= (right.place[0], not right.closed[0])
    to_left = (left.place[1], left.closed[1]) <= (right.place[1], right.closed[1])
    lower, upper = left if from_left else right, left if to_left else right
    closed = lower.closed[0], upper.closed[1]
    if lower.place[0] > upper.place[1] or (lower.place[0] == upper.place[1] and not all(closed)):
        return None
    return Span(lower.low, upper.high, closed, (lower.place[0], upper.place[1]))


def _interval(value: Group) -> list[Span] | None:
    """Return the one interval of a bracketed pair, if its ends are in order."""
    low, high = value.items
    ends = _float(low), _float(high)
    if ends[0] is None or ends[1] is None or ends[0] > ends[1]:
        return None
    closed = (value.open == "[" and math.isfinite(ends[0]),
              value.close == "]" and math.isfinite(ends[1]))
    return [Span(low, high, closed, (ends[0], ends[1]))]


def _point(value: Value) -> Span | None:
    """Return a point as an interval."""
    place = _float(value)
    if place is None or not math.isfinite(place):
        return None
    return Span(value, value, (True, True), (place, place))


def _without_points(value: Group) -> list[Span] | None:
    """Return a set without the points of a finite one."""
    whole = _pieces(value.items[0])
    rest = [_pieces(each) for each in value.items[1:]]
    if whole is None or None in rest:
        return None
    for span in (span for part in rest if part for span in part):
        if span.place[0] != span.place[1]:
            return None
        kept = []
        for each in whole:
            if each.place[0] < span.place[0] < each.place[1]:
                kept.append(replace(each, high=span.low, closed=(each.closed[0], False),
                                    place=(each.place[0], span.place[0])))
                kept.append(replace(each, low=span.low, closed=(False, each.closed[1]),
                                    place=(span.place[0], each.place[1])))
            else:
                at = each.place[0] == span.place[0], each.place[1] == span.place[0]
                kept.append(replace(each, closed=(each.closed[0] and not at[0],
                                                  each.closed[1] and not at[1])))
        whole = kept
    return whole


def _float(value: Value) -> float | None:
    """Return the place of an end on the line, or None."""
    if isinstance(value, Words):
        return {"∞": math.inf, "-∞": -math.inf}.get(value.text)
    try:
        if isinstance(value, Number):
            return value.value.numerator / value.value.denominator
        if isinstance(value, Formula):
            return probe.real_value(value.tree, {})
    except probe.FAILURES:
        return None
    return None
