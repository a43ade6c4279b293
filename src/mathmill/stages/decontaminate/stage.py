"""The stage `decontaminate`: rows put to the finders that a recipe names, the first hit drops.

Why: text is compared by runs of words (30 by default, as in Skywork-Math and Llemma; `overlap`
has the rules), meaning by signature, and where a recipe asks for it by what survives a
rephrasing (`finders`). The cheap and certain ones come first: what they drop no other looks at.

Rows pass as Arrow batches, on shards: memory holds the benchmarks, once a process, and a batch,
whatever comes in. Only a judge has them pass as a whole: it asks a teacher, and counts the cost.

Used as: `run(bench, against=["gsm8k"], ngram=30)` with the inputs `rows` and `against.gsm8k`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mathmill.columns import row_json
from mathmill.errors import StepFailed, UsageError
from mathmill.stages.decontaminate import size
from mathmill.stages.decontaminate.benchmarks import Benchmarks
from mathmill.stages.decontaminate.finders import check
from mathmill.stages.overlap import FOLDS, LONGEST, SHORTEST
from mathmill.stages.records import record_called, record_of
from mathmill.types import Drop
from mathmill.workbench import Facts, Workbench

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
    check(beyond)
    size.told(bench, against, beyond)
    record = record_of(bench, "rows")
    bench.map(compare, {"record": record.__name__, "signatures": signatures, "beyond": beyond,
                        "asked": {"against": list(against), "lengths": lengths, "fold": fold,
                                  "fields": list(fields)}},
              merge=merged, sharded=not beyond.get("judge"))
    if not bench.kept["rows"]:
        _nothing_left(bench)


def compare(bench: Workbench, *, record: str, signatures: bool, beyond: Mapping[str, Any],
            asked: Mapping[str, Any]) -> None:
    """Write the rows of a shard that share nothing with a benchmark; its facts are for `merged`.

    `record`: name of their type. `asked`: the settings of `Benchmarks` that shared text takes.
    """
    known = bench.once("benchmarks", lambda: Benchmarks(
        bench, signatures=signatures, beyond=beyond, **asked))
    kind, hits, count = record_called(record), Counter[str](), 0

    def clean() -> Iterator[pa.RecordBatch]:
        nonlocal count
        import pyarrow as pa

        for batch in bench.batches("rows", kind):
            found = known.drops(batch, hits)
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

    with known.more.judging(bench):
        bench.keep_batches(clean(), kind)
    bench.facts.update(rows_in=count, lengths=asked["lengths"], fold=asked["fold"],
                       against=known.facts, kinds=known.kinds, hits=dict(hits),
                       signed=bool(known.twins.places), beyond=known.more.facts())


def merged(facts: Sequence[Facts]) -> Facts:
    """Return the facts of the stage from those of its shards: hits are sums, the rest is alike."""
    hits = Counter[str]()
    for each in facts:
        hits.update(each["hits"])
    one = facts[0]
    return {"rows_in": sum(each["rows_in"] for each in facts), "ngram": one["lengths"][0],
            "fold": one["fold"],
            "against": {name: {**items, "rows_hit": {
                kind: hits[f"{name}/{kind}"] for kind in one["kinds"]}}
                for name, items in one["against"].items()},
            "rows_with_run": {str(n): hits[f"runs of {n}"] for n in one["lengths"]},
            "rows_without_signature": hits["unsigned"] if one["signed"] else None,
            **one["beyond"]}


def _nothing_left(bench: Workbench) -> None:
    count = bench.facts["rows_in"]
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
