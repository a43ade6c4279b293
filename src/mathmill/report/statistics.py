"""The statistics that the pipeline hands in, in the one form that the sections use.

Why: the report may not import `evaluate`, where they live, and must not have its own: two
Wilson intervals that differ in the last digit would be one too many.

Used as: `stats = Statistics(bench.tools)`; `stats.wilson(k, n)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mathmill.types import Score

NEEDED = ("wilson", "compare", "mean_interval")


class Paired(Protocol):
    """What a comparison of model b with model a on the same items must tell."""

    n: int
    both: int
    only_a: int
    only_b: int
    difference: float
    interval: tuple[float, float]
    p_mcnemar: float


@dataclass(frozen=True)
class Statistics:
    """The tools of the bench, called by name."""

    tools: Mapping[str, Any]
    "`wilson`, `compare`, `mean_interval`; `over_problems`, `sign_flip` for choices."

    def __post_init__(self) -> None:
        """Check that the pipeline handed in all of them."""
        lacking = [name for name in NEEDED if name not in self.tools]
        assert not lacking, f"the pipeline hands the report no {', '.join(lacking)}"

    def wilson(self, solved: int, total: int) -> tuple[float, float]:
        """Return the 95 % Wilson interval of a share."""
        low, high = self.tools["wilson"](solved, total)
        return float(low), float(high)

    def mean(self, values: Sequence[float]) -> tuple[float, float, float]:
        """Return (mean, low, high) over seeds; takes a tuple or value/low/high from the tool."""
        found = self.tools["mean_interval"](list(values))
        mean, low, high = (found if isinstance(found, tuple)
                           else (found.value, found.low, found.high))
        return float(mean), float(low), float(high)

    def over_problems(self, values: Sequence[float]) -> tuple[float, float]:
        """Return the 95 % interval of a mean over problems (tool `over_problems`)."""
        found = self.tools["over_problems"](list(values))
        return float(found.low), float(found.high)

    def sign_flip(self, differences: Sequence[float]) -> float:
        """Return the p of the paired permutation test on differences, one a problem."""
        return float(self.tools["sign_flip"](list(differences)))

    def compare(self, older: Iterable[Score], newer: Iterable[Score], measure: str) -> Paired:
        """Return the newer model's (b) difference to the older one's (a) on the same items."""
        found: Paired = self.tools["compare"](older, newer, matching=measure)
        return found
