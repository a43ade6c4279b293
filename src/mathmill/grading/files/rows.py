"""Rows of files as the grader takes them: which files, which fields, and what has to be skipped.

Why: one bad line in a million must neither stop a night's grading nor vanish. Files are read
in chunks small enough to hold and large enough to hand to another process; a line is parsed
where it is graded, so that parsing runs in parallel too.

Used as: `for chunk in chunks(files_at(["runs/*.jsonl"]), fields): for row in chunk.rows(): ...`.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathmill.errors import InputError
from mathmill.io import json_lines, parse_json_line, read_parquet_rows
from mathmill.packed import PACKED

ROWS = 400  # rows of a chunk: about 40 ms of grading, so that handing it over costs little
BYTES = 1 << 20  # of JSON in a chunk, so that rows of a megabyte do not pile up
SUFFIXES = (".jsonl", ".parquet", *PACKED)
_LABELS = {"true": True, "correct": True, "1": True, "yes": True, "1.0": True,
           "false": False, "wrong": False, "incorrect": False, "0": False, "no": False,
           "0.0": False}
ABSENT = object()
"""Stands for a field that a row does not have."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Names of the fields to grade; a dot reaches into objects. None: a shape that is known."""

    gold: str | None = None
    "Field with the right answer."
    pred: str | None = None
    "Field with what the model wrote."
    label: str | None = None
    "Field that says whether the response is right."

    def columns(self, there: Sequence[str]) -> list[str] | None:
        """Return the columns of a table that are needed; None for all, to name those seen."""
        if not (self.gold or self.pred):
            return None
        wanted = []
        for name in (self.gold or "gold", self.pred or "response", self.label):
            if name is not None:
                column = name if name in there else name.split(".")[0]
                if column not in there:
                    return None
                wanted.append(column)
        return list(dict.fromkeys(wanted))


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of rows of one file, not yet parsed."""

    file: str
    "Path of the file."
    items: list[tuple[int, bytes | dict[str, Any] | str]]
    "1-based row with its line of JSON, its fields, or why it cannot be read."
    share: float
    "Share of all bytes that is read once this chunk is."

    def rows(self) -> Iterator[tuple[int, dict[str, Any] | str]]:
        """Yield 1-based row and fields, or why there are none; blank lines are passed over."""
        for number, item in self.items:
            row = parse_json_line(item) if isinstance(item, bytes) else item
            if row != "":
                yield number, row


def files_at(sources: Sequence[str | Path] | str | Path) -> list[Path]:
    """Return the files of paths, folders (searched whole) and patterns, in name order.

    Raises InputError for a path that is not there and a folder or pattern without any file.
    """
    given = [sources] if isinstance(sources, str | Path) else list(sources)
    files: list[Path] = []
    for source in given:
        path = Path(source)
        if path.is_dir():
            found = sorted(f for f in path.rglob("*") if f.name.endswith(SUFFIXES) and f.is_file()
                           and not any(part.startswith(".") for part in f.relative_to(path).parts))
        elif path.exists():
            found = [path]
        else:
            found = sorted(Path(name) for name in glob.glob(str(source), recursive=True)
                           if Path(name).is_file())
        if not found:
            raise InputError(source, f"this folder holds no {', '.join(SUFFIXES)} file"
                             if path.is_dir() else "there is no such file", "check the path")
        files += found
    return list(dict.fromkeys(files))


def chunks(files: Sequence[Path], fields: Fields) -> Iterator[Chunk]:
    """Yield the rows of files in order, some hundreds at a time; raises InputError for a file."""
    sizes = [file.stat().st_size for file in files]
    whole, before = sum(sizes) or 1, 0
    for file, size in zip(files, sizes, strict=True):
        read = _table(file, fields) if file.suffix == ".parquet" else _lines(file, size)
        for items, share in read:
            yield Chunk(str(file), items, (before + min(share, 1.0) * size) / whole)
        before += size


def _lines(file: Path, size: int) -> Iterator[tuple[list[Any], float]]:
    """Yield lines of JSON in chunks, each with the share of the file that is read."""
    items: list[Any] = []
    held = read = 0
    packed = 4 if file.suffix in (".gz", ".zst") else 1  # what text usually shrinks by
    for number, line in json_lines(file):
        items.append((number, line))
        held += len(line)
        if len(items) >= ROWS or held >= BYTES:
            read += held
            yield items, read / packed / (size or 1)
            items, held = [], 0
    if items:
        yield items, 1.0


def _table(file: Path, fields: Fields) -> Iterator[tuple[list[Any], float]]:
    """Yield rows of Parquet in chunks; only the fields to grade are read, where all are there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as table:
            total, columns = table.metadata.num_rows or 1, fields.columns(table.schema_arrow.names)
    except (pa.ArrowException, OSError) as error:
        raise InputError(file, f"is not Parquet that can be read ({error})".replace("\n", " "),
                         "check the path and the file") from error
    items: list[Any] = []

    def skip(number: int, why: str) -> None:
        items.append((number, why))

    for number, row in read_parquet_rows(file, columns, skip):
        items.append((number, row))
        if len(items) >= ROWS:
            yield items[:], number / total
            items.clear()
    if items:
        yield items, 1.0


def responses(row: dict[str, Any], fields: Fields) -> list[tuple[str, Any, Any, bool | None]]:
    """Return (system, gold, response, label) of each response in a row.

    Raises ValueError, which says why, for a row without the fields.
    """
    says = None if fields.label is None else truth(field(row, fields.label))
    if fields.gold or fields.pred:
        return [("", field(row, fields.gold or "gold"), field(row, fields.pred or "response"),
                 says)]
    systems = [name for name, value in row.items()
               if isinstance(value, dict) and "solution" in value]
    if "ground_truth" in row and systems:  # GSM8K's example_model_solutions.jsonl
        return [(name, row["ground_truth"], row[name]["solution"],
                 truth(row[name].get("is_correct"))) for name in systems]
    if "gold" in row and "response" in row:  # mathmill's own scores
        return [(str(row.get("suite") or ""), row["gold"], row["response"], says)]
    raise ValueError(f"cannot tell which fields to grade; seen: {_seen(row)}; name them with "
                     "--gold FIELD --pred FIELD")


def field(row: dict[str, Any], name: str) -> Any:
    """Return a field by name, a dot reaching into an object; ValueError names those seen."""
    value = value_at(row, name)
    if value is ABSENT:
        raise ValueError(f"there is no field {name!r}; seen: {_seen(row)}")
    return value


def value_at(row: dict[str, Any], name: str) -> Any:
    """Return a field by name, a dot reaching into an object; `ABSENT` where there is none."""
    if name in row:
        return row[name]
    here: Any = row
    for part in name.split("."):
        if not isinstance(here, dict) or part not in here:
            return ABSENT
        here = here[part]
    return here


def _seen(row: dict[str, Any]) -> str:
    """Return the names of a row's fields, at most some hundred characters of them."""
    return ", ".join(map(repr, row) if any("," in name for name in row) else row)[:300] or "none"


def truth(value: Any) -> bool | None:
    """Return a label as true, false or nothing; raises ValueError for another word."""
    if value is None or value != value:  # null, and the NaN that pandas writes for it
        return None
    found = _LABELS.get(str(value).strip().lower())
    if found is None:
        raise ValueError(f"the label {str(value)[:40]!r} is neither true nor false; label rows "
                         "with true/false, 1/0 or correct/wrong")
    return found
