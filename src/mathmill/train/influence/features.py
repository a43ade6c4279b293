"""A matrix of features on disk: one row an example, float16, with norms, ids and a header.

Why: a million rows of 8,192 numbers are 16 GB; they are written once, as gradients come, and
read often, a slab at a time. A row is kept at length 1 with its norm beside it: raw gradients
can be smaller than float16 knows, unit rows are not (of 8,192 numbers 0.01 each).

A folder holds `header.json`, `rows.f16`, `norms.f32`, `ids.bin` (32 bytes a row), `seeds.bin`
and `blocks.bin`: for each block on disk how many rows there are, and how many input rows they
have used up. A block counts once it stands there, so that a kill loses one block at most.

Used as: `with Writer(folder, header) as writer: writer.append(ids, seeds, rows, taken)`; later
`for start, slab in Features(folder, header.space).slabs(): ...`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mathmill.errors import InputError, StepFailed, UsageError
from mathmill.io import read_json, write_json
from mathmill.train.influence.header import Header, Space

FORMAT = "mathmill features 1"
HEADER, BLOCKS = "header.json", "blocks.bin"
ID_WIDTH = 32  # bytes: a content id is 32 hex digits
SLAB = 4 << 20  # bytes of a slab: two of them stay in the cache that cores share
CURE = "make these features anew, in a folder of their own"


def _files(folder: Path, dimension: int) -> dict[str, tuple[Path, int]]:
    """Return path and bytes a row of each of the files that hold something of every row."""
    return {"rows": (folder / "rows.f16", 2 * dimension), "norms": (folder / "norms.f32", 4),
            "ids": (folder / "ids.bin", ID_WIDTH), "seeds": (folder / "seeds.bin", ID_WIDTH)}


def _header(folder: Path) -> tuple[Header, int | None]:
    """Return a folder's header and its rows (None: not whole); raises InputError for another."""
    told = read_json(folder / HEADER)
    try:
        if told["format"] != FORMAT:
            raise KeyError(told["format"])
        return Header.of(told["header"]), told["rows"]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(folder / HEADER, "is no header of features that can be read",
                         CURE) from error


def _blocks(folder: Path) -> tuple[int, int]:
    """Return how many rows, and how many input rows used up, the blocks on disk stand for."""
    path = folder / BLOCKS
    size = path.stat().st_size // 16 if path.exists() else 0
    told = np.fromfile(path, "<i8", 2 * size).reshape(-1, 2) if size else np.zeros((0, 2), "<i8")
    return (int(told[-1, 0]), int(told[-1, 1])) if size else (0, 0)


def begun(folder: Path) -> int:
    """Return how many rows of a matrix are on disk for good, be it whole or not, or not begun."""
    return _blocks(folder)[0]


def _coded(ids: Sequence[str]) -> NDArray[np.bytes_]:
    """Return ids as bytes of one width; raises InputError for one that is too long."""
    names = np.array([each.encode() for each in ids], np.bytes_)
    if names.dtype.itemsize > ID_WIDTH:
        raise InputError(max(ids, key=len), f"this id is longer than {ID_WIDTH} bytes",
                         "give rows that mathmill made")
    return names.astype(f"S{ID_WIDTH}")


