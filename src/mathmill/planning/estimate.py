"""From rates to the run: what each step will ask, as figures to follow and as intervals.

The figures are products of printed factors, each rounded as it is printed. The intervals are
those in which 95 of 100 draws lie: in each, what is true of every method is drawn from what
the probe saw of it, then how the attempts of a run of this size would differ. What no probe
can see is in neither: that rows repeat each other more often in a large run, that rates change
along the seeds, retries that a server bills.

Used as: `steps = estimates(probe, tallies, charges, in_flight)`, `total_of(steps)`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from mathmill.execution.step import Step
from mathmill.identity import draw
from mathmill.planning.guess import SPREADS
from mathmill.planning.probe import Probe, teacher_of
from mathmill.planning.rates import Rates, rates_of
from mathmill.planning.sizes import Sizes
from mathmill.stages.budget import ATTEMPTS_A_ROW, Account, Ledger
from mathmill.teachers.charge import Charge

DRAWS = 1000
LOW, HIGH = 0.025, 0.975


@dataclass(frozen=True, slots=True)
class Totals:
    """What a step, or all of them, come to."""

    rows: float = 0.0
    "Rows written, or asked about."
    attempts: float = 0.0
    "Attempts at them, or questions asked."
    calls: float = 0.0
    "Calls."
    read: float = 0.0
    "Tokens in."
    written: float = 0.0
    "Tokens out."
    cost: float = 0.0
    "Picodollars."
    seconds: float = 0.0
    "On the clock."

    def __add__(self, other: Totals) -> Totals:
        """Return both together."""
        return Totals(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Line:
    """One method of a step at the size of the run; each product is of what is printed."""

    name: str
    "The method."
    rows: int
    "Rows wanted of it, or that come to it."
    rates: Rates
    "What the probe saw."
    ended: bool = False
    "Whether its attempts are spent before it has its rows."

    @property
    def attempts(self) -> int:
        """Return the attempts."""
        return round(self.rows * self.rates.attempts_a_row)

    @property
    def calls(self) -> int:
        """Return the calls."""
        return round(self.rows * self.rates.attempts_a_row * self.rates.calls_an_attempt)

    @property
    def read(self) -> int:
        """Return the tokens in."""
        return round(self.calls * self.rates.a_call(1))

    @property
    def written(self) -> int:
        """Return the tokens out."""
        return round(self.calls * self.rates.a_call(2))

    @property
    def cached(self) -> int:
        """Return the tokens in that the server will have at hand."""
        return round(self.read * self.rates.cached_share)


@dataclass(frozen=True)
class Estimate:
    """One step of the recipe."""

    step: Step
    "The step."
    lines: Sequence[Line]
    "Its methods."
    charge: Charge | None
    "What its teacher charges; None where nobody knows."
    in_flight: int
    "Calls that are assumed to be on the way at a time."
    guess: bool
    "Whether another teacher was asked than its own."
    draws: Sequence[Totals] = ()
    "What it may come to."
    seeds: float = 0.0
    "Seeds that its methods start from; 0 where it writes no rows."

    @property
    def tries_a_seed(self) -> float:
        """Return how often the busiest method starts from one and the same seed."""
        most = max((line.attempts for line in self.lines), default=0)
        return most / self.seeds if self.seeds else 0.0

    @property
    def seconds_a_call(self) -> float:
        """Return the mean seconds of a call, rounded as printed."""
        calls = sum(line.calls for line in self.lines)
        mean = (sum(line.calls * line.rates.a_call(3) for line in self.lines) / max(1, calls))
        return float(f"{mean:.3g}")

    @property
    def totals(self) -> Totals:
        """Return the sums of the lines."""
        calls = sum(line.calls for line in self.lines)
        read, written = (sum(getattr(line, what) for line in self.lines)
                         for what in ("read", "written"))
        cached = sum(line.cached for line in self.lines)
        cost = self.charge.cost(read, cached, written) if self.charge else 0.0
        return Totals(sum(line.rows for line in self.lines),
                      sum(line.attempts for line in self.lines), calls, read, written, cost,
                      calls * self.seconds_a_call / self.in_flight)

    def interval(self, what: str) -> tuple[float, float]:
        """Return the interval of a figure of `Totals`."""
        return interval(self.draws, what, self.totals)


def interval(draws: Sequence[Totals], what: str, point: Totals) -> tuple[float, float]:
    """Return between which values 95 of 100 draws lie; never without the figure itself."""
    values = sorted(getattr(each, what) for each in draws)
    here = getattr(point, what)
    if not values:
        return here, here
    low, high = (values[min(len(values) - 1, int(share * len(values)))] for share in (LOW, HIGH))
    return min(low, here), max(high, here)


def estimates(probe: Probe, tallies: Mapping[str, Mapping[str, Any]],
              charges: Mapping[str, Charge | None], in_flight: int) -> list[Estimate]:
    """Return what each asking step will come to; `charges` are by the teacher's name."""
    rates = {step.id: rates_of(step, tallies[step.id]) for step in probe.targets}
    sizes = Sizes(probe, tallies)
    found = []
    for step in probe.targets:
        whose = teacher_of(step)
        charge = charges[whose]
        # A model that is yet to be trained answers batches, as servers answer calls in flight.
        free = charge is not None and "no server" in charge.words
        hands = 1 if whose and free else in_flight
        found.append((step, _lines(step, rates[step.id], sizes), charge, hands))
    draws = _draws(probe, rates, sizes, found)
    return [Estimate(step, lines, charge, hands, probe.is_guess(step), draws[step.id],
                     sizes.of(step.inputs["seeds"]) if step.name == "synthesize" else 0.0)
            for step, lines, charge, hands in found]


