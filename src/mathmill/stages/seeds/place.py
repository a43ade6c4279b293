"""Where seed rows lie: files, folders of files, and sets on the Hugging Face hub.

Why: a row that cannot be read must be named with its file and line, and every kind of
place has its own way to break. Everything here yields `Raw` rows and raises InputError.

Used as: `rows_at("data/gsm8k/train.jsonl")`, `rows_at("hf:openai/gsm8k:main/train")`;
`content_digest(source)` gives the id of what a place holds now, for a step's identity.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathmill.errors import InputError, MissingExtra
from mathmill.io import read_json_rows, read_parquet_rows
from mathmill.packed import PACKED, suffix_of
from mathmill.stages.seeds.formats import QUESTION_NAMES

_HUB = re.compile(r"^hf:(?P<name>[\w.-]+/[\w.-]+)(?::(?P<config>[^/]+))?(?:/(?P<split>.+))?$")
# Files that stand beside a saved `datasets` folder or a repository's data and hold no rows.
_NO_ROWS = {"dataset_info.json", "dataset_dict.json", "dataset_infos.json", "state.json"}
KNOWN = ".jsonl (.gz, .zst), .json, .csv, .tsv or .parquet"
csv.field_size_limit(1 << 27)  # a long solution in one cell is no fault


@dataclass(frozen=True, slots=True)
class Raw:
    """One row as it stands in its file."""

    place: str
    "File (with its folder) or hub name, for people: `gsm8k/train.jsonl`."
    number: int
    "1-based: the line of a line-wise file, else the row."
    row: dict[str, Any]
    "Its cells."


def rows_at(source: str) -> Iterator[Raw]:
    """Yield the rows of a source; raises InputError in one line where it cannot be read."""
    if source.startswith("hf:"):
        yield from _hub_rows(source)
        return
    none: list[Path] = []
    files = files_at(source)
    for file in files:
        name, empty = f"{file.parent.name}/{file.name}", True
        for number, row in READERS[suffix_of(file)](file):
            empty = False
            yield Raw(name, number, row)
        if empty:
            none.append(file)
        # A table's footer says that it has no rows; a text without lines may be cut off.
        if empty and (file.suffix.lower() != ".parquet" or len(none) == len(files)):
            raise InputError(file, "there are no rows in this file",
                             "give a file with at least one problem")


def files_at(source: str) -> list[Path]:
    """Return the data files of a path: the file itself, or all of a folder in name order."""
    path = Path(source).expanduser()
    if not path.exists():
        raise InputError(path, "there is no such file or folder", "check the path")
    if path.is_dir():
        files = sorted(f for f in path.rglob("*") if suffix_of(f) in READERS and f.is_file()
                       and f.name not in _NO_ROWS
                       and not any(p.startswith(".") for p in f.relative_to(path).parts))
        if not files:
            raise InputError(path, f"this folder holds no {KNOWN} file", "check the path")
        return files
    if suffix_of(path) not in READERS:
        raise InputError(path, f"cannot tell what a {path.suffix or 'suffixless'} file is",
                         f"give a {KNOWN} file, or a folder of those")
    return [path]


def content_digest(source: str) -> str | None:
    """Return 32 hex digits over the bytes and names of local files; None for other sources.

    Given as the literal `content`, it makes a changed file a new step, wherever it lies.
    """
    if source.startswith(("hf:", "symbolic:")):
        return None
    digest = hashlib.blake2b(digest_size=16)
    for file in files_at(source):
        digest.update(file.name.encode() + b"\0")
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def plain_name(source: str) -> str:
    """Return what people call a local source wherever it lies: its folder's name and its own."""
    path = Path(source).expanduser().resolve()
    return path.name if path.is_dir() else f"{path.parent.name}/{path.name}"


def _json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of a JSON document: a list, {"data": [...]}, or one problem."""
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        if not error.doc.strip():
            raise InputError(path, "the file is empty", "give a file with problems") from error
        raise InputError(path, f"is not JSON ({error.msg})", "mend the file, or name it .jsonl "
                         "if it holds one object a line", error.lineno) from error
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(path, str(error), "check the file and its encoding") from error
    except RecursionError as error:
        raise InputError(path, "is nested too deeply", "mend or remove the file") from error
    if isinstance(document, dict) and not document.keys() & set(QUESTION_NAMES):
        lists = [value for value in document.values() if isinstance(value, list)]
        document = document["data"] if isinstance(document.get("data"), list) else (
            lists[0] if len(lists) == 1 else document)
    for number, row in enumerate(document if isinstance(document, list) else [document], 1):
        if not isinstance(row, dict):
            raise InputError(path, "this row is not a JSON object",
                             'write a list of {...} objects, or {"data": [...]}', number)
        yield number, row


def _table_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of a CSV or TSV; a TSV without a header is question, answer (MGSM)."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            tabs = path.suffix.lower() == ".tsv"
            first = stream.readline()
            headed = not tabs or bool(set(first.strip().lower().split("\t"))
                                      & {name.lower() for name in QUESTION_NAMES})
            stream.seek(0)
            reader = csv.reader(
                stream, delimiter="\t" if tabs else ",", strict=True,
                quoting=csv.QUOTE_MINIMAL if headed else csv.QUOTE_NONE)
            header = next(reader, None) if headed else ["question", "answer"]
            yield from _cells(path, reader, header or [])
    except csv.Error as error:
        raise InputError(path, f"is not a proper table ({error})", "mend the row",
                         reader.line_num) from error
    except UnicodeDecodeError as error:
        raise InputError(path, f"the file is not UTF-8 ({error.reason})",
                         "convert it to UTF-8") from error
    except OSError as error:
        raise InputError(path, error.strerror or str(error), "check the path") from error


def _cells(path: Path, reader: Any, header: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for cells in reader:
        if not any(cells):
            continue
        if len(cells) != len(header):
            raise InputError(path, f"this row has {len(cells)} cells, the header {len(header)}",
                             "quote cells that hold the separator", reader.line_num)
        yield reader.line_num, dict(zip(header, cells, strict=True))


def _arrow_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of an Arrow stream, as `datasets` saves a set to a folder."""
    import pyarrow as pa

    number = 0
    try:
        with pa.memory_map(str(path)) as stream:
            for batch in pa.ipc.open_stream(stream):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (pa.ArrowException, OSError) as error:
        raise InputError(path, f"is not an Arrow stream ({error})".replace("\n", " "),
                         "check the file") from error


def _hub_rows(source: str) -> Iterator[Raw]:
    found = _HUB.match(source)
    if found is None:
        raise InputError(source, "cannot be read as a name on the hub",
                         "write hf:owner/name, hf:owner/name:config or hf:owner/name:config/split")
    name, config, split = found["name"], found["config"], found["split"] or "train"
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise MissingExtra("datasets", "train") from error
    try:
        rows = load_dataset(name, config, split=split)
    except Exception as error:  # the library raises a score of unrelated kinds here
        cause = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise InputError(source, f"cannot be loaded ({cause})",
                         "check name, configuration, split and the network, or give a local file"
                         ) from error
    for number, row in enumerate(rows, 1):
        yield Raw(f"{name}/{split}", number, dict(row))


READERS: dict[str, Callable[[Path], Iterator[tuple[int, dict[str, Any]]]]] = {
    **dict.fromkeys((".jsonl", *PACKED), read_json_rows), ".json": _json_rows,
    ".csv": _table_rows, ".tsv": _table_rows,
    ".parquet": read_parquet_rows, ".arrow": _arrow_rows,
}
