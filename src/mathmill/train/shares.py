"""A training's batches dealt out to several processes: every step keeps its rows.

Why: what a step learns must not depend on how many GPUs there are. So the plan of batches stays
that of one process; as many batches of a step as there are processes make one round, whose rows
are dealt out like cards, and a step of `accumulate` batches takes `accumulate / processes` rounds,
rounded up. A process has at most as many rows at once as a batch of the plan.

Used as: `mine, rounds = share(batches, accumulate=4, number=0, of=2)`; `Rows(rows)[mine[0][0]]`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

from mathmill.train.items import IGNORED


def share(batches: Sequence[array[int]], accumulate: int, number: int, of: int
          ) -> tuple[Sequence[array[int]], int]:
    """Return process `number`'s batches (of `of` processes) and how many make one step.

    A number below 0 stands for a row of which nothing is learned (see `Rows`): a round may have
    fewer rows than there are processes, and each must take part.
    """
    if of == 1:
        return batches, accumulate
    rounds = -(-accumulate // of)
    made = []
    for begin in range(0, len(batches), accumulate):
        step = batches[begin:begin + accumulate]
        for at in range(0, len(step), of):
            items = [item for batch in step[at:at + of] for item in batch]
            made.append(array("l", items[number::of] or [-1 - items[0]]))
    return made, rounds


class Rows(Sequence[Any]):
    """Rows, and for a number below 0 one whose loss is not asked for: row `-1 - number`."""

    def __init__(self, rows: Sequence[Any]) -> None:
        """Take the rows."""
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    def __getitem__(self, place: Any) -> Any:
        import numpy as np

        if place >= 0:
            return self.rows[place]
        row = dict(self.rows[-1 - place])
        row["labels"] = np.full_like(row["labels"], IGNORED)
        return row
