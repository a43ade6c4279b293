"""What of a paper's path keeps a processor busy, each called as a run calls it, and its goals.

Why: a stage that is not in the list is a stage whose growth nobody sees. What asks a teacher, or
executes programs, waits for others and is measured elsewhere (`teacher_engine`, `sandbox`);
k-center greedy has figures of its own (`coreset`), and so has the recall of near duplicates.

Used as: `STAGES["dedup"].work(place)()` in a process of its own; `STAGES["dedup"].goals`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mathmill.io import read_json
from mathmill.stages import decontaminate as cleaning
from mathmill.stages import seeds as seeding
from mathmill.stages import select as selecting
from mathmill.stages import verify as verifying
from mathmill.stages.overlap import Overlap
from mathmill.stages.screen import Screen
from mathmill.stages.select.clusters import clustered
from mathmill.stages.select.minhash import Near, Sketches
from mathmill.stages.tokens import tiles, words_of_all
from mathmill.types import Problem, Sample
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


Work = Callable[[Place], Callable[[], dict[str, Any]]]
"""Makes ready what is no part of the time, and returns what does the work and tells its tally."""


@dataclass(frozen=True)
class Stage:
    """One stage."""

    words: str
    "What it does, for people."
    work: Work
    "Does it."
    goals: Mapping[str, float] = field(default_factory=dict)
    "`rate`: least rows/s/core; `cpu`: most CPU seconds at 2.5M; `mib`: most MiB at 2.5M."
    finds: str = ""
    "What was planted that this stage drops, as `corpus.planted` calls it."
    most: int | None = None
    "Rows at most unless more are asked for; beyond, its seconds are taken to grow with the rows."


def staged(run: Callable[..., None], **literals: Any) -> Work:
    """Return a stage with its literals as a run does it."""
    def work(place: Place) -> Callable[[], dict[str, Any]]:
        def done() -> dict[str, Any]:
            bench = place.bench()
            run(bench, **literals)
            return bench.close()

        return done

    return work


def seeds(place: Place) -> Callable[[], dict[str, Any]]:
    """Read problems from JSON lines: the digest of the file, then its rows."""
    source = str(place.folder / "seeds.jsonl")

    def done() -> dict[str, Any]:
        bench = place.bench()
        seeding.run(bench, source=source, content=seeding.content_digest(source) or "")
        return bench.close()

    return done


def tokens(place: Place) -> Callable[[], dict[str, Any]]:
    """Render rows as the embedded student's tokens, shuffle them, make batches of an epoch."""
    from mathmill.decoding.models import open_tokenizer
    from mathmill.train.sft.material import prepare
    from mathmill.train.sft.recipe import Recipe, defaults, plans

    recipe = Recipe.of({**defaults("embedded:", {}), "max_length": 2048})
    tokenizer = open_tokenizer("embedded:")

    def done() -> dict[str, Any]:
        made = prepare(place.bench(), recipe, plans(recipe, [{"epochs": 1}])[0], 1, tokenizer)
        return {**made.facts, "tokens": sum(made.read)}

    return done


def stats(place: Place) -> Callable[[], dict[str, Any]]:
    """Tell what a file holds, as `mathmill stats` does."""
    from mathmill.stages.stats import survey_files

    return lambda: survey_files([str(place.folder / "rows" / "rows.parquet")]).told()


def dedup_lines(place: Place) -> Callable[[], dict[str, Any]]:
    """Write the rows of JSON lines, each once, as `mathmill dedup` does."""
    from mathmill.stages.select.files import dedup_files

    def done() -> dict[str, Any]:
        summary = dedup_files([str(place.folder / "seeds.jsonl")], place.out / "out.jsonl")
        return {"dropped": {"repeats": summary.rows - summary.kept}}

    return done


def screen(place: Place) -> Callable[[], dict[str, Any]]:
    """Look runs of 13 words up in questions: the index is made before."""
    bench, index = place.bench(), Overlap(13)
    for number, item in enumerate(bench.rows("against.test", Problem)):
        index.add("test", str(number), item.question)
    screened = Screen(index)

    def done() -> dict[str, Any]:
        found = 0
        for batch in bench.batches("rows", Sample, ["question"]):
            for _, tile in tiles(batch.column(0)):
                found += sum(index.find(tile[int(at)].as_py()) is not None
                             for at in screened.suspects(words_of_all(tile)))
        return {"dropped": {"13-gram": found}}

    return done


def sketch(place: Place) -> Callable[[], dict[str, Any]]:
    """Find near duplicates among questions: sketches, bands, true Jaccard."""
    bench, sketches = place.bench(), Sketches(Near())

    def columns() -> Iterator[Any]:
        return (batch.column(0) for batch in bench.batches("rows", Sample, ["question"]))

    def done() -> dict[str, Any]:
        for column in columns():
            sketches.add(column)
        found = clustered(sketches, columns, bench.out)
        return {"rows": int((found.firsts != np.arange(len(found.firsts))).sum()),
                "compared": found.compared}

    return done


STAGES = {
    "seeds": Stage("problems from JSON lines, and the digest of the file", seeds),
    "verify": Stage("answers against those known", staged(
        verifying.run, by=["answer_agrees"]), {"rate": 60_000, "mib": 572}),
    "dedup": Stage("exact duplicates out", staged(
        selecting.run, how="all", duplicates=["text"], difficulty="none"),
        {"cpu": 25, "mib": 572}, "copies"),
    "near": Stage("exact and near duplicates out, question and solution", staged(
        selecting.run, how="all", duplicates=["text", "near"], difficulty="none")),
    "near_alone": Stage("near duplicates among questions, found but not written", sketch,
                         {"rate": 90_000}),
    "decontaminate": Stage("13-grams, question and solution", staged(
        cleaning.run, against=["test"], ngram=13), finds="contaminated"),
    "ngram_alone": Stage("13-grams of questions, found but not written", screen,
                            {"rate": 200_000}, "contaminated"),
    "levels": Stage("levels by steps; rows of three levels", staged(
        selecting.run, how="all", levels=[1, 2, 3], duplicates=[])),
    "random": Stage("half of the rows at random", staged(
        selecting.run, how="random", fraction=0.5, duplicates=[])),
    "of_samples": Stage("seeds of the rows of a first synthesis", staged(seeding.of_samples)),
    "stats": Stage("what a file holds (mathmill stats)", stats),
    "dedup_lines": Stage("JSON lines, each once (mathmill dedup)", dedup_lines, finds="copies"),
    "tokens": Stage("rows as a student's tokens, batches of an epoch", tokens, most=25_000),
}
TABLE = tuple(STAGES)


def facts_of(folder: Path) -> dict[str, Any]:
    """Return how large the rows are."""
    found: dict[str, Any] = read_json(folder / "made.json")
    return found
