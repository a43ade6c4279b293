"""The account of a plan: what the models of a recipe will cost, as a report tells what they did.

Why: a synthesizer is chosen because it is cheaper than its teacher, so that sum should be seen
before it is spent; calls and tokens are the plan's own, hours are those that `hours` knows of.

Used as: `account = account_of(last, steps, done, Store(out), Sheet.load(path))`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from mathmill.accounting import (
    PARTS,
    PUBLISHED,
    REST,
    Account,
    Calls,
    Line,
    Made,
    Work,
    added,
    at_prices,
    holds_synthesizer,
    models,
    parts,
    total,
)
from mathmill.accounting.published import GPU, TEACHER
from mathmill.execution.step import Step, in_order
from mathmill.execution.store import Store
from mathmill.planning.estimate import Estimate, Totals
from mathmill.planning.hours import Hours, Known, done_in
from mathmill.planning.probe import asks
from mathmill.teachers.money.sheet import Sheet

SEED = re.compile(r",? seed \d+")
TITLE = "What a model would cost, reckoned as JiuZhang3.0 does (docs/plan.md)"


def account_of(last: Step, estimates: Sequence[Estimate], done: Mapping[str, Totals],
               store: Store, sheet: Sheet) -> Account | None:
    """Return the account of a recipe; None where no model that it trains writes rows."""
    steps = in_order(last)
    works = [Work(step.id, step.name, step.title,
                  {name: given.id for name, given in step.inputs.items()}, asks(step))
             for step in steps]
    if not holds_synthesizer(works):
        return None
    part = parts(works)
    planned = {each.step.id: each for each in estimates}
    known = {each.work.id: each for each in done_in(store.home)}
    known |= {step.id: Known(work, step.literals, store.manifest(step))
              for step, work in zip(steps, works, strict=True)}
    hours = Hours(known, sheet.hour)
    lines = {step.id: Line(step.title, part[step.id],
                           _calls(planned.get(step.id), done.get(step.id)),
                           hours.times(step.id, part[step.id])) for step in steps}
    accepted = {step.id: hours.rows(step.id) for step in steps if step.name == "synthesize"}

    def price_of(asking: Sequence[str]) -> tuple[float, float] | None:
        charges = {(each.charge.read, each.charge.written) for step in asking
                   if (each := planned.get(step)) is not None and each.charge is not None}
        return charges.pop() if len(charges) == 1 else None

    told = [line for line in lines.values() if line.part != REST]
    by_part = tuple(added([line for line in told if line.part == name], name, name)
                    for name in PARTS)
    return Account(tuple(told), by_part, total(by_part, "all of these"),
                   models(works, lines, accepted, price_of),
                   at_prices(sheet.tokens(TEACHER), sheet.hour(GPU)),
                   tuple(sheet.notes([*(time.device for line in told for time in line.times),
                                      GPU])))


def _calls(estimate: Estimate | None, done: Totals | None) -> Calls | None:
    """Return the calls of a step: what they came to where it is done, else as planned."""
    if estimate is None:
        return None
    sums, charge = done or estimate.totals, estimate.charge
    own = charge is not None and not charge.read and not charge.written
    cost = None if charge is None else round(sums.cost)
    calls = Calls(sums.calls, sums.read, sums.written, cost, own=own)
    if charge is not None and not own:
        same = calls.at(charge.read, charge.written)
        return same if same.pico == cost else calls
    return calls


def account_text(account: Account) -> str:
    """Return an account for people: every line with its arithmetic."""
    return "\n".join([TITLE, *_words(account)])


def _words(account: Account) -> Iterator[str]:
    yield from (_line(line, f"{line.name} ({line.part})") for line in account.steps
                if line.words)
    yield ""
    yield "By part, over all models:"
    yield from (_line(line, line.name) for line in (*account.by_part, account.whole))
    for made, alike in _by_seed(account.models):
        yield ""
        yield (f"{made.name}: {made.rows:,} rows written for it"
               + (f" (the first of {alike}, of which only the seed differs)" if alike > 1 else ""))
        yield from (_line(line, line.name) for line in (*made.by_part.values(), made.whole)
                    if line.words)
        if made.by_teacher is not None and made.by_teacher.calls is not None:
            yield (f"  all by the teacher: {made.arithmetic}; {made.by_teacher.calls.bill}: "
                   f"{made.by_teacher.money().words}")
            share = made.of_money
            yield (f"  of those tokens this model asks its teacher for {_percent(made.of_tokens)}"
                   + (f", and takes {'' if share[1] else 'at least '}{_percent(share[0])} of that "
                      "money" if share else ""))
    yield ""
    yield "As published (arXiv 2405.14365, appendix A; GPU-hours are derived: hours x 64):"
    for each in PUBLISHED:
        yield from (f"  {each.name}, {line.name}: {line.words}" for line in each.lines)
        yield f"  {each.name}, in all: {each.line.words}; money: {each.said}"
    yield from (_line(line, line.name) for line in account.priced)
    yield from account.notes


def _by_seed(models: Sequence[Made]) -> list[tuple[Made, int]]:
    """Return the first of the models whose names differ by their seed only, with their number."""
    names = Counter(SEED.sub("", made.name) for made in models)
    firsts = {SEED.sub("", made.name): made for made in reversed(models)}
    return [(firsts[name], names[name]) for name in names]


def _line(line: Line, name: str) -> str:
    """Return a line of an account with its arithmetic."""
    return f"  {name}: {line.words or 'nothing'}: {line.money().words}"


def _percent(value: float | None) -> str:
    return "an unknown share" if value is None else f"{100 * value:.1f} %"
