"""Checks that neither ask nor execute, put to rows as Arrow batches.

Why: making a record of a row and a row of the record again costs 40 us, four times what such a
check takes. These read three columns and write three; all others pass as they are.

Used as: `bench.keep_batches(judged(bench, checks, keep, audit, count), Sample)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from mathmill.columns import row_json
from mathmill.stages.verify.audit import Audit
from mathmill.stages.verify.cases import VALUES, Case, Count, put
from mathmill.stages.verify.finding import Check
from mathmill.types import Drop, Sample
from mathmill.workbench import Workbench

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(slots=True)
class _Seen:
    """What these checks see of a row."""

    question: str
    answer: str | None
    expected: str | None


def judged(bench: Workbench, checks: Sequence[Check], keep: Sequence[str], audit: Audit,
           count: Count) -> Iterator[pa.RecordBatch]:
    """Yield the rows of input `rows` (Sample) that stay, with verdicts; drop the others."""
    import pyarrow as pa

    every = set(keep) == set(VALUES)
    for batch in bench.batches("rows", Sample):
        cases = [Case(cast("Sample", _Seen(*row))) for row in zip(
            *(batch.column(name).to_pylist() for name in ("question", "answer", "expected")),
            strict=True)]
        for check in checks:
            put(check, cases, count)
        stays = []
        for case in cases:
            stays.append(every or case.fits(keep))
            count.note(case)
            audit.note(case.row, case.verdict.value, stays[-1])
        said = _said(batch, cases)
        if not all(stays):
            goes = [place for place, stay in enumerate(stays) if not stay]
            for place, row in zip(goes, said.take(pa.array(goes)).to_pylist(), strict=True):
                bench.drop(Drop(row["id"], cases[place].reason(), cases[place].detail(),
                                row_json(row), row["method"]))
            said = said.filter(pa.array(stays))
        yield said
        bench.show(count.rows, None, "rows checked")


def _said(batch: pa.RecordBatch, cases: Sequence[Case]) -> pa.RecordBatch:
    """Return a batch with the verdicts of its rows."""
    import pyarrow as pa

    before = batch.column("checks").to_pylist()
    new: dict[str, list[Any]] = {
        "verdict": [case.verdict.value for case in cases],
        "verdict_by": [case.verdict_by for case in cases],
        "checks": [[*(old or ()), *case.passed] for old, case in zip(before, cases, strict=True)]}
    for name, values in new.items():
        place = batch.schema.get_field_index(name)
        field = batch.schema.field(place)
        batch = batch.set_column(place, field, pa.array(values, field.type))
    return batch
