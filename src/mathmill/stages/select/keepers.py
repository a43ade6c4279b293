"""Which row of a cluster of near duplicates stays.

Why: near duplicates are not equals. A solution that came with its seed was written by a person,
one that a check found right is worth more than one that nobody checked, and of two that say the
same the longer shows more of its steps. What is left is settled by the order of the rows, so
that the same rows keep the same ones wherever it runs.

Used as: `places, keepers, numbers = left_out(clusters.firsts, ranks)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mathmill.stages.tokens import Array
from mathmill.types import CORRECT, WRONG

if TYPE_CHECKING:
    import pyarrow as pa

Places = NDArray[np.int64]
_SEED, _VERDICT, _LENGTH = 40, 32, 32  # bits: a seed's row, above a verdict, above a length


def ranks(seed: pa.Array, verdict: pa.Array, solution: pa.Array) -> Array:
    """Return a number a row, the greater the rather it stays: seed, verdict, characters.

    `seed`: whether a row is a seed's own. A row that was found right is above one that nobody
    judged, and that above one found wrong. A null is false, not judged, or no solution.
    """
    import pyarrow.compute as pc

    def plain(values: pa.Array) -> NDArray[np.int64]:
        found: NDArray[np.int64] = pc.fill_null(values.cast("int64"), 0).to_numpy(
            zero_copy_only=False)
        return found

    own = plain(seed)
    judged = 1 + plain(pc.equal(verdict, CORRECT)) - plain(pc.equal(verdict, WRONG))
    length = np.minimum(plain(pc.utf8_length(solution)), (1 << _LENGTH) - 1)
    return (own << _SEED | judged << _VERDICT | length).astype(np.uint64)


def left_out(firsts: Places, rank: Array) -> tuple[Places, Places, Places]:
    """Return the rows that go, ascending, for each the row that stays, and its cluster's number.

    `firsts`: for each row the first of its cluster. Clusters of two rows and more are numbered
    from 1 in the order of their first rows.
    """
    sizes = np.bincount(firsts, minlength=len(firsts))
    rows = np.flatnonzero(sizes[firsts] > 1)
    own = firsts[rows]
    order = np.lexsort((rows, ~rank[rows], own))
    starts = np.flatnonzero(np.concatenate([[True], np.diff(own[order]) != 0])) if len(
        rows) else rows
    stays = rows[order][starts]
    number = np.searchsorted(own[order][starts], own)
    goes = rows != stays[number]
    return rows[goes], stays[number[goes]], number[goes] + 1
