"""What is in a journal: replies, tokens, money and dates by teacher.

Why: a journal is a ledger of what was bought; whoever pays must see how much of what, when
and from whom. Reading stops where the file ended when it began, so writers may be at work.

Used as: `print(stats(folder).text())`, by `mathmill journal stats`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mathmill.errors import InputError
from mathmill.teachers.journal import record
from mathmill.teachers.journal.store import NAME

UNDATED = ""  # records of earlier versions do not say when they were kept


@dataclass(slots=True)
class Account:
    """What one teacher's replies add up to."""

    replies: int = 0
    "Different requests answered."
    cut: int = 0
    "Of these, cut off by length."
    tokens_in: int = 0
    "Tokens read."
    cached: int = 0
    "Of these, charged less because the teacher had them at hand."
    tokens_out: int = 0
    "Tokens written."
    dollars: float = 0.0
    "What they cost, as far as the price was known."
    unpriced: int = 0
    "Replies whose price was not known."
    first: str = UNDATED
    "When the first was kept (UTC)."
    last: str = UNDATED
    "When the last was."

    def add(self, row: dict[str, Any]) -> None:
        """Count one record."""
        self.replies += 1
        self.cut += row.get("finish") == "length"
        self.tokens_in += row.get("prompt_tokens") or 0
        self.cached += row.get("cached_tokens") or 0
        self.tokens_out += row.get("completion_tokens") or 0
        cost = row.get("cost")
        self.dollars += cost or 0.0
        self.unpriced += cost is None
        kept = row.get("kept", UNDATED)
        if kept:
            self.first = min(self.first or kept, kept)
            self.last = max(self.last, kept)


@dataclass(slots=True)
class Stats:
    """What a journal holds."""

    path: Path
    "The file."
    size: int = 0
    "Its bytes."
    torn: int = 0
    "Records that cannot be read."
    doubled: int = 0
    "Records of requests that were answered already (two processes at the same moment)."
    teachers: dict[str, Account] = field(default_factory=dict)
    "Accounts by teacher."

    def text(self) -> str:
        """Return all of it for people: a line, and a table with a line a teacher."""
        accounts = sorted(self.teachers.items())
        replies = sum(account.replies for _, account in accounts)
        lines = [f"{self.path}: {replies:,} replies in {self.size:,} bytes, "
                 f"{self.torn:,} torn records, {self.doubled:,} doubled"]
        table = [("teacher", "replies", "cut off", "tokens in", "cached", "tokens out", "dollars",
                  "unpriced", "first", "last")]
        table += [(name, f"{a.replies:,}", f"{a.cut:,}", f"{a.tokens_in:,}", f"{a.cached:,}",
                   f"{a.tokens_out:,}", f"{a.dollars:,.4f}", f"{a.unpriced:,}",
                   a.first[:10] or "?", a.last[:10] or "?") for name, a in accounts]
        if accounts:
            widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]
            lines += ["  ".join(cell.ljust(width) if place in (0, 8, 9) else cell.rjust(width)
                                for place, (cell, width) in enumerate(
                                    zip(row, widths, strict=True))).rstrip() for row in table]
        return "\n".join(lines)


def file_of(place: Path) -> Path:
    """Return the journal file of a folder, or the file itself; raises InputError for none."""
    path = place / NAME if place.is_dir() else place
    if not path.is_file():
        raise InputError(path, "there is no journal here", "name the folder that holds it, "
                         "a run's or the one that runs share")
    return path


def stats(place: Path) -> Stats:
    """Return what the journal in a folder (or the file) holds; raises InputError for none."""
    path = file_of(place)
    result, seen = Stats(path, path.stat().st_size), set()
    for _, row in read(path):
        if row is None:
            result.torn += 1
        elif (whose := whole_key(row)) in seen:
            result.doubled += 1
        else:
            seen.add(whose)
            result.teachers.setdefault(row["teacher"], Account()).add(row)
    return result


def read(path: Path) -> Iterator[tuple[bytes, dict[str, Any] | None]]:
    """Yield (bytes, record) of all that stands in a journal file, None for what is torn.

    Only up to the size that the file has now: others may be writing to it.
    """
    left = path.stat().st_size
    try:
        with path.open("rb") as lines:
            for line in lines:
                if left <= 0:
                    return
                left -= len(line)
                for key, start, length in record.places(line):
                    raw = line[start:start + length]
                    yield raw, None if key == record.TORN else record.from_bytes(raw)
    except OSError as error:
        raise InputError(path, error.strerror or str(error), "check the disk") from error


def is_of(row: dict[str, Any], teacher: str | None) -> bool:
    """Tell whether a record is of a teacher, named or by a pattern; None is any."""
    return teacher is None or row["teacher"] == teacher or fnmatchcase(row["teacher"], teacher)


def whole_key(row: dict[str, Any]) -> int:
    """Return 128 bits that stand for teacher and request: 60 bytes in a set."""
    return int(row["request"], 16) ^ record.key_of(row["teacher"], "0" * 32)
