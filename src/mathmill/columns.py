"""Rows as Arrow batches, and drops that do not pile up in memory: for stages of millions of rows.

Why: a record in Python costs 25 us to read and write and 2 kB to hold; a stage that only
decides which rows stay needs neither. Batches go from file to file with a mask, and what is
dropped is written as it comes.

Used as: `for batch in read_batches(path, Sample): ...`, `write_batches(path, batches, Sample)`,
`drops = Drops(path)`; `drops.append(drop)`; `drops.close()`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathmill.errors import InputError
from mathmill.io import (
    ROWS_A_GROUP,
    arrow_schema,
    files_of,
    read_rows,
    rows_in,
    schema_of,
    table_of,
)
from mathmill.schemas import SCHEMAS
from mathmill.types import Drop

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

_as_line = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode  # made once, not a row


def read_batches(path: Path, record: type, columns: Sequence[str] | None = None
                 ) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file or a folder of them, about 10,000 at a time, as columns.

    `columns`: only these of the record's. Raises InputError for a file that is missing, is not
    Parquet, or lacks a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = wanted_of(record, columns)
    for place in files_of(path):
        try:
            # Read as it is used: buffering ahead holds a whole row group a column.
            with pq.ParquetFile(place, pre_buffer=False) as file:
                # Threads save no time where the columns are two texts, and cost 4 us a row.
                for batch in file.iter_batches(ROWS_A_GROUP, columns=wanted.names,
                                               use_threads=False):
                    yield batch.select(wanted.names).cast(wanted)
        except (pa.ArrowException, KeyError, OSError) as error:
            raise InputError(place, f"cannot be read as {record.__name__} rows ({error})".replace(
                "\n", " "), "give a file that mathmill wrote") from error


def wanted_of(record: type, columns: Sequence[str] | None = None) -> pa.Schema:
    """Return the declared schema of a record, or of some of its columns."""
    import pyarrow as pa

    schema = arrow_schema(record)
    return pa.schema([schema.field(name) for name in columns or SCHEMAS[record]])


def read_between(path: Path, start: int, count: int) -> pa.RecordBatch:
    """Return rows `start` to `start + count` of a Parquet file, or of a folder of them.

    Only the row groups that hold them are read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    parts, at = [], 0
    for place in files_of(path):
        with pq.ParquetFile(place, pre_buffer=False) as file:
            for group in range(file.num_row_groups):
                size = file.metadata.row_group(group).num_rows
                first, end = max(start - at, 0), min(start + count - at, size)
                if first < end:
                    parts.append(file.read_row_group(group, use_threads=False).slice(
                        first, end - first))
                at += size
    found: pa.RecordBatch = pa.concat_tables(parts).combine_chunks().to_batches()[0]
    return found


def count_rows(path: Path) -> int:
    """Return how many rows a file, or a folder of them, says it has; InputError for none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return sum(int(pq.read_metadata(file).num_rows) for file in files_of(path))
    except (pa.ArrowException, OSError) as error:
        raise InputError(path, f"cannot be read as rows ({error})".replace("\n", " "),
                         "run the step before again") from error


def write_batches(path: Path, batches: Iterable[pa.RecordBatch], record: type) -> int:
    """Write batches to one Parquet file (zstd), atomically; return how many rows there were."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    aside, count, waiting, size = path.with_name(path.name + ".writing"), 0, [], 0
    schema = arrow_schema(record)
    with pq.ParquetWriter(aside, schema, compression="zstd") as writer:
        for batch in batches:
            waiting.append(batch)
            size += len(batch)
            if size >= ROWS_A_GROUP:  # what is left of a batch may be little: groups stay whole
                writer.write_table(pa.Table.from_batches(waiting, schema))
                count, size = count + size, 0
                waiting.clear()
        if size or not count:
            writer.write_table(pa.Table.from_batches(waiting, schema))
    os.replace(aside, path)
    return count + size


