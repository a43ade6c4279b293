"""What a teacher's tokens cost, for a plan: the price of a name, also of one that is several.

A mixture costs the mean of its members by their shares. Of several models behind one name
whose shares are not known before the run (a fallback, routes, a pool), each token is reckoned
at the dearest: a plan errs upwards there.

Used as: `charge_of("openai:gpt-5-mini", Prices.load(path), no_cost=False)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from mathmill.errors import UsageError
from mathmill.teachers.money.prices import FREE, Price, Prices
from mathmill.teachers.registry import Named, understand

TOKENS = 1_000_000  # of a price


@dataclass(frozen=True, slots=True)
class Charge:
    """Picodollars a token."""

    read: float = 0.0
    "Of a prompt."
    cached: float = 0.0
    "Of a prompt that the server has at hand."
    written: float = 0.0
    "Of a reply."
    batch: float = 1.0
    "Factor of the batch interface."
    waits: bool = False
    "Whether calls go through the batch interface already."
    words: str = ""
    "What a person should know about it."

    def cost(self, read: float, cached: float, written: float) -> float:
        """Return picodollars."""
        return (read - cached) * self.read + cached * self.cached + written * self.written


def charge_of(name: str, prices: Prices, no_cost: bool) -> Charge | None:
    """Return what a teacher charges; None where nobody knows and `no_cost` allows that.

    Raises UsageError for a price that is missing.
    """
    named = understand(name)
    if not named.models:
        return Charge(words="asks no server, costs nothing")
    return _named(named, name, prices, no_cost)


def _named(named: Named, name: str, prices: Prices, no_cost: bool) -> Charge | None:
    if named.prices is not None:
        prices = prices.with_table(*named.prices)
    if named.parts:
        charges = [(share, _named(part, name, prices, no_cost)) for share, part in named.parts]
        if any(charge is None for _, charge in charges):
            return None
        known = [(share, charge) for share, charge in charges if charge is not None]
        read, cached, written = (sum(share * getattr(charge, field) for share, charge in known)
                                 for field in ("read", "cached", "written"))
        return Charge(read, cached, written, max(charge.batch for _, charge in known),
                      any(charge.waits for _, charge in known),
                      "mean of its members by shares")
    found = [_price(model, url, name, prices, no_cost) for model, url in named.models]
    if any(price is None for price in found):
        return None
    each = [price.batched() if named.batch else price for price in found if price is not None]
    each = each or [FREE]
    dates = ", ".join(dict.fromkeys(price.date for price in each if price.date))
    words = f"prices of {dates}" if dates else "price by your own table" if any(
        price is not FREE for price in each) else "a server of one's own"
    if len({(price.input, price.cached, price.output) for price in each}) > 1:
        words += ", at the dearest of its models"
    return Charge(max(p.input for p in each), max(p.cached for p in each),
                  max(p.output for p in each), max(float(p.batch) for p in each), named.batch,
                  words + ", batch" * named.batch)


def _price(model: str, url: str, name: str, prices: Prices, no_cost: bool) -> Price | None:
    price = prices.price(model, url)
    if price is None and not no_cost:
        host = urlsplit(url).hostname or "its host"
        raise UsageError(
            f"{name}: no price is known for {model} at {host}; write "
            f'[prices."{model}@{host}"] with input = and output = (dollars per 1M tokens) '
            "into a file and name it with --prices, or give --no-cost")
    return price
