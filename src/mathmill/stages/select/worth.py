"""Rows chosen for what they are worth: the values that a step `value` gave.

Why: JiuZhang3.0 values the pairs that a small model wrote and sends the best texts to the
teacher once more. Several pairs can come from one text, and the paper does not tell what the
text is worth then: its best pair (`value`), or the mean of them all (`mean_value`). One good
pair shows what a text can give, so the best is the usual way; the mean is fairer where the
model's writing varies much.

Used as: `worths = values_of(bench, Text, ids, how="value")`, `best(worths, ids, 2000)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mathmill.errors import StepFailed
from mathmill.texts import Valued
from mathmill.types import Sample
from mathmill.workbench import Workbench

if TYPE_CHECKING:
    import pyarrow as pa

VALUES = VALUE, MEAN_VALUE = "value", "mean_value"


def values_of(bench: Workbench, record: type, ids: NDArray[np.bytes_], how: str
              ) -> NDArray[np.float64]:
    """Return the value of each row (NaN where none is known) from input `values` (Valued).

    A sample has its own value; a text or a problem has that of the rows that descend from it,
    the greatest (`value`) or their mean (`mean_value`). In memory a value is 40 bytes. Puts what
    was found into the facts; raises StepFailed where no row has a value.
    """
    key = "id" if record is Sample else "seed"
    names, worths = [np.zeros(0, "S1")], [np.zeros(0)]
    ways: set[str] = set()
    for batch in bench.batches("values", Valued, [key, "value", "how"]):
        names.append(coded(batch.column(key)))
        worths.append(batch.column("value").to_numpy(zero_copy_only=False))
        ways.update(batch.column("how").unique().to_pylist())
    name, worth = np.concatenate(names), np.concatenate(worths)
    known = np.isfinite(worth)
    order = np.argsort(name[known], kind="stable")
    name, worth = name[known][order], worth[known][order]
    heads = np.flatnonzero(np.append(True, name[1:] != name[:-1])) if len(name) else np.zeros(
        0, np.int64)
    found = np.full(len(ids), np.nan)
    if len(heads):
        parts = (np.add.reduceat(worth, heads) / np.diff(np.append(heads, len(name)))
                 if how == MEAN_VALUE else np.maximum.reduceat(worth, heads))
        own = name[heads]
        at = np.searchsorted(own, ids).clip(max=len(own) - 1)
        hit = own[at] == ids
        found[hit] = parts[at[hit]]
    if len(ids) and not np.isfinite(found).any():
        raise StepFailed(f"none of {len(ids)} rows has a value among the {len(worth)} given; give "
                         "the step that valued these rows, or rows made from them")
    bench.facts["values"] = {"given": len(known), "by": sorted(ways), "how": how,
                             "rows_valued": int(np.isfinite(found).sum())}
    return found


def best(worths: NDArray[np.float64], ids: NDArray[Any], k: int) -> list[int]:
    """Return the places of the k greatest values, of equals those with the lower id."""
    return [int(place) for place in np.lexsort((ids, -worths))[:k]]


def coded(ids: pa.Array) -> NDArray[np.bytes_]:
    """Return a column of ids as bytes of one width."""
    import pyarrow as pa

    return np.array(ids.cast(pa.binary()).to_pylist() or [b""], np.bytes_)[:len(ids)]


def ids_of(bench: Workbench, record: type) -> NDArray[np.bytes_]:
    """Return the ids of all rows."""
    return np.concatenate([np.zeros(0, "S1"), *(
        coded(batch.column("id")) for batch in bench.batches("rows", record, ["id"]))])


def told(worths: NDArray[np.float64], chosen: Sequence[int] | NDArray[Any]) -> dict[str, float]:
    """Return what the report says of a choice: means, and the least value that was chosen."""
    own = worths[chosen]
    return {"mean_of_all": round(float(np.nanmean(worths)), 4),
            "mean_of_chosen": round(float(own.mean()), 4),
            "least_chosen": round(float(own.min()), 4)}
