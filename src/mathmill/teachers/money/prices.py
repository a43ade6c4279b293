"""What a model's tokens cost: a dated table that comes with mathmill, and the user's own.

Why: a cap on money is only as good as the price behind it. So a price is found by the model's
exact name at the exact host, or not at all: a guess from a similar name could be too low by
any factor. What is not in the tables is asked for.

A table is TOML. Keys are `MODEL@HOST`, or `MODEL` for any host; a model that ends in `*` stands
for all that begin so. Dollars are per 1,000,000 tokens:

    [prices."tiny@api.example.com"]
    input = 0.25
    cached = 0.025    # of input that the server had at hand; `input` where not given
    output = 2.00
    batch = 0.5       # factor of the batch interface; 1 where not given
    cache_write = 0.3 # of input that the server stores for later calls, where that costs more
    up_to = 200_000   # calls that read more than this cost `above` times as much
    above = 2
    date = "2026-11-21"
    source = "https://api.example.com/pricing"

The user's table goes first, then servers on this machine or its private network are free, then
comes the table of mathmill. In one table: the exact model at the host, the exact model, the
longest pattern at the host, the longest pattern.

Money is counted in whole picodollars (10^-12 US dollars), the cost of one token at
0.000001 dollars per million: integers, so that a million additions are exact.

Used as: `price = Prices.load(path).price("gpt-5-mini", "https://api.openai.com/v1")`,
`price.cost(read=812, written=240)`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mathmill.dollars import PICO
from mathmill.errors import InputError

VARIABLE = "MATHMILL_PRICES"
HOURS = {"gpu-hour", "core-hour"}  # tables of the same file, read by `hours`
HIGHEST = Decimal(100_000_000)  # of any number in an entry: what is larger is a slip
_NAMES = {"input", "cached", "output", "batch", "cache_write", "up_to", "above", "date", "source",
          "also"}


@dataclass(frozen=True, slots=True)
class Price:
    """What one model's tokens cost at one host."""

    input: int
    "Picodollars a token read."
    cached: int
    "Picodollars a token read that the server had at hand."
    output: int
    "Picodollars a token written."
    batch: Decimal = Decimal(1)
    "Factor of the batch interface."
    up_to: int = 0
    "Tokens read up to which this holds; 0 is no bound."
    above: Decimal = Decimal(1)
    "Factor of a call that reads more."
    date: str = ""
    "When somebody looked the price up."
    source: str = ""
    "Where."

    def cost(self, read: int, written: int, cached: int = 0) -> int:
        """Return the picodollars of a call; `cached` counts among `read`."""
        cost = (read - cached) * self.input + cached * self.cached + written * self.output
        return _up(cost * self.above) if self.up_to and read > self.up_to else cost

    def batched(self) -> Price:
        """Return the price through the batch interface, rounded up."""
        return replace(self, input=_up(self.input * self.batch),
                       cached=_up(self.cached * self.batch),
                       output=_up(self.output * self.batch), batch=Decimal(1))


FREE = Price(0, 0, 0, source="a server of one's own, or no model at all")


@dataclass(frozen=True)
class Prices:
    """Price tables, asked in order; this machine's servers are free after the user's own."""

    own: Sequence[Mapping[str, Price]] = ()
    "The user's tables: the first that knows a model decides."
    shipped: Mapping[str, Price] = field(default_factory=dict)
    "The table of mathmill."

    @classmethod
    def load(cls, path: Path | None = None) -> Prices:
        """Return the tables; `path`, or else the variable MATHMILL_PRICES, names the user's.

        Raises InputError with the entry that cannot be right.
        """
        named, place = own_table(path), Path("prices.toml")
        shipped = parse_tables(resources.files(__package__).joinpath("prices.toml").read_bytes(),
                               place)
        return cls(() if named is None else (_table(_read(named), named),),
                   _table(_entries(shipped, place), place))

    def with_table(self, entries: Mapping[str, Any], where: Path) -> Prices:
        """Return these prices behind those of a configuration (`entries` as in TOML)."""
        return Prices((*self.own, _table(entries, where)), self.shipped)

    def price(self, model: str, url: str = "") -> Price | None:
        """Return the price of a model at a server's address, None where nobody knows it."""
        from mathmill.teachers.http.endpoint import is_local

        host = urlsplit(url).hostname or ""
        for table in self.own:
            if found := _look_up(table, model, host):
                return found
        if host and is_local(host):
            return FREE
        return _look_up(self.shipped, model, host)


