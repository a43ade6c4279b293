"""What a check finds about a row, and what a check is.

Why: a check either gives a verdict on the answer (`answer_agrees`, votes) or sifts rows that
are fit from rows that are not (`runs`, `long_enough`): a short question is not a wrong
answer. Both kinds say so in one record, so that the stage treats them alike.

Used as: `Finding(row, Verdict(CORRECT, "2 of 3"))`, `Finding(row, Verdict(WRONG), "no program")`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mathmill.types import Sample, Verdict


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
