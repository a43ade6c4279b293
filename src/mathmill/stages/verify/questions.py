"""The checks `long_enough` and `has_digits`: TinyGSM's two filters of questions.

Why: a question of six words, or one without a number, is seldom a whole problem. The paper
names both filters and no threshold: `WORDS` is ours. Of GSM8K's questions the shortest in the
test set has 15 words, 6 of 7,473 in the training set have fewer; 1.8 % of both hold no digit
(their numbers are words), so `has_digits` drops good questions too.

Used as: `LongEnough(15).find(rows)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mathmill.stages.overlap import words_of
from mathmill.stages.verify.finding import Finding
from mathmill.types import UNDECIDED, Sample, Verdict

WORDS = 15


@dataclass
class LongEnough:
    """Drops questions of fewer words; numbers count as words, and so does each Chinese sign."""

    words: int = WORDS
    name: str = "long_enough"
    sieve: bool = True

    def find(self, rows: Sequence[Sample]) -> list[Finding]:
        """Return a fault for each question that is too short."""
        found = []
        for row in rows:
            count = len(words_of(row.question))
            short = count < self.words
            found.append(Finding(row, Verdict(UNDECIDED, f"{count} words"),
                                 f"question under {self.words} words" if short else ""))
        return found


@dataclass
class HasDigits:
    """Drops questions without a digit (0 to 9 in any script)."""

    name: str = "has_digits"
    sieve: bool = True

    def find(self, rows: Sequence[Sample]) -> list[Finding]:
        """Return a fault for each question without a digit."""
        return [Finding(row, Verdict(UNDECIDED, "it has digits")) if any(
            map(str.isdecimal, row.question)) else
            Finding(row, Verdict(UNDECIDED, "no digit"), "question without digits")
            for row in rows]
