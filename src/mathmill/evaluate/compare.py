"""Compare two models on the same test items, item by item.

Why: two accuracies with overlapping intervals may still differ beyond doubt, since both
models met the same items; the items that only one of them solved carry the evidence.

Used as: `compare(scores_a, scores_b)` -> `Comparison`; b is the newer model.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mathmill.errors import UsageError
from mathmill.evaluate.stats import mcnemar, paired_bootstrap
from mathmill.types import CORRECT, Score


@dataclass(frozen=True, slots=True)
class Comparison:
    """How model b did against model a on the same items."""

    n: int
    "Items."
    both: int
    "Items that both solved."
    only_a: int
    "Items that only a solved."
    only_b: int
    "Items that only b solved."
    difference: float
    "Accuracy of b minus that of a."
    interval: tuple[float, float]
    "95 % interval of the difference by paired bootstrap."
    p_mcnemar: float
    "Exact two-sided p of McNemar's test."


def compare(scores_a: Iterable[Score], scores_b: Iterable[Score], *, matching: str = "tolerant",
            seed: int = 0) -> Comparison:
    """Compare two models' scores under `tolerant` or `strict` matching.

    Only `correct` counts as solved. Raises UsageError where the items differ: a paired
    test on different items would be a lie.
    """
    if matching not in ("tolerant", "strict"):
        raise UsageError(f"there is no matching {matching!r}; use tolerant or strict")
    a, b = _solved(scores_a, matching), _solved(scores_b, matching)
    if a.keys() != b.keys():
        raise UsageError(
            f"the two models were not scored on the same items ({len(a.keys() - b.keys())} only "
            f"in the first, {len(b.keys() - a.keys())} only in the second); evaluate both on "
            "the same suites")
    gains = [int(b[item]) - int(a[item]) for item in sorted(a)]
    only_a, only_b = gains.count(-1), gains.count(1)
    bootstrap = paired_bootstrap(gains, seed)
    return Comparison(
        n=len(gains), both=sum(a[item] and b[item] for item in a), only_a=only_a, only_b=only_b,
        difference=bootstrap.value if gains else 0.0, interval=(bootstrap.low, bootstrap.high),
        p_mcnemar=mcnemar(only_a, only_b))


def _solved(scores: Iterable[Score], matching: str) -> dict[tuple[str, str, int], bool]:
    """Return whether each item was solved; an item asked twice keeps both places."""
    solved: dict[tuple[str, str, int], bool] = {}
    seen: dict[tuple[str, str], int] = {}
    for score in scores:
        key = (score.suite, score.item)
        place = seen[key] = seen.get(key, -1) + 1
        solved[(*key, place)] = getattr(score, matching) == CORRECT
    return solved
