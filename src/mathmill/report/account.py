"""What each model of a run cost: its steps as lines of the paper's account, from their manifests.

Why: a synthesizer pays where the rows that it wrote would have cost more had its teacher written
them; so beside each model stands that sum, at the tokens which the teacher took for a row here.

Used as: `account = account_of(graph, sheet)`; None where no trained model wrote rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mathmill.accounting import (
    API,
    PARTS,
    REST,
    Calls,
    Line,
    Student,
    Time,
    Work,
    added,
    holds_synthesizer,
    parts,
    students,
)
from mathmill.accounting.lines import CORE, DIGITS
from mathmill.report.cost import Bought, bought
from mathmill.report.graph import Graph, Node

HOUR = 3600  # seconds
ASKS = ("synthesize", "verify", "select")


class Sheet(Protocol):
    """Prices, as the pipeline hands them in."""

    def tokens(self, teacher: str) -> tuple[float, float] | None:
        """Return picodollars a token in and out."""
        ...

    def hour(self, device: str) -> int | None:
        """Return picodollars of an hour."""
        ...


@dataclass(frozen=True)
class Made:
    """What one student cost, and what its rows would have cost from the teacher."""

    student: Student
    "The model, or several that rest on the same steps."
    rows: int
    "Rows written for it: accepted ones, before later checks."
    by_part: Mapping[str, Line]
    "What each part came to; training is the mean of its models."
    whole: Line
    "All parts together."
    a_row: tuple[float, float]
    "Tokens in and out that the teacher took for an accepted row, failed attempts too."
    by_teacher: Line | None
    "The same rows, all by the teacher; None where it wrote them all."


@dataclass(frozen=True)
class Account:
    """What the models of a run cost."""

    steps: tuple[Line, ...]
    "Every step that took calls or time, in order."
    by_part: tuple[Line, ...]
    "What each part came to over the whole run, all its models."
    whole: Line
    "All of them, but for what the paper does not count."
    models: tuple[Made, ...]
    "By student."


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
    return Account(tuple(lines.values()), tuple(by_part), added(by_part[:-1], "all of these"),
                   tuple(_made(student, graph, lines, sheet) for student in students(works)))


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


def _made(student: Student, graph: Graph, lines: Mapping[str, Line],
          sheet: Sheet | None) -> Made:
    """Return what a student cost, with the mean of its trainings."""
    behind = [lines[step] for step in student.rests_on]
    mean = _mean([lines[step] for step in student.trainings])
    by_part = {name: added([line for line in (*behind, mean) if line.part == name], name, name)
               for name in PARTS}
    rows = sum(_accepted(graph.by_id(step)) for step in student.rows_of)
    teachers = [graph.by_id(step) for step in student.rests_on
                if lines[step].part == API and graph.by_id(step).verb == "synthesize"]
    written = max(1, sum(map(_accepted, teachers)))
    asked = added([lines[node.id] for node in teachers], "teacher", API).calls
    a_row = (0.0, 0.0) if asked is None else (round((asked.read or 0) / written, 1),
                                              round((asked.written or 0) / written, 1))
    return Made(student, rows, by_part, added(by_part.values(), " ".join(student.names)), a_row,
                _by_teacher(rows, a_row, written, asked, teachers, sheet)
                if student.synthetic and asked else None)


def _by_teacher(rows: int, a_row: tuple[float, float], written: int, asked: Calls,
                teachers: Sequence[Node], sheet: Sheet | None) -> Line:
    """Return what so many rows would have cost, all by the teacher."""
    names = {str(node.literals.get("teacher") or "") for node in teachers}
    prices = sheet.tokens(names.pop()) if sheet and len(names) == 1 else None
    pico = None if asked.pico is None else round(asked.pico / written * rows)
    calls = Calls(round((asked.number or 0) / written * rows), round(rows * a_row[0]),
                  round(rows * a_row[1]), pico, own=asked.own)
    return Line("all by the teacher", API, calls.at(*prices) if prices else calls)


def _accepted(node: Node) -> int:
    return int(node.facts.get("accepted", node.rows_kept))


def _mean(trained: Sequence[Line]) -> Line:
    """Return the mean of some trainings as one line."""
    whole, n = added(trained, "training"), len(trained)
    times = tuple(Time(time.device, None if time.hours is None else
                       round(time.hours / n, DIGITS), price=time.price,
                       note=f"mean of {n}" if n > 1 else time.note) for time in whole.times)
    return Line(whole.name, trained[0].part, None, times)


def share(part: float | None, whole: float | None) -> float | None:
    """Return a share, None where it has no meaning."""
    return part / whole if part is not None and whole else None


def spent_tokens(line: Line) -> float | None:
    """Return the tokens in and out of a line's calls together."""
    calls: Any = line.calls
    return None if calls is None or calls.read is None else calls.read + calls.written
