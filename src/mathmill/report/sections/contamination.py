"""Contamination: which finder dropped how many rows, and what each dropped row is like.

Why: "decontaminated" is a claim; a reader can judge it only with the rows that went and the
benchmark's items beside them.

Used by `page`: `render(material)`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mathmill.columns import row_question
from mathmill.io import read_rows, rows_in
from mathmill.report.graph import Node
from mathmill.report.markup import Html, count, details, join, para, section, table, tag
from mathmill.report.material import Material
from mathmill.types import Drop

SHOWN = 3
"Rows that are shown of each reason; all of them lie in the step's `drops.parquet`."
LONGEST = 400


def render(material: Material) -> Html:
    """Return the section, where a run compared rows with a benchmark."""
    nodes = [node for node in material.graph.verbs("decontaminate") if node.facts.get("against")]
    if not nodes:
        return Html("")
    return section(
        "contamination", "Contamination",
        para("Rows that a finder took for an item of a benchmark, by the first that did. What no "
             "finder can see is not counted here: mathmill decontaminate --self-test tells how "
             "much of planted leaks each of them finds.", class_="soft"),
        *(_step(node) for node in nodes))


def _step(node: Node) -> Html:
    against = node.facts["against"]
    kinds = list(dict.fromkeys(kind for facts in against.values()
                               for kind in facts.get("rows_hit", {})))
    rows = [(name, count(facts["items"]), *(count(facts.get("rows_hit", {}).get(kind, 0))
                                            for kind in kinds))
            for name, facts in against.items()]
    judge = node.facts.get("judge")
    return join([
        tag("h3", node.name),
        table(("benchmark", "items", *kinds), rows,
              caption=f"{count(node.rows_in)} rows compared, {count(node.rows_dropped)} dropped"
              + ("; the judge said " + ", ".join(f"{word} {count(n)}" for word, n in judge.items())
                 if judge else "")),
        *([details("Some of the dropped rows, each with its item",
                   table(("why", "row", "item"), shown, words=3))]
          if (shown := list(_shown(node))) else [])])


def _shown(node: Node) -> Iterator[tuple[str, str, str]]:
    """Yield reason, question and matched item of the first rows of each reason."""
    path, seen = rows_in(node.folder, "drops"), dict[str, int]()
    if not path.exists():
        return
    for drop in read_rows(path, Drop):
        seen[drop.reason] = seen.get(drop.reason, 0) + 1
        if seen[drop.reason] <= SHOWN:
            yield drop.reason, row_question(drop.row)[:LONGEST], drop.detail[:LONGEST]
        if min(seen.values()) >= SHOWN and len(seen) == len(node.dropped):
            return
