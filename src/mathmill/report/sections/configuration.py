"""The exact configuration: literals of every step, and the versions it ran with.

Used by `page`: `render(material)`.
"""

from __future__ import annotations

import json

from mathmill.report.graph import Graph, Node
from mathmill.report.markup import Html, details, join, para, section, table, tag
from mathmill.report.material import Material


def render(material: Material) -> Html:
    """Return every step's literals, grouped by verb, and the versions."""
    graph = material.graph
    if not graph.steps:
        return Html("")
    verbs = dict.fromkeys(node.verb for node in graph.steps)
    return section(
        "configuration", "Exact configuration",
        para("These literals are the steps' identity: with the same ones, the same rows come out.",
             class_="soft"),
        *(_verb(verb, list(graph.verbs(verb)), graph) for verb in verbs),
        tag("h3", "Versions"), _versions(graph))


def _verb(verb: str, nodes: list[Node], graph: Graph) -> Html:
    if len(nodes) == 1:
        return _step(nodes[0], graph)
    return details(join([tag("b", verb), tag("span", f"{len(nodes)} steps", class_="soft")]),
                   *(_step(node, graph) for node in nodes))


def _step(node: Node, graph: Graph) -> Html:
    reads = ", ".join(f"{name} = {graph.by_id(step).name}" for name, step in node.inputs.items())
    return details(
        join([tag("b", node.name), tag("span", f"{node.verb} · {node.id[:12]}", class_="soft")]),
        para(f"Reads {reads}.", class_="soft") if reads else "",
        tag("pre", json.dumps(node.literals, indent=2, ensure_ascii=False, sort_keys=True)))


def _versions(graph: Graph) -> Html:
    """Return the versions; several where steps of one run saw several."""
    found: dict[str, dict[str, None]] = {}
    for node in graph.steps:
        for package, version in node.versions.items():
            found.setdefault(package, {})[str(version)] = None
    if not found:
        return para("No versions were written down.")
    return table(("package", "version"),
                 [(package, ", ".join(versions)) for package, versions in sorted(found.items())],
                 words=2)
