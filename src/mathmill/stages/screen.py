"""Which of many texts may share a run of words with a benchmark: no miss, few false alarms.

Why: nearly all rows are clean, and telling that needs no words, only numbers: the benchmark's
runs lie in a table of bits and a sorted array of 64-bit numbers, a batch of rows is looked up
in both at once (`tokens`), and only what is found there is compared word by word (`overlap`).
Memory holds the benchmark's runs and one tile of rows.

Used as: `screen = Screen(overlap)`; `places = screen.suspects(words_of_all(tile, "words"))`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mathmill.stages.overlap import SHORTEST, Overlap
from mathmill.stages.tokens import Array, Words, runs, words_of_lists


@dataclass(frozen=True, slots=True)
class _Runs:
    """Numbers of runs of one length, for looking up many at a time."""

    n: int
    keys: Array
    table: NDArray[np.bool_]
    shift: np.uint64

    @staticmethod
    def of(n: int, keys: Array) -> _Runs:
        """Return the table of some runs: 64 places a run, so that 1 look in 64 goes on."""
        keys = np.unique(keys)
        bits = min(26, max(16, (64 * len(keys)).bit_length()))
        shift = np.uint64(64 - bits)
        table = np.zeros(1 << bits, np.bool_)
        table[(keys >> shift).astype(np.int64)] = True
        return _Runs(n, keys, table, shift)

    def texts(self, words: Words) -> NDArray[np.int64]:
        """Return the places of the texts that hold one of the runs."""
        if not len(self.keys):
            return np.zeros(0, np.int64)
        found = runs(words, self.n)
        at = np.flatnonzero(self.table[(found >> self.shift).astype(np.int64)])
        near = np.minimum(np.searchsorted(self.keys, found[at]), len(self.keys) - 1)
        at = at[self.keys[near] == found[at]]
        text = np.searchsorted(words.bounds, at, side="right") - 1
        return np.unique(text[at + self.n <= words.bounds[text + 1]])


class Screen:
    """The runs of an index of benchmark texts, as numbers."""

    def __init__(self, overlap: Overlap) -> None:
        """Take the runs of an index that is whole: what is added later is not seen."""
        long, short, self._tiny = overlap.indexed()
        self._tables = [_Runs.of(overlap.ngram, _inside(words_of_lists(long), overlap.ngram)),
                        _Runs.of(SHORTEST, _first(words_of_lists(short)))]

    def suspects(self, words: Words) -> NDArray[np.int64]:
        """Return the places of the texts that may share something; all that do are among them."""
        found = [table.texts(words) for table in self._tables]
        if self._tiny:  # whole texts of less than 8 words: the exact look-up is as quick
            found.append(np.flatnonzero(np.diff(words.bounds) < SHORTEST))
        return np.unique(np.concatenate(found))


def _inside(words: Words, n: int) -> Array:
    """Return the numbers of the runs that lie within one text."""
    found = runs(words, n)
    text = np.searchsorted(words.bounds, np.arange(len(found)), side="right") - 1
    return found[np.arange(len(found)) + n <= words.bounds[text + 1]]


def _first(words: Words) -> Array:
    """Return the number of each text's first run of 8 words."""
    if not len(words.hashes):
        return np.zeros(0, np.uint64)
    return runs(words, SHORTEST)[words.bounds[:-1]]
