"""Where documents lie: tables of rows, plain files, folders of both, the hub, our own corpus.

Why: one broken line among six million should cost that line and not the night, while a file
that cannot be read at all should be named before the first is read.

Used as: `check(files_at("pages/"))`, then `for found in found_at("pages/", columns): ...`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathmill.errors import InputError, UsageError
from mathmill.io import LONGEST_LINE, json_lines, parse_json_line, read_parquet_rows
from mathmill.packed import PACKED, suffix_of
from mathmill.stages.seeds.place import READERS, rows_at
from mathmill.stages.texts.cut import uncommented
from mathmill.texts import KINDS

PLAIN = {".md": "book", ".markdown": "book", ".tex": "paper", ".txt": "other"}
"Suffixes of files that are one document each, and the kind that this hints at."
ABOUT = {"readme", "license", "licence", "changelog", "contributing", "notice", "citation",
         "authors"}
"Files that speak of a corpus and are no part of it."
SHIPPED = Path(__file__).parent / "shipped"
SHIPPED_LICENCE = "Apache-2.0"
BATCH = 64  # rows of a Parquet file in memory at a time: a book may have megabytes


@dataclass(frozen=True, slots=True)
class Found:
    """One document as it lies there, or why it cannot be read."""

    where: str
    "Place and row, for people: `pages/math.jsonl:12`."
    row: dict[str, Any] | None
    "Its cells; None where it cannot be read."
    fault: str = ""
    "Why it cannot be read."
    hint: str | None = None
    "Kind of text that file and folder hint at."


def files_at(source: str) -> list[Path]:
    """Return the files of a path: itself, or all of a folder that can be read, by name.

    Raises InputError where there is none.
    """
    path = Path(source).expanduser()
    known = [*PLAIN, *READERS]
    if not path.exists():
        raise InputError(path, "there is no such file or folder", "check the path")
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if suffix_of(file) in known
                       and file.is_file() and not _about(file, path))
        if not files:
            raise InputError(path, "this folder holds no text",
                             f"put {', '.join(known)} files there, or check the path")
        return files
    if suffix_of(path) not in known:
        raise InputError(path, f"cannot tell what a {path.suffix or 'suffixless'} file is",
                         f"give a {', '.join(known)} file, or a folder of those")
    return [path]


def digest(source: str) -> str | None:
    """Return 32 hex digits over names and bytes of local files; None for other sources."""
    if source.startswith(("hf:", "symbolic:")):
        return None
    found = hashlib.blake2b(digest_size=16)
    for file in shipped(source) if source.startswith("shipped:") else files_at(source):
        found.update(file.name.encode() + b"\0")
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                found.update(block)
    return found.hexdigest()


def shipped(source: str) -> list[Path]:
    """Return the files of `shipped:` or of some kinds of it, `shipped:paper+qa`."""
    kinds = [kind for kind in source.partition(":")[2].split("+") if kind]
    at_hand = [kind for kind in KINDS if (SHIPPED / kind).is_dir()]
    if unknown := set(kinds) - set(at_hand):
        raise UsageError(f"{source}: our corpus has no kind {sorted(unknown)[0]!r}; it has "
                         f"{', '.join(at_hand)}, as in shipped:{'+'.join(at_hand[:2])}")
    return [file for kind in kinds or at_hand for file in files_at(str(SHIPPED / kind))]


def check(source: str) -> None:
    """Raise InputError for a file that cannot be opened, before the first one is read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for file in files_at(source):
        try:
            if file.suffix.lower() == ".parquet":
                pq.read_metadata(file)
            elif not file.stat().st_size and suffix_of(file) in READERS:
                raise InputError(file, "the file is empty", "give rows, or remove the file")
            else:
                file.open("rb").close()
        except (pa.ArrowException, OSError) as error:
            raise InputError(file, "cannot be opened, or ends before its end "
                             f"({str(error).strip().splitlines()[0][:160]})",
                             "fetch the file again, or remove it") from error


