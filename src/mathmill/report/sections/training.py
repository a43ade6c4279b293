"""How each model was trained: what the train steps measured, one line a model.

Used by `page`: `render(material)`.
"""

from __future__ import annotations

from collections.abc import Mapping

from mathmill.report.graph import Node
from mathmill.report.markup import Html, count, details, seconds, section, table, tag
from mathmill.report.material import Material

MOST_COLUMNS = 8
OPEN = 12
"More trainings than this are folded away: a sweep has dozens."


def render(material: Material) -> Html:
    """Return the trainings with whatever figures their steps wrote down."""
    nodes = list(material.graph.verbs("train", "train_verifier"))
    if not nodes:
        return Html("")
    keys = list(dict.fromkeys(
        key for node in nodes for key, value in figures(node).items()
        if isinstance(value, int | float) and not isinstance(value, bool) and key != "seconds"))
    shown = keys[:MOST_COLUMNS]
    made = table(("model", *(key.replace("_", " ") for key in shown), "time"),
                 [_row(node, shown) for node in nodes])
    return section("training", "Training",
                   made if len(nodes) <= OPEN else details(f"{len(nodes)} models trained", made))


def figures(node: Node) -> dict[str, object]:
    """Return a training's facts, with rows and pace from its stages where they stand there."""
    found = dict(node.facts)
    stages = [s for s in found.get("stages") or () if isinstance(s, Mapping)]
    if stages and "rows" not in found:
        found["rows"] = sum(int(s.get("rows", 0)) for s in stages)
    if stages and "tokens_per_second" in stages[-1]:
        found.setdefault("tokens_per_second", stages[-1]["tokens_per_second"])
    return found


def _row(node: Node, keys: list[str]) -> tuple[object, ...]:
    return (tag("b", node.name), *(_figure(figures(node).get(key)) for key in keys),
            seconds(node.seconds))


def _figure(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return count(value)
    if isinstance(value, float):
        return count(value) if abs(value) >= 1000 else f"{value:.3g}"
    return ""
