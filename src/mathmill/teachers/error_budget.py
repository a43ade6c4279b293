"""How many calls may fail for good before a run is plainly broken.

Why: a run of a hundred thousand rows must survive a few bad ones (a peer stopped at 21 of 512
although its threshold was a half), and must not burn its prompts on a server that answers
nothing right. So both a share and a count: most of the first ones, or a fifth of many.

Used as: `why = budget.spent("500: down")`; text says why the run should stop.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass
class ErrorBudget:
    """Counts calls that ended, well or for good badly."""

    first: int = 50
    "So many calls are looked at early."
    first_share: float = 0.5
    "More failures than this among the first ones stop the run."
    recent: int = 500
    "So many of the last calls are looked at later."
    share: float = 0.2
    "At least this share of failures among the last ones stops the run."
    row_share: float = 0.5
    "The same, where the failures are the rows' own (too long, filtered)."
    ended: int = 0
    "Calls that ended."
    _failed: int = 0
    _kinds: deque[int] = field(default_factory=deque)  # 0 good, 1 trouble, 2 the row's own
    _counts: list[int] = field(default_factory=lambda: [0, 0, 0])

    def good(self) -> None:
        """Count a call that brought a reply."""
        self._add(0)

    def spent(self, error: str, row: bool = False) -> str:
        """Count a call that failed for good; return why to stop, or nothing.

        `row`: the failure is this row's own, such as a prompt that is too long.
        """
        self._add(2 if row else 1)
        self._failed += 1
        if self.ended <= self.first:
            # Said as soon as it is certain, not when the first ones are all through.
            if self.ended >= min(10, self.first) and self._failed > self.first_share * self.first:
                return self._why(self._failed, self.ended, error)
            return ""
        failed, of = self._counts[1] + self._counts[2], len(self._kinds)
        if of >= self.recent and (self._counts[1] >= self.share * of
                                  or failed >= self.row_share * of):
            return self._why(failed, of, error)
        return ""

    def _why(self, failed: int, of: int, error: str) -> str:
        return (f"{failed} of the {'last' if self.ended > self.first else 'first'} {of} calls "
                f"failed for good (last: {error[:200]}); mend that and run again: the replies "
                "that came are in the journal")

    def _add(self, kind: int) -> None:
        self.ended += 1
        self._kinds.append(kind)
        self._counts[kind] += 1
        if len(self._kinds) > self.recent:
            self._counts[self._kinds.popleft()] -= 1
