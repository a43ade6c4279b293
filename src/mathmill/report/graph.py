"""The steps that led to a report, read back from their manifests.

Why: a report must tell what really ran, with the exact literals, and the manifests are the
only witness of that; nothing is passed along in memory.

Used as: `graph = walk(bench)`, then `graph.steps`, `graph.input("score.main")`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathmill.errors import InputError
from mathmill.io import read_json
from mathmill.workbench import Workbench

MANIFEST = "manifest.json"
TRAINED = "local:step-"
"How the name of a teacher begins that a step trained; the step's id goes on from there."


@dataclass(frozen=True)
class Node:
    """One finished step of the run."""

    id: str
    "Content id of the step."
    verb: str
    "What it does: `seeds`, `synthesize`, `train`, ..."
    label: str
    "Its name within the recipe."
    folder: Path
    "Where its rows and drops lie."
    literals: Mapping[str, Any]
    "Everything that made it what it is, besides its inputs."
    inputs: Mapping[str, str]
    "Ids of the steps that it read, by input name."
    kept: Mapping[str, int]
    "Rows written, by table."
    dropped: Mapping[str, int]
    "Rows left out, by reason."
    facts: Mapping[str, Any]
    "What the step measured."
    seconds: float
    "Wall time."
    started: float
    "When it started, in seconds since the epoch."
    versions: Mapping[str, str]
    "Versions of the packages that it ran with."
    machine: Mapping[str, Any]
    "Seconds of processor time, device and GPUs that it took; empty in older runs."

    @property
    def rows_kept(self) -> int:
        """Return the rows that went on to the next step."""
        return self.kept.get("rows", 0)

    @property
    def rows_dropped(self) -> int:
        """Return the rows that were left out."""
        return sum(self.dropped.values())

    @property
    def rows_in(self) -> int:
        """Return the rows (or attempts) that came in."""
        return int(self.facts.get("rows_in", self.rows_kept + self.rows_dropped))

    @property
    def name(self) -> str:
        """Return the label where the recipe gave one, else the verb."""
        return self.label or self.verb


@dataclass(frozen=True)
class Graph:
    """All steps behind a report, each after the steps that it read."""

    steps: tuple[Node, ...]
    "In topological order; steps that do not depend on each other, in the order they started."
    entries: Mapping[str, str]
    "Ids of the steps that the report reads, by input name."

    def by_id(self, step: str) -> Node:
        """Return the step with this id."""
        return next(node for node in self.steps if node.id == step)

    def input(self, name: str) -> Node:
        """Return the step that the report reads under this name (KeyError where none)."""
        return self.by_id(self.entries[name])

    @property
    def data(self) -> tuple[Node, ...]:
        """Return the steps that hold the final rows: the inputs `data` and `data.<name>`."""
        return tuple(self.by_id(step) for name, step in sorted(self.entries.items())
                     if name.partition(".")[0] == "data")

    def ancestors(self, *nodes: Node) -> tuple[Node, ...]:
        """Return some steps and all steps behind them, in topological order."""
        wanted, edge = {node.id for node in nodes}, list(nodes)
        while edge:
            for step in edge.pop().inputs.values():
                if step not in wanted:
                    wanted.add(step)
                    edge.append(self.by_id(step))
        return tuple(step for step in self.steps if step.id in wanted)

    def teacher(self, name: str) -> str:
        """Return a teacher's name for people: the model of a step goes by the step's name."""
        mark = name.removeprefix(TRAINED)
        made = next((node for node in self.steps if name.startswith(TRAINED) and mark
                     and node.id.startswith(mark)), None)
        return name if made is None else f"{made.name} ({name})"

    def verbs(self, *names: str) -> Iterator[Node]:
        """Yield the steps of these verbs, in order."""
        return (node for node in self.steps if node.verb in names)


def walk(bench: Workbench) -> Graph:
    """Return all steps behind the inputs of a report step.

    Raises InputError where a manifest is missing: a report of half a run would mislead.
    """
    assert bench.home is not None
    found: dict[str, Node] = {}
    edge = [bench.inputs[name] for name in sorted(bench.inputs)]
    entries = {name: str(_manifest(folder)["id"]) for name, folder in bench.inputs.items()}
    while edge:
        folder = edge.pop()
        manifest = _manifest(folder)
        if manifest["id"] in found:
            continue
        found[manifest["id"]] = _node(folder, manifest)
        edge += [bench.home / given["folder"] for given in manifest["inputs"].values()]
    return Graph(tuple(_ordered(found)), entries)


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.exists():
        raise InputError(path, "this step has no manifest, so it is not finished",
                         "run the recipe again; finished steps are not repeated")
    manifest: dict[str, Any] = read_json(path)
    return manifest


def _node(folder: Path, manifest: Mapping[str, Any]) -> Node:
    tally = manifest.get("tally") or {}
    return Node(
        id=manifest["id"], verb=manifest["name"], label=manifest.get("label") or "",
        folder=folder, literals=manifest.get("literals") or {},
        inputs={name: given["id"] for name, given in manifest["inputs"].items()},
        kept=tally.get("kept") or {}, dropped=tally.get("dropped") or {},
        facts=tally.get("facts") or {}, seconds=float(manifest.get("seconds") or 0.0),
        started=float(manifest.get("started") or 0.0), versions=manifest.get("versions") or {},
        machine=manifest.get("machine") or {},
    )


def _ordered(found: Mapping[str, Node]) -> Iterator[Node]:
    """Yield steps after their inputs; ties by start, then id, so the page is always the same."""
    waiting = sorted(found.values(), key=lambda node: (node.started, node.id))
    done: set[str] = set()
    while waiting:
        ready = next((n for n in waiting if done.issuperset(n.inputs.values())), None)
        assert ready is not None, "the manifests of this run form a circle"
        yield ready
        done.add(ready.id)
        waiting.remove(ready)
