"""Shards: an input's rows in pieces of a fixed number, told by where they lie in its files.

Why: work on shards can be done anywhere, redone by itself and never twice. A shard is a range of
rows, not a file: however many an earlier step dropped, and however it wrote the rest, the shards
of the next one are whole again, so that they never shrink along a chain of steps.

Used as: `for shard in cut(rows_in(folder)): ...`; a worker reads `batches(shard, Sample)`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from mathmill.columns import wanted_of
from mathmill.errors import InputError
from mathmill.execution.shelf import Unreached, system_of
from mathmill.io import ROWS_A_GROUP, files_of

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 10_000  # of a shard: a killed worker costs so many; tells in each shard's key


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of one row group of a Parquet file."""

    file: str
    "Path, or a URL that fsspec opens."
    group: int
    "Number of the row group."
    start: int
    "First row of the group that is meant."
    stop: int
    "The row after the last."


@dataclass(frozen=True, slots=True)
class Shard:
    """Consecutive rows of an input."""

    number: int
    "Which of the shards, from 0."
    start: int
    "Number of its first row among all rows of the input."
    rows: int
    "How many there are."
    pieces: tuple[Piece, ...]
    "Where they lie, in order."

    def part(self, start: int, stop: int) -> Shard:
        """Return the rows from `start` to before `stop`, counted within this shard."""
        pieces, at = [], 0
        for piece in self.pieces:
            size = piece.stop - piece.start
            first, last = max(start - at, 0), min(stop - at, size)
            if first < last:
                pieces.append(Piece(piece.file, piece.group, piece.start + first,
                                    piece.start + last))
            at += size
        return Shard(self.number, self.start + start, stop - start, tuple(pieces))


def cut(path: Path, rows: int = ROWS) -> list[Shard]:
    """Return the shards of a Parquet file, or of a folder of them; one without rows for none.

    Reads nothing but footers. Raises InputError for a file that is missing or no Parquet.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole: list[Piece] = []
    for file in files_of(path):
        try:
            footer = pq.read_metadata(file)
        except (pa.ArrowException, OSError) as error:
            raise InputError(file, f"cannot be read as rows ({error})".replace("\n", " "),
                             "run the step before again") from error
        whole += [Piece(str(file), group, 0, footer.row_group(group).num_rows)
                  for group in range(footer.num_row_groups)]
    shards: list[Shard] = []
    here: list[Piece] = []
    start = size = 0
    for piece in whole:
        at = piece.start
        while at < piece.stop:
            stop = min(piece.stop, at + rows - size)
            here.append(Piece(piece.file, piece.group, at, stop))
            size, at = size + stop - at, stop
            if size == rows:
                shards.append(Shard(len(shards), start, size, tuple(here)))
                start, size, here = start + size, 0, []
    if here or not shards:
        shards.append(Shard(len(shards), start, size, tuple(here)))
    return shards


def batches(shard: Shard, record: type | None, columns: Sequence[str] | None = None
            ) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a shard as a record's columns; with None, as they stand in the file.

    Raises InputError for a file that is missing, is not Parquet, or lacks a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = None if record is None else wanted_of(record, columns)
    names = None if wanted is None else wanted.names
    for piece in shard.pieces:
        try:
            with opened(piece.file) as source, pq.ParquetFile(
                    source, metadata=_footer(piece.file), pre_buffer=False) as file:
                at = 0
                for batch in file.iter_batches(ROWS_A_GROUP, [piece.group], names,
                                               use_threads=False):
                    first, last = max(piece.start - at, 0), min(piece.stop - at, len(batch))
                    at += len(batch)
                    if first < last:
                        some = batch.slice(first, last - first)
                        yield some if wanted is None else some.select(names).cast(wanted)
                    if at >= piece.stop:
                        break
        except Exception as error:
            if "://" in piece.file:  # the storage's fault: the driver wrote it as it should be
                raise Unreached(f"{piece.file}: {type(error).__name__}: {error}") from error
            if not isinstance(error, pa.ArrowException | KeyError | OSError):
                raise
            kind = "Parquet" if record is None else record.__name__
            raise InputError(piece.file, f"cannot be read as {kind} rows ({error})".replace(
                "\n", " "), "give a file that mathmill wrote") from error


def _footer(file: str) -> pa.FileMetaData | None:
    """Return the footer of a file here, read once a process; None for one elsewhere.

    To read it takes 17 us a row group, so that shards of one file would cost the square of them.
    """
    return None if "://" in file else _read_footer(file, os.stat(file).st_mtime_ns)


@lru_cache(maxsize=4)
def _read_footer(file: str, changed: int) -> pa.FileMetaData:
    import pyarrow.parquet as pq

    del changed
    return pq.read_metadata(file)


def opened(place: str) -> pa.NativeFile:
    """Open a path, or a URL of shared storage, for reading."""
    import pyarrow as pa

    if "://" not in place:
        return pa.OSFile(place)
    system, path = system_of(place)
    return pa.PythonFile(system.open(path, "rb"), mode="r")


def copied(shard: Shard, to: Path) -> None:
    """Write a shard's rows as they are to one file of one row group."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with opened(shard.pieces[0].file) as source, pq.ParquetFile(source) as file:
        schema = file.schema_arrow
    try:
        rows = pa.Table.from_batches(batches(shard, None), schema)
    except pa.ArrowException as error:
        raise InputError(shard.pieces[-1].file, "has other columns than the files before it",
                         "run the step before again") from error
    pq.write_table(rows, to, compression="zstd", row_group_size=max(1, shard.rows))
