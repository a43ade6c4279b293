"""Grade the labelled pairs and say, per kind of answer, how often the grader errs.

Why: two shares decide whether a grader may be trusted: of the true matches, how many it
misses (an undecided one is missed too); of the wrong ones, how many it accepts. A single
accuracy hides both.

Used as: `measure(generated() + written()).text()`; `mathmill grade --self-test`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from mathmill.grading.conformance.pair import Pair
from mathmill.grading.equal import equal, grade
from mathmill.grading.policy import TOLERANT, Policy
from mathmill.grading.wilson import wilson
from mathmill.types import CORRECT, UNDECIDED, Verdict

MISSED, ACCEPTED = 0.02, 0.002  # limits: shares of true matches missed, wrong ones accepted
_AT_ONCE = 2  # threads: the symbolic tier's processes work beside this one


@dataclass(slots=True)
class Row:
    """The counts of one kind of answer."""

    alike: int = 0
    "Pairs that mean the same."
    missed: int = 0
    "Of those, the ones that were not called correct."
    unlike: int = 0
    "Pairs that do not."
    accepted: int = 0
    "Of those, the ones that were called correct."
    undecided: int = 0
    "Pairs of both labels without a verdict; alike ones are counted as missed too."

    def add(self, same: bool, verdict: Verdict) -> None:
        """Count one verdict."""
        right = verdict.value == CORRECT
        self.alike += same
        self.unlike += not same
        self.missed += same and not right
        self.accepted += right and not same
        self.undecided += verdict.value == UNDECIDED


@dataclass(slots=True)
class Sheet:
    """What the grader did with a list of labelled pairs."""

    rows: dict[str, Row] = field(default_factory=dict)
    "Counts per kind, in the order of the pairs."
    tiers: Counter[str] = field(default_factory=Counter)
    "How many pairs each tier settled, or why one was not settled."
    errors: list[tuple[Pair, Verdict]] = field(default_factory=list)
    "Every pair whose verdict is not the label's (an undecided wrong match is none)."
    seconds: float = 0.0
    "Wall-clock time of the grading."

    def total(self) -> Row:
        """Return the counts over all kinds."""
        whole = Row()
        for row in self.rows.values():
            for name in ("alike", "missed", "unlike", "accepted", "undecided"):
                setattr(whole, name, getattr(whole, name) + getattr(row, name))
        return whole

    def within_limits(self) -> bool:
        """Tell whether both shares keep their limits."""
        whole = self.total()
        return (whole.missed <= MISSED * whole.alike
                and whole.accepted <= ACCEPTED * whole.unlike)

    def text(self) -> str:
        """Return the sheet as lines of text, as `mathmill grade --self-test` prints it."""
        head = f"{'kind':<26}{'pairs':>7}{'missed':>9}{'accepted':>10}{'undecided':>11}"
        lines = [head, *(_line(kind, row) for kind, row in self.rows.items())]
        whole = self.total()
        lines += [_line("all", whole), "", *limits(whole),
                  "settled by: " + ", ".join(f"{how} {count:,}" for how, count
                                             in self.tiers.most_common())]
        lines += [f"  {'missed' if pair.same else 'ACCEPTED'}: {pair.kind}: {pair.gold!r} against "
                  f"{pair.answer!r} ({pair.change}): {verdict.value}, {verdict.how}"
                  for pair, verdict in sorted(self.errors, key=lambda e: e[0].same)[:20]]
        pairs = whole.alike + whole.unlike
        return "\n".join([*lines, f"{pairs:,} pairs in {self.seconds:.1f} s; "
                          + ("within the limits" if self.within_limits() else "LIMITS BROKEN")])


def limits(whole: Row) -> list[str]:
    """Return the two shares with their 95 % intervals and limits, a line each."""
    return [f"{name} {count:,} of {of:,} = {_share(count, of)} (95 %: {low:.2%} to {high:.2%}; "
            f"limit {limit:.1%})"
            for name, count, of, limit in (
                ("true matches missed", whole.missed, whole.alike, MISSED),
                ("wrong matches accepted", whole.accepted, whole.unlike, ACCEPTED))
            for low, high in [wilson(count, of)]]


def measure(pairs: Iterable[Pair], *, symbolic: bool = True) -> Sheet:
    """Return the sheet over labelled pairs, graded under the tolerant policy.

    Without `symbolic` math-verify is not asked, as where it is not installed.
    """
    policy = TOLERANT if symbolic else replace(TOLERANT, symbolic=False)
    pairs, sheet, start = list(pairs), Sheet(), time.perf_counter()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        verdicts = pool.map(lambda pair: verdict_on(pair, policy), pairs)
        for pair, verdict in zip(pairs, verdicts, strict=True):
            sheet.rows.setdefault(pair.kind, Row()).add(pair.same, verdict)
            sheet.tiers[verdict.how.split(";")[0]] += 1
            if (verdict.value == CORRECT) != pair.same:
                sheet.errors.append((pair, verdict))
    sheet.seconds = time.perf_counter() - start
    return sheet


def verdict_on(pair: Pair, policy: Policy = TOLERANT) -> Verdict:
    """Return the grader's verdict on one pair."""
    if pair.whole:
        return grade(pair.answer, pair.gold, policy)
    return equal(pair.gold, pair.answer, policy)


def _share(count: int, of: int) -> str:
    """Return a share in per cent, or a dash where there is nothing to share."""
    return f"{count / of:.2%}" if of else "-"


def _line(kind: str, row: Row) -> str:
    """Return one line of the sheet."""
    return (f"{kind:<26}{row.alike + row.unlike:>7,}{_share(row.missed, row.alike):>9}"
            f"{_share(row.accepted, row.unlike):>10}"
            f"{_share(row.undecided, row.alike + row.unlike):>11}")
