"""A choice carried out: the chosen rows written, the others dropped, each with its reason.

Why: to choose is a matter of numbers, and is done in one place; to write millions of rows is not.
So what becomes of each row is a table of its own beside the rows, and they pass it on shards.

Used as: `write(bench, Sample, Plan(...))`, by `choose`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import file_digest
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mathmill.columns import row_json, write_columns
from mathmill.io import ROWS_A_GROUP
from mathmill.stages.records import record_called
from mathmill.stages.select import duplicates as rules
from mathmill.stages.select.rating import NONE
from mathmill.stages.select.ratings import Ratings
from mathmill.texts import Text
from mathmill.types import Drop
from mathmill.workbench import Workbench

if TYPE_CHECKING:
    import pyarrow as pa

PLAN = "plan"  # the input that has a row for each of `rows`
KINDS = {"level": "int32?", "reason": "string?", "detail": "string?"}


@dataclass(frozen=True)
class Plan:
    """What becomes of each row."""

    repeats: rules.Repeats
    duplicates: Sequence[str]
    levels: NDArray[np.int32]
    able: NDArray[np.bool_]
    chosen: NDArray[np.bool_]
    how: str
    wanted: Sequence[int] | None
    worths: NDArray[np.float64] | None
    ratings: Ratings | None

    def reason(self, row: int, again: dict[int, int], ids: _Ids) -> tuple[str, str]:
        """Return why a row goes, and the detail; `again`: numbers of repeats by their rows."""
        if row in again:
            number = again[row]
            detail = f"of {ids.of(int(self.repeats.firsts[number]))}"
            if len(self.repeats.clusters) and self.repeats.clusters[number]:
                detail += f", cluster {self.repeats.clusters[number]}"
            return rules.REASONS[self.duplicates[self.repeats.rules[number]]], detail
        if not self.able[row]:
            if self.ratings is not None and (
                    why := self.ratings.reason(row, self.wanted)):
                return why
            if self.worths is not None and (
                    self.wanted is None or self.levels[row] in self.wanted):
                return "no value", "none of the values given is of this row"
            level = self.levels[row]
            return (f"level {'unknown' if level in (NONE, 0) else level}",
                    f"wanted {', '.join(map(str, self.wanted or ()))}")
        worth = "" if self.worths is None else f"value {self.worths[row]:.4g}"
        return f"not chosen ({self.how})", worth


class _Ids:
    """The ids of rows that others repeat: 40 bytes for each of these."""

    def __init__(self, bench: Workbench, record: type, repeats: rules.Repeats) -> None:
        self.rows = np.unique(repeats.firsts)
        self.ids = np.zeros(len(self.rows), "S32")
        start = 0
        for batch in bench.batches("rows", record, ["id"]) if len(self.rows) else ():
            first, end = np.searchsorted(self.rows, [start, start + len(batch)])
            if end > first:
                self.ids[first:end] = batch.column("id").take(
                    self.rows[first:end] - start).to_pylist()
            start += len(batch)

    def of(self, row: int) -> str:
        """Return the id of a row that another repeats."""
        return str(self.ids[np.searchsorted(self.rows, row)].decode())


def write(bench: Workbench, record: type, plan: Plan) -> None:
    """Write the chosen rows of input `rows` with their levels; drop the others."""
    import pyarrow as pa

    folder, before = bench.out / PLAN, bench.inputs
    file = folder / "rows.parquet"
    write_columns(file, _fates(plan, _Ids(bench, record, plan.repeats)), KINDS)
    pa.default_memory_pool().release_unused()  # what reading took stays here while workers write
    with file.open("rb") as source:
        digest = file_digest(source, "blake2b").hexdigest()[:32]
    bench.inputs = {**before, PLAN: folder}
    bench.map(written, {"record": record.__name__, "plan": digest}, merge=rules.nothing)
    bench.inputs = before
    file.unlink()
    folder.rmdir()


def _fates(plan: Plan, ids: _Ids) -> Iterator[dict[str, Any]]:
    """Yield what becomes of the rows: their levels, and for those that go the reason."""
    import pyarrow as pa

    for start in range(0, plan.repeats.rows, ROWS_A_GROUP):
        end = min(start + ROWS_A_GROUP, plan.repeats.rows)
        here, levels = plan.repeats.within(start, end), plan.levels[start:end]
        again = dict(zip(plan.repeats.places[here].tolist(), range(here.start, here.stop),
                         strict=True))
        stays = plan.chosen[start:end]
        why = [plan.reason(start + at, again, ids) for at in np.flatnonzero(~stays).tolist()]
        told = pa.array(np.cumsum(~stays) - 1, mask=stays)  # which of them is a row's, if any
        yield {"level": pa.array(levels, pa.int32(), mask=levels == NONE), **{
            name: pa.array([one[part] for one in why], pa.string()).take(told)
            for part, name in enumerate(("reason", "detail"))}}


def written(bench: Workbench, *, record: str, plan: str) -> None:
    """Write the rows of a shard that the plan keeps; drop the others for its reasons.

    `plan`: its digest. A run that goes on may have chosen otherwise (a teacher that failed
    answers now, another machine rounds otherwise): its rows are not joined to those of before.
    """
    del plan
    kind = record_called(record)
    bench.keep_batches(_stay(bench, kind), kind)


def _stay(bench: Workbench, kind: type) -> Iterator[pa.RecordBatch]:
    """Yield the rows that stay."""
    import pyarrow as pa
    import pyarrow.compute as pc

    done = 0
    for batch in bench.batches("rows", kind):
        plan = bench.beside(PLAN, done, len(batch))
        if kind is not Text:
            place = batch.schema.get_field_index("level")
            batch = batch.set_column(place, batch.schema.field(place), plan.column("level"))
        stays = pc.is_null(plan.column("reason"))
        goes = np.flatnonzero(~stays.to_numpy(zero_copy_only=False))
        if len(goes):
            for row, why in zip(batch.take(pa.array(goes)).to_pylist(),
                                plan.take(pa.array(goes)).to_pylist(), strict=True):
                bench.drop(Drop(row["id"], why["reason"], why["detail"], row_json(row),
                                row.get("method", "")))
            batch = batch.filter(stays)
        yield batch
        done += len(plan)
        bench.show(done, None, "rows written")
