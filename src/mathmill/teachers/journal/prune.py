"""Making a journal smaller: replies of a teacher, or of a time, go; the rest stays as it was.

Why: a shared journal only grows, and people who throw parts of it away by hand harm the rest.
The file is rewritten aside and renamed, under a lock that no writer shares: a kill at any
moment leaves the old journal or the new one.

Used as: `prune(folder, teacher="openai:gpt-4*", really=True)`, by `mathmill journal prune`.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mathmill.errors import StepFailed
from mathmill.teachers.journal.inspect import UNDATED, file_of, is_of, read, whole_key
from mathmill.teachers.journal.store import INDEX, take_lock


@dataclass(slots=True)
class Pruned:
    """What a pruning takes away, or took."""

    path: Path
    "The file."
    kept: int = 0
    "Replies that stay."
    removed: Counter[str] = field(default_factory=Counter)
    "Records that go, by why."
    undated: int = 0
    "Replies that stay because nobody knows their age."
    bytes_before: int = 0
    "Size of the file as it was."
    bytes_after: int = 0
    "Size without them."
    done: bool = False
    "Whether they are gone, not only counted."

    def text(self) -> str:
        """Return it as a line for people."""
        gone = ", ".join(f"{count:,} {why}" for why, count in self.removed.items()) or "nothing"
        undated = (f" ({self.undated:,} of them undated, so of no known age)"
                   if self.undated else "")
        verb = "removed" if self.done else "would be removed"
        more = "" if self.done or not self.removed else "; add --yes to remove them"
        return (f"{self.path}: {verb}: {gone}; {self.kept:,} replies stay{undated}; "
                f"{self.bytes_before:,} bytes -> {self.bytes_after:,}{more}")


def prune(place: Path, teacher: str | None = None, before: str | None = None,
          really: bool = False) -> Pruned:
    """Take away the replies of a teacher (name or pattern), kept before a time, or both.

    `before` is the beginning of a UTC time, such as `2026-11-21`. Torn and doubled records go
    in any case. Without `really` it is only counted. Raises BusyDirectory where a run writes
    to the journal, InputError for none, StepFailed where the new file cannot be written.
    """
    path = file_of(place)
    result = Pruned(path, bytes_before=path.stat().st_size)
    if not really:
        for raw in _staying(path, teacher, before, result):
            result.bytes_after += len(raw) + 1
        return result
    real = Path(os.path.realpath(path))  # what a link leads to is replaced, not the link
    aside = real.with_name(real.name + ".writing")
    guard = -1
    try:
        guard = take_lock(path.parent, fcntl.LOCK_EX)
        result.bytes_before = path.stat().st_size
        with aside.open("wb", buffering=1 << 20) as file:
            for raw in _staying(path, teacher, before, result):
                result.bytes_after += file.write(raw + b"\n")
            file.flush()
            os.fchmod(file.fileno(), real.stat().st_mode & 0o777)
            os.fsync(file.fileno())
        path.with_name(INDEX).unlink(missing_ok=True)
        os.replace(aside, real)
        _sync(real.parent)
    except OSError as error:
        raise StepFailed(f"{path}: cannot be pruned ({error.strerror or error}); it stays as it "
                         "was; make room and check permissions") from error
    finally:
        if guard >= 0:
            aside.unlink(missing_ok=True)
            os.close(guard)
    result.done = True
    return result


def days_ago(days: int) -> str:
    """Return the time so many days ago, as records say when they were kept."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * 86_400))


def _staying(path: Path, teacher: str | None, before: str | None,
             result: Pruned) -> Iterator[bytes]:
    """Yield the records that a pruning leaves, and count all."""
    seen: set[int] = set()
    for raw, row in read(path):
        if row is None:
            result.removed["torn"] += 1
        elif (whose := whole_key(row)) in seen:
            result.removed["doubled"] += 1
        else:
            seen.add(whose)
            chosen = (teacher is not None or before is not None) and is_of(row, teacher)
            kept = row.get("kept", UNDATED)
            if chosen and (before is None or (kept and kept < before)):
                result.removed["chosen"] += 1
                continue
            result.undated += chosen and not kept
            result.kept += 1
            yield raw


def _sync(folder: Path) -> None:
    """Bring a rename in a folder to the platter."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
