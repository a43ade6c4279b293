"""What the probe found, as rates: attempts a row, calls an attempt, tokens and seconds a call.

Each rate is a figure that is printed, rounded as it is printed, so that whoever multiplies
what is printed comes to what is printed; and a draw, by which intervals are made. A share of
attempts that is accepted is drawn by Jeffreys' rule; a mean by Student's t, where an attempt
(its calls and tokens as a whole) is the unit; what differs among the attempts of the run comes
on top.

Used as: `rates = rates_of(step, tally)`, `rates[0].attempts_a_row`, `rates[0].drawn(rng)`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mathmill.execution.step import Step

FEWEST = 4  # degrees of freedom of a t that is drawn: fewer have no variance


@dataclass(frozen=True)
class Drawn:
    """One draw of what may be true of a method."""

    share: float
    "Of attempts accepted; of rows asked about, where rows are not made."
    calls: float
    "Calls an attempt."
    read: float
    "Tokens read, an attempt."
    written: float
    "Tokens written, an attempt."
    seconds: float
    "Seconds of an attempt's calls, added up."


@dataclass(frozen=True)
class Rates:
    """What one method of a step, or the votes of one, came to in the probe."""

    name: str
    "The method; `votes`, `ratings`, `judgements`."
    makes: bool
    "Whether attempts are made for rows; else rows are asked about."
    tried: int
    "Attempts, or rows that came."
    hits: int
    "Rows that attempts gave or would have given; or rows asked about."
    attempts: int
    "Attempts, or rows asked about: what the sums below are of."
    sums: tuple[float, ...]
    "Calls, tokens read, tokens written and seconds of all of them."
    squares: tuple[float, ...]
    "Sums of squares of the same over the attempts."
    cached: int = 0
    "Of the tokens read, those that the server had at hand."
    units: int = 0
    "Starts that the squares are of, where a call makes several attempts; else `attempts`."

    @property
    def attempts_a_row(self) -> float:
        """Return attempts a row, three digits after the point."""
        if not self.makes:
            return round(self.hits / max(1, self.tried), 3)
        return round(self.tried / self.hits if self.hits else 2.0 * self.tried + 2, 3)

    @property
    def calls_an_attempt(self) -> float:
        """Return calls an attempt, three digits after the point."""
        return round(self.sums[0] / max(1, self.attempts), 3)

    def a_call(self, what: int) -> float:
        """Return tokens read (1) or written (2), rounded, or seconds (3), a call."""
        value = self.sums[what] / max(1.0, self.sums[0])
        return value if what == 3 else round(value, 1)

    @property
    def cached_share(self) -> float:
        """Return the share of tokens read that the server had at hand."""
        return self.cached / self.sums[1] if self.sums[1] else 0.0

    def drawn(self, rng: random.Random) -> Drawn:
        """Draw what may be true."""
        missed = max(0, self.tried - self.hits)
        share = rng.betavariate(self.hits + 0.5, missed + 0.5)
        return Drawn(share if self.makes or missed else 1.0,
                     *(self._mean(place, rng) for place in range(4)))

    def spread(self, place: int) -> float:
        """Return the standard deviation of an attempt's calls, tokens or seconds.

        Attempts that share a call differ together: so that the sum over many varies as the
        sum over their calls does, it is that of a call times the root of calls an attempt.
        """
        units = self.units or self.attempts
        if units < 2:
            return 0.5 * self.sums[place]
        mean = self.sums[place] / units
        rest = self.squares[place] / units - mean * mean
        return math.sqrt(max(0.0, rest) * units / (units - 1) * units / self.attempts)

    def _mean(self, place: int, rng: random.Random) -> float:
        if not self.attempts:
            return 0.0
        freedom = max(FEWEST, (self.units or self.attempts) - 1)
        # A t: a normal over the root of a chi-squared over its degrees of freedom.
        t = rng.gauss(0, 1) / math.sqrt(rng.gammavariate(freedom / 2, 2) / freedom)
        mean = self.sums[place] / self.attempts
        return max(mean / 5, mean + t * self.spread(place) / math.sqrt(self.attempts))


def rates_of(step: Step, tally: Mapping[str, Any]) -> list[Rates]:
    """Return the rates of a step by the tally of its small one, in the order of its methods."""
    facts = tally["facts"]
    if step.name == "synthesize":
        found = [_made(name, account) for name, account in facts["methods"].items()]
        idle = [each for each in found if not each.tried]
        done = [each for each in found if each.tried]
        # A method that had no turn in the probe is taken for the sum of the others.
        return [_sum(each.name, done) if each in idle and done else each for each in found]
    came = facts["rows_in"]
    if step.name == "select":
        rated = facts.get("rating") or {}
        return [_asked("ratings", came, rated, rated.get("requests", 0))]
    if step.name == "rate":
        rated = facts.get("rating") or {}
        return [_asked("ratings", came, rated, rated.get("units", 0))]
    if step.name == "decontaminate":
        judged = facts.get("judging") or {}
        return [_asked("judgements", came, judged, judged.get("requests", 0))]
    votes = facts["votes"]
    parts = [_asked("votes", came, each, each["units"]) for each in votes["methods"].values()]
    whole = _sum("votes", parts) if parts else _asked("votes", came, votes, 0)
    return [Rates("votes", False, came, whole.attempts, whole.attempts, whole.sums,
                  whole.squares, whole.cached)]


def _made(name: str, account: Mapping[str, Any]) -> Rates:
    # A row that came when the method had its rows would have been taken in a longer run.
    good = account["accepted"] + account["dropped"].get("surplus", 0)
    return Rates(name, True, account["attempts"], good, account["attempts"],
                 _sums(account), tuple(account["squares"]), account["tokens_cached"],
                 account["units"])


def _asked(name: str, came: int, usage: Mapping[str, Any], units: int) -> Rates:
    return Rates(name, False, came, units, units, _sums(usage),
                 tuple(usage.get("squares", (0.0,) * 4)), usage.get("tokens_cached", 0))


def _sums(usage: Mapping[str, Any]) -> tuple[float, ...]:
    return tuple(float(usage.get(key, 0))
                 for key in ("requests", "tokens_in", "tokens_out", "seconds"))


def _sum(name: str, parts: Sequence[Rates]) -> Rates:
    """Return several methods as one."""
    return Rates(name, parts[0].makes, sum(p.tried for p in parts), sum(p.hits for p in parts),
                 sum(p.attempts for p in parts),
                 tuple(sum(p.sums[k] for p in parts) for k in range(4)),
                 tuple(sum(p.squares[k] for p in parts) for k in range(4)),
                 sum(p.cached for p in parts), sum(p.units for p in parts))
