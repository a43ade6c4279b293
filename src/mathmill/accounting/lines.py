"""The figures of an account: calls with their tokens, hours of devices, and money, in words.

Every line of words is built of the figures that it prints: hours are rounded before they are
multiplied, so whoever multiplies what stands there comes to what stands there. What nobody told
is None, and a sum with such a part says so; it is never taken for nothing.

Used as: `added([line, other], "all").money().words`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from mathmill.dollars import PICO, in_words

NOT_TOLD = "not told"
NOTHING = "–"
API, SYNTHESIZER, SELECTION = "teacher", "synthesizer", "selection"
SYNTHESIS, TRAINING = "synthesis", "training"
PARTS = (API, SYNTHESIZER, SELECTION, SYNTHESIS, TRAINING)
CORE = "processor core"
DIGITS = 5  # of hours: a thirtieth of a second


@dataclass(frozen=True, slots=True)
class Money:
    """A sum of money, or what is known of one."""

    pico: int = 0
    "Picodollars that are known."
    whole: bool = True
    "Whether that is all of it."

    def __add__(self, other: Money) -> Money:
        """Return both together."""
        return Money(self.pico + other.pico, self.whole and other.whole)

    @property
    def words(self) -> str:
        """Return it for people; of a part that nobody told it says so."""
        if self.whole:
            return in_words(self.pico)
        return f"{in_words(self.pico)} and what is not told" if self.pico else NOT_TOLD


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of a teacher."""

    number: float | None
    "How many; None where that is not told."
    read: float | None
    "Tokens in, of all of them."
    written: float | None
    "Tokens out."
    pico: int | None = None
    "Picodollars of all of them; None where nobody knows."
    prices: tuple[float, float] | None = None
    "Picodollars a token in and out; None where the sum was billed otherwise, or is unknown."
    own: bool = False
    "Whether a model of the run, or no model at all, was asked: no server, no bill."

    @property
    def money(self) -> Money:
        """Return what they cost."""
        return Money() if self.own else Money(self.pico or 0, self.pico is not None)

    def at(self, read: float, written: float) -> Calls:
        """Return the same at other prices, in picodollars a token in and out."""
        if self.own or self.read is None or self.written is None:
            return self
        return Calls(self.number, self.read, self.written,
                     round(self.read * read + self.written * written), (read, written))

    @property
    def words(self) -> str:
        """Return calls and tokens: `9,335 calls: 2,800,500 tokens in (300 a call), ...`."""
        if self.number is None or self.read is None or self.written is None:
            return f"calls: {NOT_TOLD}"
        return (f"{self.number:,.0f} calls: {self.read:,.0f} tokens in "
                f"({_mean(self.read, self.number)} a call), {self.written:,.0f} tokens out "
                f"({_mean(self.written, self.number)} a call)")

    @property
    def bill(self) -> str:
        """Return how tokens come to money: `2,800,500 x $30/M + ... = $575.22`."""
        if self.own:
            return "no server is asked: $0.00"
        if self.pico is None:
            return f"price: {NOT_TOLD}"
        if self.prices is None or self.read is None or self.written is None:
            return f"as billed: {in_words(self.pico)}"
        return (f"{self.read:,.0f} x {_per(self.prices[0])} + {self.written:,.0f} x "
                f"{_per(self.prices[1])} = {in_words(self.pico)}")


