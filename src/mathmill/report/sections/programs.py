"""Programs: how those of the samples ended, what the checks left out, and the pace of it all.

Used by `page`: `render(material)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from mathmill.candidates import RANDOM
from mathmill.report.choices import Chosen
from mathmill.report.markup import (
    Html,
    count,
    details,
    join,
    para,
    percent,
    section,
    span,
    table,
    tag,
)
from mathmill.report.material import Material

CHECKS = ("verify", "select", "decontaminate")
MOST = 15
"Kinds of endings that are shown one by one."


def render(material: Material) -> Html:
    """Return the section, where a run sampled programs."""
    if not material.chosen:
        return Html("")
    return section(
        "programs", "Programs: endings, checks, pace",
        para("Every program of a sample was run apart from this process. What did not end in a "
             "value has no answer: it never votes, and is chosen only where no sample of the draw "
             "has one.", class_="soft"),
        *(_endings(chosen) for chosen in material.chosen), _dropped(material),
        _drawn(material), _pace(material))


def _endings(chosen: Chosen) -> Html:
    """Return how the programs ended, by kind and error."""
    total = max(1, sum(chosen.kinds.values()))
    kinds = Counter(dict(chosen.kinds)).most_common()
    rows = [(kind, count(n), percent(n / total, 2)) for kind, n in kinds[:MOST]]
    if len(kinds) > MOST:
        rest = sum(n for _, n in kinds[MOST:])
        rows.append((f"{len(kinds) - MOST} more kinds", count(rest), percent(rest / total, 2)))
    verdicts: Counter[str] = Counter()
    for facts in chosen.facts:
        verdicts.update(facts["verdicts"])
    said = ", ".join(f"{name} {count(n)}" for name, n in verdicts.most_common())
    cut = sum(int(facts.get("cut_off", 0)) for facts in chosen.facts)
    single = chosen.at(RANDOM, "", 1)
    return join([
        table(("ending", "samples", "share"), rows,
              caption=f"How {count(total)} samples of {chosen.model} on {chosen.suite} ended"),
        para(f"Verdicts: {said}; cut off at the length limit: {count(cut)}"
             + (f". One sample alone is right in {percent(single.mean)}." if single else "."))])


def _dropped(material: Material) -> Html:
    """Return what each check left out, with its reason."""
    rows: list[tuple[object, ...]] = []
    for node in material.graph.verbs(*CHECKS):
        came = node.rows_in
        rows += [(tag("b", node.name), reason, count(n), percent(n / max(1, came), 2))
                 for reason, n in sorted(node.dropped.items(), key=lambda pair: -pair[1])]
    if not rows:
        return para("The checks left nothing out.")
    return table(("step", "reason", "rows", "of those that came"), rows, words=2,
                 caption="What the checks left out")


def _drawn(material: Material) -> Html:
    """Return how often one sample is right, by the model (or checkpoint) and temperature."""
    rows: list[tuple[object, ...]] = []
    for node in material.graph.verbs("sample"):
        for found in node.facts.get("measured") or ():
            heats = "; ".join(f"{heat}: {percent(one['accuracy'])}"
                              for heat, one in found.get("by_temperature", {}).items())
            greedy, one = found.get("greedy"), next(iter(found.get("pass") or ()), None)
            rows.append((tag("b", node.name), found["model"], count(found["problems"]),
                         _share(greedy and {**greedy, "value": greedy["accuracy"]}),
                         _share(one), heats or "–"))
    if not rows:
        return Html("")
    return details("How often one sample is right", table(
        ("step", "model", "problems", "greedy", "one sample", "by temperature"), rows, words=2))


def _share(found: Mapping[str, float] | None) -> object:
    if not found:
        return "–"
    return Html(percent(found["value"]) + tag("span", span(found["low"], found["high"]),
                                              class_="ci"))


def _pace(material: Material) -> Html:
    """Return the seconds for 1,000 samples, and for 1,000 scores."""
    rows: list[tuple[object, ...]] = []
    for node in material.graph.verbs("sample"):
        parts = node.facts.get("seconds_per_1000")
        told = dict(parts) if isinstance(parts, Mapping) else {}
        made = ", ".join(f"{name} {value:.2f}" for name, value in told.items())
        rows.append((tag("b", node.name), f"samples ({made})" if made else "samples",
                     count(node.facts.get("samples", node.rows_kept)),
                     f"{sum(told.values()):.2f}" if told else "–"))
    for node in material.graph.verbs("choose"):
        scoring = node.facts.get("scoring") or {}
        rows += [(tag("b", node.name), f"programs scored by {label}", count(found["programs"]),
                  f"{found['seconds_per_1000']:.2f}")
                 for label, found in scoring.items() if isinstance(found, Mapping)]
    if not rows:
        return Html("")
    return table(("step", "what", "number", "seconds for 1,000"), rows, words=2, caption="Pace")