def found_at(source: str, columns: Collection[str]) -> Iterator[Found]:
    """Yield the documents of a source, in the order of names and rows.

    Rows that cannot be read come with their fault. Of a Parquet file only the `columns` that
    it has are read.
    """
    if source.startswith("hf:"):
        for raw in rows_at(source):
            yield Found(f"{raw.place}:{raw.number}", raw.row)
    elif source.startswith("shipped:"):
        for file in shipped(source):
            yield _plain(file, f"{file.parent.name}/{file.name}")
    else:
        top = Path(source).expanduser()
        for file in files_at(source):
            # From the folder on: two files in it may have names, and their folders', alike.
            name = str(file.relative_to(top)) if top.is_dir() else file.name
            name = f"{file.parent.name if file == top else top.name}/{name}"
            yield from ([_plain(file, name)] if file.suffix.lower() in PLAIN
                        else _rows(file, name, columns))


def _rows(file: Path, name: str, columns: Collection[str]) -> Iterator[Found]:
    hint, suffix = _hint(file), suffix_of(file)
    if suffix in (".jsonl", *PACKED):
        for number, line in json_lines(file):
            row = parse_json_line(line)
            if isinstance(row, dict):
                yield Found(f"{name}:{number}", row, hint=hint)
            elif row:
                yield Found(f"{name}:{number}", None, row)
        return
    faults: list[tuple[int, str]] = []
    rows = (_parquet_rows(file, columns, faults) if suffix == ".parquet"
            else READERS[suffix](file))
    for number, row in rows:
        while faults:
            yield Found(f"{name}:{faults[0][0]}", None, faults.pop(0)[1])
        yield Found(f"{name}:{number}", row, hint=hint)
    for number, fault in faults:
        yield Found(f"{name}:{number}", None, fault)


def _parquet_rows(file: Path, columns: Collection[str], faults: list[tuple[int, str]]
                  ) -> Iterator[tuple[int, dict[str, Any]]]:
    import pyarrow.parquet as pq

    there = [name for name in pq.read_schema(file).names if name in columns]
    return read_parquet_rows(file, there or None, lambda number, why: faults.append((number, why)),
                             BATCH)


def _plain(file: Path, where: str) -> Found:
    """Return a file that is one document; LaTeX loses its comments."""
    with file.open("rb") as stream:
        data = stream.read(LONGEST_LINE)
    if len(data) == LONGEST_LINE:
        return Found(where, None, f"the file is longer than {LONGEST_LINE >> 20} MiB; split it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Found(where, None, f"the file is not UTF-8 ({error.reason} at byte {error.start}); "
                     "convert it")
    hint, suffix = _hint(file) or PLAIN[file.suffix.lower()], file.suffix.lower()
    if suffix == ".tex":
        text = uncommented(text)
    return Found(where, {"text": text, **_headed(text, suffix, hint)}, hint=hint)


def _headed(text: str, suffix: str, kind: str) -> dict[str, Any]:
    """Return what a plain file says of itself: its title; of a thread, question and answer."""
    parts: dict[str, Any] = {}
    found = re.search(r"\\title\s*\{([^{}]*)\}" if suffix == ".tex" else r"\A\s*#[ \t]+(.+)", text)
    if found:
        parts["title"] = found.group(1).strip()
        if suffix != ".tex":
            parts["text"] = text[found.end():]
    thread = re.search(r"\A(.*?)^(?:#+[ \t]*)?Answer\b:?[ \t]*(.*)", parts.get("text", text),
                       re.DOTALL | re.MULTILINE)
    if kind == "qa" and thread and thread.group(1).strip() and thread.group(2).strip():
        asked = re.sub(r"\A\s*(?:#+[ \t]*)?Question\b:?[ \t]*", "", thread.group(1))
        return {**parts, "text": None, "question": asked, "answer": thread.group(2)}
    return parts


def _hint(file: Path) -> str | None:
    """Return the kind after which the file's folder is called."""
    return file.parent.name if file.parent.name in KINDS else None


def _about(file: Path, folder: Path) -> bool:
    """Tell whether a file speaks of the corpus, or is hidden."""
    return (file.name.lower().partition(".")[0] in ABOUT
            or file.name in ("dataset_info.json", "dataset_dict.json", "state.json")
            or any(part.startswith(".") for part in file.relative_to(folder).parts))
