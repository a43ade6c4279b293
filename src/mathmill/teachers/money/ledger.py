"""What a run has spent and what is on the wire: one small file that survives any kill.

Why: a cap holds over all invocations of a run and over all its processes, also over those that
were killed with a thousand calls in flight. So what a call may cost at worst is in the file
before the call is sent, and what it did cost replaces that afterwards. Whoever reads the file
at any moment finds at least what has been spent. What a killed process held stays counted:
nobody can tell whether it was billed.

The file is JSONL with lines of one length, padded with spaces: one line for each teacher of
each invocation, rewritten in place with one `pwrite` (1,024 bytes within one page of the file,
which a kill cannot tear). It stays small however many calls are made. Whether a call still
fits under a cap is asked with the file locked (`flock`), so that two processes cannot both
take the last dollar; the lines of others are read again only where their bytes changed. A
power cut may lose the last second (`fdatasync` once a second, not on the event loop).

Used as: `account = Account(home / "spent.jsonl", "openai:gpt-5-mini")`,
`account.hold(worst, caps)`, `account.settle(worst, actual, assumed=False)`.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from mathmill.dollars import PICO
from mathmill.errors import InputError, StepFailed
from mathmill.teachers.money.amount import NOTHING, Amount, Caps
from mathmill.teachers.money.process import is_alive, this_process

LINE = 1024  # bytes; divides a page, so that no line lies on two
NAME = 140  # signs of a name that are kept: two of them, all escaped, still fit a line
SYNC_SECONDS = 1.0
AHEAD = 8  # without caps, one call more is held for so many in flight
LATE = 0.05  # seconds for which, without caps, a bill may be missing in the file
FILE = "spent.jsonl"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the file: what one teacher of one invocation spent and has in flight."""

    teacher: str
    "Its name, cut off where it is very long."
    spent: Amount = NOTHING
    "Settled calls."
    held: Amount = NOTHING
    "The worst case of calls that are in flight, or were when the process died."
    assumed: Amount = NOTHING
    "Of `spent`, what nobody told and was settled at its worst."
    process: str = ""
    "Host, number and start of the process."
    started: float = 0.0
    "Seconds since the epoch."

    def line(self) -> bytes:
        """Return the line of the file."""
        names = f'"teacher": {_text(self.teacher)}, "process": {_text(self.process)}'
        line = (f'{{{names}, "started": {self.started}, "spent": {_record(self.spent)}, '
                f'"held": {_record(self.held)}, "assumed": {_record(self.assumed)}}}').encode()
        return line.ljust(LINE - 1) + b"\n"

    @classmethod
    def of(cls, line: bytes) -> Entry:
        """Return the entry of a line; raises ValueError, KeyError or TypeError for none."""
        record = json.loads(line)
        return cls(record["teacher"], _amount(record["spent"]), _amount(record["held"]),
                   _amount(record["assumed"]), record["process"], float(record["started"]))

    @property
    def alive(self) -> bool:
        """Tell whether the process that holds something here can still settle it."""
        return self.held != NOTHING and is_alive(self.process)