def _lines(step: Step, rates: Sequence[Rates], sizes: Sizes) -> list[Line]:
    """Return the lines of a step; notes the rows that it will have."""
    if step.name != "synthesize":
        return [Line(each.name, round(sizes.came(step)), each) for each in rates]
    reached = harvest(step, {each.name: 1 / each.attempts_a_row for each in rates})
    sizes.made[step.id] = sum(rows for rows, _ in reached.values())
    lines, before = [], 0.0
    for each in rates:
        rows, ended = reached[each.name]
        # Rounded as a running sum, so that the lines add up to the rows of the step.
        lines.append(Line(each.name, round(before + rows) - round(before), each, ended))
        before += rows
    return lines


def harvest(step: Step, taken: Mapping[str, float]) -> dict[str, tuple[float, bool]]:
    """Return the rows that each method will write, and whether its attempts end before.

    `taken`: the share of its attempts that is accepted. Rows that a method cannot write
    within its attempts are asked of the others, as the stage does.
    """
    literals = step.literals
    budget = literals.get("budget") or {}
    samples = literals["samples"]
    weights = {m["method"]: float(m.get("weight", 1.0)) for m in literals["methods"]}
    ledger = Ledger.split(samples, budget.get("attempts") or samples * ATTEMPTS_A_ROW, weights)
    accounts: dict[str, Account] = ledger.accounts
    rows = {name: float(account.rows) for name, account in accounts.items()}
    ended: set[str] = set()
    for _ in accounts:
        over = {name for name, n in rows.items()
                if name not in ended and n > accounts[name].most * taken[name] + 1e-9}
        if not over:
            break
        ended |= over
        debt = sum(rows[name] - accounts[name].most * taken[name] for name in over)
        rows |= {name: accounts[name].most * taken[name] for name in over}
        able = {name: accounts[name].weight for name in rows if name not in ended}
        if able and budget.get("refill", True):
            for name, weight in able.items():
                rows[name] += debt * weight / sum(able.values())
    return {name: (n, name in ended) for name, n in rows.items()}


def _draws(probe: Probe, rates: Mapping[str, Sequence[Rates]], sizes: Sizes,
           found: Sequence[tuple[Step, Sequence[Line], Charge | None, int]]
           ) -> dict[str, list[Totals]]:
    """Return what each step may come to, drawn for all of them together."""
    rng = draw("plan", probe.size, [step.id for step in probe.targets])
    drawn: dict[str, list[Totals]] = {step.id: [] for step in probe.targets}
    for _ in range(DRAWS):
        there = Sizes(probe, sizes.tallies, rng, worked=sizes.worked)
        off = {what: math.exp(rng.gauss(0, spread)) for what, spread in SPREADS.items()}
        for step, _, charge, hands in found:
            drawn[step.id].append(_one(step, rates[step.id], there, charge, hands,
                                       off if probe.is_guess(step) else None))
    return drawn


def _one(step: Step, rates: Sequence[Rates], sizes: Sizes, charge: Charge | None, hands: int,
         off: Mapping[str, float] | None) -> Totals:
    """Return one draw of a step; `off`: the factors by which a guess is off."""
    rng = sizes.rng
    assert rng is not None
    truth = {each.name: each.drawn(rng) for each in rates}
    made = step.name == "synthesize"
    if made:
        reached = harvest(step, {name: one.share for name, one in truth.items()})
        rows = {name: n for name, (n, _) in reached.items()}
        sizes.made[step.id] = sum(rows.values())
    else:
        rows = dict.fromkeys(truth, sizes.came(step))
    total = Totals()
    for each in rates:
        one, wanted = truth[each.name], rows.get(each.name, 0.0)
        attempts = wanted * (1 / one.share if made else one.share)
        spread = math.sqrt(wanted * (1 - one.share)) / (one.share if made else 1)
        attempts = max(wanted if made else 0.0, attempts + rng.gauss(0, spread))
        calls, read, written, seconds = (
            max(0.0, attempts * mean + rng.gauss(0, math.sqrt(attempts) * each.spread(place)))
            for place, mean in enumerate((one.calls, one.read, one.written, one.seconds)))
        if off is not None:
            more = off["calls"]
            attempts, calls = attempts * more, calls * more
            read, written, seconds = (value * more * off[what] for value, what in (
                (read, "read"), (written, "written"), (seconds, "seconds")))
        cost = charge.cost(read, read * each.cached_share, written) if charge else 0.0
        total += Totals(wanted, attempts, calls, read, written, cost, seconds / hands)
    return total


def total_of(steps: Sequence[Estimate]) -> tuple[Totals, list[Totals]]:
    """Return the sum of all steps, and its draws."""
    total = sum((step.totals for step in steps), Totals())
    draws = [sum(each, Totals()) for each in zip(*(step.draws for step in steps), strict=True)]
    return total, draws
