"""The stage `decontaminate`: drop rows that share text, or meaning, with a benchmark.

Why: a score on items that were trained on says nothing. Text is compared by runs of words
(30 by default, as in Skywork-Math and Llemma; `overlap` has the rules); meaning by semantic
signature, where a reader can tell one: a twin with the same story and numbers in other
words leaks just as well and no n-gram sees it.

Used as: `run(bench, against=["gsm8k"], ngram=30)` with the inputs `rows` and `against.gsm8k`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mathmill.errors import StepFailed, UsageError
from mathmill.io import as_json
from mathmill.stages.overlap import LONGEST, SHORTEST, Overlap
from mathmill.stages.records import record_of
from mathmill.types import Drop, Problem, Sample
from mathmill.workbench import Workbench

FIELDS = ("question", "solution")
Reader = Callable[[str], str | None]


def run(bench: Workbench, *, against: Sequence[str], ngram: int = 30, signatures: bool = True,
        normalise: bool = True, fields: Sequence[str] = FIELDS) -> None:
    """Write the rows of input `rows` (Sample or Problem) that share nothing with a benchmark.

    Inputs `against.<name>` (Problem), one a name in `against`: their questions and worked
    solutions. `ngram`: words in a run, 8 to 30. `normalise`: compare words in lower case
    without punctuation; else split at blanks only, as the Llemma tool does. `fields`: of the
    row, each searched by itself. Tool `signature` (question -> text or None) for rows and
    items that carry no signature. Raises UsageError; StepFailed where nothing is left.
    """
    _check(bench, against, ngram, fields)
    overlap = Overlap(ngram, normalise)
    twins: dict[str, tuple[str, str]] = {}
    facts: dict[str, dict[str, Any]] = {}
    reader: Reader = bench.tools.get("signature") or _unread
    for name in against:
        facts[name] = _read_benchmark(bench, name, overlap, twins, reader if signatures else None)
    record, hits, count = record_of(bench, "rows"), Counter[str](), 0

    def clean() -> Iterator[Any]:
        nonlocal count
        for row in bench.rows("rows", record):
            count += 1
            if count % 1000 == 0:
                bench.show(count, None, "rows compared")
            drop = _by_text(row, overlap, fields, hits)
            if drop is None and signatures:
                drop = _by_meaning(row, twins, reader, hits)
            if drop is None:
                yield row
            else:
                bench.drop(drop)

    kept = bench.keep(clean(), record)
    for name in against:
        facts[name]["rows_hit"] = {kind: hits[f"{name}/{kind}"]
                                   for kind in ("ngram", "whole text", "signature")}
    bench.facts.update(rows_in=count, ngram=ngram, normalise=normalise, against=facts,
                       rows_without_signature=hits["unsigned"] if twins else None)
    if not kept:
        cause = ", ".join(f"{reason}: {n}" for reason, n in
                          Counter(drop.reason for drop in bench.drops).most_common(3))
        raise StepFailed(f"nothing is left of {count} rows ({cause}); " + (
            "the rows share everything with the benchmark: start from other seeds, or leave that "
            "benchmark out" if count else "no row came in: see what the step before dropped"))


def _check(bench: Workbench, against: Sequence[str], ngram: int, fields: Sequence[str]) -> None:
    """Refuse what cannot be right before anything is read."""
    if not SHORTEST <= ngram <= LONGEST:
        raise UsageError(f"ngram={ngram}: give {SHORTEST} to {LONGEST} (shorter runs hit stock "
                         "phrases, longer ones miss copies)")
    if not against:
        raise UsageError("decontaminate without a benchmark compares nothing; name one in against")
    if missing := [name for name in against if f"against.{name}" not in bench.inputs]:
        raise UsageError(f"the benchmark {missing[0]} is named but not given; give its step too")
    if not fields or set(fields) - set(FIELDS):
        raise UsageError(f"fields={list(fields)}: name some of {', '.join(FIELDS)}")


def _read_benchmark(bench: Workbench, name: str, overlap: Overlap,
                    twins: dict[str, tuple[str, str]], reader: Reader | None) -> dict[str, Any]:
    """Index one benchmark; return its facts. Raises StepFailed where it has no item."""
    items = signed = short = 0
    for item in bench.rows(f"against.{name}", Problem):
        items += 1
        place = item.source or item.id[:12]
        short += overlap.add(name, place, item.question) == "whole"
        if item.solution:
            # A short solution ("48 + 24 = 72") is no text of its own: only its runs count.
            overlap.add(name, place, item.solution, whole=False)
        if reader is not None and (signature := item.signature or reader(item.question)):
            signed += 1
            twins.setdefault(signature, (name, place))
    if not items:
        raise StepFailed(f"the benchmark {name} has no item; see what its step dropped")
    return {"items": items, "with_signature": signed, "shorter_than_ngram": short}


def _by_text(row: Problem | Sample, overlap: Overlap, fields: Sequence[str],
             hits: Counter[str]) -> Drop | None:
    """Return a drop where one of the row's texts shares a run of words with an item."""
    for field in fields:
        text = getattr(row, field)
        hit = overlap.find(text) if text else None
        if hit is not None:
            hits[f"{hit.suite}/{hit.kind}"] += 1
            reason = (f"{overlap.ngram}-gram in {hit.suite}" if hit.kind == "ngram"
                      else f"whole text of an item of {hit.suite}")
            return _drop(row, reason, f"{field} shares with {hit.place}: {hit.text}")
    return None


def _by_meaning(row: Problem | Sample, twins: dict[str, tuple[str, str]], reader: Reader,
                hits: Counter[str]) -> Drop | None:
    """Return a drop where the row's question means the same as an item's.

    The row's own signature may be its seed's (a rephrased question keeps it), so that what
    the question itself says is looked at too.
    """
    if not twins:
        return None
    found = [s for s in dict.fromkeys((reader(row.question), row.signature)) if s is not None]
    hits["unsigned"] += not found
    signature = next((s for s in found if s in twins), None)
    if signature is None:
        return None
    suite, place = twins[signature]
    hits[f"{suite}/signature"] += 1
    return _drop(row, f"same signature as {suite}", f"{place} means the same: {signature}")


def _drop(row: Problem | Sample, reason: str, detail: str) -> Drop:
    return Drop(row.id, reason, detail[:1000], as_json(row), getattr(row, "method", ""))


def _unread(question: str) -> None:
    """Read no question: the bench has no reader of signatures."""
