"""The checks `long_enough` and `has_digits`: TinyGSM's two filters of questions.

Why: a question of six words, or one without a number, is seldom a whole problem. The paper
names both filters and no threshold: `WORDS` is ours. Of GSM8K's questions the shortest in the
test set has 15 words, 6 of 7,473 in the training set have fewer; 1.8 % of both hold no digit
(their numbers are words), so `has_digits` drops good questions too.

Used as: `LongEnough(15).find(rows)`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mathmill.io import storable
from mathmill.stages.tokens import tiles, words_of_all
from mathmill.stages.verify.finding import Finding
from mathmill.types import UNDECIDED, Sample, Verdict

WORDS = 15
_DIGIT = re.compile(r"\d")
_DIGITS, _NONE = Verdict(UNDECIDED, "it has digits"), Verdict(UNDECIDED, "no digit")


@dataclass
class LongEnough:
    """Drops questions of fewer words; numbers count as words, and so does each Chinese sign."""

    words: int = WORDS
    name: str = "long_enough"
    sieve: bool = True

    def find(self, rows: Sequence[Sample]) -> list[Finding]:
        """Return a fault for each question that is too short."""
        import numpy as np
        import pyarrow as pa

        texts = [row.question for row in rows]
        try:
            questions = pa.array(texts, pa.string())
        except UnicodeEncodeError:  # half a surrogate pair, which no file holds
            questions = pa.array(list(map(storable, texts)), pa.string())
        counts = [count for _, tile in tiles(questions)
                  for count in np.diff(words_of_all(tile).bounds).tolist()] if rows else []
        fault = f"question under {self.words} words"
        return [Finding(row, Verdict(UNDECIDED, f"{count} words"),
                        fault if count < self.words else "")
                for row, count in zip(rows, counts, strict=True)]


@dataclass
class HasDigits:
    """Drops questions without a digit (0 to 9 in any script)."""

    name: str = "has_digits"
    sieve: bool = True

    def find(self, rows: Sequence[Sample]) -> list[Finding]:
        """Return a fault for each question without a digit."""
        return [Finding(row, _DIGITS) if _DIGIT.search(row.question) else
                Finding(row, _NONE, "question without digits") for row in rows]
