"""Rows of files as other people wrote them: JSONL or Parquet in, every field out as it came.

Why: the commands that sift files of any shape (`decontaminate`, `dedup`) leave fields alone
that they do not know, put what they leave out beside their output, and must not leave half a
file behind when they are stopped.

Used as: `for chunk in chunks(files, skip): ...`, `texts_of(row)`,
`with RowsFile(out, files) as kept: kept.write(rows)`.
"""

from __future__ import annotations

import errno
import fcntl
import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mathmill.errors import UsageError
from mathmill.grading.files.rows import value_at
from mathmill.io import read_json_rows, read_parquet_rows, row_line, storable
from mathmill.stages.any_tables import Table, footer, joint_schema
from mathmill.stages.seeds import formats
from mathmill.words import counted

ROWS = 5_000  # held at a time
FULL = (errno.ENOSPC, errno.EDQUOT)
CHARACTERS = 32 << 20  # of their text: rows of a book each do not pile up
Row = tuple[str, int, dict[str, Any]]
"File, 1-based row, fields."
Skip = Callable[[str, int, str], None]
"Hears of a row that cannot be read: file, row, why."


def beside(out: Path, sources: Sequence[Path]) -> Path:
    """Return where rows that are left out go.

    Raises UsageError for an ending that is neither .jsonl nor .parquet, and for an output that
    is one of the sources; InputError for a table that is cut off, before hours go into others.
    """
    if out.suffix not in (".jsonl", ".parquet"):
        raise UsageError(f"{out}: rows are written to a .jsonl or a .parquet file; give it one of "
                         "these endings")
    aside = out.with_name(out.stem + ".dropped.jsonl")
    # Resolved: a way through a link or `..` leads to the same file.
    if {out.resolve(), aside.resolve()} & {file.resolve() for file in sources}:
        raise UsageError(f"{out}: this is one of the files that are read; choose another")
    for file in sources:
        if file.suffix == ".parquet":
            footer(file)
    return aside


def chunks(files: Sequence[Path], skip: Skip) -> Iterator[list[Row]]:
    """Yield the rows of files, `ROWS` at a time, or fewer that hold `CHARACTERS`.

    `skip` hears of those that cannot be read.
    """
    chunk: list[Row] = []
    held = 0
    for file in files:
        def skipped(number: int, why: str, file: Path = file) -> None:
            skip(str(file), number, why)

        rows = (read_parquet_rows(file, None, skipped) if file.suffix == ".parquet"
                else read_json_rows(file, skipped))
        for number, row in rows:
            chunk.append((str(file), number, row))
            held += _size(row)
            if len(chunk) >= ROWS or held >= CHARACTERS:
                yield chunk
                chunk, held = [], 0
    if chunk:
        yield chunk


def _size(value: Any) -> int:
    """Return about how many characters the texts in a value have."""
    if isinstance(value, str):
        return len(value)
    if not isinstance(value, dict | list):
        return 8
    held = 0
    for one in value.values() if isinstance(value, dict) else value:
        # Most are texts: a call for each took 5 us a row of 18 fields, and this takes 2.
        held += len(one) if type(one) is str else _size(one)
    return held


def texts_of(row: Mapping[str, Any], name: str | None = None) -> tuple[str, str | None] | None:
    """Return question and solution of a row, or None where it has no text that is known."""
    if name is not None:
        value = value_at(dict(row), name)
        return (storable(value), None) if isinstance(value, str) and value.strip() else None
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


def unknown(row: Mapping[str, Any]) -> str:
    """Return why a row without a text that is known cannot be compared."""
    return f"no text is known; seen: {', '.join(map(str, row))[:200]}"


