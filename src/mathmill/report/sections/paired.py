"""Two models on the same items: which items only one of them solves.

Used by `page`: `render(material)`.
"""

from __future__ import annotations

from mathmill.report.markup import Html, count, para, points, section, span, table, tag
from mathmill.report.material import Material
from mathmill.report.scores import Result
from mathmill.report.studies import in_words
from mathmill.types import Score


def render(material: Material) -> Html:
    """Return the paired comparisons, in figures and in words."""
    rows, said = [], []
    for one, other, suite in _suitewise(material):
        ours, theirs = common(one, other, suite)
        on = f" on {suite}" if len(one.suites) > 1 else ""
        if not ours:
            said.append(para(f"{one.label} and {other.label} answered no common item{on}, so they "
                             "cannot be compared item by item."))
            continue
        found = material.stats.compare(theirs, ours, material.measure)
        low, high = found.interval
        rows.append((tag("b", f"{one.label} – {other.label}{on}"), count(found.n),
                     count(found.both), count(found.only_b), count(found.only_a),
                     Html(points(found.difference) + tag("span", span(low, high, True),
                                                         class_="ci")), p_value(found.p_mcnemar)))
        said.append(para(f"{one.label} against {other.label}{on}: "
                         f"{in_words(found.difference, low, high)}."))
    if not said:
        return Html("")
    head = ("models", "items", "both solve", "only first", "only second", "difference, points",
            "p (McNemar)")
    return section(
        "compared", "Models compared on the same items",
        para("The same items on both sides, so luck with the choice of items falls out. The exact "
             "McNemar test looks at the items that only one of the two solves.", class_="soft"),
        table(head, rows) if rows else "", *said)


def _suitewise(material: Material) -> list[tuple[Result, Result, str]]:
    """Return each pair once a suite: a mean over suites of unlike size compares neither."""
    return [(one, other, suite) for one, other in material.pairs for suite in one.suites]


def common(one: Result, other: Result, suite: str) -> tuple[list[Score], list[Score]]:
    """Return the items of a suite that both answered, in the same order."""
    theirs = {s.item: s for s in other.of(suite)}
    ours = [s for s in one.of(suite) if s.item in theirs]
    return ours, [theirs[s.item] for s in ours]


def p_value(p: float) -> str:
    """Return a p-value as it is usually written."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
