"""The scores behind a report, one record a model and suite, with the grades counted.

Why: every section speaks of accuracy, and all must mean the same by it: items solved of all
items asked, with undecided and cut-off answers counted beside, never silently a zero.

Used as: `results = load(bench, graph)`; `counted(results["score.main"].of("gsm8k")).strict`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mathmill.errors import StepFailed
from mathmill.io import read_rows
from mathmill.report.graph import Graph, Node
from mathmill.types import CORRECT, UNDECIDED, Score
from mathmill.workbench import Workbench

PREFIX = "score."
MEASURES = ("strict", "tolerant")


@dataclass(frozen=True)
class Count:
    """Items of one group, counted."""

    total: int
    "Items asked."
    strict: int
    "Solved under the papers' strict matching."
    tolerant: int
    "Solved under tolerant matching."
    undecided: int
    "Items that tolerant matching could not decide."
    truncated: int
    "Responses cut off at the length limit."

    def solved(self, measure: str) -> int:
        """Return the items solved under `strict` or `tolerant`."""
        return self.strict if measure == "strict" else self.tolerant

    def share(self, measure: str) -> float:
        """Return the share of items solved."""
        return self.solved(measure) / self.total if self.total else 0.0


@dataclass(frozen=True)
class Result:
    """One evaluate step: a model on its suites."""

    name: str
    "Name of the input, e.g. `score.main`."
    node: Node
    "The evaluate step."
    scores: tuple[Score, ...]
    "Every item, in the order of the file."

    @property
    def label(self) -> str:
        """Return the name without its prefix."""
        return self.name.removeprefix(PREFIX)

    @property
    def suites(self) -> tuple[str, ...]:
        """Return the suites, in order of appearance."""
        return tuple(dict.fromkeys(score.suite for score in self.scores))

    def of(self, suite: str | None) -> tuple[Score, ...]:
        """Return the items of one suite, or all."""
        return tuple(s for s in self.scores if suite is None or s.suite == suite)


def counted(scores: Iterable[Score]) -> Count:
    """Return the grades of some items, counted."""
    rows = tuple(scores)
    return Count(
        len(rows), sum(s.strict == CORRECT for s in rows), sum(s.tolerant == CORRECT for s in rows),
        sum(s.tolerant == UNDECIDED for s in rows), sum(s.finish == "length" for s in rows))


def load(bench: Workbench, graph: Graph) -> dict[str, Result]:
    """Return the results of all inputs named `score.*`, by input name.

    Raises StepFailed where one holds no items: a share of nothing is not zero.
    """
    found = {}
    for name in sorted(n for n in bench.inputs if n.startswith(PREFIX)):
        scores = tuple(read_rows(bench.inputs[name] / "rows.parquet", Score))
        if not scores:
            raise StepFailed(f"{bench.inputs[name]}: this evaluation holds no items; "
                             "check its suite and run it again")
        found[name] = Result(name, graph.input(name), scores)
    return found


def pick(results: Mapping[str, Result], entry: Mapping[str, Any]) -> tuple[Score, ...]:
    """Return the items of one cell: `{"score": input name, "suite": name or absent}`.

    Raises StepFailed where the score is not among the inputs, has no such suite, or has
    several of which none is named.
    """
    name = entry["score"]
    if name not in results:
        raise StepFailed(f"the report was told of {name}, but has no such input; name it among "
                         f"its scores ({', '.join(results) or 'there are none'})")
    suites = results[name].suites
    if entry.get("suite") is None and len(suites) > 1:
        raise StepFailed(f"{name} was scored on {', '.join(suites)}; say which suite is meant: "
                         "a share of all items together says little of any")
    chosen = results[name].of(entry.get("suite"))
    if not chosen:
        raise StepFailed(f"{name} has no items of the suite {entry.get('suite')!r}; it has "
                         f"{', '.join(suites)}")
    return chosen
