"""The stage `decontaminate`: rows put to the finders that a recipe names, the first hit drops.

Why: text is compared by runs of words (30 by default, as in Skywork-Math and Llemma; `overlap`
has the rules), meaning by signature, and where a recipe asks for it by what survives a
rephrasing (`finders`). The cheap and certain ones come first: what they drop no other looks at.

Rows pass as Arrow batches: memory holds the benchmarks and a batch, whatever comes in.

Used as: `run(bench, against=["gsm8k"], ngram=30)` with the inputs `rows` and `against.gsm8k`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mathmill.columns import row_json
from mathmill.errors import StepFailed, UsageError
from mathmill.stages.decontaminate.finders import SWITCHES, Beyond
from mathmill.stages.decontaminate.meaning import Reader, Twins, unread
from mathmill.stages.decontaminate.runs import Texts
from mathmill.stages.overlap import FOLDS, LONGEST, SHORTEST, Overlap
from mathmill.stages.records import record_of
from mathmill.types import Drop, Problem
from mathmill.workbench import Workbench

if TYPE_CHECKING:
    import pyarrow as pa

FIELDS = ("question", "solution")


def run(bench: Workbench, *, against: Sequence[str], ngram: int | Sequence[int] = 30,
        signatures: bool = True, fold: str = "words", fields: Sequence[str] = FIELDS,
        **beyond: Any) -> None:
    """Write the rows of input `rows` (Sample or Problem) that share nothing with a benchmark.

    Inputs `against.<name>` (Problem), one a name in `against`: their questions and worked
    solutions. `ngram`: words in a run, 8 to 30; of several lengths the first drops rows, the
    others only count them. `fold`: what a word is, one of `overlap.FOLDS`. `fields`: of the
    row, each searched by itself. Tool `signature` (question -> text or None) for rows and
    items that carry no signature. `beyond`: literals that `finders.literals` made, for what
    goes beyond these; without them a step is what it was before there were any.
    Raises UsageError; StepFailed where nothing is left.
    """
    lengths = [ngram] if isinstance(ngram, int) else list(ngram)
    _check(bench, against, lengths, fold, fields)
    if unknown := set(beyond) - set(SWITCHES):
        raise UsageError(f"decontaminate has no switch {', '.join(sorted(unknown))}; it has "
                         + ", ".join(SWITCHES))
    indexes = [Overlap(length, fold) for length in lengths]
    reader: Reader = bench.tools.get("signature") or unread
    twins, more = Twins(reader), Beyond(beyond)
    facts = {name: _read_benchmark(bench, name, indexes, twins if signatures else None, more)
             for name in against}
    record, hits = record_of(bench, "rows"), Counter[str]()
    texts = Texts(indexes, list(fields), hits)
    count = 0

    def clean() -> Iterator[pa.RecordBatch]:
        nonlocal count
        import pyarrow as pa

        for batch in bench.batches("rows", record):
            found: dict[int, tuple[str, str]] = texts.drops(batch)
            if twins.places:
                found = twins.drops(batch, found, hits)
            found = more.drops(batch, found, hits)
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

    with more.opened(bench):
        kept = bench.keep_batches(clean(), record)
    for name in against:
        facts[name]["rows_hit"] = {kind: hits[f"{name}/{kind}"]
                                   for kind in ("ngram", "whole text", "signature", *more.kinds)}
    bench.facts.update(rows_in=count, ngram=lengths[0], fold=fold, against=facts,
                       rows_with_run={str(n): hits[f"runs of {n}"] for n in lengths},
                       rows_without_signature=hits["unsigned"] if twins.places else None,
                       **more.facts())
    if not kept:
        _nothing_left(bench, count)


def _nothing_left(bench: Workbench, count: int) -> None:
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
                    twins: Twins | None, more: Beyond) -> dict[str, Any]:
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
        more.add(name, place, item.question)
    if not items:
        raise StepFailed(f"the benchmark {name} has no item; see what its step dropped")
    return {"items": items, "with_signature": signed, "shorter_than_ngram": short}
