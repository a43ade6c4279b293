"""A plan in words: the products that lead to each figure, then one table of all of them.

Every line of arithmetic is built of the figures that it prints, so whoever multiplies them
comes to what it says (to the last digit shown).

Used as: `print(text_of(plan))`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from mathmill.dollars import in_words
from mathmill.execution.progress import clock
from mathmill.planning.estimate import Estimate, Line, Totals, interval, total_of
from mathmill.planning.guess import (
    FIRST_TOKEN,
    LONGER,
    READ,
    SPREADS,
    TOKENS_A_SECOND,
    WRITTEN,
)
from mathmill.planning.plan import Plan
from mathmill.planning.probe import WORLD, teacher_of
from mathmill.teachers.registry import understand

NOBODY_KNOWS = "unknown"
LABEL = 56  # characters of a step's label that the table shows
COLUMNS = ("rows", "attempts", "calls", "tokens in", "tokens out", "money", "time")


def text_of(plan: Plan) -> str:
    """Return the whole plan."""
    if not plan.steps:
        return f"none of the {plan.of} steps asks a teacher: nothing to plan, nothing to pay"
    lines = _head(plan)
    for step in plan.steps:
        lines += ["", *_arithmetic(step, plan)]
    return "\n".join([*lines, "", *_table(plan), "", *_notes(plan)])


def _head(plan: Plan) -> list[str]:
    """Return what was probed, what that cost, and loudly what is only a guess."""
    lines = [f"{len(plan.steps)} of {plan.of} steps ask a teacher.",
             f"Probe: {plan.rows} rows a step, {plan.calls:,} replies; paid for it just now: "
             f"{plan.spent.calls:,} calls, {in_words(plan.spent.cost)}"
             + (f" (earlier: {plan.spent_before.calls:,} calls, "
                f"{in_words(plan.spent_before.cost)})" if plan.spent_before.calls else "")
             + ". The run finds in the journal what it asks alike."]
    for name, why in plan.why.items():
        whose = name or "A model of this recipe"
        lines += ["", f"THIS IS A GUESS: {whose} was not asked ({why}).",
                  f"  Asked in its place: {plan.asked[name]}"
                  + (f", about {WORLD} problems of its own, for it cannot read your seeds."
                     if plan.replaced else ".")]
    if plan.why:
        words = {"calls": "calls", "read": "tokens in", "written": "tokens out", "seconds": "time"}
        off = ", ".join(f"{words[what]} x or / {math.exp(1.96 * spread):.1f}"
                        for what, spread in SPREADS.items())
        if not all(understand(other).models for other in plan.asked.values()):
            lines += ["  It counts no tokens as a model does: "
                      f"{READ:g} characters are taken for one that is read, {WRITTEN:g} for one "
                      "that is",
                      "  written (a Chinese character is one), and replies to be "
                      f"{LONGER:g} times as long as its own; a model that thinks",
                      f"  aloud writes more. A call is taken to last {FIRST_TOKEN:g} s and a "
                      f"second more for {TOKENS_A_SECOND:g} tokens out."]
        lines += ["  So the intervals are wider than the probe's by factors, either way:",
                  f"  {off}."]
    return lines


def _arithmetic(step: Estimate, plan: Plan) -> list[str]:
    """Return the products of one step."""
    sums, whose = step.totals, teacher_of(step.step) or "a model that is yet to be trained"
    lines = [f"{step.step.title} ({step.step.name} by {whose}"
             f"{', A GUESS' if step.guess else ''})"]
    lines += [f"  {_line(line)}" for line in step.lines]
    if len(step.lines) > 1:
        lines.append(f"  sum: {sums.rows:,.0f} rows, {sums.attempts:,.0f} attempts, "
                     f"{sums.calls:,.0f} calls, {sums.read:,.0f} tokens in, "
                     f"{sums.written:,.0f} tokens out")
    lines.append(f"  money: {_money(step)}")
    lines.append(f"  time: {sums.calls:,.0f} calls x {step.seconds_a_call:g} s / "
                 f"{step.in_flight} in flight (assumed) = {sums.seconds:,.1f} s"
                 + (" if asked at once; each batch waits for its provider, up to a day"
                    if step.charge and step.charge.waits else ""))
    if step.step.id in plan.done:
        spent = plan.done[step.step.id]
        lines.append(f"  done already; it came to: {spent.rows:,.0f} rows, "
                     f"{spent.attempts:,.0f} attempts, {spent.calls:,.0f} calls, "
                     f"{spent.read:,.0f} tokens in, {spent.written:,.0f} tokens out, "
                     f"{in_words(round(spent.cost))}, {clock(spent.seconds)}")
    return lines


def _line(line: Line) -> str:
    rates = line.rates
    verb = "attempts" if rates.makes else "asked"
    text = (f"{line.rows:,} rows x {rates.attempts_a_row:.3f} {verb} x "
            f"{rates.calls_an_attempt:.3f} calls = {line.calls:,} calls; "
            f"x {rates.a_call(1):,.1f} = {line.read:,} tokens in; "
            f"x {rates.a_call(2):,.1f} = {line.written:,} tokens out: {line.name}")
    return text + (" (its attempts end before it has its rows)" if line.ended else "")


def _money(step: Estimate) -> str:
    """Return the product of tokens and prices."""
    charge, sums = step.charge, step.totals
    if charge is None:
        return "no price is known (--no-cost)"
    if not charge.read and not charge.written:
        return f"$0.00 ({charge.words})"
    cached = sum(line.cached for line in step.lines)
    read = (f"({sums.read:,.0f} - {cached:,} at hand) x {_per(charge.read)} + {cached:,} x "
            f"{_per(charge.cached)}" if cached else f"{sums.read:,.0f} x {_per(charge.read)}")
    text = (f"{read} + {sums.written:,.0f} x {_per(charge.written)} = "
            f"{in_words(round(sums.cost))}")
    if charge.batch < 1:
        text += (f"; through the batch interface x {charge.batch:g} = "
                 f"{in_words(round(sums.cost * charge.batch))}")
    return f"{text} ({charge.words})"


def _per(pico: float) -> str:
    return f"${pico / 1e6:.6g}/M"


def _table(plan: Plan) -> list[str]:
    """Return all steps with their intervals, and the totals."""
    batch = any(step.charge and step.charge.batch < 1 for step in plan.steps)
    names = [*COLUMNS, *(["as a batch"] if batch else [])]
    rows: list[list[str]] = [["", *names]]
    for step in plan.steps:
        factor = step.charge.batch if step.charge else 1.0
        rows += _cells(step.step.title, step.totals, step.draws, step.charge is not None,
                       factor, batch)
    left = [step for step in plan.steps if step.step.id not in plan.done]
    for title, steps in (("total", plan.steps), ("total, still to do", left)):
        if len(steps) > 1 and (title == "total" or len(left) < len(plan.steps)):
            total, draws = total_of(steps)
            known = all(step.charge is not None for step in steps)
            factor = (sum(step.totals.cost * (step.charge.batch if step.charge else 1)
                          for step in steps) / total.cost if total.cost else 1.0)
            rows += _cells(title, total, draws, known, factor, batch)
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return ["  ".join([row[0].ljust(widths[0]),
                       *(cell.rjust(width) for cell, width in
                         zip(row[1:], widths[1:], strict=True))]).rstrip() for row in rows]


def _cells(title: str, point: Totals, draws: Sequence[Totals], known: bool, factor: float,
           batch: bool) -> list[list[str]]:
    """Return the rows of the table for one step: the figures, and between which they lie."""
    ends = {what: interval(draws, what, point) for what in Totals.__dataclass_fields__}
    low = Totals(**{what: _down(what, pair[0]) for what, pair in ends.items()})
    high = Totals(**{what: _up(what, pair[1]) for what, pair in ends.items()})
    rows = []
    for name, each in ((title[:LABEL], point), ("  95 of 100: from", low),
                       ("             to", high)):
        cost, less = ((in_words(round(each.cost)), in_words(round(each.cost * factor)))
                      if known else (NOBODY_KNOWS, NOBODY_KNOWS))
        rows.append([name, *(f"{getattr(each, what):,.0f}" for what in
                             ("rows", "attempts", "calls", "read", "written")),
                     cost, clock(each.seconds), *([less] if batch else [])])
    return rows


def _down(what: str, value: float) -> float:
    return value if what in ("cost", "seconds") else math.floor(value + 1e-6)


def _up(what: str, value: float) -> float:
    return value if what in ("cost", "seconds") else math.ceil(value - 1e-6)


def _notes(plan: Plan) -> list[str]:
    """Return what the intervals do not hold."""
    notes = ["The intervals hold 95 of 100 draws of what the probe's rates come to. They do not "
             "hold: rows that repeat each",
             "other more often in a large run, rates that change with later seeds, and calls sent "
             "again that a server bills."]
    often = max(plan.steps, key=lambda step: step.tries_a_seed)
    if often.tries_a_seed > 1.5:
        notes.append(f"In {often.step.title}, a method starts about {often.tries_a_seed:.1f} times "
                     "from each seed: expect repeated rows, and so more attempts.")
    if plan.done:
        notes.append(f"{len(plan.done)} of these steps are done already: their lines tell what "
                     "they came to.")
    return notes
