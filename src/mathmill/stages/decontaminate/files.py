"""Files cleaned of a benchmark: any JSONL or Parquet in, the same rows without leaks out.

Why: many have data of their own and want just this. Rows keep every field as it came; each row
that is left out stands in a file beside the output, with the finder that hit it and the item it
is like, so that a person can judge both.

Used as: `summary = clean_files(files, against, out, Choices(numbers=True), tools)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mathmill.errors import InputError, UsageError
from mathmill.grading.files.rows import files_at
from mathmill.io import read_json_rows, read_parquet_rows
from mathmill.packed import suffix_of
from mathmill.stages.any_rows import (
    Row,
    RowsFile,
    Sifted,
    beside,
    chunks,
    texts_of,
    unknown,
)
from mathmill.stages.decontaminate import size
from mathmill.stages.decontaminate.finders import Beyond
from mathmill.stages.decontaminate.meaning import Reader, Twins, unread
from mathmill.stages.decontaminate.runs import Texts
from mathmill.stages.overlap import LONGEST, SHORTEST, Overlap
from mathmill.types import make_problem
from mathmill.words import counted
from mathmill.workbench import Workbench


@dataclass(frozen=True)
class Choices:
    """What decides which rows go."""

    ngram: int = 30
    "Words in a run, 8 to 30."
    beyond: Mapping[str, Any] = field(default_factory=dict)
    "What `finders.literals` made."
    name: str | None = None
    "Field of the rows with the text, a dot reaching into objects; None: a shape that is known."
    item: str | None = None
    "The same of the benchmark's rows."


@dataclass
class Summary(Sifted):
    """What became of the rows."""

    items: int = 0
    judge: Mapping[str, int] | None = None

    def text(self) -> str:
        """Return the counts for people."""
        told = self.told(f"compared with {counted(self.items, 'item')}")
        if self.judge is not None:
            told += "\n  judge: " + ", ".join(f"{n:,} {w}" for w, n in self.judge.items())
        return told


def clean_files(files: Sequence[str], against: Sequence[str], out: Path, choices: Choices,
                bench: Workbench | None = None, *, signature: Reader | None = None,
                force: bool = False, tell: Callable[[int], None] = lambda _: None) -> Summary:
    """Write the rows of files that share nothing with the benchmark files; return the counts.

    `bench`: where a judge's teacher is opened, with its tools. Rows without a text that can be
    found are left out and counted: nobody can say that they are clean. Raises UsageError, for a
    benchmark too that memory will not hold, but for `force`; InputError for a file that cannot be
    read, or a benchmark without an item.
    """
    if not SHORTEST <= choices.ngram <= LONGEST:
        raise UsageError(f"--ngram {choices.ngram}: give {SHORTEST} to {LONGEST}")
    sources, benchmarks = files_at(files), files_at(against)
    aside = beside(out, [*sources, *benchmarks])
    summary = Summary(out, aside)
    if not force:
        size.check(benchmarks, choices.item, choices.beyond)
    index, twins, more = Overlap(choices.ngram), Twins(signature or unread), Beyond(choices.beyond)
    for file in benchmarks:
        summary.items += _read_items(file, choices.item, index, twins, more)
    more.close()
    hits: Counter[str] = Counter()
    texts = Texts([index], ["question", "solution"])
    with ExitStack() as stack:
        stack.enter_context(more.judging(bench or Workbench(out.parent)) if choices.beyond
                            else ExitStack())
        kept = stack.enter_context(RowsFile(out, sources))
        left = stack.enter_context(RowsFile(aside, ()))
        summary.notes = kept.notes

        for chunk in chunks(sources, summary.skips(left)):
            summary.rows += len(chunk)
            drops = _found(chunk, choices, (texts, twins, more), hits, summary, left)
            kept.write([row for place, (*_, row) in enumerate(chunk) if place not in drops])
            summary.kept += len(chunk) - len(drops)
            tell(summary.rows)
        summary.judge = more.facts().get("judge")
    return summary


def _found(chunk: Sequence[Row], choices: Choices, finders: tuple[Texts, Twins, Beyond],
           hits: Counter[str], summary: Summary, left: RowsFile) -> set[int]:
    """Return the places of the rows of a chunk that go, each written aside with its reason."""
    import pyarrow as pa

    texts, twins, more = finders
    parts = [texts_of(row, choices.name) for *_, row in chunk]
    batch = pa.record_batch({
        "question": pa.array([p[0] if p else None for p in parts], pa.string()),
        "solution": pa.array([p[1] if p else None for p in parts], pa.string()),
        "signature": pa.nulls(len(parts), pa.string())})
    drops = texts.drops(batch, hits)
    if twins.places:
        drops = twins.drops(batch, drops, hits)
    drops = more.drops(batch, drops, hits)
    for place, (file, number, row) in enumerate(chunk):
        if parts[place] is None:
            summary.pass_over(left, file, number, unknown(row), row)
        elif place in drops:
            summary.drop(left, chunk[place], *drops[place])
    return set(drops) | {place for place, part in enumerate(parts) if part is None}


def read_texts(file: Path, name: str | None = None) -> Iterator[tuple[int, str, str | None]]:
    """Yield row, question and solution of a file's rows that have a text.

    Raises InputError for what cannot be read, and for a file without any text.
    """
    rows = read_parquet_rows(file) if file.suffix == ".parquet" else read_json_rows(file)
    seen = ""
    found = False
    for number, row in rows:
        part = texts_of(row, name)
        if part is None:
            seen = seen or ", ".join(map(str, row))[:300]
            continue
        found = True
        yield number, *part
    if not found and not seen:
        raise InputError(file, "this benchmark has no row", "leave it out, or fetch it again")
    if not found:
        raise InputError(file, f"no row has a question that is known (seen: {seen})",
                         "name the field of the benchmark's text with --item FIELD")


def _read_items(file: Path, name: str | None, index: Overlap, twins: Twins, more: Beyond) -> int:
    """Take the items of one benchmark file; return how many."""
    suite, count = file.name.removesuffix(suffix_of(file)), 0
    for number, question, solution in read_texts(file, name):
        place = f"{file.name}:{number}"
        index.add(suite, place, question)
        if solution:
            index.add(suite, place, solution, whole=False)
        twins.add(suite, place, make_problem(question))
        more.add(suite, place, question)
        count += 1
    return count
