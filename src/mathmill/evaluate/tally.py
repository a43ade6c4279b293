"""The account of a pool: how much of it is right, how the rest failed, what it took.

Why: half a million candidates pass by once; of each problem only two numbers must stay, how
many samples it got and how many are right, and from these pass@k is exact.

Used by `evaluate.pool`: `tally.add(candidates, seconds_running, seconds_grading)`, then
`tally.facts(journal)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mathmill.candidates import Candidate
from mathmill.evaluate.drawing import Journal
from mathmill.evaluate.samples import Sampled, at_k
from mathmill.grading.wilson import wilson
from mathmill.types import CORRECT

SIZES = (1, 2, 4, 8, 16, 32, 48, 64, 128, 256)
ERRORS = 20  # different ones that facts name; programs may name exceptions themselves


@dataclass
class _Part:
    """What one model did on one suite."""

    drawn: dict[str, list[int]] = field(default_factory=dict)
    "Samples and right samples of each problem, the greedy one not among them."
    greedy: Counter[bool] = field(default_factory=Counter)
    "Greedy samples, by whether they are right."
    warm: dict[float, list[int]] = field(default_factory=dict)
    "Samples and right samples at each temperature."
    kinds: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)


@dataclass
class PoolTally:
    """Counts candidates as they pass."""

    seed: int
    "Of the intervals' bootstrap."
    programs: int = 0
    "Programs that were run: equal ones within a block once."
    parts: dict[tuple[str, str], _Part] = field(default_factory=dict)
    executing: float = 0.0
    grading: float = 0.0

    def add(self, rows: Sequence[Candidate], executing: float, grading: float) -> None:
        """Count candidates and the seconds that running and grading them took."""
        self.executing += executing
        self.grading += grading
        for row in rows:
            part = self.parts.setdefault((row.model, row.suite), _Part())
            right = row.verdict == CORRECT
            part.kinds[row.kind] += 1
            part.verdicts[row.verdict] += 1
            if row.error:
                part.errors[row.error] += 1
            if row.temperature:
                for counts in (part.drawn.setdefault(row.item, [0, 0]),
                               part.warm.setdefault(row.temperature, [0, 0])):
                    counts[0] += 1
                    counts[1] += right
            else:
                part.greedy[right] += 1

    def facts(self, journal: Journal) -> dict[str, Any]:
        """Return the account as JSON: `measured`, one table a model and suite, and the pace."""
        samples, made = max(1, journal.samples), journal.made
        writing = sum(one.seconds for one in made.values())
        return {
            "measured": [self._table(model, suite) for model, suite in sorted(self.parts)],
            "generation": {label: {
                "samples": one.samples, "tokens": one.tokens, "cut": one.cut,
                "seconds": round(one.seconds, 3),
                "tokens_per_second": round(one.tokens / max(one.seconds, 1e-9), 1)}
                for label, one in made.items()},
            "samples": journal.samples, "tokens": sum(one.tokens for one in made.values()),
            "programs": self.programs,
            "seconds_per_1000": {"generation": round(1000 * writing / samples, 3),
                                 "execution": round(1000 * self.executing / samples, 3),
                                 "grading": round(1000 * self.grading / samples, 3)}}

    def _table(self, model: str, suite: str) -> dict[str, Any]:
        part = self.parts[model, suite]
        items = [Sampled(item, (True,) * right + (False,) * (count - right), ())
                 for item, (count, right) in part.drawn.items()]
        most = min((len(item.correct) for item in items), default=0)
        sizes = sorted({k for k in SIZES if k < most} | {most}) if most else []
        found = [at_k(items, "pass", k, self.seed) for k in sizes]
        table: dict[str, Any] = {
            "model": model, "suite": suite,
            "problems": len(part.drawn) or part.greedy.total(),
            "pass": [{"k": one.k, "value": one.value, "low": one.low, "high": one.high}
                     for one in found],
            # No interval: samples of one problem are alike, and Wilson's would be too narrow.
            "by_temperature": {str(heat): {"n": count, "correct": right, "accuracy": right / count}
                               for heat, (count, right) in sorted(part.warm.items())},
            "verdicts": dict(part.verdicts.most_common()),
            "kinds": dict(part.kinds.most_common()),
            "errors": dict(part.errors.most_common(ERRORS))}
        if part.greedy:
            table["greedy"] = _share(part.greedy[True], part.greedy.total())
        return table


def _share(right: int, count: int) -> dict[str, float]:
    low, high = wilson(right, count)
    return {"n": count, "correct": right, "accuracy": right / max(1, count), "low": low,
            "high": high}
