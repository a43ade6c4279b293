"""Numbers of the symbolic world: exact values, how they are written, drawn and computed with.

Why: every value is a `Fraction`, so that a chain can be run forwards and solved backwards
without rounding. Used by the writer (`sample_number`), the reader (`parse_number`) and the
solution (`run_chain`); nothing here knows a word of any language.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

SHARES = tuple(Fraction(above, below) for above, below in (
    (1, 2), (1, 2), (1, 3), (2, 3), (1, 4), (1, 4), (3, 4), (1, 5), (2, 5), (3, 5), (4, 5),
    (1, 6), (5, 6), (1, 8), (3, 8), (1, 10), (3, 10)))
PERCENTS = (5, 10, 10, 15, 20, 20, 25, 25, 30, 40, 50, 50, 60, 70, 75, 80, 90, 95)
RISES = (5, 10, 10, 10, 15, 20, 20, 25)
NOTES = (5, 10, 15, 20, 20, 25, 30, 40, 50, 50, 60, 70, 80, 90, 100, 100, 120, 150, 200, 300)


@dataclass(frozen=True, slots=True)
class Move:
    """One reasoning step of a beat: `left sign right`, operands named and not yet valued."""

    left: str
    "`v` (the running value), `_` (the result just before), a slot name, or a numeral."
    sign: str
    "`+ - * /`."
    right: str
    "As `left`."
    percent: bool = False
    "Whether the right operand is a percentage."


@dataclass(frozen=True, slots=True)
class Step:
    """One equation of a solution with its exact value."""

    left: Fraction
    sign: str
    right: Fraction
    percent: bool
    value: Fraction


class Impossible(Exception):
    """The chain cannot happen: it divides by nothing."""


def parse_number(text: str) -> Fraction:
    """Return the exact value of `12`, `1,200`, `3.5` or `3/4`; ValueError or ZeroDivisionError."""
    return Fraction(text.replace(",", ""))


def write_number(value: Fraction) -> str:
    """Return canonical text: `19`, `3.5`, `3/4` (a decimal where two places hold it).

    Quarters are written as fractions only through `write_share`.
    """
    if value.denominator == 1:
        return str(value.numerator)
    if 100 % value.denominator == 0:
        return f"{float(value):.2f}".rstrip("0")
    return f"{value.numerator}/{value.denominator}"


def write_share(value: Fraction) -> str:
    """Return a fraction as `3/4`, a whole number as `2`."""
    return str(value)


def compute(left: Fraction, sign: str, right: Fraction) -> Fraction:
    """Return `left sign right`; raises Impossible on division by zero."""
    if sign == "+":
        return left + right
    if sign == "-":
        return left - right
    if sign == "*":
        return left * right
    if right == 0:
        raise Impossible
    return left / right


_MOVE = re.compile(r"([a-z_]|\d+)([-+*/])([a-z_]|\d+)(%?)")


@cache
def read_moves(text: str) -> tuple[Move, ...]:
    """Return the moves that a table writes as `v*a%;v-_`; `a` alone and nothing are no move."""
    moves = []
    for part in text.split(";"):
        found = _MOVE.fullmatch(part)
        if found:
            left, sign, right, percent = found.groups()
            moves.append(Move(left, sign, right, bool(percent)))
        else:
            assert part == "a", f"cannot read the move {part!r}"
    return tuple(moves)


def run_moves(moves: Sequence[Move], numbers: Mapping[str, Fraction],
              start: Fraction | None) -> tuple[list[Step], Fraction]:
    """Return the steps of one beat and the running value after it.

    `start` is the running value before (None for a set-up). A beat without moves sets the
    value to its number `a`. Raises Impossible.
    """
    values = {**numbers, "v": start} if start is not None else numbers
    last = values["a"] if not moves else None
    steps: list[Step] = []
    for move in moves:
        step = take_step(move, values, last)
        last = step.value
        steps.append(step)
    assert last is not None, "a beat has moves or sets the value"
    return steps, last


def take_step(move: Move, values: Mapping[str, Fraction], last: Fraction | None) -> Step:
    """Return one move done: names stand for `values`, `_` for `last`; Impossible if it fails."""
    left, right = _value_of(move.left, values, last), _value_of(move.right, values, last)
    factor = right / 100 if move.percent else right
    return Step(left, move.sign, right, move.percent, compute(left, move.sign, factor))


def _value_of(name: str, values: Mapping[str, Fraction], last: Fraction | None) -> Fraction:
    if name == "_":
        assert last is not None, "the first move has no result before it"
        return last
    return Fraction(name) if name.isdigit() else values[name]


def is_possible(value: Fraction, rule: str) -> bool:
    """Tell whether a value could occur at all: not negative, and whole where it is a count."""
    return value >= 0 and (rule != "count" or value.denominator == 1)


def is_natural(value: Fraction, rule: str, limit: int) -> bool:
    """Tell whether a value is one that a school book would choose under a family's rule.

    `count`: whole; `money` and `decimal`: multiples of 0.05; `share`: denominators up to 12.
    All are positive and at most `limit`.
    """
    if value <= 0 or value > limit:
        return False
    if rule == "count":
        return value.denominator == 1
    if rule == "share":
        return value.denominator <= 12
    return 20 % value.denominator == 0


def sample_number(kind: str, rng: random.Random, start: Fraction = Fraction(40)) -> Fraction:
    """Draw a number of a kind: `i2-9` whole, `m1-15` money, `d1-9` tenths, `f` share, ...

    Other kinds: `p` or `p5-50` percentages, `t` rises in percent, `n` a round sum to pay with,
    `g` a goal in tens above the running value `start`, `q` small fractions, `h` hours in halves.
    """
    letter, span = kind[0], kind[1:]
    low, high = (int(part) for part in span.split("-")) if span else (1, 99)
    if letter == "i":
        return Fraction(_small(low, high, rng))
    if letter == "m":
        return _sample_money(low, high, rng)
    if letter == "d":
        whole = _small(low, high, rng)
        return Fraction(whole * 10 + rng.choice((0, 5, 5, 2, 4, 6, 8, rng.randint(1, 9))), 10)
    if letter == "f":
        return rng.choice(SHARES)
    if letter == "p":
        return Fraction(rng.choice([p for p in PERCENTS if low <= p <= high]))
    if letter == "t":
        return Fraction(rng.choice(RISES))
    if letter == "n":
        return Fraction(rng.choice([note for note in NOTES if note > start / 2] or NOTES))
    if letter == "g":
        tens = int(start) // 10 + 1
        return Fraction((tens + _small(0, max(5, tens), rng)) * 10)
    if letter == "q":
        below = rng.choice((2, 3, 4, 4, 5, 6, 8, 10))
        above = rng.choice([n for n in range(1, below * 2) if n != below])
        return Fraction(above, below)
    assert letter == "h", f"unknown kind of number {kind!r}"
    return Fraction(rng.randint(low * 2, high * 2), 2)


def _small(low: int, high: int, rng: random.Random) -> int:
    """Draw a whole number of the span, small ones more often: what life and children prefer."""
    return low + int((high - low + 1) * rng.random() ** 1.3)


def _sample_money(low: int, high: int, rng: random.Random) -> Fraction:
    """Draw an amount: mostly whole, sometimes halves, seldom tenths or quarters."""
    whole, luck = _small(low, high, rng), rng.random()
    if luck < 0.78:
        return Fraction(whole)
    if luck < 0.95:
        return Fraction(whole * 2 + 1, 2)
    return Fraction(whole) + rng.choice((Fraction(1, 4), Fraction(3, 4), Fraction(1, 5),
                                         Fraction(4, 5), Fraction(2, 5)))
