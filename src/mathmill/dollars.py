"""Money as whole picodollars (10^-12 US dollars), and in words for people.

Why: a token costs some millionths of a cent, and a million of them must add up exactly; and
who pays should read the same words in a run's lines, in a plan and in the report.

Used as: `in_words(round(cost * PICO))`.
"""

from __future__ import annotations

from decimal import Decimal

PICO = 10**12  # picodollars of a dollar


def dollars(pico: int) -> Decimal:
    """Return picodollars as dollars, exactly."""
    return Decimal(pico) / PICO


def in_words(pico: int) -> str:
    """Return picodollars for people: cents, or as many digits as show that it is not nothing."""
    amount = dollars(pico)
    if not amount or amount >= 1:
        return f"${amount:,.2f}"
    if amount < Decimal("1e-6"):
        return f"${amount.normalize():.2g}"
    whole, _, part = f"{amount:.{4 if amount >= Decimal('0.01') else 6}f}".partition(".")
    return f"${whole}.{part.rstrip('0'):0<2}"
