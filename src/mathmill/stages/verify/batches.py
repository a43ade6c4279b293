"""Checks that neither ask nor execute, put to rows as Arrow batches.

Why: making a record of a row and a row of the record again costs 40 us, many times what such a
check takes. These read three columns and write three; all others pass as they are. What is known
of a row is a number: its place among the few ways in which rows of its batch stand.

Used as: `bench.keep_batches(judged(bench, checks, keep, audit, count), Sample)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mathmill.columns import row_json
from mathmill.stages.verify.audit import Audit
from mathmill.stages.verify.cases import Count, Standing
from mathmill.stages.verify.finding import LOOKED_AT, Inspection
from mathmill.types import Drop, Sample
from mathmill.workbench import Workbench

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


def judged(bench: Workbench, checks: Sequence[Inspection], keep: Sequence[str], audit: Audit,
           count: Count) -> Iterator[pa.RecordBatch]:
    """Yield the rows of input `rows` (Sample) that stay, with verdicts; drop the others."""
    import numpy as np

    for batch in bench.batches("rows", Sample):
        rows = _Rows(batch.select(LOOKED_AT), [Standing()], np.zeros(len(batch), np.int64))
        for check in checks:
            rows.put(check, count)
        for standing, number in zip(rows.ways, np.bincount(
                rows.codes, minlength=len(rows.ways)).tolist(), strict=True):
            if number:
                count.note(standing, number)
        stays, said = rows.each([way.stays(keep) for way in rows.ways]), rows.said(batch)
        if audit.truth is not None:
            for question, answer, verdict, stay in zip(
                    *(batch.column(name).to_pylist() for name in ("question", "answer")),
                    said.column("verdict").to_pylist(), stays.tolist(), strict=True):
                audit.note(question, answer, verdict, stay)
        if not stays.all():
            goes = np.flatnonzero(~stays)
            for row, code in zip(said.take(goes).to_pylist(), rows.codes[goes].tolist(),
                                 strict=True):
                way = rows.ways[code]
                bench.drop(Drop(row["id"], way.reason(), way.detail(row["answer"],
                                row["expected"]), row_json(row), row["method"]))
            said = said.filter(stays)
        yield said
        bench.show(count.rows, None, "rows checked")


@dataclass
class _Rows:
    """A batch on its way through the checks."""

    looked_at: pa.RecordBatch
    ways: list[Standing]
    "The ways in which rows stand, or stood before the last check."
    codes: NDArray[Any]
    "Of each row, its place in `ways`."

    def each(self, values: Sequence[Any]) -> NDArray[Any]:
        """Return the value of each row from those of the ways."""
        import numpy as np

        found: NDArray[Any] = np.array(values)[self.codes]
        return found

    def put(self, check: Inspection, count: Count) -> None:
        """Put a check to the rows that are open to it."""
        import numpy as np

        places = np.flatnonzero(self.each([way.open_to(check) for way in self.ways]))
        count.put[check.name] += len(places)
        if not len(places):
            return
        told = check.told(self.looked_at if len(places) == len(self.codes)
                          else self.looked_at.take(places))
        pairs, which = np.unique(self.codes[places] * len(told.kinds) + told.codes,
                                 return_inverse=True)
        self.codes[places] = len(self.ways) + which
        self.ways += [self.ways[way].after(check, *told.kinds[kind]) for way, kind in (
            divmod(pair, len(told.kinds)) for pair in pairs.tolist())]

    def said(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the whole batch with its verdicts."""
        import pyarrow as pa

        new = {"verdict": [way.verdict.value for way in self.ways],
               "verdict_by": [way.verdict_by for way in self.ways],
               "checks": [way.passed for way in self.ways]}
        for name, values in new.items():
            field = batch.schema.field(name)
            column = pa.array(values, field.type).take(pa.array(self.codes))
            if name == "checks":
                column = _joined(batch.column(name), column)
            batch = batch.set_column(batch.schema.get_field_index(name), field, column)
        return batch


def _joined(before: pa.ListArray, after: pa.ListArray) -> pa.ListArray:
    """Return the lists of a column, each with that of another behind it; a null is empty."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    both = (before, after)
    values = pa.concat_arrays([lists.flatten() for lists in both])
    sizes = [pc.fill_null(lists.value_lengths(), 0).to_numpy() for lists in both]
    # Not Arrow's parent indices: they count values under a null, which `flatten` leaves out.
    owners = np.concatenate([np.repeat(np.arange(len(each)), each) for each in sizes])
    return pa.ListArray.from_arrays(
        pa.array(np.concatenate([[0], np.cumsum(sum(sizes))]), pa.int32()),
        values.take(pa.array(np.argsort(owners, kind="stable"))), type=before.type)
