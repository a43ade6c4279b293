"""A journal's replies as rows for other tools: JSONL or Parquet, one row a reply.

Why: what was bought belongs to whoever paid, and must be usable without mathmill: for audits,
for another pipeline, or as training data as it is.

Used as: `export(folder, Path("replies.parquet"), "openai:*")`, by `mathmill journal export`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from mathmill.errors import StepFailed, UsageError
from mathmill.teachers.journal import record
from mathmill.teachers.journal.inspect import file_of, is_of, read, whole_key

ROWS_A_GROUP = 10_000  # about 30 MB of text
COLUMNS = {  # Arrow types by name
    "request": "string", "teacher": "string", "answered_by": "string", "kept": "string",
    "prompt": "string", "messages": "messages", "temperature": "float64", "top_p": "float64",
    "max_tokens": "int64", "sample": "int64", "stop": "strings", "text": "string",
    "reasoning": "string", "finish": "string", "prompt_tokens": "int64",
    "cached_tokens": "int64", "completion_tokens": "int64", "seconds": "float64",
    "cost": "float64", "logprob": "float64",
}


def export(place: Path, out: Path, teacher: str | None = None) -> int:
    """Write a row a reply to `out`, JSONL or (by its suffix) Parquet; return how many.

    `teacher` is a name or a pattern with `*`. `out` appears whole or not at all. Raises
    InputError for no journal, UsageError for another ending, StepFailed where `out` cannot be
    written.
    """
    if out.suffix not in (".jsonl", ".parquet"):
        raise UsageError(f"{out}: replies are written to a .jsonl or a .parquet file; "
                         "give --out one of these endings")
    path = file_of(place)
    rows = _first_of_each(path, teacher)
    aside = out.with_name(out.name + ".writing")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write = _write_parquet if out.suffix == ".parquet" else _write_lines
        count = write(aside, rows)
        os.replace(aside, out)
    except OSError as error:
        raise StepFailed(f"{out}: cannot be written ({error.strerror or error}); make room or "
                         "choose another place with --out") from error
    finally:
        with suppress(OSError):  # it was renamed, or never made
            aside.unlink()
    return count


def row_of(found: dict[str, Any]) -> dict[str, Any]:
    """Return a record flat, every column there; what it does not say is None."""
    reply, asked = record.reply_of(found), found.get("asked", {})
    return {
        "request": reply.request, "teacher": found["teacher"], "answered_by": reply.teacher,
        "kept": found.get("kept"), "prompt": found.get("prompt"),
        "messages": asked.get("messages"), "temperature": asked.get("temperature"),
        "top_p": asked.get("top_p", 1.0 if asked else None),
        "max_tokens": asked.get("max_tokens"), "sample": asked.get("sample"),
        "stop": asked.get("stop", [] if asked else None), "text": reply.text,
        "reasoning": reply.reasoning, "finish": reply.finish,
        "prompt_tokens": reply.prompt_tokens, "cached_tokens": reply.cached_tokens,
        "completion_tokens": reply.completion_tokens, "seconds": reply.seconds,
        "cost": reply.cost, "logprob": reply.logprob,
    }


def _first_of_each(path: Path, teacher: str | None) -> Iterator[dict[str, Any]]:
    """Yield a flat row a reply of a teacher; of doubled ones the first, which is used."""
    seen: set[int] = set()
    for _, row in read(path):
        if row is not None and is_of(row, teacher) and (whose := whole_key(row)) not in seen:
            seen.add(whose)
            yield row_of(row)


def _write_lines(out: Path, rows: Iterator[dict[str, Any]]) -> int:
    """Write rows as JSONL; return how many."""
    count = 0
    with out.open("wb", buffering=1 << 20) as file:
        for row in rows:
            text = json.dumps(row, ensure_ascii=False)
            try:
                file.write(text.encode() + b"\n")
            except UnicodeEncodeError:  # a lone surrogate
                file.write(json.dumps(row).encode() + b"\n")
            count += 1
    return count


def _write_parquet(out: Path, rows: Iterator[dict[str, Any]]) -> int:
    """Write rows as Parquet; return how many."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = pa.string()
    special = {"strings": pa.list_(text),
               "messages": pa.list_(pa.struct([("role", text), ("content", text)]))}
    schema = pa.schema([(name, special.get(kind) or getattr(pa, kind)())
                        for name, kind in COLUMNS.items()])
    count = 0
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        while group := list(islice(rows, ROWS_A_GROUP)):
            writer.write_table(pa.Table.from_pylist([_sound(row) for row in group], schema))
            count += len(group)
    return count


def _sound(value: Any) -> Any:
    """Return a value whose texts Arrow can hold: half signs become question marks."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {name: _sound(each) for name, each in value.items()}
    return [_sound(each) for each in value] if isinstance(value, list) else value
