"""The stage `decontaminate`: drop rows that share text, or meaning, with a benchmark.

Why: a score on items that were trained on says nothing. Text is compared by runs of words
(30 by default, as in Skywork-Math and Llemma; `overlap` has the rules); meaning by semantic
signature, where a reader can tell one: a twin with the same story and numbers in other
words leaks just as well and no n-gram sees it.

Rows pass as Arrow batches: memory holds the benchmarks and a batch, whatever comes in.

Used as: `run(bench, against=["gsm8k"], ngram=30)` with the inputs `rows` and `against.gsm8k`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mathmill.columns import row_json
from mathmill.errors import StepFailed, UsageError
from mathmill.stages.overlap import FOLDS, LONGEST, SHORTEST, Hit, Overlap
from mathmill.stages.records import record_of
from mathmill.stages.screen import Screen
from mathmill.stages.tokens import tiles, words_of_all
from mathmill.types import Drop, Problem
from mathmill.workbench import Workbench

if TYPE_CHECKING:
    import pyarrow as pa

FIELDS = ("question", "solution")
Reader = Callable[[str], str | None]


def run(bench: Workbench, *, against: Sequence[str], ngram: int | Sequence[int] = 30,
        signatures: bool = True, fold: str = "words", fields: Sequence[str] = FIELDS) -> None:
    """Write the rows of input `rows` (Sample or Problem) that share nothing with a benchmark.

    Inputs `against.<name>` (Problem), one a name in `against`: their questions and worked
    solutions. `ngram`: words in a run, 8 to 30; of several lengths the first drops rows, the
    others only count them. `fold`: what a word is, one of `overlap.FOLDS`. `fields`: of the
    row, each searched by itself. Tool `signature` (question -> text or None) for rows and
    items that carry no signature. Raises UsageError; StepFailed where nothing is left.
    """
    lengths = [ngram] if isinstance(ngram, int) else list(ngram)
    _check(bench, against, lengths, fold, fields)
    indexes = [Overlap(length, fold) for length in lengths]
    reader: Reader = bench.tools.get("signature") or _unread
    twins = _Twins(reader)
    facts = {name: _read_benchmark(bench, name, indexes, twins if signatures else None)
             for name in against}
    record, hits = record_of(bench, "rows"), Counter[str]()
    texts = _Texts(indexes, list(fields), hits)
    count = 0

    def clean() -> Iterator[pa.RecordBatch]:
        nonlocal count
        import pyarrow as pa

        for batch in bench.batches("rows", record):
            found: dict[int, tuple[str, str]] = texts.drops(batch)
            if twins.places:
                found = twins.drops(batch, found, hits)
            for place in sorted(found):
                row = batch.slice(place, 1).to_pylist()[0]
                reason, detail = found[place]
                bench.drop(Drop(row["id"], reason, detail[:1000], row_json(row),
                                row.get("method", "")))
            count += len(batch)
            bench.show(count, None, "rows compared")
            stays = np.ones(len(batch), np.bool_)
            stays[list(found)] = False
            yield batch.filter(pa.array(stays)) if found else batch

    kept = bench.keep_batches(clean(), record)
    for name in against:
        facts[name]["rows_hit"] = {kind: hits[f"{name}/{kind}"]
                                   for kind in ("ngram", "whole text", "signature")}
    bench.facts.update(rows_in=count, ngram=lengths[0], fold=fold, against=facts,
                       rows_with_run={str(n): hits[f"runs of {n}"] for n in lengths},
                       rows_without_signature=hits["unsigned"] if twins.places else None)
    if not kept:
        cause = ", ".join(f"{reason}: {n}" for reason, n in bench.drops.reasons.most_common(3))
        raise StepFailed(f"nothing is left of {count} rows ({cause}); " + (
            "the rows share everything with the benchmark: start from other seeds, or leave that "
            "benchmark out" if count else "no row came in: see what the step before dropped"))


def _check(bench: Workbench, against: Sequence[str], lengths: Sequence[int], fold: str,
           fields: Sequence[str]) -> None:
    """Refuse what cannot be right before anything is read."""
    for length in lengths:
        if not SHORTEST <= length <= LONGEST:
            raise UsageError(f"ngram={length}: give {SHORTEST} to {LONGEST} (shorter runs hit "
                             "stock phrases, longer ones miss copies)")
    if not lengths or len(set(lengths)) < len(lengths):
        raise UsageError(f"ngram={list(lengths)}: give one length, or several that differ")
    if fold not in FOLDS:
        raise UsageError(f"fold={fold!r}: say one of {', '.join(FOLDS)}")
    if not against:
        raise UsageError("decontaminate without a benchmark compares nothing; name one in against")
    if missing := [name for name in against if f"against.{name}" not in bench.inputs]:
        raise UsageError(f"the benchmark {missing[0]} is named but not given; give its step too")
    if not fields or set(fields) - set(FIELDS):
        raise UsageError(f"fields={list(fields)}: name some of {', '.join(FIELDS)}")


def _read_benchmark(bench: Workbench, name: str, indexes: Sequence[Overlap],
                    twins: _Twins | None) -> dict[str, Any]:
    """Index one benchmark; return its facts. Raises StepFailed where it has no item."""
    items = signed = short = 0
    for item in bench.rows(f"against.{name}", Problem):
        items += 1
        place = item.source or item.id[:12]
        for number, index in enumerate(indexes):
            way = index.add(name, place, item.question)
            short += way == "whole" and number == 0
            if item.solution:
                # A short solution ("48 + 24 = 72") is no text of its own: only its runs count.
                index.add(name, place, item.solution, whole=False)
        signed += twins is not None and twins.add(name, place, item)
    if not items:
        raise StepFailed(f"the benchmark {name} has no item; see what its step dropped")
    return {"items": items, "with_signature": signed, "shorter_than_ngram": short}


@dataclass
class _Texts:
    """Finds rows that share a run of words with an item."""

    indexes: Sequence[Overlap]
    fields: Sequence[str]
    hits: Counter[str]
    screens: list[Screen] = field(init=False)

    def __post_init__(self) -> None:
        """Make the screens of indexes that are whole."""
        self.screens = [Screen(index) for index in self.indexes]

    def drops(self, batch: pa.RecordBatch) -> dict[int, tuple[str, str]]:
        """Return reason and detail by place, of rows that share what the first index holds."""
        found: dict[int, tuple[str, str]] = {}
        counted: list[set[int]] = [set() for _ in self.indexes]
        for name in self.fields:
            for number, place, hit in self._hits(batch.column(name)):
                if hit.kind == "ngram":
                    counted[number].add(place)
                if number == 0 and place not in found:
                    n = self.indexes[0].ngram
                    self.hits[f"{hit.suite}/{hit.kind}"] += 1
                    found[place] = (
                        f"{n}-gram in {hit.suite}" if hit.kind == "ngram"
                        else f"whole text of an item of {hit.suite}",
                        f"{name} shares with {hit.place}: {hit.text}")
        for index, rows in zip(self.indexes, counted, strict=True):
            self.hits[f"runs of {index.ngram}"] += len(rows)
        return found

    def _hits(self, column: pa.Array) -> Iterator[tuple[int, int, Hit]]:
        """Yield number of the index, place and hit: screened first, then word by word."""
        for start, tile in tiles(column):
            words = words_of_all(tile, self.indexes[0].fold)
            for number, screen in enumerate(self.screens):
                for place in screen.suspects(words):
                    text = tile[int(place)].as_py()
                    hit = self.indexes[number].find(text) if text else None
                    if hit is not None:
                        yield number, start + int(place), hit


@dataclass
class _Twins:
    """Finds rows whose question means the same as an item's."""

    reader: Reader
    places: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, suite: str, place: str, item: Problem) -> bool:
        """Remember what an item means; tell whether anybody can say."""
        signature = item.signature or self.reader(item.question)
        if signature:
            self.places.setdefault(signature, (suite, place))
        return bool(signature)

    def drops(self, batch: pa.RecordBatch, found: dict[int, tuple[str, str]],
              hits: Counter[str]) -> dict[int, tuple[str, str]]:
        """Return what was found, and the other rows that mean the same as an item.

        The row's own signature may be its seed's (a rephrased question keeps it), so that
        what the question itself says is looked at too.
        """
        rows = zip(batch.column("question").to_pylist(), batch.column("signature").to_pylist(),
                   strict=True)
        more = dict(found)
        for place, (question, own) in enumerate(rows):
            if place in found:
                continue
            said = [s for s in dict.fromkeys((self.reader(question), own)) if s is not None]
            hits["unsigned"] += not said
            signature = next((s for s in said if s in self.places), None)
            if signature is not None:
                suite, item = self.places[signature]
                hits[f"{suite}/signature"] += 1
                more[place] = (f"same signature as {suite}",
                               f"{item} means the same: {signature}")
        return more


def _unread(question: str) -> None:
    """Read no question: the bench has no reader of signatures."""