class Writer:
    """Writes a matrix in blocks; a folder that was begun goes on behind its last whole block."""

    def __init__(self, folder: Path, header: Header) -> None:
        """Open or resume a folder; raises UsageError where it holds features of another making."""
        self.folder, self.header = folder, header
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / HEADER).exists():
            other, _ = _header(folder)
            if other != header:
                raise UsageError(f"{folder} holds features of another making "
                                 f"({_differences(other, header)}); {CURE}")
        self._tell(None)
        self.rows, self.taken = _blocks(folder)
        self._open: dict[str, IO[bytes]] = {}
        for name, (path, width) in _files(folder, header.space.dimension).items():
            path.touch()
            if path.stat().st_size < self.rows * width:
                raise InputError(path, f"is damaged: {self.rows} rows were written", CURE)
            os.truncate(path, self.rows * width)  # a kill may have left part of a block
            self._open[name] = path.open("ab")
        blocks = folder / BLOCKS
        blocks.touch()
        os.truncate(blocks, blocks.stat().st_size // 16 * 16)
        self._open["blocks"] = blocks.open("ab")

    def _tell(self, rows: int | None) -> None:
        write_json(self.folder / HEADER, {"format": FORMAT, "header": self.header.as_json(),
                                          "rows": rows})

    def append(self, ids: Sequence[str], seeds: Sequence[str], rows: Any, taken: int) -> None:
        """Write a block; when this returns, it survives a kill.

        `rows`: (len(ids), dimension) in float32, an array or a CPU tensor; there may be none.
        `taken`: input rows used up by all blocks, this one included. A row of zeros is kept and
        its norm says so. Raises StepFailed, naming the row, for one that is not finite.
        """
        block = np.asarray(rows, np.float32)
        if block.shape != (len(ids), self.header.space.dimension) or len(seeds) != len(ids):
            raise ValueError(f"{block.shape} with {len(seeds)} seeds is no block of {len(ids)} "
                             f"rows of {self.header.space.dimension}")
        if len(ids):
            unit, norms = _unit(block, ids)
            for name, part in (("rows", unit), ("norms", norms), ("ids", _coded(ids)),
                               ("seeds", _coded(seeds))):
                self._open[name].write(np.ascontiguousarray(part).tobytes())
                self._open[name].flush()
        self.rows, self.taken = self.rows + len(ids), taken
        self._open["blocks"].write(np.array([self.rows, taken], "<i8").tobytes())
        self._open["blocks"].flush()

    def close(self) -> Features:
        """Say in the header that the matrix is whole, and return it."""
        for file in self._open.values():
            os.fsync(file.fileno())
        self._tell(self.rows)
        self.leave()
        return Features(self.folder)

    def leave(self) -> None:
        """Close the files of a matrix that is not whole; another writer may go on with it."""
        for file in self._open.values():
            file.close()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.leave()


def _unit(block: NDArray[np.float32], ids: Sequence[str]
          ) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
    """Return rows at length 1, rounded to float16, and the lengths that they had."""
    peak = np.abs(block).max(axis=1)
    if not np.isfinite(peak).all():
        row = int(np.flatnonzero(~np.isfinite(peak))[0])
        raise StepFailed(f"the gradient of row {ids[row]} is not finite; look at this row, and at "
                         "the training of the reference model")
    # By the peak first: the square of 1e-25 is nothing in float32.
    scaled = block / np.where(peak > 0, peak, 1)[:, None]
    length = np.sqrt(np.einsum("rd,rd->r", scaled, scaled))
    scaled /= np.where(length > 0, length, 1)[:, None]
    return scaled.astype("<f2"), (peak * length).astype("<f4")


def _differences(one: Header, other: Header) -> str:
    """Say in words what of two headers differs."""
    mine, theirs = one.as_json(), other.as_json()
    return "; ".join([*one.differences(other),
                      *(f"{name}: {mine[name]} and {theirs[name]}" for name in mine
                        if name != "space" and mine[name] != theirs[name])])


def _fill(file: IO[bytes], slab: NDArray[np.float16]) -> NDArray[np.float16]:
    """Read rows from where a file stands; raises InputError where it has become too short."""
    room = slab.reshape(-1).view(np.uint8).data
    while len(room):
        count = file.readinto(room)  # type: ignore[attr-defined]
        if not count:
            raise InputError(file.name, "is damaged: it ended while it was read", CURE)
        room = room[count:]
    return slab


class Features:
    """A whole matrix on disk; nothing of it is in memory until it is asked for."""

    def __init__(self, folder: Path, space: Space | None = None) -> None:
        """Open a folder; `space`: what its rows are to be compared with.

        Raises InputError where there are no features, or not all of them; UsageError where
        they were made with another projection or from another model.
        """
        if not (folder / HEADER).exists():
            raise InputError(folder, "there are no features here", "run the step before again")
        self.folder = folder
        self.header, count = _header(folder)
        if space is not None:
            self.check(Header(space))
        if count is None:
            raise InputError(folder, f"these features are not whole ({_blocks(folder)[0]} rows "
                             "are there)", "run their step again; it goes on where it stopped")
        self.count = count
        for path, width in _files(folder, self.header.space.dimension).values():
            size = path.stat().st_size if path.exists() else 0
            if size != count * width:
                raise InputError(path, f"is damaged: {count} rows take {count * width} bytes, it "
                                 f"has {size}", CURE)

    def __len__(self) -> int:
        return self.count

    def check(self, header: Header) -> None:
        """Raise UsageError where rows of another header may not be compared with these."""
        differ = self.header.differences(header)
        if differ:
            raise UsageError(f"{self.folder} holds features of another space "
                             f"({'; '.join(differ)}); {CURE}")

    @property
    def ids(self) -> NDArray[np.bytes_]:
        """Ids (rows,) as bytes, memory-mapped."""
        return self._mapped("ids", f"S{ID_WIDTH}")

    @property
    def seeds(self) -> NDArray[np.bytes_]:
        """Ids of the seeds (rows,) as bytes, memory-mapped."""
        return self._mapped("seeds", f"S{ID_WIDTH}")

    @property
    def norms(self) -> NDArray[np.float32]:
        """Lengths (rows,) that the features had, memory-mapped."""
        return self._mapped("norms", "<f4")

    @property
    def rows(self) -> NDArray[np.float16]:
        """Unit rows (rows, dimension), memory-mapped: for a look; `slabs` is for all of them."""
        return self._mapped("rows", "<f2").reshape(self.count, self.header.space.dimension)

    def slabs(self, rows: int | None = None) -> Iterator[tuple[int, NDArray[np.float16]]]:
        """Yield (first row, unit rows (n, dimension)); `rows`: of a slab, by default 4 MiB.

        A slab is good until the next one is asked for: two of them take turns, and one is read
        while the other is used. A map of the file is slower (page faults one by one), and counts
        as memory until all of the file is there.
        """
        path, width = _files(self.folder, self.header.space.dimension)["rows"]
        step = min(rows or max(1, SLAB // width), max(1, self.count))
        with path.open("rb", buffering=0) as file, ThreadPoolExecutor(1) as reading:
            turns = cycle(np.empty((2, step, self.header.space.dimension), "<f2"))
            starts = range(0, self.count, step)
            waiting = [reading.submit(_fill, file, next(turns)[:self.count - start])
                       for start in starts[:1]]
            for start in starts:
                slab = waiting.pop().result()
                if start + step < self.count:
                    waiting.append(reading.submit(
                        _fill, file, next(turns)[:self.count - start - step]))
                yield start, slab

    def _mapped(self, name: str, kind: str) -> NDArray[Any]:
        path = _files(self.folder, self.header.space.dimension)[name][0]
        return np.memmap(path, kind, "r") if self.count else np.empty(0, kind)
