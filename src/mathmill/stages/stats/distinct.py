"""How many different things there are among any number, exactly, in flat memory.

Why: the share of repeats is asked of files of a billion rows. A row is 64 bits of what it
says; beyond `HELD` rows these go to 64 scratch files by their first bits, and each file is
counted alone: 8 bytes a row on the disk, a 64th of them in memory. Of 10^8 different rows two
have the same bits with odds of 1 in 3,700.

Used as: `with scratch() as folder: seen = Distinct(folder); seen.add(digests); seen.count()`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Digests = NDArray[np.uint64]

HELD = 1 << 21  # rows in memory, 16 MiB
PARTS = 64


@contextmanager
def scratch() -> Iterator[Path]:
    """Hold a folder for what does not fit in memory."""
    with tempfile.TemporaryDirectory(prefix="mathmill-stats-") as folder:
        yield Path(folder)


class Distinct:
    """The digests of rows; 0 stands for one that says nothing, and is like no other."""

    def __init__(self, folder: Path) -> None:
        """Prepare; files appear in the folder once the rows are many."""
        self._folder = folder
        self._own: Path | None = None
        self._silent = 0
        self._here: list[Digests] = []
        self._held = 0

    def add(self, digests: Digests) -> None:
        """Take the digests of some more rows."""
        own = digests[digests != 0]
        self._silent += len(digests) - len(own)
        self._here.append(own)
        self._held += len(own)
        if self._held >= HELD:
            self._spill()

    def count(self) -> int:
        """Return how many different ones there are."""
        if self._own is None:
            return self._silent + len(np.unique(
                np.concatenate([np.zeros(0, np.uint64), *self._here])))
        self._spill()
        return self._silent + sum(len(np.unique(np.fromfile(file, np.uint64)))
                                  for file in self._own.iterdir())

    def _spill(self) -> None:
        whole = np.sort(np.concatenate([np.zeros(0, np.uint64), *self._here]))
        self._here.clear()
        self._held = 0
        self._own = self._own or Path(tempfile.mkdtemp(dir=self._folder))
        bounds = np.searchsorted(whole, np.arange(PARTS, dtype=np.uint64) << np.uint64(58))
        for part, own in enumerate(np.split(whole, bounds[1:])):
            if len(own):
                with (self._own / str(part)).open("ab") as file:
                    np.unique(own).tofile(file)
