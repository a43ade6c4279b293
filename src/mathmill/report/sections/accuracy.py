"""How many test items each model solves: by suite, by level and by family.

Used by `page`: `render(material)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mathmill.report.markup import Html, count, para, percent, section, table, tag
from mathmill.report.material import Material
from mathmill.report.scores import Count, Result, counted
from mathmill.report.sections.summary import NEAR_ZERO
from mathmill.types import Score

HEAD = ("tolerant", "strict", "n", "undecided", "cut off")


def render(material: Material) -> Html:
    """Return the tables of accuracy, both matchings side by side."""
    if not material.models:
        return Html("")
    rows = [(tag("b", result.label), suite, *_cells(material, counted(result.of(suite))))
            for result in material.models for suite in result.suites]
    parts = [
        para("Share of items solved by the first answer, greedy, with 95 % Wilson intervals. "
             "Strict matching is the papers'; tolerant matching also accepts the same value in "
             "another form. An undecided or cut-off answer counts as not solved, and is counted "
             "beside.", class_="soft"),
        table(("model", "suite", *HEAD), rows, words=2),
        *_plain(material)]
    if material.main is not None:
        for suite in material.main.suites:
            parts += _groups(material, material.main, suite)
    return section("accuracy", "Accuracy", *parts)


def _cells(material: Material, grades: Count) -> tuple[object, ...]:
    return (material.accuracy(grades, "tolerant"), material.accuracy(grades, "strict"),
            count(grades.total), _part(grades.undecided, grades.total),
            _part(grades.truncated, grades.total))


def _part(number: int, total: int) -> str:
    return f"{count(number)} ({percent(number / total)})" if number else "0"


def _plain(material: Material) -> list[Html]:
    """Return a plain sentence for every model that shows no ability, or mostly cut-off answers."""
    lines = []
    for result, suite in ((r, suite) for r in material.models for suite in r.suites):
        grades = counted(result.of(suite))
        name = f"{result.label} on {suite}" if len(result.suites) > 1 else result.label
        _, high = material.stats.wilson(grades.solved(material.measure), grades.total)
        if high < NEAR_ZERO:
            lines.append(para(tag("b", f"{name} is near zero: "),
                              material.accuracy(grades), f", n = {count(grades.total)}. "
                              "It cannot do these items; differences among such scores mean "
                              "nothing."))
        if grades.truncated * 2 > grades.total:
            lines.append(para(f"More than half of the answers of {name} were cut off at "
                              "the length limit, so its score says more of the limit than of it."))
    return lines


def _groups(material: Material, result: Result, suite: str) -> list[Html]:
    scores = result.of(suite)
    parts = []
    readings: tuple[tuple[str, Callable[[Score], object]], ...] = (
        ("level", lambda s: s.level), ("family", lambda s: s.subject))
    for word, read in readings:
        found = {read(s) for s in scores} - {None}
        if len(found) > 1:
            rows = [(str(value), *_cells(material, counted(s for s in scores if read(s) == value)))
                    for value in _sorted(found)]
            parts.append(table((word, *HEAD), rows,
                               caption=f"{result.label} on {suite}, by {word}"))
    return parts


def _sorted(values: set[object]) -> Sequence[object]:
    return sorted(values, key=lambda v: (not isinstance(v, int), v if isinstance(v, int) else 0,
                                         str(v)))
