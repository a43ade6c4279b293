"""Texts: what the problems were inspired by, from where and under which terms.

Used by `page`: `render(material)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mathmill.report.graph import Node
from mathmill.report.markup import Html, count, join, para, percent, section, table, tag
from mathmill.report.material import Material

FEW = 4
"Reasons of drops that are told for a source."


def render(material: Material) -> Html:
    """Return the section, where a run read texts."""
    nodes = [node for node in material.graph.verbs("texts") if node.facts.get("sources")]
    if not nodes:
        return Html("")
    return section(
        "texts", "Texts that problems were made from",
        para("A document is cut into snippets, each of which is shown to a teacher by itself. "
             "Texts beyond a source's weight are left over; what is unfit is dropped with its "
             "reason.", class_="soft"),
        *(_step(node) for node in nodes))


def _step(node: Node) -> Html:
    facts, total = node.facts, max(1, node.rows_kept)
    rows = [(source["source"], _weight(source["weight"]), count(source["documents"]),
             count(source["texts"]), count(source["left_over"]), _reasons(source["dropped"]))
            for source in facts["sources"]]
    shares = [(what, name, count(n), percent(n / total))
              for what, named in (("kind", facts["kinds"]), ("licence", facts["licences"]),
                                  ("language", facts["languages"])) for name, n in named.items()]
    return join([
        tag("h3", node.name),
        table(("source", "weight", "documents", "texts", "left over", "dropped"), rows,
              caption=f"{count(node.rows_kept)} texts of {facts['mean_characters']:g} characters "
                      f"on average, cut as {facts['cut']} at {count(facts['characters'])}"),
        table(("", "", "texts", "share"), shares, caption="What they are")])


def _weight(weight: float | None) -> str:
    return "none" if weight is None else f"{weight:g}"


def _reasons(dropped: Mapping[str, Any]) -> str:
    """Return the commonest reasons of a source's drops."""
    ordered = sorted(dropped.items(), key=lambda item: (-item[1], item[0]))
    said = [f"{reason} {count(n)}" for reason, n in ordered[:FEW]]
    rest = sum(n for _, n in ordered[FEW:])
    return ", ".join(said + ([f"other reasons {count(rest)}"] if rest else [])) or "none"