@dataclass(frozen=True, slots=True)
class Time:
    """Hours of devices of one kind."""

    device: str
    "Name of a GPU, or `CORE`."
    hours: float | None
    "Hours of all of them together (device-hours); None where that is not told."
    wall: float | None = None
    "Hours on the clock, where `devices` were held for them."
    devices: int | None = None
    "How many."
    price: int | None = None
    "Picodollars of an hour of one; None where nobody knows."
    note: str = ""
    "Where the hours come from, where they were not measured."

    @classmethod
    def held(cls, device: str, wall: float, devices: int, price: int | None = None,
             note: str = "") -> Time:
        """Return the hours of so many devices for so many hours on the clock."""
        wall = round(wall, DIGITS)
        return cls(device, round(wall * devices, DIGITS), wall, devices, price, note)

    @property
    def money(self) -> Money:
        """Return what they cost."""
        if self.hours is None or self.price is None:
            return Money(0, self.hours == 0)
        return Money(round(self.hours * self.price))

    @property
    def words(self) -> str:
        """Return hours: `10 h x 64 A100 = 640 h`."""
        tail = f" ({self.note})" if self.note else ""
        if self.hours is None:
            return f"hours: {NOT_TOLD}{tail}"
        if self.wall is not None and self.devices is not None:
            return (f"{_hours(self.wall)} x {self.devices} {self.device} = "
                    f"{_hours(self.hours)}{tail}")
        return f"{_hours(self.hours)} of {self.device}{tail}"

    @property
    def bill(self) -> str:
        """Return how hours come to money: `640 h x $3.4309 = $2,195.78`."""
        if self.hours is None or self.price is None:
            return f"price of an hour: {NOT_TOLD}" if self.hours is not None else NOT_TOLD
        return f"{_hours(self.hours)} x ${self.price / PICO:.6g} = {self.money.words}"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an account: a step, a part, or all of it."""

    name: str
    "What it is."
    part: str
    "Which part of the account it belongs to."
    calls: Calls | None = None
    "Calls of a teacher; None where it asks none."
    times: tuple[Time, ...] = ()
    "Hours of machines, by device."

    def money(self) -> Money:
        """Return all that it cost."""
        return sum((time.money for time in self.times),
                   Money() if self.calls is None else self.calls.money)

    @property
    def cells(self) -> tuple[str, ...]:
        """Return its arithmetic: calls, their bill, hours, their bill, money in all."""
        return (self.calls.words if self.calls else NOTHING,
                self.calls.bill if self.calls else NOTHING,
                "; ".join(time.words for time in self.times) or NOTHING,
                "; ".join(time.bill for time in self.times) or NOTHING,
                self.money().words)

    @property
    def words(self) -> str:
        """Return the same in one line; where hours are not told, their price is not missed."""
        said = [self.calls.words, self.calls.bill] if self.calls else []
        for time in self.times:
            said += [time.words] if time.hours is None else [time.words, time.bill]
        return "; ".join(said)


def added(lines: Iterable[Line], name: str, part: str = "") -> Line:
    """Return lines as one: calls together, hours together for each device at each price."""
    lines = list(lines)
    asked = [line.calls for line in lines if line.calls is not None]
    times: dict[tuple[str, int | None, bool], Time] = {}
    for time in (time for line in lines for time in line.times):
        key = (time.device, time.price, time.hours is None)
        old = times.get(key)
        hours = None if time.hours is None else round(
            time.hours + ((old.hours or 0.0) if old else 0.0), DIGITS)
        # Notes of several would hide the sum; they stand in the lines that it is of.
        times[key] = Time(time.device, hours, price=time.price,
                          note=time.note if old is None or old.note == time.note else "")
    return Line(name, part, _together(asked) if asked else None, tuple(times.values()))


def total(by_part: Iterable[Line], name: str) -> Line:
    """Return the parts of an account as one; its calls are those of the teacher alone."""
    by_part = list(by_part)
    calls = next((line.calls for line in by_part if line.part == API), None)
    return replace(added(by_part, name), calls=calls)


def _together(asked: list[Calls]) -> Calls:
    """Return calls as one; what is the run's own counts, but costs nothing."""
    def total(values: Iterable[float | None]) -> float | None:
        known = list(values)
        return None if None in known else sum(value or 0 for value in known)

    number, read, written = (total(getattr(each, what) for each in asked)
                             for what in ("number", "read", "written"))
    bought = [each for each in asked if not each.own]
    pico = total(each.pico for each in bought)
    prices = {each.prices for each in bought}
    return Calls(number, read, written, None if pico is None else round(pico),
                 prices.pop() if len(prices) == 1 and len(bought) == len(asked) else None,
                 own=not bought)


def _mean(total: float, number: float) -> str:
    return f"{total / number:,.1f}".removesuffix(".0") if number else "0"


def _hours(hours: float) -> str:
    return f"{hours:,.{DIGITS}f}".rstrip("0").rstrip(".") + " h"


def _per(pico: float) -> str:
    return f"${pico / 1e6:.6g}/M"
