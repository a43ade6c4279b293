"""How often the verdicts are right, where a teacher knows the truth of its rows.

Why: a check that nobody checks is an opinion. In the symbolic world every question's right
answer is known, so precision and recall of each verdict, and of keeping, are facts.

Used as: `audit.note(question, answer, CORRECT, stays=True)` for each row; `audit.facts()`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mathmill.grading.equal import equal
from mathmill.types import CORRECT, UNDECIDED, WRONG, Verdict


@dataclass
class Audit:
    """How often the verdicts are right, where a teacher knows the truth."""

    truth: Any = None
    policy: str = "tolerant"
    confusion: Counter[str] = field(default_factory=Counter)
    stays: Counter[tuple[bool, str]] = field(default_factory=Counter)

    def note(self, question: str, answer: str | None, verdict: str, stays: bool) -> None:
        """Hold one verdict against the truth; for an audit that knows it."""
        right = self.truth(question)
        found = (Verdict(WRONG) if right is None or answer is None
                 else equal(right, answer, self.policy))
        fact = ("unknown" if right is None or found.value == UNDECIDED
                else "right" if found.value == CORRECT else "wrong")
        self.confusion[f"{verdict}, truly {fact}"] += 1
        self.stays[stays, fact] += 1

    def counts(self) -> dict[str, dict[str, int]]:
        """Return what was noted, as JSON, for `add`."""
        return {"confusion": dict(self.confusion),
                "kept": {fact: n for (stays, fact), n in self.stays.items() if stays},
                "dropped": {fact: n for (stays, fact), n in self.stays.items() if not stays}}

    def add(self, counts: Mapping[str, Mapping[str, int]]) -> None:
        """Take what was noted elsewhere, about other rows."""
        self.confusion.update(counts["confusion"])
        for stays, name in ((True, "kept"), (False, "dropped")):
            self.stays.update({(stays, fact): n for fact, n in counts[name].items()})

    def facts(self) -> dict[str, Any]:
        """Return counts, and precision and recall of keeping right and finding wrong rows."""
        kept_right, kept_wrong = self.stays[True, "right"], self.stays[True, "wrong"]
        lost_right, lost_wrong = self.stays[False, "right"], self.stays[False, "wrong"]
        called_right = self.confusion[f"{CORRECT}, truly right"]
        called_wrong = self.confusion[f"{WRONG}, truly wrong"]
        return {
            "n": kept_right + kept_wrong + lost_right + lost_wrong,
            "unknown": self.stays[True, "unknown"] + self.stays[False, "unknown"],
            "confusion": dict(sorted(self.confusion.items())),
            "kept_right": kept_right, "kept_wrong": kept_wrong,
            "dropped_right": lost_right, "dropped_wrong": lost_wrong,
            "kept": _measured(kept_right, kept_right + kept_wrong, kept_right + lost_right),
            "verdict_correct": _measured(
                called_right, called_right + self.confusion[f"{CORRECT}, truly wrong"],
                kept_right + lost_right),
            "verdict_wrong": _measured(
                called_wrong, called_wrong + self.confusion[f"{WRONG}, truly right"],
                kept_wrong + lost_wrong),
        }


def _measured(hits: int, called: int, there: int) -> dict[str, Any]:
    """Return precision and recall with their counts; None where nothing was called or there."""
    return {"hits": hits, "called": called, "there": there,
            "precision": hits / called if called else None,
            "recall": hits / there if there else None}
