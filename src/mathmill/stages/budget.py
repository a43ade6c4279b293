"""How many attempts each method makes next: budgets, waves and refills, as plain counting.

Why: "exactly N accepted rows" from methods that succeed at unknown rates wants attempts in
waves, and the rows must not depend on how fast replies come: so a wave's size follows from
the counts of earlier waves alone. Nothing here knows what an attempt is.

Used by `synthesize`: `ledger = Ledger.split(...)`, `while wave := ledger.wave(most)`: make
the attempts, tell `ledger` what came of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from mathmill.errors import UsageError

PROBE = 50  # attempts before the teacher is trusted with more
LOWEST_RATE = 0.05  # a wave never reckons with less than one row of twenty attempts
WAVE = 2048  # attempts a wave: enough to keep 64 in flight, few enough for little surplus
ATTEMPTS_A_ROW = 4  # where the recipe gives no attempt budget


@dataclass(frozen=True)
class Budget:
    """What a recipe may say about attempts and rows beside their number."""

    attempts: int | None = None
    "Most attempts in all; four a row where None."
    per_question: int | None = None
    "Most rows with one and the same question; any number where None."
    refill: bool = True
    "Rows that a method owes when its attempts are spent are asked of the others."
    wave: int = WAVE
    "Most attempts between two reckonings."

    @classmethod
    def read(cls, literals: Mapping[str, Any], samples: int) -> Budget:
        """Return the budget of a recipe; raises UsageError for what could give nothing."""
        names = [field.name for field in fields(cls)]
        if unknown := set(literals) - set(names):
            raise UsageError(f"budget knows no {sorted(unknown)[0]!r}; it has {', '.join(names)}")
        budget = cls(**literals)
        if samples < 1:
            raise UsageError(f"samples={samples}: nothing would be made; ask for 1 or more")
        if budget.attempts is not None and budget.attempts < samples:
            raise UsageError(f"attempts={budget.attempts} cannot give samples={samples} rows; "
                             "allow at least one attempt a row")
        if budget.wave < 1 or (budget.per_question is not None and budget.per_question < 1):
            raise UsageError("wave and per_question must be 1 or more")
        return budget


@dataclass
class Account:
    """One method's budget and what has been spent of it."""

    weight: float
    "Share of the rows, against the other methods' weights."
    rows: int
    "Accepted rows wanted of it."
    most: int
    "Attempts that it may make."
    asked: int = 0
    "Rows that the recipe asked of it, before any refill."
    made: int = 0
    "Attempts made."
    accepted: int = 0
    "Rows accepted."

    @property
    def missing(self) -> int:
        """Rows that are still wanted."""
        return self.rows - self.accepted

    @property
    def left(self) -> int:
        """Attempts that may still be made."""
        return self.most - self.made

    @property
    def open(self) -> bool:
        """Whether there is something to make and something to make it with."""
        return self.missing > 0 and self.left > 0

    def next(self) -> int:
        """Return how many attempts should bring the missing rows, at the rate seen so far."""
        if not self.open:
            return 0
        rate = (self.accepted + 1) / (self.made + 1)
        return min(self.left, math.ceil(self.missing / max(rate, LOWEST_RATE)))


def shares(total: int, weights: Mapping[str, float]) -> dict[str, int]:
    """Split a whole number by weights; parts differ from the exact share by less than one.

    Largest remainders get what rounding down leaves over; among equals the earlier name.
    """
    scale = total / sum(weights.values())
    parts = {name: math.floor(weight * scale + 1e-9) for name, weight in weights.items()}
    by_rest = sorted(weights, key=lambda name: parts[name] - weights[name] * scale)
    for name in by_rest[:total - sum(parts.values())]:
        parts[name] += 1
    return parts


@dataclass
class Ledger:
    """The accounts of all methods."""

    accounts: dict[str, Account] = field(default_factory=dict)
    "By the method's name, in the recipe's order."
    refilled: int = 0
    "Rows that were asked of another method than the budget said."

    @classmethod
    def split(cls, rows: int, attempts: int, weights: Mapping[str, float]) -> Ledger:
        """Share out rows and attempts by weight."""
        wanted, allowed = shares(rows, weights), shares(attempts, weights)
        return cls({name: Account(weight, wanted[name], max(allowed[name], wanted[name]),
                            wanted[name])
                    for name, weight in weights.items()})

    def wave(self, most: int) -> dict[str, int]:
        """Return the attempts that each method makes next, at most `most`; empty when done.

        The first waves are a probe of `PROBE` attempts in all.
        """
        made = sum(account.made for account in self.accounts.values())
        most = min(most, PROBE - made) if made < PROBE else most
        wish = {name: n for name, account in self.accounts.items() if (n := account.next())}
        if sum(wish.values()) <= most:
            return wish
        fair = shares(most, {name: float(n) for name, n in wish.items()})
        return {name: n for name, n in fair.items() if n}

    def refill(self) -> bool:
        """Ask the rows that spent methods owe of the others; False where none can take more.

        The rows go to methods that met their budget and have attempts left, by weight.
        """
        owing = [a for a in self.accounts.values() if a.missing > 0 and a.left <= 0]
        able = {n: a for n, a in self.accounts.items() if a.missing <= 0 and a.left > 0}
        debt = sum(account.missing for account in owing)
        if not debt or not able:
            return False
        for name, more in shares(debt, {n: a.weight for n, a in able.items()}).items():
            able[name].rows += more
        for account in owing:
            account.rows = account.accepted
        self.refilled += debt
        return True
