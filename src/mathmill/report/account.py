"""What each model of a run cost: its steps as lines of the paper's account, from their manifests.

Why: what a run took stands in its manifests, in calls and tokens, seconds and devices; the parts
of the account and its arithmetic are those of a plan (`mathmill.accounting`).

Used as: `account = account_of(graph, sheet)`; None where no trained model wrote rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from mathmill.accounting import (
    PARTS,
    REST,
    Account,
    Calls,
    Line,
    Time,
    Work,
    added,
    at_prices,
    holds_synthesizer,
    models,
    parts,
    total,
)
from mathmill.accounting.lines import CORE, DIGITS
from mathmill.accounting.published import GPU, TEACHER
from mathmill.report.cost import Bought, bought
from mathmill.report.graph import Graph, Node

HOUR = 3600  # seconds
ASKS = ("synthesize", "verify", "select", "rate", "decontaminate")


class Sheet(Protocol):
    """Prices, as the pipeline hands them in."""

    def tokens(self, teacher: str) -> tuple[float, float] | None:
        """Return picodollars a token in and out."""
        ...

    def hour(self, device: str) -> int | None:
        """Return picodollars of an hour."""
        ...

    def notes(self, devices: Iterable[str]) -> Iterable[str]:
        """Return when and where the price of each device's hour was read."""
        ...


def account_of(graph: Graph, sheet: Sheet | None = None) -> Account | None:
    """Return a run's account; None where no model that was trained in it wrote rows in it."""
    works = [Work(node.id, node.verb, node.name, node.inputs, _bought(node) != Bought())
             for node in graph.steps]
    if not holds_synthesizer(works):
        return None
    part = parts(works)
    lines = {node.id: _line(node, part[node.id], sheet) for node in graph.steps}
    by_part = [added([line for line in lines.values() if line.part == name], name, name)
               for name in (*PARTS, REST)]
    accepted = {node.id: _accepted(node) for node in graph.verbs("synthesize")}

    def price_of(steps: Sequence[str]) -> tuple[float, float] | None:
        names = {str(graph.by_id(step).literals.get("teacher") or "") for step in steps}
        return sheet.tokens(names.pop()) if sheet and len(names) == 1 else None

    devices = [*(time.device for line in lines.values() for time in line.times), GPU]
    return Account(tuple(lines.values()), tuple(by_part), total(by_part[:-1], "all of these"),
                   models(works, lines, accepted, price_of),
                   at_prices(sheet.tokens(TEACHER), sheet.hour(GPU)) if sheet else (),
                   tuple(sheet.notes(devices)) if sheet else ())


def _bought(node: Node) -> Bought:
    return bought(node.facts) if node.verb in ASKS else Bought()


def _line(node: Node, part: str, sheet: Sheet | None) -> Line:
    """Return a step as a line: what it asked, and what it took of the machine."""
    found = _bought(node)
    calls = None
    if found != Bought():
        name = str(node.literals.get("teacher") or "")
        prices = sheet.tokens(name) if sheet and "teacher" not in node.inputs else None
        own = "teacher" in node.inputs or prices == (0.0, 0.0)
        calls = Calls(found.calls, found.tokens.read, found.tokens.written,
                      None if found.unpriced else found.pico, own=own)
        # Tokens that were at hand, batches and price changes make another bill than the product.
        if prices and not own and calls.pico == calls.at(*prices).pico:
            calls = calls.at(*prices)
    return Line(node.name, part, calls, (_time(node, sheet),))


def _time(node: Node, sheet: Sheet | None) -> Time:
    """Return the hours of a step: of its GPUs where it used any, else of processor cores."""
    def price(device: str) -> int | None:
        return sheet.hour(device) if sheet else None

    took, gpus = node.machine, int(node.machine.get("gpus", 0))
    if gpus:
        return Time.held(str(took["device"]), node.seconds / HOUR, gpus,
                         price(str(took["device"])))
    if str(node.literals.get("teacher", "")).startswith("vllm:"):
        return Time("GPU", None, note="vLLM works in a process of its own")
    seconds = took.get("cpu_seconds")
    return Time(CORE, None if seconds is None else round(seconds / HOUR, DIGITS),
                price=price(CORE))


def _accepted(node: Node) -> int:
    return int(node.facts.get("accepted", node.rows_kept))
