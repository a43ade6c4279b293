"""What a graded file comes to: counts, accuracy with its interval, agreement with labels.

Why: a grader is trusted once it has been held against labels that people made, and a share
means nothing without how many rows could not be read or decided. Counting takes the same
memory for ten rows as for ten million.

Used as: `tally = Tally("out.jsonl", policy); tally.add(row); print(tally.summary().text())`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from mathmill.errors import InputError
from mathmill.grading.policy import Policy
from mathmill.grading.wilson import wilson
from mathmill.types import CORRECT, UNDECIDED, WRONG, Verdict
from mathmill.words import counted

SHOWN = 20  # disagreements and unreadable rows that a summary keeps for a person to look at
NAMES = 200  # systems and reasons that are told apart; a field of free text has any number
UNREADABLE = "unreadable"
"""The verdict value of a row that could not be graded: no response was seen."""


@dataclass(frozen=True, slots=True)
class Graded:
    """One response of a file with its verdict."""

    row: int
    "1-based row of the file (the line, for JSONL)."
    system: str
    "Which of the row's responses it is; empty where there is one."
    gold: str
    "The right answer."
    answer: str | None
    "What was found in the response."
    verdict: Verdict
    "The verdict and how it came about; `unreadable` and why, where the row is no row."
    label: bool | None
    "What the file says about it; None where it says nothing."
    file: str = ""
    "The file."


@dataclass(frozen=True, slots=True)
class GradeSummary:
    """What a graded file comes to."""

    path: str
    "The file, or how many files."
    policy: str
    "Name of the policy."
    total: int
    "Responses graded."
    counts: dict[str, int]
    "Responses by verdict: correct, wrong, undecided."
    accuracy: float
    "Share of correct ones among all that were graded."
    interval: tuple[float, float]
    "Wilson's 95 % interval of the accuracy."
    reasons: dict[str, int]
    "Responses by how the verdict came about."
    by_system: dict[str, dict[str, int]]
    "Verdict counts of each system, where rows hold several."
    labelled: int = 0
    "Responses that the file labels."
    agreed: int = 0
    "Labelled responses with the same verdict: correct as true, wrong as false."
    disagreements: tuple[Graded, ...] = ()
    "The first of those with another verdict, undecided ones among them."
    unreadable: int = 0
    "Rows that could not be graded; they are in no other count."
    unreadable_rows: tuple[str, ...] = ()
    "The first of them: file, row and why."

    def text(self, rows: bool = True) -> str:
        """Return the summary for people, several lines.

        `rows`: name those that could not be read; their number is told in any case.
        """
        low, high = self.interval
        lines = [f"{self.path}: {counted(self.total, 'response')}, {self.policy} matching",
                 f"{self.accuracy:.1%} correct, 95 % interval {low:.1%} to {high:.1%}",
                 ", ".join(f"{name} {n:,}" for name, n in self.counts.items())]
        lines += [f"  {reason}: {n:,}" for reason, n in self.reasons.items()]
        for system, counts in self.by_system.items():
            found = ", ".join(f"{name} {n:,}" for name, n in sorted(counts.items()))
            lines.append(f"  {system}: {found}")
        if self.labelled:
            lines.append(f"agrees with {self.agreed:,} of {self.labelled:,} labels")
            lines += [f"  row {row.row}: {row.verdict.value} ({row.verdict.how}), labelled "
                      f"{str(row.label).lower()}; gold {row.gold!r}, answer {row.answer!r}"
                      for row in self.disagreements]
        if self.unreadable:
            are = "is" if self.unreadable == 1 else "are"
            lines.append(f"{counted(self.unreadable, 'row')} could not be read and {are} not "
                         "counted above")
            lines += [f"  {row}" for row in self.unreadable_rows if rows]
            if rows and self.unreadable > len(self.unreadable_rows):
                lines.append(f"  and {self.unreadable - len(self.unreadable_rows):,} more")
        return "\n".join(lines)


@dataclass
class Tally:
    """Counts graded rows as they come."""

    path: str
    policy: Policy
    counts: Counter[str] = field(
        default_factory=lambda: Counter({CORRECT: 0, WRONG: 0, UNDECIDED: 0}))
    reasons: Counter[str] = field(default_factory=Counter)
    systems: dict[str, Counter[str]] = field(default_factory=dict)
    labelled: int = 0
    agreed: int = 0
    apart: list[Graded] = field(default_factory=list)
    unreadable: int = 0
    lost: list[Graded] = field(default_factory=list)

    def add(self, row: Graded) -> None:
        """Count one row."""
        if row.verdict.value == UNREADABLE:
            self.unreadable += 1
            if len(self.lost) < SHOWN:
                self.lost.append(row)
            return
        self.counts[row.verdict.value] += 1
        self.reasons[_capped(f"{row.verdict.value}: {row.verdict.how}", self.reasons)] += 1
        if row.system:
            name = _capped(row.system, self.systems)
            self.systems.setdefault(name, Counter())[row.verdict.value] += 1
        if row.label is not None:
            self.labelled += 1
            if row.verdict.value == (CORRECT if row.label else WRONG):
                self.agreed += 1
            elif len(self.apart) < SHOWN:
                self.apart.append(row)

    def summary(self) -> GradeSummary:
        """Return what was counted; raises InputError where not one row could be graded."""
        total = sum(self.counts.values())
        if not total and self.lost:
            first = self.lost[0]
            many = f" (as for all {self.unreadable:,} rows)" if self.unreadable > 1 else ""
            raise InputError(first.file, f"{first.verdict.how}{many}",
                             "mend the rows, or name fields that they have", first.row)
        if not total:
            raise InputError(self.path, "there are no rows to grade here",
                             "give a file with at least one row")
        return GradeSummary(
            path=self.path, policy=self.policy.name, total=total, counts=dict(self.counts),
            accuracy=self.counts[CORRECT] / total, interval=wilson(self.counts[CORRECT], total),
            reasons=dict(self.reasons.most_common()),
            by_system={name: dict(each) for name, each in self.systems.items()},
            labelled=self.labelled, agreed=self.agreed, disagreements=tuple(self.apart),
            unreadable=self.unreadable,
            unreadable_rows=tuple(f"{r.file}:{r.row}: {r.verdict.how}" for r in self.lost))


def _capped(name: str, known: Counter[str] | dict[str, Counter[str]]) -> str:
    """Return a name to count under: itself, or `others` once there are very many."""
    return name if name in known or len(known) < NAMES else "others"
