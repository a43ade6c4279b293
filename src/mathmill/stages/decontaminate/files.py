"""Files cleaned of a benchmark: any JSONL or Parquet in, the same rows without leaks out.

Why: many have data of their own and want just this. Rows keep every field as it came; each row
that is left out stands in a file beside the output, with the finder that hit it and the item it
is like, so that a person can judge both.

Used as: `summary = clean_files(files, against, out, Choices(numbers=True), tools)`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from mathmill.errors import InputError, UsageError
from mathmill.grading.files.rows import files_at, value_at
from mathmill.io import read_json_rows, read_parquet_rows, row_line, storable
from mathmill.stages.decontaminate.finders import Beyond
from mathmill.stages.decontaminate.meaning import Reader, Twins, unread
from mathmill.stages.decontaminate.runs import Texts
from mathmill.stages.overlap import LONGEST, SHORTEST, Overlap
from mathmill.stages.seeds import formats
from mathmill.types import make_problem
from mathmill.words import counted
from mathmill.workbench import Workbench

ROWS = 5_000  # compared at a time
Row = tuple[str, int, dict[str, Any]]
"File, 1-based row, fields."


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
class Summary:
    """What became of the rows."""

    out: Path
    aside: Path
    "Where the rows that were left out lie, each with its reason."
    rows: int = 0
    kept: int = 0
    items: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    "Rows that could not be compared, by reason: left out too."
    named: list[str] = field(default_factory=list)
    "The first of these."
    judge: Mapping[str, int] | None = None

    def text(self) -> str:
        """Return the counts for people."""
        lines = [f"{counted(self.rows, 'row')} compared with {counted(self.items, 'item')}: "
                 f"{self.kept:,} kept -> {self.out}, {self.rows - self.kept:,} left out "
                 f"-> {self.aside}"]
        lines += [f"  {count:>8,}  {reason}" for reason, count in self.reasons.most_common()]
        if self.judge is not None:
            lines.append("  judge: " + ", ".join(f"{n:,} {w}" for w, n in self.judge.items()))
        return "\n".join(lines)


def clean_files(files: Sequence[str], against: Sequence[str], out: Path, choices: Choices,
                bench: Workbench | None = None, *, signature: Reader | None = None,
                tell: Callable[[int], None] = lambda _: None) -> Summary:
    """Write the rows of files that share nothing with the benchmark files; return the counts.

    `bench`: where a judge's teacher is opened, with its tools. Rows without a text that can be
    found are left out and counted: nobody can say that they are clean. Raises UsageError,
    InputError for a file that cannot be read, or a benchmark without an item.
    """
    if not SHORTEST <= choices.ngram <= LONGEST:
        raise UsageError(f"--ngram {choices.ngram}: give {SHORTEST} to {LONGEST}")
    if out.suffix not in (".jsonl", ".parquet"):
        raise UsageError(f"{out}: rows are written to a .jsonl or a .parquet file; give it one of "
                         "these endings")
    sources, benchmarks = files_at(files), files_at(against)
    aside = out.with_name(out.stem + ".dropped.jsonl")
    if {out.absolute(), aside.absolute()} & {f.absolute() for f in [*sources, *benchmarks]}:
        raise UsageError(f"{out}: this is one of the files that are read; choose another")
    summary = Summary(out, aside)
    index, twins, more = Overlap(choices.ngram), Twins(signature or unread), Beyond(choices.beyond)
    for file in benchmarks:
        summary.items += _read_items(file, choices.item, index, twins, more)
    hits: Counter[str] = Counter()
    texts = Texts([index], ["question", "solution"], hits)
    with ExitStack() as stack:
        stack.enter_context(more.opened(bench or Workbench(out.parent)) if choices.beyond
                            else ExitStack())
        kept = stack.enter_context(_Rows(out, sources))
        left = stack.enter_context(_Rows(aside, ()))
        for chunk in _chunks(sources, summary, left):
            drops = _found(chunk, choices, (texts, twins, more), hits, summary, left)
            kept.write([row for place, (*_, row) in enumerate(chunk) if place not in drops])
            summary.kept += len(chunk) - len(drops)
            tell(summary.rows)
        summary.judge = more.facts().get("judge")
    return summary


def _found(chunk: Sequence[Row], choices: Choices, finders: tuple[Texts, Twins, Beyond],
           hits: Counter[str], summary: Summary, left: _Rows) -> set[int]:
    """Return the places of the rows of a chunk that go, each written aside with its reason."""
    import pyarrow as pa

    texts, twins, more = finders
    parts = [texts_of(row, choices.name) for *_, row in chunk]
    batch = pa.record_batch({
        "question": pa.array([p[0] if p else None for p in parts], pa.string()),
        "solution": pa.array([p[1] if p else None for p in parts], pa.string()),
        "signature": pa.nulls(len(parts), pa.string())})
    drops = texts.drops(batch)
    if twins.places:
        drops = twins.drops(batch, drops, hits)
    drops = more.drops(batch, drops, hits)
    for place, (file, number, row) in enumerate(chunk):
        if parts[place] is None:
            seen = ", ".join(map(str, row))[:200]
            _unreadable(summary, left, file, number, f"no text is known; seen: {seen}", row)
        elif place in drops:
            reason, detail = drops[place]
            summary.reasons[reason] += 1
            left.write([{"file": file, "row": number, "reason": reason, "detail": detail,
                         "fields": row}])
    return set(drops) | {place for place, part in enumerate(parts) if part is None}


def texts_of(row: Mapping[str, Any], name: str | None = None) -> tuple[str, str | None] | None:
    """Return question and solution of a row, or None where it has no text that is known."""
    if name is not None:
        value = value_at(dict(row), name)
        return (value, None) if isinstance(value, str) and value.strip() else None
    found = formats.read(row)
    if found is not None:
        return storable(found[1].question), storable(found[1].solution)
    turns = row.get("messages") or row.get("conversations")
    if isinstance(turns, list) and all(isinstance(turn, Mapping) for turn in turns):
        said = {who: "\n".join(str(turn.get("content", turn.get("value", ""))) for turn in turns
                               if turn.get("role", turn.get("from")) in names)
                for who, names in (("user", ("user", "human")), ("model", ("assistant", "gpt")))}
        return (storable(said["user"]), storable(said["model"])) if said["user"].strip() else None
    text = row.get("text")
    return (storable(text), None) if isinstance(text, str) and text.strip() else None


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
    if not found:
        raise InputError(file, f"no row has a question that is known (seen: {seen or 'no row'})",
                         "name the field of the benchmark's text with --item FIELD")


def _read_items(file: Path, name: str | None, index: Overlap, twins: Twins, more: Beyond) -> int:
    """Take the items of one benchmark file; return how many."""
    suite, count = file.name.removesuffix(".gz").rpartition(".")[0], 0
    for number, question, solution in read_texts(file, name):
        place = f"{file.name}:{number}"
        index.add(suite, place, question)
        if solution:
            index.add(suite, place, solution, whole=False)
        twins.add(suite, place, make_problem(question))
        more.add(suite, place, question)
        count += 1
    return count


def _chunks(files: Sequence[Path], summary: Summary, left: _Rows) -> Iterator[list[Row]]:
    """Yield the rows of files, some thousands at a time; bad ones go aside."""
    chunk: list[Row] = []
    for file in files:
        def skip(number: int, why: str, file: Path = file) -> None:
            summary.rows += 1
            _unreadable(summary, left, str(file), number, why, None)

        rows = (read_parquet_rows(file, None, skip) if file.suffix == ".parquet"
                else read_json_rows(file, skip))
        for number, row in rows:
            chunk.append((str(file), number, row))
            summary.rows += 1
            if len(chunk) >= ROWS:
                yield chunk
                chunk = []
    if chunk:
        yield chunk


def _unreadable(summary: Summary, left: _Rows, file: str, number: int, why: str,
                row: dict[str, Any] | None) -> None:
    summary.unreadable["unreadable"] += 1
    summary.reasons["could not be compared"] += 1
    if len(summary.named) < 5:
        summary.named.append(f"{file}:{number}: {why}")
    left.write([{"file": file, "row": number, "reason": "could not be compared", "detail": why,
                 "fields": row}])


class _Rows:
    """A file of rows as they came, whole when the `with` block ends well, or not there."""

    def __init__(self, path: Path, sources: Sequence[Path]) -> None:
        self.path, self.aside = path, path.with_name(path.name + ".writing")
        self._schema = _schema(sources) if path.suffix == ".parquet" else None
        self._file: IO[str] | None = None
        self._table: Any = None

    def __enter__(self) -> _Rows:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.aside.open("w", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{self.path}: {error.strerror}; choose another place") from error
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            if kind is None and self.path.suffix == ".parquet" and self._table is None:
                self.write([], even_none=True)
            if self._table is not None:
                self._table.close()
            if self._file is not None:
                self._file.close()
            if kind is None:
                os.replace(self.aside, self.path)
        finally:
            self.aside.unlink(missing_ok=True)

    def write(self, rows: Sequence[dict[str, Any]], even_none: bool = False) -> None:
        """Add rows; a Parquet file has the columns of the first source, or of the first rows."""
        assert self._file is not None, "the file is open within the with block"
        if self.path.suffix != ".parquet":
            self._file.writelines(row_line(row) for row in rows)
            return
        if not rows and not even_none:
            return
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pa.Table.from_pylist(list(rows), schema=self._schema)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise UsageError(f"{self.path}: the rows do not fit one table ({error}); write to a "
                             ".jsonl file".replace("\n", " ")) from error
        if self._table is None:
            self._schema = table.schema
            self._table = pq.ParquetWriter(self.aside, self._schema, compression="zstd")
        self._table.write_table(table)


def _schema(sources: Sequence[Path]) -> Any:
    """Return the schema of the first source where that is a table."""
    import pyarrow.parquet as pq

    if not sources or sources[0].suffix != ".parquet":
        return None
    return pq.read_schema(sources[0])
