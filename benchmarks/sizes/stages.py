"""What of a paper's path keeps a processor busy, each called as a run calls it, and its goals.

Why: a stage that is not in the list is a stage whose growth nobody sees. What asks a teacher, or
executes programs, waits for others and is measured elsewhere (`teacher_engine`, `sandbox`);
k-center greedy has figures of its own (`coreset`), and so has the recall of near duplicates.

Used as: `STAGES["dedup"].work(place)` in a process of its own; `STAGES["dedup"].goals`.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mathmill.io import read_json
from mathmill.workbench import Mapper, Workbench


@dataclass(frozen=True)
class Place:
    """Where a stage is done."""

    folder: Path
    "That `corpus.made` returned."
    out: Path
    "Empty folder of this stage."
    mapper: Mapper | None
    "Who does its shards."

    def bench(self, rows: str = "rows") -> Workbench:
        """Return a bench with rows and benchmark."""
        return Workbench(self.out, inputs={"rows": self.folder / rows,
                                           "against.test": self.folder / "test"},
                         mapper=self.mapper)


@dataclass(frozen=True)
class Stage:
    """One stage."""

    words: str
    "What it does, for people."
    work: Callable[[Place], dict[str, Any]]
    "Does it; returns its tally, or what else tells that the same came out."
    goals: Mapping[str, float] = field(default_factory=dict)
    "`rate`: least rows/s/core; `cpu`: most CPU seconds at 2.5M; `mib`: most MiB at 2.5M."
    finds: str = ""
    "What was planted that this stage drops, as `corpus.planted` calls it."


def seeds(place: Place) -> dict[str, Any]:
    """Read problems from JSON lines, as a step does: its digest, then its rows."""
    from mathmill.stages import seeds as stage

    source = str(place.folder / "seeds.jsonl")
    bench = place.bench()
    stage.run(bench, source=source, content=stage.content_digest(source) or "")
    return bench.close()


def of_samples(place: Place) -> dict[str, Any]:
    """Make problems of rows: the seeds of a second synthesis."""
    from mathmill.stages import seeds as stage

    bench = place.bench()
    stage.of_samples(bench)
    return bench.close()


def verify(place: Place) -> dict[str, Any]:
    """Compare answers with those known."""
    from mathmill.stages import verify as stage

    bench = place.bench()
    stage.run(bench, by=["answer_agrees"])
    return bench.close()


def selected(**literals: Any) -> Callable[[Place], dict[str, Any]]:
    """Return the stage `select` with such literals."""
    def work(place: Place) -> dict[str, Any]:
        from mathmill.stages import select as stage

        bench = place.bench()
        stage.run(bench, **literals)
        return bench.close()

    return work


def decontaminated(**literals: Any) -> Callable[[Place], dict[str, Any]]:
    """Return the stage `decontaminate` with such literals."""
    def work(place: Place) -> dict[str, Any]:
        from mathmill.stages import decontaminate as stage

        bench = place.bench()
        stage.run(bench, against=["test"], **literals)
        return bench.close()

    return work


def tokens(place: Place) -> dict[str, Any]:
    """Render rows as the embedded student's tokens, shuffle them, make batches of an epoch."""
    from mathmill.decoding.models import open_tokenizer
    from mathmill.train.sft.material import prepare
    from mathmill.train.sft.recipe import Recipe, defaults, plans

    recipe = Recipe.of({**defaults("embedded:", {}), "max_length": 2048})
    bench = place.bench()
    made = prepare(bench, recipe, plans(recipe, [{"epochs": 1}])[0], 1,
                   open_tokenizer("embedded:"))
    return {**made.facts, "tokens": sum(made.read)}


def command(*words: str) -> Callable[[Place], dict[str, Any]]:
    """Return a command of `mathmill`; ROWS, LINES, TEST and OUT stand for files."""
    def work(place: Place) -> dict[str, Any]:
        from mathmill.cli import main

        files = {"ROWS": place.folder / "rows" / "rows.parquet", "OUT": place.out / "out.jsonl",
                 "LINES": place.folder / "seeds.jsonl",
                 "TEST": place.folder / "test" / "rows.parquet"}
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            main([str(files.get(word, word)) for word in words])
        return {"said": said.getvalue().replace(str(place.out), "")}

    return work


STAGES = {
    "seeds": Stage("problems from JSON lines, digest of the file", seeds),
    "verify": Stage("answers against those known", verify, {"rate": 60_000, "mib": 572}),
    "dedup": Stage("exact duplicates out", selected(
        how="all", duplicates=["text"], difficulty="none"), {"cpu": 25, "mib": 572}, "copies"),
    "near": Stage("exact and near duplicates out", selected(
        how="all", duplicates=["text", "near"], difficulty="none"), {"rate": 90_000}),
    "decontaminate": Stage("13-grams, question and solution", decontaminated(ngram=13),
                           finds="contaminated"),
    "questions": Stage("13-grams, questions alone", decontaminated(
        ngram=13, fields=["question"]), {"rate": 200_000}, "contaminated"),
    "levels": Stage("levels by steps, rows of three levels", selected(
        how="all", levels=[1, 2, 3], duplicates=[])),
    "random": Stage("half of the rows at random", selected(
        how="random", fraction=0.5, duplicates=[])),
    "of_samples": Stage("seeds of the rows of a first synthesis", of_samples),
    "tokens": Stage("rows as a student's tokens, batches of an epoch", tokens),
}
TABLE = tuple(STAGES)


def facts_of(folder: Path) -> dict[str, Any]:
    """Return how large the rows are."""
    found: dict[str, Any] = read_json(folder / "made.json")
    return found