def picodollars(amount: Decimal) -> int:
    """Return dollars as whole picodollars, cut off."""
    return int(amount * PICO)


def _look_up(table: Mapping[str, Price], model: str, host: str) -> Price | None:
    for key in (f"{model}@{host}", model):
        if key in table:
            return table[key]
    for end in (f"*@{host}", "*"):
        found = [key for key in table
                 if key.endswith(end) and model.startswith(key.removesuffix(end))]
        if found:
            return table[max(found, key=len)]
    return None


def _read(path: Path) -> Mapping[str, Any]:
    whole = read_tables(path)
    # A table may hold the prices of machines alone (`hours`).
    return _entries({"prices": {}} if set(whole) & HOURS and "prices" not in whole else whole, path)


def read_tables(path: Path) -> Mapping[str, Any]:
    """Return all tables of a user's price file; raises InputError for what cannot be read."""
    try:
        return parse_tables(path.read_bytes(), path)
    except OSError as error:
        raise InputError(path, error.strerror or str(error),
                         "check the path of --prices") from error


def parse_tables(text: bytes, path: Path) -> Mapping[str, Any]:
    """Return the tables of a price file, its numbers exact; raises InputError for no TOML."""
    try:
        return tomllib.loads(text.decode(), parse_float=Decimal)
    except ValueError as error:
        raise InputError(path, f"no TOML ({error})", "mend the file") from error


def own_table(path: Path | None) -> Path | None:
    """Return the user's price file: `path`, or else what MATHMILL_PRICES names."""
    return path or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)


def _entries(whole: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    entries = whole.get("prices")
    if not isinstance(entries, dict):
        raise InputError(path, "there is no table [prices]",
                         'write [prices."MODEL"] with input = and output =')
    return entries


def _table(entries: Mapping[str, Any], path: Path) -> dict[str, Price]:
    """Return the prices of a table, also under the other names of each entry."""
    table: dict[str, Price] = {}
    for key, entry in entries.items():
        price = _price(key, entry, path)
        _, at, host = key.rpartition("@")
        others = entry.get("also", [])
        if not isinstance(others, list) or not all(isinstance(name, str) for name in others):
            raise InputError(path, f"{key}: `also` is no list of names", 'write also = ["NAME"]')
        for name in (key, *(f"{name}@{host}" if at else name for name in others)):
            table[name] = price
    return table


def _price(key: str, entry: Any, path: Path) -> Price:
    """Return one entry's price; raises InputError for what cannot be one."""
    cure = f'write [prices."{key}"] with input = and output = in dollars per 1M tokens'
    if not isinstance(entry, dict) or not {"input", "output"} <= set(entry):
        raise InputError(path, f"{key}: a price needs input and output", cure)
    if strange := sorted(set(entry) - _NAMES):
        raise InputError(path, f"{key}: there is no field {strange[0]!r}",
                         f"use {', '.join(sorted(_NAMES))}")
    values: dict[str, Decimal] = {}
    for name, default in (("input", None), ("output", None), ("cached", entry["input"]),
                          ("cache_write", 0), ("batch", 1), ("up_to", 0), ("above", 1)):
        given: Any = entry.get(name, default)
        try:
            value = Decimal(given) if not isinstance(given, bool | float) else Decimal("nan")
        except (InvalidOperation, TypeError, ValueError):
            value = Decimal("nan")
        if not value.is_finite() or not 0 <= value <= HIGHEST:
            raise InputError(path, f"{key}: {name} = {given!r} is no price", cure)
        values[name] = value
    # Replies do not tell how many tokens the server stored: all of them, at the worst.
    values["input"] = max(values["input"], values["cache_write"])
    read, cached, written = (_up(values[name] * PICO / 10**6)
                             for name in ("input", "cached", "output"))
    return Price(read, cached, written, values["batch"], int(values["up_to"]), values["above"],
                 str(entry.get("date", "")), str(entry.get("source", "")))


def _up(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_CEILING))
