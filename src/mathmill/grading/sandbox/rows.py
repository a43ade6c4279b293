"""Read the programs of a JSONL or Parquet file, one after another, and never stop at a bad row.

Why: a file of ten million rows has some that no parser reads; each of them is a row of the
result that says so, by its line, and the others go on.

Used as: `for item in items(Path("rows.jsonl"), "code", gold="target"): ...`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from mathmill.errors import InputError
from mathmill.grading.answers import LONGEST, extract
from mathmill.grading.files.rows import ABSENT, value_at
from mathmill.grading.sandbox.value import number_text

UNREADABLE = "unreadable"
NO_FIELD = "no field"
LINE = 64 * 2**20  # bytes of one line: what is longer is no row but a broken file
LOOKED = 1_000  # rows in which a field must occur once, else its name is taken for a mistake


@dataclass(frozen=True, slots=True)
class Item:
    """One text to run, or why a row has none."""

    row: int
    "1-based line of a JSONL file (blank ones counted), 1-based row of a Parquet file."
    sample: int | None
    "0-based place in the row's list of programs; None where the field holds one text."
    id: str | None
    "The row's own `id`, where it has one."
    text: str | None
    "What the model wrote; None where `problem` says why there is nothing."
    gold: str | None = None
    "The right answer as text; None where it was not asked for or is null."
    problem: str = ""
    "`unreadable` or `no field`; empty where there is a text."
    error: str = ""
    "What is the matter with the row."
    at: int = 0
    "Bytes (of JSONL) or rows (of Parquet) read so far, this row among them."


def items(path: Path, field: str, gold: str | None = None, whole: float = 0.0) -> Iterator[Item]:
    """Yield the texts of a field, in order; a list of texts yields one item for each.

    Dots reach into objects. Raises InputError where the file itself cannot be read.
    """
    names = [name for name in (field, gold, "id") if name]
    for number, row, error, at in _rows(path, names):
        if row is None:
            yield Item(number, None, None, None, problem=UNREADABLE, error=error, at=at)
            continue
        own = row.get("id")
        id_ = None if own is None else str(own)
        right = None if gold is None else gold_text(value_at(row, gold), whole)
        value = value_at(row, field)
        texts = value if isinstance(value, list) and value else [value]
        for place, text in enumerate(texts):
            sample = place if texts is value else None
            if isinstance(text, str):
                yield Item(number, sample, id_, text, right, at=at)
            else:
                error = (f"no field {field!r}; seen: {', '.join(row)}"[:300] if text is ABSENT
                         else f"field {field!r} is {type(text).__name__}, not text")
                yield Item(number, sample, id_, None, right, NO_FIELD, error, at)


def check_fields(path: Path, *fields: str | None) -> None:
    """Raise InputError for a field that none of the first rows has, naming those seen."""
    wanted = [field for field in fields if field]
    rows = [row for _, row, _, _ in islice(_rows(path, None), LOOKED) if row is not None]
    for field in wanted:
        if rows and all(value_at(row, field) is ABSENT for row in rows):
            seen = dict.fromkeys(name for row in rows for name in row)
            raise InputError(path, f"there is no field {field!r} in its first "
                             f"{len(rows):,} rows; seen: {', '.join(list(seen)[:20])}",
                             "give the name of a field that rows have")


def size(path: Path) -> int:
    """Return how much there is to read: bytes of JSONL, rows of Parquet."""
    if path.suffix == ".parquet":
        return int(_parquet(path).metadata.num_rows)
    return path.stat().st_size


def gold_text(value: Any, whole: float = 0.0) -> str | None:
    """Return a gold field as an answer text: what a worked solution concludes, or its text.

    A float is cleaned of noise as the programs' values are, so that both meet.
    """
    if value is None or value is ABSENT:
        return None
    if isinstance(value, float):
        return number_text(value, whole)
    text = value if isinstance(value, str) else str(value)
    found = extract(text, guess=False).text
    return (found if found is not None else text)[:LONGEST + 1]


def _rows(path: Path, names: Iterable[str] | None,
          ) -> Iterator[tuple[int, dict[str, Any] | None, str, int]]:
    """Yield (number, fields or None, what is wrong, how far) of each row."""
    if path.suffix == ".parquet":
        yield from _parquet_rows(path, names)
        return
    try:
        with path.open("rb") as file:
            yield from _json_rows(file)
    except OSError as error:
        raise InputError(path, error.strerror or str(error), "check the path") from error


def _json_rows(file: IO[bytes]) -> Iterator[tuple[int, dict[str, Any] | None, str, int]]:
    number = at = 0
    while line := file.readline(LINE):
        number += 1
        at += len(line)
        if len(line) == LINE and not line.endswith(b"\n"):
            while (more := file.readline(LINE)) and not more.endswith(b"\n"):
                at += len(more)
            at += len(more)
            yield number, None, f"this line is longer than {LINE // 2**20} MiB", at
            continue
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except UnicodeDecodeError as error:
            yield number, None, f"this line is not UTF-8 ({error.reason})", at
        except (ValueError, RecursionError) as error:
            yield number, None, f"this line is not JSON ({error})"[:300], at
        else:
            if isinstance(row, dict):
                yield number, row, "", at
            else:
                yield number, None, "this line is not a JSON object", at


def _parquet(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(path, f"cannot be read as Parquet ({error})",
                         "check the path and the file") from error


def _parquet_rows(path: Path, names: Iterable[str] | None,
                  ) -> Iterator[tuple[int, dict[str, Any] | None, str, int]]:
    import pyarrow as pa

    table = _parquet(path)
    there = set(table.schema_arrow.names)
    columns = None if names is None else sorted(
        {name if name in there else name.split(".")[0] for name in names} & there)
    number = 0
    try:
        for batch in table.iter_batches(batch_size=1_000, columns=columns):
            for row in batch.to_pylist():
                number += 1
                yield number, row, "", number
    except (pa.ArrowException, OSError) as error:
        raise InputError(path, f"cannot be read as Parquet ({error})", "check the file",
                         number + 1) from error
