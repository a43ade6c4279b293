"""Rows to read: one kept and one dropped of each method, from seed to verdict.

Used by `page`: `render(material)`.
"""

from __future__ import annotations

from mathmill.report.lineage import FAMILY, Family, Trace
from mathmill.report.markup import Html, count, details, join, para, section, table, tag
from mathmill.report.material import Material
from mathmill.report.maths import show

LONGEST = 1600
"Characters of one text that are shown; the row itself is whole in the data."


def render(material: Material) -> Html:
    """Return the cards, and the family of one seed."""
    if not material.examples:
        return Html("")
    return section(
        "samples", "Samples with their lineage",
        para("One kept and one dropped row of each method, the first by length and id: none was "
             "chosen by eye.", class_="soft"),
        tag("div", *(_card(trace) for trace in material.examples), class_="cards"),
        _family(material.family) if material.family else "")


def _text(text: str) -> Html:
    cut = text if len(text) <= LONGEST else text[:LONGEST] + " …"
    return tag("div", show(cut), class_="text")


def _card(trace: Trace) -> Html:
    state = (tag("span", f"dropped: {trace.drop.reason}", class_="dropped") if trace.drop
             else tag("span", "kept", class_="kept"))
    return tag("article", tag("h3", trace.method, state), tag("ol", *_trail(trace), class_="trail"),
               class_="card")


def _trail(trace: Trace) -> list[Html]:
    stops: list[Html] = []
    if trace.seed is not None:
        where = f"seed, {trace.seed.source}" if trace.seed.source else "seed"
        stops.append(_stop(where, trace.seed.question, _ends(trace.seed.answer)))
    sample = trace.sample
    if sample is not None:
        asked = f"{trace.teacher} was asked with" if trace.teacher else "asked with"
        if sample.prompts:
            stops.append(_stop(asked, *(tag("span", p, class_="chip")
                                                    for p in sample.prompts)))
        seed = trace.seed.question if trace.seed else None
        stops.append(_stop("question", "the seed's own" if sample.question == seed
                           else sample.question))
        stops.append(_stop("solution", sample.solution))
        stops.append(_stop("verdict", _verdict(trace)))
    if trace.drop is not None:
        stops.append(_stop(f"dropped by {trace.step}", trace.drop.reason, trace.drop.detail))
    elif sample is not None:
        stops.append(_stop(f"kept by {trace.step}", ", ".join(sample.checks) or "no check asked"))
    return stops


def _verdict(trace: Trace) -> str:
    sample = trace.sample
    assert sample is not None
    parts = [sample.verdict or "not checked"]
    if sample.verdict_by:
        parts.append(f"by {sample.verdict_by}")
    if sample.answer is not None:
        parts.append(f"answer {sample.answer}")
    if sample.expected is not None:
        parts.append(f"expected {sample.expected}")
    return ", ".join(parts)


def _stop(name: str, *texts: object) -> Html:
    shown = [text if isinstance(text, Html) else _text(str(text)) for text in texts if text]
    return tag("li", tag("small", name, class_="soft"), join(shown, " "))


def _ends(answer: str | None) -> str:
    return f"Answer: {answer}" if answer is not None else ""


def _family(found: Family) -> Html:
    """Return all that came of one seed: the walk forward."""
    rows = [(s.method, show(s.question), tag("span", "kept", class_="kept"))
            for s in found.kept[:FAMILY]]
    rows += [(drop.method, show(drop.detail or drop.reason),
              tag("span", f"{drop.reason} ({step})", class_="dropped"))
             for step, drop in found.dropped[:FAMILY]]
    left = max(0, len(found.kept) - FAMILY) + max(0, len(found.dropped) - FAMILY)
    more = para(f"and {count(left)} more.", class_="soft") if left else ""
    return join([
        tag("h3", "One seed and all that came of it"), para(show(found.seed.question)),
        details(f"{count(len(found.kept))} kept, {count(len(found.dropped))} dropped",
                table(("method", "row", "outcome"),
                      [(m, tag("span", t, class_="wide"), o) for m, t, o in rows], words=3), more)])
