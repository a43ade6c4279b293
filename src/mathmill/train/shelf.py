"""Rows as token numbers on disk: written once, read by place, never all in memory.

Why: JiuZhang3.0 trains on six million rows of 770 tokens. As Python lists these are 160 GB,
and a trainer that makes its items from them holds them twice. Here a token is four bytes in one
file, mapped into memory, and a row costs what says where it begins. A token without loss has
its highest bit set, so that prompts and silent outputs need no second file.

Used as: `shelf = fill(folder, chunks)`, `shelf.row(7)` -> tokens, labels; `Shelf.open(folder)`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathmill.io import read_json, write_json
from mathmill.train.data import Rendered
from mathmill.train.items import IGNORED

if TYPE_CHECKING:
    from numpy.typing import NDArray

SILENT = 1 << 31  # no vocabulary is that large
FACTS = "shelf.json"  # written last: the shelf is whole if this is there


@dataclass(frozen=True)
class Shelf:
    """Rows on disk."""

    lengths: NDArray[Any]
    "Tokens of each row, 32 bits each."
    ends: NDArray[Any]
    "Tokens up to the end of each row, 64 bits each."
    tokens: NDArray[Any]
    "All tokens, mapped: what is read may be forgotten again by the system."
    facts: dict[str, Any]
    "What was said of it when it was filled."

    @classmethod
    def open(cls, folder: Path) -> Shelf | None:
        """Return the shelf in a folder; None where none was finished."""
        import numpy as np

        if not (folder / FACTS).exists():
            return None
        lengths = np.load(folder / "lengths.npy")
        tokens = (np.memmap(folder / "tokens.u32", dtype=np.uint32, mode="r")
                  if lengths.size else np.zeros(0, dtype=np.uint32))
        return cls(lengths, np.cumsum(lengths, dtype=np.int64), tokens, read_json(folder / FACTS))

    def row(self, place: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return a row's tokens and labels (`IGNORED` where nothing is learned)."""
        import numpy as np

        end = int(self.ends[place])
        coded = np.asarray(self.tokens[end - int(self.lengths[place]):end])
        ids = (coded & (SILENT - 1)).astype(np.int64)
        return ids, np.where(coded >= SILENT, IGNORED, ids)


def fill(folder: Path, chunks: Iterable[Rendered], facts: dict[str, Any] | None = None) -> Shelf:
    """Write rows as they come; the shelf is there whole or not at all.

    `facts`: kept beside it once the last chunk was taken, so that who renders may still count.
    """
    import numpy as np

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lengths: list[Any] = []
    with (folder / "tokens.u32").open("wb") as file:
        for chunk in chunks:
            rows = [chunk.row(place) for place in range(len(chunk.tokens))]
            lengths.append(np.array([len(ids) for ids, _ in rows], dtype=np.int32))
            for ids, labels in rows:
                file.write(np.where(labels == IGNORED, ids | SILENT, ids)
                           .astype(np.uint32).tobytes())
        file.flush()
        os.fsync(file.fileno())
    np.save(folder / "lengths.npy", np.concatenate([np.zeros(0, dtype=np.int32), *lengths]))
    write_json(folder / FACTS, facts or {})
    shelf = Shelf.open(folder)
    assert shelf is not None, "its facts were just written"
    return shelf
