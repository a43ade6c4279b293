"""From a training row back to its seed, and from a seed forward to all that came of it.

Why: a data set is trusted by looking at rows with their whole story; and a row that was
dropped, with its reason, teaches more about a pipeline than ten that were kept.

Used as: `examples = pick_examples(graph)`; `family(graph, seed_id)`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from mathmill.columns import read_batches
from mathmill.io import read_rows, rows_in
from mathmill.report.graph import Graph, Node
from mathmill.texts import Text
from mathmill.types import Drop, Problem, Sample

READABLE = 700
"Characters of question and solution together that fit on a phone without scrolling twice."
FAMILY = 40
"Most rows shown of one seed's family."


@dataclass(frozen=True)
class Trace:
    """A row with its story."""

    method: str
    "How it was made."
    seed: Problem | None
    "The seed from which it descends; None where the seeds are not among the steps."
    sample: Sample | None
    "The row; None where an attempt failed before there was one."
    step: str
    "Name of the step that dropped it, or of the one that keeps it."
    drop: Drop | None = None
    "Why it was dropped; None for a kept row."
    teacher: str = ""
    "Who wrote it, as people call them; empty where nobody did."


@dataclass(frozen=True)
class Family:
    """All that came of one seed."""

    seed: Problem
    "The seed."
    kept: tuple[Sample, ...]
    "Rows in the final data."
    dropped: tuple[tuple[str, Drop], ...]
    "(step, drop) of those left out."


def pick_examples(graph: Graph) -> tuple[Trace, ...]:
    """Return one kept and one dropped row of every method, the most readable of each.

    The choice is by length and then id: the same on every machine.
    """
    kept: dict[str, tuple[Node, Sample]] = {}
    for node, sample in final_rows(graph):
        if sample.method not in kept or _shown_before(sample, kept[sample.method][1]):
            kept[sample.method] = node, sample
    dropped: dict[str, tuple[Node, Drop, Sample | None]] = {}
    for node, drop in dropped_rows(graph):
        row = row_of(drop)
        method = drop.method or (row.method if row else "")
        if method and (method not in dropped or _told_before(drop, row, dropped[method][1:])):
            dropped[method] = (node, drop, row)
    wanted = {s.seed for _, s in kept.values()} | {
        row.seed for _, _, row in dropped.values() if row is not None}
    seeds = _seeds(graph, wanted)
    traces = []
    for method in sorted(set(kept) | set(dropped)):
        if method in kept:
            node, sample = kept[method]
            traces.append(Trace(method, seeds.get(sample.seed), sample, node.name,
                                teacher=graph.teacher(sample.teacher)))
        if method in dropped:
            node, drop, row = dropped[method]
            traces.append(Trace(method, seeds.get(row.seed) if row else None, row, node.name, drop,
                                graph.teacher(row.teacher) if row else ""))
    return tuple(traces)


def family(graph: Graph, seed: str) -> Family | None:
    """Return all that came of a seed, kept and dropped; None where the seed is not found."""
    problem = _seeds(graph, {seed}).get(seed)
    if problem is None:
        return None
    kept = tuple(s for _, s in final_rows(graph) if s.seed == seed)
    dropped = []
    for node, drop in dropped_rows(graph):
        row = row_of(drop)
        if row is not None and row.seed == seed:
            dropped.append((node.name, drop))
    return Family(problem, kept, tuple(dropped))


def final_rows(graph: Graph) -> Iterator[tuple[Node, Sample]]:
    """Yield the final rows with the step that holds them (none where there is no such step)."""
    for node in graph.data:
        for sample in read_rows(rows_in(node.folder), Sample):
            yield node, sample


def dropped_rows(graph: Graph) -> Iterator[tuple[Node, Drop]]:
    """Yield every row that the steps behind the data left out, with the step."""
    for node in graph.ancestors(*graph.data):
        path = rows_in(node.folder, "drops")
        if path.exists():
            for drop in read_rows(path, Drop):
                yield node, drop


def row_of(drop: Drop) -> Sample | None:
    """Return the training row that was dropped, None where the drop holds no such row."""
    try:
        found: dict[str, Any] = json.loads(drop.row) if drop.row else {}
    except ValueError:
        return None
    if not isinstance(found, dict) or not {"question", "solution", "method", "seed"} <= set(found):
        return None
    known = {f.name for f in fields(Sample)}
    found = {key: tuple(value) if isinstance(value, list) else value
             for key, value in found.items() if key in known}
    try:
        return Sample(**found)
    except TypeError:
        return None


def _seeds(graph: Graph, wanted: set[str]) -> dict[str, Problem]:
    """Return the problems with these ids from all `seeds` steps; texts stand as problems."""
    found: dict[str, Problem] = dict(_texts(graph, wanted))
    for node in graph.verbs("seeds"):
        if node.kept.get("rows"):
            for problem in read_rows(rows_in(node.folder), Problem):
                if problem.id in wanted:  # the first: later rounds may read it again as theirs
                    found.setdefault(problem.id, problem)
    return found


def _texts(graph: Graph, wanted: set[str]) -> Iterator[tuple[str, Problem]]:
    """Yield the texts with these ids; of millions only the ids are looked at."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for node in graph.verbs("texts") if wanted else ():
        if node.kept.get("rows"):
            for batch in read_batches(rows_in(node.folder), Text,
                                      ["id", "text", "source", "language"]):
                here = pc.is_in(batch.column("id"), value_set=pa.array(sorted(wanted)))
                for row in batch.filter(here).to_pylist():
                    yield row["id"], Problem(row["id"], row["text"], source=row["source"],
                                             language=row["language"])


def _shown_before(a: Sample, b: Sample) -> bool:
    return _unreadable(a) < _unreadable(b)


def _unreadable(row: Sample) -> tuple[bool, bool, str]:
    """Return a key that is smallest for a row with a verdict that fits on a small screen."""
    return len(row.question) + len(row.solution) > READABLE, not row.verdict, row.id


def _told_before(drop: Drop, row: Sample | None, other: tuple[Drop, Sample | None]) -> bool:
    """Prefer drops that hold the whole row, then those that fit, then the smaller id."""
    def key(one: Drop, held: Sample | None) -> tuple[bool, tuple[bool, bool, str], str, str]:
        return (held is None, _unreadable(held) if held else (False, False, ""), one.id, one.reason)

    return key(drop, row) < key(*other)
