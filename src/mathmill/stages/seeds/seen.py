"""Which questions were seen before, and where: 50 bytes of memory a question, however many.

Why: a table of Python's own takes 300 bytes for a question's id and place, which for twelve
million is more than a laptop has. Nearly every question is new, and that is told by two bytes of
a table of flags; only for one that may have been seen its id is looked up, in sorted arrays of
numbers, and compared with what a file beside the work says.

Used as: `with Seen(folder) as seen: first = seen.first(problem.id, "train.jsonl:12")`.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]
RECENT = 1 << 16  # questions that a table of Python's holds before they become an array
_BITS = 25
_MASK = (1 << _BITS) - 1


class Seen:
    """Ids (32 hex digits) with the place where each was seen first."""

    def __init__(self, folder: Path) -> None:
        """Take a folder for a scratch file."""
        self._flags = bytearray(1 << _BITS)
        self._recent: dict[str, str] = {}
        self._runs: list[tuple[Numbers, Numbers]] = []
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._size = 0

    def __enter__(self) -> Seen:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def first(self, name: str, place: str) -> str | None:
        """Return where an id was seen first; None, and take its place, where it is new."""
        number, flags = int(name, 16), self._flags
        one, other = number & _MASK, (number >> _BITS) & _MASK
        if flags[one] and flags[other]:
            found = self._recent.get(name)
            if found is None:
                found = self._older(name)
            if found is not None:
                return found
        flags[one] = flags[other] = 1
        self._recent[name] = place
        if len(self._recent) >= RECENT:
            self._settle()
        return None

    def _older(self, name: str) -> str | None:
        key = np.uint64(int(name[:16], 16))
        for keys, starts in self._runs:
            at = int(keys.searchsorted(key))
            while at < len(keys) and keys[at] == key:
                self._file.seek(int(starts[at]))
                own, place = json.loads(self._file.readline())
                if own == name:
                    return str(place)
                at += 1
        return None

    def _settle(self) -> None:
        """Write what is recent to the file, and keep of it where each stands."""
        lines = [json.dumps(pair).encode() + b"\n" for pair in self._recent.items()]
        starts = self._size + np.cumsum([0, *map(len, lines[:-1])], dtype=np.uint64)
        keys = np.frombuffer(bytes.fromhex("".join(name[:16] for name in self._recent)),
                             ">u8").astype(np.uint64)
        self._file.seek(self._size)
        self._file.writelines(lines)
        self._size += sum(map(len, lines))
        self._recent.clear()
        # Runs of one length become one of twice that: ten of them hold fifty million.
        while self._runs and len(self._runs[-1][0]) <= len(keys):
            before = self._runs.pop()
            keys, starts = (np.concatenate(pair) for pair in zip(before, (keys, starts),
                                                                 strict=True))
        order = np.argsort(keys, kind="stable")
        self._runs.append((keys[order], starts[order]))
