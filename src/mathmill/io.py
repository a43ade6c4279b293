"""Rows on disk: Parquet with a declared schema for machines, JSONL for people.

Why: a schema that is inferred changes with the first null that comes along; here every
record has one, written down. Files appear whole or not at all (write aside, then rename).

Used as: `write_rows(path, samples, Sample)`, `read_rows(path, Sample)`, `read_json_rows(path)`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from mathmill.errors import InputError
from mathmill.packed import opened
from mathmill.schemas import SCHEMAS

if TYPE_CHECKING:
    import pyarrow as pa

Record = TypeVar("Record")

Skip = Callable[[int, str], None]
"""Is told the 1-based number of a row that cannot be read, and why."""

LONGEST_LINE = 64 << 20  # bytes of one JSON line: ten times the longest response ever seen
PARQUET_BATCH, PARQUET_BYTES = 1_000, 16 << 20  # in memory at a time, of rows of any length
ROWS_A_GROUP = 10_000  # about 10 MB of text: small enough to hold several, large enough to pack


def arrow_schema(record: type) -> pa.Schema:
    """Return the declared Arrow schema of a record type."""
    return schema_of(SCHEMAS[record])


def schema_of(columns: Mapping[str, str]) -> pa.Schema:
    """Return the Arrow schema of columns by name: `int64`, `string`; `?` where it may be null."""
    import pyarrow as pa

    kinds = {"string": pa.string(), "strings": pa.list_(pa.string()), "int32": pa.int32(),
             "int64": pa.int64(), "uint32": pa.uint32(), "uint64": pa.uint64(),
             "float64": pa.float64(), "bool": pa.bool_()}
    return pa.schema([
        pa.field(name, kinds[kind.rstrip("?")], nullable=kind.endswith("?"))
        for name, kind in columns.items()
    ])


def write_rows(path: Path, records: Iterable[Any], record: type) -> int:
    """Write records to one Parquet file (zstd), atomically; return how many there were."""
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    aside, count = path.with_name(path.name + ".writing"), 0
    rows = iter(records)
    with pq.ParquetWriter(aside, arrow_schema(record), compression="zstd") as writer:
        while (group := list(islice(rows, ROWS_A_GROUP))) or not count:
            writer.write_table(table_of(group, record))
            count += len(group)
            if not group:
                break
    os.replace(aside, path)
    return count


def table_of(group: Sequence[Any], record: type) -> pa.Table:
    """Return records as an Arrow table of their declared schema."""
    import pyarrow as pa

    schema = arrow_schema(record)
    columns = [[getattr(row, name) for row in group] for name in SCHEMAS[record]]
    arrays = [pa.array([list(v) if isinstance(v, tuple) else v for v in column], field.type)
              for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def read_rows(path: Path, record: type[Record]) -> Iterator[Record]:
    """Yield the records of a Parquet file, or of all Parquet files of a folder in name order.

    Raises InputError for a file that is missing, is not Parquet, or lacks a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = list(SCHEMAS[record])
    for file in files_of(path):
        try:
            # Read as it is used: buffering ahead holds the whole file, packed.
            with pq.ParquetFile(file, pre_buffer=False) as table:
                for batch in table.iter_batches(batch_size=ROWS_A_GROUP, columns=names):
                    yield from records_of(batch, record)
        except (pa.ArrowException, TypeError, KeyError) as error:
            raise InputError(file, f"cannot be read as {record.__name__} rows ({error})",
                             "give a file that mathmill wrote") from error


def records_of(batch: pa.RecordBatch, record: type[Record]) -> Iterator[Record]:
    """Yield the rows of an Arrow batch of a record's columns."""
    lists = [name for name, kind in SCHEMAS[record].items() if kind == "strings"]
    for row in batch.to_pylist():
        for name in lists:
            row[name] = tuple(row[name] or ())
        yield record(**row)


def rows_in(folder: Path, table: str = "rows") -> Path:
    """Return where a step's rows lie: one Parquet file, or a folder of them where they are many.

    The file where there is neither, so that what reads it names it.
    """
    file, many = folder / f"{table}.parquet", folder / table
    return many if many.is_dir() and not file.exists() else file


def files_of(path: Path) -> list[Path]:
    """Return a Parquet file, or those of a folder in name order; raises InputError for none."""
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files or not files[0].exists():
        raise InputError(path, "there are no Parquet rows here", "check the path")
    return files