def write_columns(path: Path, blocks: Iterable[Mapping[str, Any]], kinds: Mapping[str, str]
                  ) -> int:
    """Write columns that are no record's to a Parquet file, atomically; return how many rows.

    `blocks`: the columns of some rows each, by name; `kinds` as in `io.schema_of`. Nothing is
    packed: digests cannot be, and the file is gone when its step is done.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    aside, count, schema = path.with_name(path.name + ".writing"), 0, schema_of(kinds)
    with pq.ParquetWriter(aside, schema, compression="none", use_dictionary=False,
                          write_statistics=False) as writer:
        for block in blocks:
            batch = pa.record_batch([pa.array(block[name], schema.field(name).type)
                                     for name in kinds], schema=schema)
            writer.write_batch(batch, row_group_size=max(1, len(batch)))
            count += len(batch)
    os.replace(aside, path)
    return count


def read_column(path: Path, name: str) -> NDArray[Any]:
    """Return a column of numbers of a Parquet file, or of a folder of them."""
    import numpy as np
    import pyarrow.parquet as pq

    files = files_of(path)
    kind = pq.read_schema(files[0]).field(name).type.to_pandas_dtype()
    found: NDArray[Any] = np.empty(count_rows(path), kind)
    done = 0
    for file in files:
        with pq.ParquetFile(file, pre_buffer=False) as source:
            for batch in source.iter_batches(ROWS_A_GROUP, columns=[name], use_threads=False):
                found[done:done + len(batch)] = batch.column(0).to_numpy(zero_copy_only=False)
                done += len(batch)
    return found


def row_json(row: Mapping[str, Any]) -> str:
    """Return a batch's row as one line of JSON, as `io.as_json` writes the record."""
    return _as_line(row)


def row_question(line: str) -> str:
    """Return the question of a row that `row_json` wrote; empty where it has none."""
    try:
        found = json.loads(line) if line else {}
    except ValueError:
        return ""
    return str(found.get("question") or "") if isinstance(found, dict) else ""


class Drops(Sequence[Drop]):
    """Rows left out: a list while they are few, a file once they are many.

    Those of shards stay in the files that these wrote: then they are a folder, as rows are.
    """

    def __init__(self, path: Path) -> None:
        """Prepare; the file, or `path` without its suffix as a folder, appears when closed."""
        self.path = path
        self.reasons: Counter[str] = Counter()
        "How many rows were left out for each reason."
        self._here: list[Drop] = []
        self._files: list[Path] = []
        self._writer: Any = None

    def append(self, drop: Drop) -> None:
        """Take one more."""
        self.reasons[drop.reason] += 1
        self._here.append(drop)
        if len(self._here) >= 2 * ROWS_A_GROUP:
            self._spill(ROWS_A_GROUP)

    def include(self, path: Path, reasons: Mapping[str, int]) -> None:
        """Take over the file that another list of drops became; it is moved, not written again."""
        if self._here or self._writer is not None:
            self._spill(len(self._here))
            self._end()
        os.replace(path, self._next())
        self.reasons.update(reasons)

    def close(self) -> None:
        """Write what is still here; the file, or the folder, appears whole."""
        if self._here or self._writer is not None or not self._files:
            self._spill(len(self._here), keep=self._writer is None and not self._files)
            self._end()
        shutil.rmtree(self.path.with_suffix(""), ignore_errors=True)
        self.path.unlink(missing_ok=True)
        if len(self._files) == 1:
            os.replace(self._files[0], self.path)
            self._aside.rmdir()
        else:
            os.replace(self._aside, self.path.with_suffix(""))

    def __len__(self) -> int:
        return self.reasons.total()

    def __getitem__(self, place: Any) -> Any:
        return list(self)[place]

    def __iter__(self) -> Iterator[Drop]:
        if len(self._here) == len(self):
            return iter(list(self._here))
        place = rows_in(self.path.parent, self.path.stem)
        assert place.exists(), "what was spilled can be read once the file is closed"
        return read_rows(place, Drop)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    @property
    def _aside(self) -> Path:
        return self.path.with_suffix(".writing")

    def _next(self) -> Path:
        """Return where the next file is to be; what a killed attempt left there goes."""
        if not self._files:
            shutil.rmtree(self._aside, ignore_errors=True)
            self._aside.mkdir()
        self._files.append(self._aside / f"{len(self._files):06d}.parquet")
        return self._files[-1]

    def _spill(self, count: int, keep: bool = False) -> None:
        import pyarrow.parquet as pq

        if self._writer is None:
            self._writer = pq.ParquetWriter(self._next(), arrow_schema(Drop), compression="zstd")
        self._writer.write_table(table_of(self._here[:count], Drop))
        if not keep:
            del self._here[:count]

    def _end(self) -> None:
        """End the file that is being written."""
        self._writer.close()
        self._writer = None
