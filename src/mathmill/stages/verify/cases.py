"""Rows on their way through the checks, and the counts of what came of them.

Why: rows come as records or as Arrow batches, here or on a shard elsewhere; what a check may see,
when a verdict stands and what is counted must be the same for all of them.

Used as: `cases = [Case(row) for row in rows]`; `put(check, cases, count)`; `count.note(case, ...)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mathmill.stages.verify.finding import Check
from mathmill.types import CORRECT, UNDECIDED, WRONG, Sample, Verdict
from mathmill.workbench import Facts

VALUES = (CORRECT, WRONG, UNDECIDED)
_NEW = Verdict(UNDECIDED, "not checked")


@dataclass
class Count:
    """Verdicts and faults so far."""

    rows: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    by_check: Counter[str] = field(default_factory=Counter)
    put: Counter[str] = field(default_factory=Counter)
    faults: dict[str, Counter[str]] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Return the counts as JSON, for `add`."""
        return {"rows_in": self.rows, "verdicts": dict(self.verdicts),
                "by_check": dict(self.by_check), "put": dict(self.put),
                "faults": {name: dict(each) for name, each in self.faults.items()}}

    def add(self, facts: Facts) -> None:
        """Take the counts of other rows."""
        self.rows += facts["rows_in"]
        self.verdicts.update(facts["verdicts"])
        self.by_check.update(facts["by_check"])
        self.put.update(facts["put"])
        for name, each in facts["faults"].items():
            self.faults.setdefault(name, Counter()).update(each)

    def note(self, case: Case) -> None:
        """Count a row that has been put to all checks."""
        self.rows += 1
        self.verdicts[case.verdict.value] += 1
        self.by_check[f"{case.by}: {case.verdict.value}"] += 1

    def checks(self) -> dict[str, Any]:
        """Return for each check how many rows were put to it, and its faults by reason."""
        return {name: {"rows": rows, "faults": dict(sorted(self.faults.get(name, {}).items()))}
                for name, rows in self.put.items()}


@dataclass(slots=True)
class Case:
    """What is known about one row so far."""

    row: Sample
    by: str = ""
    verdict: Verdict = _NEW
    passed: list[str] = field(default_factory=list)
    fault: str = ""

    @property
    def verdict_by(self) -> str:
        """The check that gave the verdict, and why."""
        return f"{self.by}: {self.verdict.how}"

    def fits(self, keep: Sequence[str]) -> bool:
        """Tell whether the row is fit, and its verdict one of `keep`."""
        return not self.fault and self.verdict.value in keep

    def reason(self) -> str:
        """Return why the row goes, if it does."""
        return self.fault or ("wrong answer" if self.verdict.value == WRONG
                              else f"verdict {self.verdict.value}")

    def detail(self) -> str:
        """Return what was found, in a line."""
        return (f"{self.verdict_by}; answer {self.row.answer!r}, "
                f"expected {self.row.expected!r}"[:500])


def put(check: Check, cases: Sequence[Case], count: Count) -> None:
    """Put one check to the cases that are still open to it: fit, and undecided if it decides."""
    open_cases = [case for case in cases if not case.fault
                  and (check.sieve or case.verdict.value == UNDECIDED)]
    found = check.find([case.row for case in open_cases])
    count.put[check.name] += len(open_cases)
    for case, finding in zip(open_cases, found, strict=True):
        case.row, case.fault = finding.row, finding.fault
        if case.fault:
            count.faults.setdefault(check.name, Counter())[case.fault] += 1
        elif check.sieve or finding.verdict.value == CORRECT:
            case.passed.append(check.name)
        if case.fault or not check.sieve or not case.by:
            case.by, case.verdict = check.name, finding.verdict
