"""Where each reply stands in the journal: keys of 64 bits in sorted arrays, 20 bytes a reply.

Why: a dictionary of 2.5 million replies takes 600 MB, the arrays take 50. What comes new goes
into a small dictionary and from there, a hundred thousand at a time, into the arrays. One key
may stand in several places (a torn record and its repetition, two processes that asked at the
same moment, and, at odds of 10^-6, two requests): all are kept, in the order of the file.

The index is written beside the journal as `journal.index`, so that the next run need not read
gigabytes to begin. It is a copy that may be deleted: it holds how far it reached and digests of
the journal's beginning and of what stood last; where they do not fit, the journal is read anew.

Used as: `index.add(key, place, length)`; `for place, length in index.places(key): ...`
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from bisect import bisect_left
from contextlib import suppress
from pathlib import Path
from typing import Any

RECENT = 100_000  # replies in the dictionary (20 MB) before they are sorted in (10 to 60 ms)
MAGIC = b"mathmill journal index 1\n"
_HEADER = struct.Struct("<QQQ16sI")  # bytes covered, replies, torn records, digest, checksum
_SAMPLE = 4096  # bytes of the journal's beginning, and of what the index saw last


class Index:
    """Keys with their places in one file."""

    def __init__(self) -> None:
        """Begin empty."""
        self._recent: dict[int, int | list[int]] = {}
        self._keys: memoryview | None = None  # sorted; a view, for bisect at C speed
        self._arrays: tuple[Any, Any, Any] | None = None  # keys, places, lengths
        self._count = 0

    def __len__(self) -> int:
        """Return how many places are known."""
        return self._count

    def add(self, key: int, place: int, length: int) -> None:
        """Note that a record of `length` bytes stands at byte `place`; twice is once."""
        packed = place << 32 | length
        known = self._recent.setdefault(key, packed)
        if known is packed:
            self._count += 1
        elif isinstance(known, list):
            if packed not in known:
                known.append(packed)
                self._count += 1
        elif known != packed:
            self._recent[key] = [known, packed]
            self._count += 1
        if len(self._recent) >= RECENT:
            self._settle()

    def places(self, key: int) -> list[tuple[int, int]]:
        """Return (place, length) of all records under a key, in the order of the file."""
        found = []
        if self._keys is not None and self._arrays is not None:
            at = bisect_left(self._keys, key)
            while at < len(self._keys) and self._keys[at] == key:
                found.append((int(self._arrays[1][at]), int(self._arrays[2][at])))
                at += 1
        recent = self._recent.get(key)
        if recent is not None:
            packs = recent if isinstance(recent, list) else [recent]
            found += [(packed >> 32, packed & 0xFFFFFFFF) for packed in packs]
        return found

    def _settle(self) -> None:
        """Sort what is recent into the arrays."""
        import numpy as np

        if not self._recent:
            return
        pairs = [(key, packed) for key, packs in self._recent.items()
                 for packed in (packs if isinstance(packs, list) else [packs])]
        self._recent = {}
        # 96 bits do not fit a number of 64: places and lengths are unpacked first.
        news = (np.fromiter((key for key, _ in pairs), np.uint64, len(pairs)),
                np.fromiter((packed >> 32 for _, packed in pairs), np.uint64, len(pairs)),
                np.fromiter((packed & 0xFFFFFFFF for _, packed in pairs), np.uint32, len(pairs)))
        del pairs
        order = np.argsort(news[0], kind="stable")
        news = (news[0][order], news[1][order], news[2][order])
        if self._arrays is None:
            self._take(news)
            return
        # To the right of equal keys: the order of the file is kept.
        at = np.searchsorted(self._arrays[0], news[0], side="right")
        old, self._keys, self._arrays = self._arrays, None, None
        self._take((np.insert(old[0], at, news[0]), np.insert(old[1], at, news[1]),
                    np.insert(old[2], at, news[2])))

    def _take(self, arrays: Any) -> None:
        """Hold sorted arrays of keys, places and lengths."""
        self._arrays = arrays
        self._keys = memoryview(arrays[0])
        self._count = len(arrays[0]) + len(self._recent)

    def save(self, path: Path, journal: int, covered: int, torn: int) -> None:
        """Write the index of the first `covered` bytes of an open journal, whole or not at all.

        Where it cannot be written it is left out: it only saves time.
        """
        self._settle()
        if self._arrays is None:
            return
        checksum = 0
        for array in self._arrays:
            checksum = zlib.crc32(memoryview(array).cast("B"), checksum)
        aside = path.with_name(f"{path.name}.{os.getpid()}.writing")
        try:
            with aside.open("wb") as file:
                file.write(MAGIC + _HEADER.pack(covered, len(self._arrays[0]), torn,
                                                _fingerprint(journal, covered), checksum))
                for array in self._arrays:
                    file.write(memoryview(array).cast("B"))
            os.replace(aside, path)
        except OSError:
            with suppress(OSError):
                aside.unlink()

    @classmethod
    def load(cls, path: Path, journal: int) -> tuple[Index, int, int]:
        """Return (index, bytes covered, torn records) as saved, or an empty one and zeros.

        It is taken only where its checksum is right and the journal still holds what it held.
        """
        import numpy as np

        index = cls()
        try:
            with path.open("rb") as file:
                if file.read(len(MAGIC)) != MAGIC:
                    return index, 0, 0
                header = file.read(_HEADER.size)
                covered, count, torn, digest, checksum = _HEADER.unpack(header)
                size = len(MAGIC) + _HEADER.size + 20 * count
                if (os.fstat(file.fileno()).st_size != size
                        or os.fstat(journal).st_size < covered
                        or _fingerprint(journal, covered) != digest):
                    return index, 0, 0
                kinds = (np.uint64, np.uint64, np.uint32)
                arrays: list[Any] = [np.fromfile(file, kind, count) for kind in kinds]
        except (OSError, struct.error, ValueError):
            return index, 0, 0
        found = 0
        for array in arrays:
            found = zlib.crc32(memoryview(array).cast("B"), found)
        if count == 0 or found != checksum:
            return index, 0, 0
        index._take(tuple(arrays))
        return index, covered, torn


def _fingerprint(journal: int, covered: int) -> bytes:
    """Return a digest of the journal's first bytes and of the last before `covered`.

    The last hold a request's id, so that an edit that moves records shows.
    """
    digest = hashlib.blake2b(os.pread(journal, min(_SAMPLE, covered), 0), digest_size=16)
    digest.update(os.pread(journal, min(_SAMPLE, covered), max(covered - _SAMPLE, 0)))
    return digest.digest()
