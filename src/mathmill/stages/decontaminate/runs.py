"""Rows that share a run of words with a benchmark item, or all of a short one.

Why: most contamination is copies, and a copy is told by its words alone. Of several lengths the
first drops rows; the others are counted in the same pass.

Used as: `texts = Texts(indexes, ["question", "solution"])`; `texts.drops(batch, hits)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mathmill.stages.overlap import Hit, Overlap
from mathmill.stages.screen import Screen
from mathmill.stages.tokens import tiles, words_of_all

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass
class Texts:
    """Finds rows that share a run of words with an item."""

    indexes: Sequence[Overlap]
    fields: Sequence[str]
    screens: list[Screen] = field(init=False)

    def __post_init__(self) -> None:
        """Make the screens of indexes that are whole."""
        self.screens = [Screen(index) for index in self.indexes]

    def drops(self, batch: pa.RecordBatch, hits: Counter[str]) -> dict[int, tuple[str, str]]:
        """Return reason and detail by place, of rows that share what the first index holds.

        `hits` counts them by benchmark and kind, and for each index its rows with a run.
        """
        found: dict[int, tuple[str, str]] = {}
        counted: list[set[int]] = [set() for _ in self.indexes]
        for name in self.fields:
            for number, place, hit in self._hits(batch.column(name)):
                if hit.kind == "ngram":
                    counted[number].add(place)
                if number == 0 and place not in found:
                    n = self.indexes[0].ngram
                    hits[f"{hit.suite}/{hit.kind}"] += 1
                    found[place] = (
                        f"{n}-gram in {hit.suite}" if hit.kind == "ngram"
                        else f"whole text of an item of {hit.suite}",
                        f"{name} shares with {hit.place}: {hit.text}")
        for index, rows in zip(self.indexes, counted, strict=True):
            hits[f"runs of {index.ngram}"] += len(rows)
        return found

    def _hits(self, column: pa.Array) -> Iterator[tuple[int, int, Hit]]:
        """Yield number of the index, place and hit: screened first, then word by word."""
        for start, tile in tiles(column):
            words = words_of_all(tile, self.indexes[0].fold)
            for number, screen in enumerate(self.screens):
                for place in screen.suspects(words):
                    text = tile[int(place)].as_py()
                    hit = self.indexes[number].find(text) if text else None
                    if hit is not None:
                        yield number, start + int(place), hit
