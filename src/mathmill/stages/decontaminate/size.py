"""What a benchmark takes of memory, told before it is read: from its size and its first rows.

Why: all of a benchmark lies in memory while rows are compared, a few hundred bytes a word. Given a
whole training set as a benchmark, a process would read for an hour and then be killed.

Used as: `check(files, name, beyond)` before files are read; `told(bench, against, beyond)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from mathmill.errors import UsageError
from mathmill.io import json_lines, parse_json_line, read_parquet_rows
from mathmill.memory import free_memory
from mathmill.packed import PACKED, suffix_of
from mathmill.stages.any_rows import texts_of
from mathmill.stages.overlap import words_of
from mathmill.types import Problem
from mathmill.workbench import Workbench

# Bytes a word, measured on 30,000 items of 106 words: runs of 30 took 185, of 8 took 249;
# beside them `numbers` 14, an encoder 72 to 88.
RUNS, NUMBERS, NEIGHBOURS = 240, 15, 90
ROWS, BYTES = 200, 4 << 20  # of each file that are looked at
SHRUNK = 4  # what packed text usually shrinks by


def check(files: Sequence[Path], name: str | None, beyond: Mapping[str, Any]) -> None:
    """Raise UsageError where benchmark files will not fit into memory.

    `name`: field with their text. `beyond`: what `finders.literals` made. Raises InputError for
    a file that cannot be read.
    """
    words = sum(_words(file, name) for file in files)
    if short := _short(words, beyond):
        raise UsageError(f"{files[0]}{' and others' if len(files) > 1 else ''}: {short}; give a "
                         "smaller benchmark or fewer finders, or say --force")


def told(bench: Workbench, against: Sequence[str], beyond: Mapping[str, Any]) -> None:
    """Print a line where the benchmarks of a step will hardly fit into memory."""
    words = 0
    for name in against:
        some = list(islice(bench.rows(f"against.{name}", Problem), ROWS))
        seen = sum(_count((item.question, item.solution)) for item in some)
        words += seen * bench.count(f"against.{name}") // max(1, len(some))
    if short := _short(words, beyond):
        bench.say(f"decontaminate: {short}")


def _short(words: int, beyond: Mapping[str, Any]) -> str:
    """Return what is wrong where an index of so many words does not fit; empty where it does."""
    free = free_memory()
    needed = words * (RUNS + NUMBERS * bool(beyond.get("numbers"))
                      + NEIGHBOURS * len(beyond.get("neighbours") or ()))
    if free is None or needed <= free:
        return ""
    return (f"this benchmark of about {float(f'{words:.2g}'):,.0f} words takes about "
            f"{_bytes(needed)} of memory, and {_bytes(free)} are free")


def _bytes(number: int) -> str:
    return f"{number / 1e9:,.1f} GB" if number >= 1e9 else f"{number / 1e6:,.1f} MB"


def _words(file: Path, name: str | None) -> int:
    """Return about how many words of a file are compared, from its first rows."""
    if suffix_of(file) == ".parquet":
        import pyarrow.parquet as pq

        some = list(islice(read_parquet_rows(file, batch_rows=ROWS // 4), ROWS))
        seen = sum(_count(texts_of(row, name)) for _, row in some)
        return seen * int(pq.read_metadata(file).num_rows) // max(1, len(some))
    words = held = 0
    for line in _first(file):
        row = parse_json_line(line)
        words += _count(texts_of(row, name)) if isinstance(row, dict) else 0
        held += len(line)
    whole = file.stat().st_size * (SHRUNK if suffix_of(file) in PACKED else 1)
    return max(words, words * whole // max(1, held))


def _first(file: Path) -> Iterator[bytes]:
    """Yield the first lines of a file."""
    held = 0
    for _, line in islice(json_lines(file), ROWS):
        yield line
        held += len(line)
        if held >= BYTES:
            return


def _count(texts: Sequence[str | None] | None) -> int:
    return sum(len(words_of(text)) for text in texts or () if text)
