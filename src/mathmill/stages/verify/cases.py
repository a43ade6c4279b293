"""How rows stand on their way through the checks, and the counts of what came of them.

Why: rows come as records or as Arrow batches, here or on a shard elsewhere; what a check may see,
when a verdict stands and what is counted must be the same for all of them. A row stands in one
of a few ways, so that what is said of a way is said once for the thousands of rows in it.

Used as: `standing = Standing().after(check, verdict, fault)`; `count.note(standing)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mathmill.stages.verify.finding import Check
from mathmill.types import CORRECT, UNDECIDED, WRONG, Verdict
from mathmill.workbench import Facts

VALUES = (CORRECT, WRONG, UNDECIDED)
_NEW = Verdict(UNDECIDED, "not checked")


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known about a row so far."""

    by: str = ""
    verdict: Verdict = _NEW
    passed: tuple[str, ...] = ()
    fault: str = ""

    @property
    def verdict_by(self) -> str:
        """The check that gave the verdict, and why."""
        return f"{self.by}: {self.verdict.how}"

    def open_to(self, check: Check) -> bool:
        """Tell whether a check is put to the row: it is fit, and undecided if the check decides."""
        return not self.fault and (check.sieve or self.verdict.value == UNDECIDED)

    def after(self, check: Check, verdict: Verdict, fault: str) -> Standing:
        """Return how the row stands when a check has found this."""
        passed = not fault and (check.sieve or verdict.value == CORRECT)
        tells = fault or not check.sieve or not self.by  # a sieve leaves what another one said
        return Standing(check.name if tells else self.by, verdict if tells else self.verdict,
                        (*self.passed, check.name) if passed else self.passed, fault)

    def stays(self, keep: Sequence[str]) -> bool:
        """Tell whether the row is fit and its verdict one of `keep`; all stay where all are."""
        return set(keep) == set(VALUES) or (not self.fault and self.verdict.value in keep)

    def reason(self) -> str:
        """Return why the row goes, if it does."""
        return self.fault or ("wrong answer" if self.verdict.value == WRONG
                              else f"verdict {self.verdict.value}")

    def detail(self, answer: str | None, expected: str | None) -> str:
        """Return what was found, in a line."""
        return f"{self.verdict_by}; answer {answer!r}, expected {expected!r}"[:500]


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

    def note(self, standing: Standing, rows: int = 1) -> None:
        """Count rows that have been put to all checks."""
        self.rows += rows
        self.verdicts[standing.verdict.value] += rows
        self.by_check[f"{standing.by}: {standing.verdict.value}"] += rows
        if standing.fault:
            self.faults.setdefault(standing.by, Counter())[standing.fault] += rows

    def checks(self) -> dict[str, Any]:
        """Return for each check how many rows were put to it, and its faults by reason."""
        return {name: {"rows": rows, "faults": dict(sorted(self.faults.get(name, {}).items()))}
                for name, rows in self.put.items()}
