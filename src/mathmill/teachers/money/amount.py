"""Amounts of what calls take (money, calls, tokens), and the caps on them.

Why: what is held, billed and capped is always these four numbers together, and they are exact:
money is whole picodollars.

Used as: `Caps(cost=5 * PICO).passed(spent + worst)`, by `ledger` and `purse`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Amount(NamedTuple):
    """Money, calls and tokens. No dataclass: a call makes nine of them, at 0.2 against 0.5 µs."""

    cost: int = 0
    "Picodollars."
    calls: int = 0
    "Calls."
    read: int = 0
    "Tokens read."
    written: int = 0
    "Tokens written."

    @property
    def tokens(self) -> int:
        """Return all tokens."""
        return self.read + self.written

    def __add__(self, other: Amount) -> Amount:  # type: ignore[override]
        """Return both together."""
        return Amount(self.cost + other.cost, self.calls + other.calls,
                      self.read + other.read, self.written + other.written)

    def __sub__(self, other: Amount) -> Amount:
        """Return what is left."""
        return Amount(self.cost - other.cost, self.calls - other.calls,
                      self.read - other.read, self.written - other.written)

    def times(self, number: int) -> Amount:
        """Return so many of it."""
        return Amount(self.cost * number, self.calls * number, self.read * number,
                      self.written * number)

    def covers(self, other: Amount) -> bool:
        """Tell whether the other is in no way more."""
        return (self.cost >= other.cost and self.calls >= other.calls
                and self.read >= other.read and self.written >= other.written)


NOTHING = Amount()


@dataclass(frozen=True, slots=True)
class Caps:
    """What may not be passed; None is no cap."""

    cost: int | None = None
    "Picodollars."
    calls: int | None = None
    "Calls that may be billed."
    tokens: int | None = None
    "Tokens, read and written."

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return (self.cost, self.calls, self.tokens) != (None, None, None)

    def passed(self, amount: Amount) -> str:
        """Return the name of the first cap that an amount would pass, or nothing."""
        for name, cap in (("cost", self.cost), ("calls", self.calls), ("tokens", self.tokens)):
            if cap is not None and getattr(amount, name) > cap:
                return name
        return ""
