"""What an hour of a GPU, or of a processor core, costs: the same dated tables as tokens.

Why: a paper's cost is mostly hours of machines, and an hour's price is as much a matter of place
and day as a token's. A GPU's price is found by a part of the name that its driver tells; a core
has no price but the user's own. What is in no table is not told.

    [gpu-hour."A100-SXM4-80GB"]   # the longest part of the name decides, in either case
    dollars = 3.4309
    date = "2026-11-09"
    source = "https://..."

    [core-hour]
    dollars = 0.04

Used as: `hours = Hours.load(path)`, `hours.gpu("NVIDIA A100-SXM4-80GB")`, `hours.core`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from importlib import resources
from pathlib import Path
from typing import Any

from mathmill.dollars import PICO
from mathmill.errors import InputError
from mathmill.teachers.money.prices import HIGHEST, own_table, parse_tables, read_tables

FIELDS = {"dollars", "date", "source"}


@dataclass(frozen=True, slots=True)
class HourPrice:
    """What an hour of one device costs."""

    pico: int
    "Picodollars."
    date: str = ""
    "When somebody looked it up."
    source: str = ""
    "Where."


@dataclass(frozen=True)
class Hours:
    """Prices of hours: the user's own first, then the table of mathmill."""

    tables: Sequence[Mapping[str, HourPrice]] = field(default_factory=tuple)
    "By a part of a GPU's name, in lower case."
    core: HourPrice | None = None
    "Of a processor core; None where the user gave none."

    @classmethod
    def load(cls, path: Path | None = None) -> Hours:
        """Return the tables; `path`, or else the variable MATHMILL_PRICES, names the user's.

        Raises InputError with the entry that cannot be right.
        """
        own, place = own_table(path), Path("prices.toml")
        shipped = parse_tables(resources.files(__package__).joinpath("prices.toml").read_bytes(),
                               place)
        if own is None:
            return cls((_gpus(shipped, place),))
        whole = read_tables(own)
        core = whole.get("core-hour")
        return cls((_gpus(whole, own), _gpus(shipped, place)),
                   None if core is None else _price("core-hour", core, own))

    def gpu(self, name: str) -> HourPrice | None:
        """Return the price of an hour of a GPU by its name, None where nobody knows it."""
        for table in self.tables:
            if found := [key for key in table if key in name.lower()]:
                return table[max(found, key=len)]
        return None


def _gpus(whole: Mapping[str, Any], path: Path) -> dict[str, HourPrice]:
    entries = whole.get("gpu-hour", {})
    if not isinstance(entries, dict):
        raise InputError(path, "gpu-hour is no table", 'write [gpu-hour."NAME"] with dollars =')
    return {key.lower(): _price(f'gpu-hour."{key}"', entry, path)
            for key, entry in entries.items()}


def _price(key: str, entry: Any, path: Path) -> HourPrice:
    """Return one entry's price; raises InputError for what cannot be one."""
    cure = f"write [{key}] with dollars = (for an hour of one device)"
    if not isinstance(entry, dict) or "dollars" not in entry:
        raise InputError(path, f"{key}: an hour's price needs dollars", cure)
    if strange := sorted(set(entry) - FIELDS):
        raise InputError(path, f"{key}: there is no field {strange[0]!r}",
                         f"use {', '.join(sorted(FIELDS))}")
    given = entry["dollars"]
    try:
        value = Decimal(given) if not isinstance(given, bool | float) else Decimal("nan")
    except (InvalidOperation, TypeError, ValueError):
        value = Decimal("nan")
    if not value.is_finite() or not 0 <= value <= HIGHEST:
        raise InputError(path, f"{key}: dollars = {given!r} is no price", cure)
    return HourPrice(int((value * PICO).to_integral_value(ROUND_CEILING)),
                     str(entry.get("date", "")), str(entry.get("source", "")))
