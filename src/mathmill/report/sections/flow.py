"""What went in and out of each step, and why rows were left out.

Used by `page`: `render(material)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mathmill.report.graph import Node
from mathmill.report.markup import (
    Html,
    count,
    details,
    join,
    para,
    percent,
    safe,
    seconds,
    section,
    span,
    tag,
)
from mathmill.report.material import Material

MODELS = ("train", "evaluate", "sample", "train_verifier", "choose", "report")
"Verbs that make no rows of data; they have sections of their own."
MOST_REASONS = 12


def render(material: Material) -> Html:
    """Return the steps of the data with a meter of kept against dropped rows."""
    graph = material.graph
    behind = graph.ancestors(*graph.data) if graph.data else graph.steps
    nodes = [node for node in graph.steps if node.verb not in MODELS]
    on_path = {node.id for node in behind}
    nodes.sort(key=lambda node: node.id not in on_path)  # stable: the data's own steps come first
    if not nodes:
        return Html("")
    return section(
        "flow", "What went in and out",
        para("Rows in are rows kept plus rows dropped, at every step. Dropped rows lie beside the "
             "data with their reasons.", class_="soft"),
        tag("ol", *(_step(material, node) for node in nodes), class_="flow"))


def _step(material: Material, node: Node) -> Html:
    came, kept, lost = node.rows_in, node.rows_kept, node.rows_dropped
    share = kept / came if came else 0.0
    meter = tag("div", tag("i", style=f"width:{share:.2%}"),
                tag("i", style=f"width:{1 - share:.2%}") if lost else "",
                class_="meter", role="img",
                aria_label=f"{percent(share)} kept") if came else Html("")
    reasons = sorted(node.dropped.items(), key=lambda item: (-item[1], item[0]))
    shown = [tag("li", reason, " ", tag("b", count(n))) for reason, n in reasons[:MOST_REASONS]]
    if len(reasons) > MOST_REASONS:
        rest = sum(n for _, n in reasons[MOST_REASONS:])
        shown.append(tag("li", f"{len(reasons) - MOST_REASONS} more reasons ",
                         tag("b", count(rest))))
    verb = tag("span", f" {node.verb}", class_="soft") if node.name != node.verb else ""
    return tag(
        "li",
        tag("div", tag("span", tag("b", node.name), verb),
            tag("span", f"{count(came)} in, {count(kept)} kept, {count(lost)} dropped",
                tag("span", f" · {seconds(node.seconds)}", class_="soft")), class_="row"),
        meter, tag("ul", *shown, class_="why") if shown else "",
        short_of(node.facts), truth(material, node.facts), _facts(node.facts))


def short_of(facts: Mapping[str, Any]) -> Html:
    """Return a plain sentence where a step made fewer rows than it was asked for."""
    asked, accepted = facts.get("asked"), facts.get("accepted")
    if not (isinstance(asked, int) and isinstance(accepted, int) and accepted < asked):
        return Html("")
    return para(tag("b", f"Short of what was asked: {count(accepted)} of {count(asked)} rows"),
                f" ({facts.get('ended', 'no reason given')}).")


def truth(material: Material, facts: Mapping[str, Any]) -> Html:
    """Return in words how right a check was, where the truth is known.

    Reads `truth` = {"n", "unknown", "kept": {"hits", "called", "there"}, "verdict_wrong": {...}}.
    """
    known = facts.get("truth")
    if not isinstance(known, Mapping):
        return Html("")
    said = []
    for name, called, there in (
            ("kept", "of the rows it kept are right (precision)",
             "of the right rows were kept (recall)"),
            ("verdict_wrong", "of the rows it called wrong are wrong (precision)",
             "of the wrong rows were called so (recall)")):
        found = known.get(name)
        if isinstance(found, Mapping):
            hits = int(found["hits"])
            said += [_rate(material, hits, int(found["called"]), called),
                     _rate(material, hits, int(found["there"]), there)]
    if not said:
        return Html("")
    tail = (f"Known for {count(known.get('n', 0))} rows, "
            f"unknown for {count(known.get('unknown', 0))}.")
    return join([para(tag("b", "Against the truth:")),
                 tag("ul", *(tag("li", one) for one in said), class_="said"),
                 para(tail, class_="soft")])


def _rate(material: Material, hits: int, total: int, words: str) -> Html:
    """Return one share with its interval and n, or that there was nothing to count."""
    if not total:
        return safe(f"no share {words}: there was none")
    low, high = material.stats.wilson(hits, total)
    return join([tag("b", percent(hits / total)), tag("span", span(low, high), class_="ci"),
                 f" {words}, n = {count(total)}"])


def _facts(facts: Mapping[str, Any]) -> Html:
    """Return what else the step measured, folded away."""
    lines = list(_flat(facts))
    if not lines:
        return Html("")
    rows = (tag("tr", tag("td", key), tag("td", value, class_="n")) for key, value in lines)
    return details("What it measured",
                   tag("div", tag("table", tag("tbody", *rows)), class_="scroll", tabindex="0"))


def _flat(facts: Mapping[str, Any], before: str = "") -> list[tuple[str, Html]]:
    """Return nested facts as lines: `methods › evolve.deepen › accepted`, 40."""
    lines: list[tuple[str, Html]] = []
    for key, value in facts.items():
        name = f"{before}{str(key).replace('_', ' ')}"
        if isinstance(value, Mapping):
            lines += _flat(value, f"{name} › ")
        elif isinstance(value, bool) or value is None:
            lines.append((name, safe(value)))
        elif isinstance(value, int):
            lines.append((name, safe(count(value))))
        elif isinstance(value, float):
            lines.append((name, safe(f"{value:.4g}")))
        elif isinstance(value, list) and any(isinstance(part, Mapping) for part in value):
            lines += _flat({f"{key} {i}": part for i, part in enumerate(value, 1)}, before)
        elif isinstance(value, list):
            lines.append((name, safe(", ".join(map(str, value[:20])))))
        else:
            lines.append((name, safe(value)))
    return lines
