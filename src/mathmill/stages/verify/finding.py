"""What a check finds about a row, and what a check is.

Why: a check either gives a verdict on the answer (`answer_agrees`, votes) or sifts rows that
are fit from rows that are not (`runs`, `long_enough`): a short question is not a wrong
answer. Both kinds say so in one record, so that the stage treats them alike.

Used as: `Finding(row, Verdict(CORRECT, "2 of 3"))`, `Finding(row, Verdict(WRONG), "no program")`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mathmill.io import storable
from mathmill.types import Sample, Verdict

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

LOOKED_AT = ("question", "answer", "expected")  # the columns that an `Inspection` may read


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found about one row."""

    row: Sample
    "The row, with what the check filled in (`runs` sets its answer)."
    verdict: Verdict
    "On its answer; `how` says why."
    fault: str = ""
    "Why the row is unfit, short and countable; empty where it is fit."


class Check(Protocol):
    """One check, ready to be put to rows."""

    name: str
    "As the recipe calls it, without its number."
    sieve: bool
    "Whether it sifts rows (every fit row is put to it) or decides (only the undecided are)."

    def find(self, rows: Sequence[Sample]) -> list[Finding]:
        """Return a finding for each row, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """What one check found about many rows: of few kinds, since it fills nothing in."""

    codes: NDArray[Any]
    "Of each row, in order, the place of what was found in `kinds`."
    kinds: Sequence[tuple[Verdict, str]]
    "Verdict and fault, as in `Finding`."


class Inspection(ABC):
    """A check that neither asks nor executes: it is put to whole columns.

    A row that becomes a record and a finding costs 10 us; such a check takes a tenth of one.
    """

    name: str
    sieve: bool

    @abstractmethod
    def told(self, rows: pa.RecordBatch) -> Told:
        """Return what it finds about rows of the columns `LOOKED_AT`."""

    def find(self, rows: Sequence[Sample]) -> list[Finding]:
        """Return a finding for each row, as `Check` has it."""
        told = self.told(columns_of(rows))
        return [Finding(row, *told.kinds[code]) for row, code in zip(
            rows, told.codes.tolist(), strict=True)]


def columns_of(rows: Sequence[Sample]) -> pa.RecordBatch:
    """Return what an inspection looks at of rows that come as records."""
    import pyarrow as pa

    columns = [[getattr(row, name) for row in rows] for name in LOOKED_AT]
    try:
        arrays = [pa.array(column, pa.string()) for column in columns]
    except UnicodeEncodeError:  # half a surrogate pair, which no file holds
        arrays = [pa.array(list(map(storable, column)), pa.string()) for column in columns]
    return pa.record_batch(arrays, list(LOOKED_AT))