class Account:
    """The line of one teacher in this process; every other line counts against the caps too."""

    def __init__(self, path: Path, teacher: str) -> None:
        """Keep the place; nothing is opened or written before the first call."""
        self.path = path
        self._blank = Entry(teacher, process=this_process(), started=round(time.time(), 3))
        self._spent = self._held = self._assumed = NOTHING
        self._file: int | None = None
        self._place = -1
        self._seen: dict[int, tuple[bytes, Entry]] = {}
        self._synced = self._written = 0.0
        self._told: Amount | None = None  # spent and held in the file, where it may be ahead

    @property
    def own(self) -> Entry:
        """Return this teacher's line."""
        return self._entry(self._spent, self._held, self._assumed)

    def hold(self, worst: Amount, caps: Caps) -> str:
        """Hold the worst case of a call in the file; return the cap that forbids it, or nothing.

        Raises StepFailed where the file cannot be written, InputError where it cannot be read.
        """
        held = self._held + worst
        if not caps:
            if self._told is None or not self._told.covers(self._spent + held):
                self._write(self._spent, held, self._assumed,
                            worst.times(held.calls // (AHEAD * max(1, worst.calls))))
            self._held = held
            return ""
        self._told = None
        file = self._open()
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            passed = caps.passed(self.total() + worst)
            if not passed:
                self._write(self._spent, held, self._assumed)
            return passed
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def settle(self, worst: Amount, actual: Amount, assumed: bool) -> None:
        """Replace what was held for a call by what it cost; `assumed`: nobody told that."""
        spent, held = self._spent + actual, self._held - worst
        if (self._told is not None and not assumed and held != NOTHING
                and time.monotonic() - self._written < LATE
                and self._told.covers(spent + held)):
            self._spent, self._held = spent, held
        else:
            self._write(spent, held, self._assumed + actual if assumed else self._assumed,
                        None if self._told is None else NOTHING)

    def total(self) -> Amount:
        """Return what all invocations spent and hold."""
        return sum((entry.spent + entry.held for entry in self._others()),
                   self._spent + self._held)

    def entries(self) -> list[Entry]:
        """Return all lines of the file, this one's included."""
        return [*self._others(), self.own]

    def in_flight(self) -> bool:
        """Tell whether a living process may still give back some of what is held."""
        return self._held != NOTHING or any(entry.alive for entry in self._others())

    def close(self) -> None:
        """Bring the file to the platter and close it."""
        if self._file is not None:
            os.fsync(self._file)
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        """Open the file and take the next free line of it."""
        if self._file is None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
                fcntl.flock(self._file, fcntl.LOCK_EX)
                if self._place < 0:  # else it was closed, and its line is still its own
                    size = os.fstat(self._file).st_size
                    self._place = -(-size // LINE) * LINE  # past a line that a full disk cut off
                self._write(self._spent, self._held, self._assumed)
                fcntl.flock(self._file, fcntl.LOCK_UN)
            except OSError as error:
                raise self._trouble(error) from error
        return self._file

    def _others(self) -> list[Entry]:
        """Return the other lines of the file; raises InputError for one that is broken."""
        file = self._open()
        text = os.pread(file, os.fstat(file).st_size, 0)
        entries = []
        for place in range(0, len(text), LINE):
            line = text[place:place + LINE]
            if place == self._place or not line.strip(b" \n\0"):
                continue
            seen = self._seen.get(place)
            if seen is None or seen[0] != line:
                try:
                    seen = line, Entry.of(line)
                except (ValueError, KeyError, TypeError) as error:
                    raise InputError(
                        self.path, "the account of what was spent cannot be read",
                        "mend the line, or move the file away to begin a new account",
                        place // LINE + 1) from error
                self._seen[place] = seen
            entries.append(seen[1])
        return entries

    def _entry(self, spent: Amount, held: Amount, assumed: Amount) -> Entry:
        """Return this teacher's line with these amounts."""
        blank = self._blank
        return Entry(blank.teacher, spent, held, assumed, blank.process, blank.started)

    def _write(self, spent: Amount, held: Amount, assumed: Amount,
               ahead: Amount | None = None) -> None:
        """Change this teacher's line, in the file first; `ahead`: more held there, or NOTHING."""
        file = self._file if self._file is not None else self._open()
        line = self._entry(spent, held if ahead is None else held + ahead, assumed).line()
        try:
            written = os.pwrite(file, line, self._place)
            if written < len(line):
                raise OSError(0, f"only {written} of {len(line)} bytes fitted")
        except OSError as error:
            raise self._trouble(error) from error
        self._spent, self._held, self._assumed = spent, held, assumed
        self._told = None if ahead is None else spent + held + ahead
        now = self._written = time.monotonic()
        if now - self._synced >= SYNC_SECONDS:
            self._synced = now
            # A descriptor of its own: this one may be closed before the thread is done.
            threading.Thread(target=_sync, args=(os.dup(file),), daemon=True).start()

    def _trouble(self, error: OSError) -> StepFailed:
        return StepFailed(f"{self.path}: the account of what is spent cannot be kept ("
                          f"{error.strerror or error}); make room or mend the path, and run again")


@lru_cache(maxsize=64)
def _text(name: str) -> str:
    return json.dumps(name.encode("ascii", "replace").decode()[:NAME])


def _record(amount: Amount) -> str:
    # By hand: two lines a call, and `json.dumps` with `Decimal` took three times as long.
    (whole, part), sign = divmod(abs(amount.cost), PICO), "-" * (amount.cost < 0)
    return (f'{{"dollars": "{sign}{whole}.{part:012d}", "calls": {amount.calls}, '
            f'"tokens_in": {amount.read}, "tokens_out": {amount.written}}}')


def _amount(record: dict[str, Any]) -> Amount:
    return Amount(int(Decimal(record["dollars"]) * PICO), int(record["calls"]),
                  int(record["tokens_in"]), int(record["tokens_out"]))


def _sync(file: int) -> None:
    try:
        os.fdatasync(file)
    except OSError:  # the next write says so
        pass
    finally:
        os.close(file)
