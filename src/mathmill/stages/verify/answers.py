"""The check `answer_agrees`: a row's answer against the one that is known to be right.

Why: where the seed's answer or a masked number is known, nothing else is as sure or as cheap.
Used as: `answer_agrees(row).value`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mathmill.grading.equal import equal
from mathmill.stages.verify.finding import Finding
from mathmill.types import UNDECIDED, Sample, Verdict


def answer_agrees(row: Sample, policy: str = "tolerant") -> Verdict:
    """Compare a row's answer with the one known to be right; undecided where none is known."""
    if row.expected is None:
        return Verdict(UNDECIDED, "no known answer")
    if row.answer is None:
        return Verdict(UNDECIDED, "the row has no answer")
    return equal(row.expected, row.answer, policy)


@dataclass
class KnownAnswer:
    """The check, with the grader's policy."""

    policy: str
    name: str = "answer_agrees"
    sieve: bool = False

    def find(self, rows: Sequence[Sample]) -> list[Finding]:
        """Return a verdict for each row."""
        return [Finding(row, answer_agrees(row, self.policy)) for row in rows]
