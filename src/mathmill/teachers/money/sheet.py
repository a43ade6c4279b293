"""All prices that an account reckons with: of a teacher's tokens by its name, of hours by device.

Why: a report and a plan price the same things, and neither should know where tables lie.

Used as: `sheet = Sheet.load(terms.prices)`, `sheet.tokens("openai:gpt-4")`, `sheet.hour("A100")`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mathmill.accounting.lines import CORE
from mathmill.dollars import PICO
from mathmill.errors import MathmillError
from mathmill.teachers.money.hours import HourPrice, Hours
from mathmill.teachers.money.prices import Prices


@dataclass(frozen=True)
class Sheet:
    """Prices of tokens and of hours."""

    prices: Prices
    "Of tokens."
    hours: Hours
    "Of machines."

    @classmethod
    def load(cls, path: Path | None = None) -> Sheet:
        """Return the tables, the user's first; raises InputError for one that cannot be read."""
        return cls(Prices.load(path), Hours.load(path))

    def tokens(self, teacher: str) -> tuple[float, float] | None:
        """Return picodollars a token in and out by a teacher's name; zeros where none is billed.

        None where nobody knows, or where the name cannot be understood any more.
        """
        from mathmill.teachers.charge import charge_of

        try:
            charge = charge_of(teacher, self.prices, no_cost=True)
        except MathmillError:
            return None
        return None if charge is None else (charge.read, charge.written)

    def hour(self, device: str) -> int | None:
        """Return picodollars of an hour of a device, None where nobody knows."""
        found = self.hour_price(device)
        return None if found is None else found.pico

    def hour_price(self, device: str) -> HourPrice | None:
        """Return the same with its date and source."""
        return self.hours.core if device == CORE else self.hours.gpu(device)

    def notes(self, devices: Iterable[str]) -> Iterator[str]:
        """Yield when and where the price of each device's hour was read, or that there is none."""
        for device in dict.fromkeys(devices):
            found = self.hour_price(device)
            if found is None:
                yield f"An hour of {device}: no price is told; write one into a file for --prices"
            else:
                yield (f"An hour of {device}: ${found.pico / PICO:.6g} "
                       + (f"({found.date}, {found.source})" if found.date else "(your own table)"))
