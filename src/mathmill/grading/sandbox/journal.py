"""The output of a long job: appended in order, closed whole, taken up again after any kill.

Why: hours of running programs must survive `kill -9`, a full disk and Ctrl-C, and a second
start with other settings must not mix its rows with the first one's.

Rows are appended to `OUT.part`, in the order of the input, so that their number says where to
go on; a torn last line is cut off. `OUT` appears by a rename once all rows are there.
`OUT.command.json` keeps the settings: the same command goes on, another one is refused.

Used as: `with Journal(out, settings) as journal: journal.append(row); journal.finish()`.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from mathmill.errors import BusyDirectory, StepFailed, UsageError
from mathmill.io import read_json, write_json

SECONDS = 0.5  # rows are written at least this often: what a kill loses is run again
SYNC = 5.0  # seconds between calls that bring rows to the platter
ROWS = 512  # rows kept back at most

# The fields of a row of output, in order; all but the first may be null in Parquet.
COLUMNS = {"row": "int64", "sample": "int64", "id": "string", "outcome": "string",
           "value": "string", "type": "string", "answer": "string", "error": "string",
           "reason": "string", "engine": "string", "gold": "string", "verdict": "string",
           "how": "string"}


class Journal:
    """An output file in the making; `done` rows of it are there already."""

    def __init__(self, out: Path, settings: Mapping[str, Any]) -> None:
        """Name the output and what makes it; nothing is touched before `with`."""
        self.out = out
        self.part = out.with_name(out.name + ".part")
        self.command = out.with_name(out.name + ".command.json")
        self.settings = dict(settings)
        self.done = 0
        self.finished = False
        self._rows: list[bytes] = []
        self._file: int | None = None
        self._written = self._synced = time.monotonic()

    def __enter__(self) -> Journal:
        """Open the file and count what is there.

        Raises UsageError where other settings made it, BusyDirectory where another process
        is making it.
        """
        try:
            self.out.parent.mkdir(parents=True, exist_ok=True)
            self._claim()
        except OSError as error:
            raise UsageError(f"{self.out}: {error.strerror or error}; choose another file with "
                             "--out") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """Write what is kept back, whatever ended the job."""
        if self._file is not None:
            try:
                self._write()
            finally:
                os.close(self._file)
                self._file = None

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows that are there, from the finished file or the part."""
        if self.finished and self.out.suffix == ".parquet":
            import pyarrow.parquet as pq

            for batch in pq.ParquetFile(self.out).iter_batches():
                yield from batch.to_pylist()
            return
        with (self.out if self.finished else self.part).open("rb") as lines:
            for line in lines:
                yield json.loads(line)

    def append(self, row: Mapping[str, Any]) -> None:
        """Add one row; it reaches the kernel within `SECONDS` as long as rows come."""
        self._rows.append(encoded(row))
        if len(self._rows) >= ROWS or time.monotonic() - self._written >= SECONDS:
            self._write()

    def finish(self) -> None:
        """Put the file in its place, whole."""
        assert self._file is not None, "only an open journal is finished"
        self._write()
        os.fsync(self._file)
        if self.out.suffix == ".parquet":
            self._as_parquet()
            self.part.unlink()
        else:
            os.replace(self.part, self.out)
        folder = os.open(self.out.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        self.finished = True

    def _claim(self) -> None:
        """Hold the part against other processes, check the settings, cut off a torn line."""
        import fcntl

        known = self.command.exists()
        if known:
            self._compare(read_json(self.command))
        elif self.out.exists() or self.part.exists():
            there = self.out if self.out.exists() else self.part
            raise UsageError(f"{there} is there already and `mathmill exec` did not make it; "
                             "give another --out, or move it away")
        if self.out.exists() and not self.part.exists():
            self.finished = True
            self.done = sum(1 for _ in self.rows())
            return
        self._file = os.open(self.part, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            self._file = None
            raise BusyDirectory(f"{self.part}: another process is writing it; wait for it, "
                                "stop it, or choose another file with --out") from error
        if not known:
            write_json(self.command, self.settings)
        self.done, length = _whole_rows(self.part)
        os.ftruncate(self._file, length)

    def _compare(self, before: Any) -> None:
        before = before if isinstance(before, dict) else {}
        if before == self.settings:
            return
        apart = [name for name in self.settings if before.get(name) != self.settings[name]]
        words = ", ".join(f"{name} {before.get(name)!r} then, {self.settings[name]!r} now"
                          for name in apart[:3])
        raise UsageError(f"{self.out} was begun by another command ({words}); give another "
                         f"--out, or remove it together with {self.command.name}")

    def _write(self) -> None:
        if self._rows and self._file is not None:
            text = b"".join(self._rows)
            view = memoryview(text)
            try:
                while view:
                    view = view[os.write(self._file, view):]
            except OSError as error:
                self._rows.clear()  # a torn line is cut off by the next start
                raise StepFailed(f"{self.part}: {error.strerror}; free some space, then give "
                                 "the same command again: it goes on from here") from error
            self._rows.clear()
        self._written = time.monotonic()
        if self._file is not None and self._written - self._synced >= SYNC:
            os.fsync(self._file)
            self._synced = self._written

    def _as_parquet(self) -> None:
        """Write the rows of the part as Parquet, aside, and put it in place."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        kinds = {"int64": pa.int64(), "string": pa.string()}
        schema = pa.schema([pa.field(name, kinds[kind], nullable=name != "row")
                            for name, kind in COLUMNS.items()])
        aside = self.out.with_name(self.out.name + ".writing")
        with pq.ParquetWriter(aside, schema, compression="zstd") as writer:
            group: list[dict[str, Any]] = []
            for row in self.rows():
                group.append({name: _valid(value) for name, value in row.items()})
                if len(group) == 10_000:
                    writer.write_table(pa.Table.from_pylist(group, schema))
                    group.clear()
            writer.write_table(pa.Table.from_pylist(group, schema))
        os.replace(aside, self.out)


def encoded(row: Mapping[str, Any]) -> bytes:
    """Return a row as one line of UTF-8; lone surrogates are written as escapes."""
    try:
        return json.dumps(row, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(row).encode() + b"\n"


def _valid(value: Any) -> Any:
    """Return a text without lone surrogates, which Parquet cannot hold."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _whole_rows(path: Path) -> tuple[int, int]:
    """Return how many whole rows a file begins with, and how many bytes they take."""
    count = length = 0
    with path.open("rb") as lines:
        for line in lines:
            try:
                whole = line.endswith(b"\n") and isinstance(json.loads(line), dict)
            except ValueError:
                whole = False
            if not whole:
                break
            count += 1
            length += len(line)
    return count, length
