"""The checks `long_enough` and `has_digits`: TinyGSM's two filters of questions.

Why: a question of six words, or one without a number, is seldom a whole problem. The paper
names both filters and no threshold: `WORDS` is ours. Of GSM8K's questions the shortest in the
test set has 15 words, 6 of 7,473 in the training set have fewer; 1.8 % of both hold no digit
(their numbers are words), so `has_digits` drops good questions too.

Used as: `LongEnough(15).find(rows)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mathmill.stages.tokens import tiles, words_of_all
from mathmill.stages.verify.finding import Inspection, Told
from mathmill.types import UNDECIDED, Verdict

if TYPE_CHECKING:
    import pyarrow as pa

WORDS = 15
_DIGIT = re.compile(r"\d")
_DIGITS, _NONE = Verdict(UNDECIDED, "it has digits"), Verdict(UNDECIDED, "no digit")


@dataclass
class LongEnough(Inspection):
    """Drops questions of fewer words; numbers count as words, and so does each Chinese sign."""

    words: int = WORDS
    name: str = "long_enough"
    sieve: bool = True

    def told(self, rows: pa.RecordBatch) -> Told:
        """Return a fault for each question that is too short."""
        import numpy as np

        counts, codes = np.unique(np.concatenate([np.zeros(0, np.int64), *(
            np.diff(words_of_all(tile).bounds) for _, tile in tiles(rows.column("question")))]),
            return_inverse=True)
        fault = f"question under {self.words} words"
        return Told(codes, [(Verdict(UNDECIDED, f"{count} words"),
                             fault if count < self.words else "") for count in counts.tolist()])


@dataclass
class HasDigits(Inspection):
    """Drops questions without a digit (0 to 9 in any script)."""

    name: str = "has_digits"
    sieve: bool = True

    def told(self, rows: pa.RecordBatch) -> Told:
        """Return a fault for each question without a digit."""
        import numpy as np
        import pyarrow.compute as pc

        questions = rows.column("question")
        without = ~np.asarray(pc.match_substring_regex(questions, "[0-9]"))
        for place in np.flatnonzero(without).tolist():  # of other scripts Python knows
            without[place] = _DIGIT.search(questions[place].as_py()) is None
        return Told(without.astype(np.int8), [(_DIGITS, ""), (_NONE, "question without digits")])
