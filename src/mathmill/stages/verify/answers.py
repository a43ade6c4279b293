"""The check `answer_agrees`: a row's answer against the one that is known to be right.

Why: where the seed's answer or a masked number is known, nothing else is as sure or as cheap.
Used as: `KnownAnswer("tolerant").find(rows)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mathmill.grading.pairs import equal_all
from mathmill.stages.verify.finding import Inspection, Told
from mathmill.types import UNDECIDED, Verdict

if TYPE_CHECKING:
    import pyarrow as pa

_NOTHING_KNOWN = Verdict(UNDECIDED, "no known answer")
_NO_ANSWER = Verdict(UNDECIDED, "the row has no answer")


@dataclass
class KnownAnswer(Inspection):
    """The check, with the grader's policy; undecided where no right answer is known."""

    policy: str
    name: str = "answer_agrees"
    sieve: bool = False

    def told(self, rows: pa.RecordBatch) -> Told:
        """Return a verdict for each row."""
        import numpy as np

        known, given = rows.column("expected"), rows.column("answer")
        codes, verdicts = equal_all(known, given, self.policy)
        for side, verdict in ((given, _NO_ANSWER), (known, _NOTHING_KNOWN)):
            codes[np.asarray(side.is_null())] = len(verdicts)
            verdicts.append(verdict)
        return Told(codes, [(verdict, "") for verdict in verdicts])