@dataclass
class Sifted:
    """What became of the rows of files."""

    out: Path
    aside: Path
    "Where the rows that were left out lie, each with its reason."
    rows: int = 0
    kept: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    "Rows that could not be compared: left out too."
    named: list[str] = field(default_factory=list)
    "The first of these."
    notes: list[str] = field(default_factory=list)
    "What people should know of the output's columns."

    def drop(self, left: RowsFile, row: Row, reason: str, detail: str) -> None:
        """Count a row that goes, and put it aside."""
        self.reasons[reason] += 1
        left.write([{"file": row[0], "row": row[1], "reason": reason, "detail": detail,
                     "fields": row[2]}])

    def pass_over(self, left: RowsFile, file: str, number: int, why: str,
                  fields: dict[str, Any] | None) -> None:
        """Count a row that cannot be compared, and put it aside: nobody can say that it is fit."""
        self.unreadable += 1
        self.reasons["could not be compared"] += 1
        if len(self.named) < 5:
            self.named.append(f"{file}:{number}: {why}")
        left.write([{"file": file, "row": number, "reason": "could not be compared",
                     "detail": why, "fields": fields}])

    def skips(self, left: RowsFile) -> Callable[[str, int, str], None]:
        """Return what hears of rows that cannot be read: they are counted and put aside too."""
        def skip(file: str, number: int, why: str) -> None:
            self.rows += 1
            self.pass_over(left, file, number, why, None)

        return skip

    def told(self, done: str) -> str:
        """Return the counts for people; `done`: what was done to the rows."""
        lines = [f"{counted(self.rows, 'row')} {done}: {self.kept:,} kept -> {self.out}, "
                 f"{self.rows - self.kept:,} left out -> {self.aside}"]
        lines += [f"  {count:>8,}  {reason}" for reason, count in self.reasons.most_common()]
        lines += [f"  {note}" for note in self.notes]
        return "\n".join(lines)


@dataclass
class Places:
    """Where each row stands: 4 bytes a row."""

    starts: list[int] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    rows: list[NDArray[np.uint32]] = field(default_factory=list)
    count: int = 0

    def note(self, chunk: Sequence[Row]) -> None:
        """Take some rows more."""
        for place, (file, _, _) in enumerate(chunk):
            if not self.files or self.files[-1] != file:
                self.files.append(file)
                self.starts.append(self.count + place)
        self.rows.append(np.array([number for _, number, _ in chunk], np.uint32))
        self.count += len(chunk)

    def __len__(self) -> int:
        return self.count

    def name(self, place: int) -> str:
        """Return file and row."""
        if len(self.rows) > 1:
            self.rows = [np.concatenate(self.rows)]
        return f"{self.files[bisect_right(self.starts, place) - 1]}:{self.rows[0][place]}"


class RowsFile:
    """A file of rows as they came, whole when the `with` block ends well, or not there."""

    def __init__(self, path: Path, sources: Sequence[Path], more: bool = False) -> None:
        """Prepare; `sources`: a table takes the columns of all those that are tables.

        `more`: rows come with columns of their own beyond those of the sources.
        Raises InputError for tables whose columns cannot be joined.
        """
        self.path, self.aside = path, path.with_name(path.name + ".writing")
        self.notes: list[str] = []
        "What people should know of the columns."
        self._file: IO[str] | None = None
        self._table: Table | None = None
        if path.suffix == ".parquet":
            schema, self.notes = joint_schema(sources)
            whole = not more and bool(sources) and all(
                file.suffix == ".parquet" for file in sources)
            self._table = Table(self.aside, schema, whole)

    def __enter__(self) -> RowsFile:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.aside.open("a", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{self.path}: {error.strerror}; choose another place") from error
        if not _held(self._file, self.aside):
            self._file.close()
            raise UsageError(f"{self.path}: another command is writing this file; wait for it, or "
                             "choose another place")
        self._file.truncate(0)
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        assert self._file is not None, "the file was opened"
        try:
            if kind is None:
                self._file.flush()
                os.replace(self.aside if self._table is None else self._table.close(), self.path)
        except OSError as late:
            kind, error = type(late), late
            raise
        finally:
            if self._table is not None:
                self._table.clear()
            if kind is not None or self._table is not None:
                self.aside.unlink(missing_ok=True)
            with suppress(OSError):  # it tried to write what a full disk did not take
                self._file.close()  # the last: from now on another may write here
            if isinstance(error, OSError) and error.errno in FULL:
                raise UsageError(f"{self.path}: no space is left on its disk; free some and give "
                                 "the command again, or choose another place") from error

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Add rows; raises UsageError where they do not fit the columns of a table."""
        assert self._file is not None, "the file is open within the with block"
        if self._table is None:
            self._file.writelines(row_line(row) for row in rows)
        elif rows:
            self._table.add(rows)


def _held(file: IO[str], path: Path) -> bool:
    """Hold a file for this process until it is closed; False where another one holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):  # another one holds it, or just ended
        return False
    except OSError:  # a file system without locks
        return True
