"""Census: how many rows of each set are right, and how many near what is asked in the end.

Used by `page`: `render(material)`.
"""

from __future__ import annotations

from collections.abc import Mapping

from mathmill.report.markup import Html, count, para, percent, section, table
from mathmill.report.material import Material


def render(material: Material) -> Html:
    """Return one table of all sets, where a run counted any."""
    sets = {name: counts for node in material.graph.verbs("census")
            for name, counts in node.facts["sets"].items()}
    if not sets:
        return Html("")
    return section(
        "census", "Census of the rows",
        para("What the students were trained on, as the symbolic world reads it: it knows the "
             "truth of what it can read, and a row that it cannot read counts as not right. Near "
             "are rows of a family and level that the known problems have.", class_="soft"),
        table(("rows of", "rows", "can be read", "right", "near", "near and right",
               "right of those near"), [_row(name, counts) for name, counts in sets.items()]))


def _row(name: str, counts: Mapping[str, int]) -> tuple[object, ...]:
    rows = max(1, counts["rows"])
    return (name, count(counts["rows"]), *(percent(counts[what] / rows) for what in (
        "read", "right", "near", "near_right")),
        percent(counts["near_right"] / counts["near"]) if counts["near"] else "")
