"""How each model was trained: what the train steps measured, one line a model.

Used by `page`: `render(material)`.
"""

from __future__ import annotations

from mathmill.report.graph import Node
from mathmill.report.markup import Html, count, details, seconds, section, table, tag
from mathmill.report.material import Material

MOST_COLUMNS = 8
OPEN = 12
"More trainings than this are folded away: a sweep has dozens."


def render(material: Material) -> Html:
    """Return the trainings with whatever figures their steps wrote down."""
    nodes = list(material.graph.verbs("train"))
    if not nodes:
        return Html("")
    keys = list(dict.fromkeys(
        key for node in nodes for key, value in node.facts.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and key != "seconds"))
    shown = keys[:MOST_COLUMNS]
    made = table(("model", *(key.replace("_", " ") for key in shown), "time"),
                 [_row(node, shown) for node in nodes])
    return section("training", "Training",
                   made if len(nodes) <= OPEN else details(f"{len(nodes)} models trained", made))


def _row(node: Node, keys: list[str]) -> tuple[object, ...]:
    return (tag("b", node.name), *(_figure(node.facts.get(key)) for key in keys),
            seconds(node.seconds))


def _figure(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return count(value)
    if isinstance(value, float):
        return count(value) if abs(value) >= 1000 else f"{value:.3g}"
    return ""