def read_json_rows(path: Path, skip: Skip | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (1-based line, object) of a JSONL file; blank lines are skipped.

    A line that cannot be read is handed to `skip(line, why)` where one is given, and the
    rest goes on; else it raises InputError with its number, as a missing file always does.
    """
    for number, line in json_lines(path):
        row = parse_json_line(line)
        if isinstance(row, dict):
            yield number, row
        elif row and skip is not None:
            skip(number, row)
        elif row:
            raise InputError(path, row, "mend or remove the line", number)


def json_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (1-based number, bytes) of every line of a file, `.gz` and `.zst` unpacked.

    Of a line longer than `LONGEST_LINE` only so much is yielded (it will not parse), so that
    memory stays flat whatever the file holds. Raises InputError for a file that is not there.
    """
    try:
        with opened(path) as file:
            number = 0
            while line := file.readline(LONGEST_LINE):
                number += 1
                rest = line
                while len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
                    rest = file.readline(LONGEST_LINE)
                # Some editors put a mark before the text.
                yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
    except (EOFError, OSError, zlib.error) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise InputError(path, cause, "check the path and the file") from error


def parse_json_line(line: bytes) -> dict[str, Any] | str:
    """Return the object that a line holds, or why there is none (empty for a blank line)."""
    if not line.strip():
        return ""
    if len(line) >= LONGEST_LINE:
        return f"this line is longer than {LONGEST_LINE >> 20} MiB"
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return f"this line is not UTF-8 ({error.reason})"
    except RecursionError:
        return "this line is not JSON that can be read (nested too deeply)"
    except ValueError as error:  # JSONDecodeError, and integers of over 4,300 digits
        return f"this line is not JSON ({str(error)[:200]})"
    return row if isinstance(row, dict) else "this line is not a JSON object"


def read_parquet_rows(path: Path, columns: Sequence[str] | None = None,
                      skip: Skip | None = None, batch_rows: int = PARQUET_BATCH
                      ) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (1-based row, fields) of any Parquet file, at most `batch_rows` held at a time.

    Only `columns` are read where they are named. Rows of a damaged row group or with text
    that is not UTF-8 are handed to `skip(row, why)` where it is given, and the rest goes on;
    else, and for a file that is no Parquet at all, raises InputError.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        # Not pre-buffered: a row group of gigabytes is then read page by page.
        with pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
            for group in range(file.num_row_groups):
                there = file.metadata.row_group(group)
                end = number + there.num_rows
                fit = PARQUET_BYTES * there.num_rows // max(1, there.total_byte_size)
                try:
                    for batch in file.iter_batches(max(1, min(batch_rows, fit)), [group], columns):
                        for row in _parquet_batch(batch):
                            number += 1
                            if isinstance(row, dict):
                                yield number, row
                            elif skip is None:
                                raise InputError(path, row, "mend or remove the row", number)
                            else:
                                skip(number, row)
                except (pa.ArrowException, OSError) as error:
                    if skip is None:
                        raise
                    why = f"this row group is damaged ({error})".replace("\n", " ")[:300]
                    for lost in range(number + 1, end + 1):
                        skip(lost, why)
                number = end
    except (pa.ArrowException, OSError) as error:
        raise InputError(path, f"is not Parquet that can be read ({error})".replace("\n", " "),
                         "check the path and the file") from error


def _parquet_batch(batch: Any) -> list[dict[str, Any] | str]:
    """Return the rows of a batch, each as its fields or as why it cannot be read."""
    try:
        return list(batch.to_pylist())
    except (UnicodeDecodeError, ValueError, OverflowError):
        if len(batch) == 1:
            return ["this row holds text that is not UTF-8 or a value that Python has not"]
        return [row for place in range(len(batch)) for row in _parquet_batch(batch[place:place+1])]


def write_json(path: Path, value: Any) -> None:
    """Write one JSON document, readable by people, atomically and durably."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".writing")
    with aside.open("w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=1, sort_keys=True)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)


def read_json(path: Path) -> Any:
    """Return the JSON document at `path`; raises InputError where there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(path, error.strerror or str(error), "check the path") from error
    except ValueError as error:
        raise InputError(path, f"is not JSON ({error})", "mend or remove the file") from error


def as_json(record: Any) -> str:
    """Return a record as one line of JSON."""
    return json.dumps(dataclasses.asdict(record), ensure_ascii=False, sort_keys=True)


def row_line(row: dict[str, Any]) -> str:
    """Return a row as a line of JSON; half a surrogate pair, which no file holds, is escaped.

    What a table holds and JSON has not (a date, a decimal number, bytes) is written as text.
    """
    line = json.dumps(row, ensure_ascii=False, default=_as_text)
    whole = line.isascii() or storable(line) == line
    return (line if whole else json.dumps(row, default=_as_text)) + "\n"


def _as_text(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def storable(value: Any) -> Any:
    """Return a text with halves of surrogate pairs replaced, and any other value as it is."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def append_line(file: IO[str], text: str) -> None:
    """Append one line in one write, so that two writers never interleave within a line."""
    file.write(text.replace("\n", " ") + "\n")
    file.flush()
