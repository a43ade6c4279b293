"""Steps of a probe that stand in for others which would take hours, and decide nothing of a plan.

Texts: a plan needs some of each source, not six million; and where a source is on the hub, our
own shipped texts stand in for all, so that nothing is downloaded for a plan. Values: which rows
are worth most decides no cost, so in a plan they are drawn, and no reference model is trained.

Used as: `few_texts(step)`, `drawn_values(step, rows)`, by `probe`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mathmill.execution.step import Step

SOME = 2_000  # texts of a source that a plan reads
MADE_HERE = ("shipped:", "symbolic:")
SHIPPED: Mapping[str, Any] = {"source": "shipped:", "content": None, "weight": None, "kind": None,
                              "licence": None, "fields": None, "limit": None}


def few_texts(step: Step) -> Step:
    """Return a `texts` step that reads some texts of each source, or ours for those elsewhere."""
    sources = [dict(entry) for entry in step.literals["sources"]]
    names = [str(entry["source"]) for entry in sources]
    if any(name.startswith("hf:") for name in names):
        # What is allowed, and how many, was said of other texts than these.
        literals = {**step.literals, "sources": [dict(SHIPPED)], "count": None, "licences": None}
        return replace(step, literals=literals, tools={**step.tools, "paths": ["shipped:"]})
    if all(name.startswith(MADE_HERE) for name in names):
        return step
    for entry in sources:
        entry["limit"] = min(entry.get("limit") or SOME, SOME)
    count = step.literals.get("count")
    return replace(step, literals={**step.literals, "sources": sources,
                                   "count": None if count is None else min(count, SOME)})


def drawn_values(step: Step, rows: Step) -> Step:
    """Return a `value` step that draws what each row is worth."""
    literals = {**step.literals, "by": "random", "targets": [], "base": ""}
    return replace(step, literals=literals, inputs={"rows": rows}, apart=False)


def thinned(step: Step) -> bool:
    """Tell whether a plan reads fewer texts than a step would, or others."""
    return step.name == "texts" and few_texts(step).id != step.id
