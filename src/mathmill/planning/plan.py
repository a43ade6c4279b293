"""A plan of a recipe: the probe, what follows from it, and what the probe has spent.

Who is asked in the probe: the teacher that `--probe-teacher` names; else a step's own teacher
where it can be reached; else the symbolic one, which makes the plan a guess. A model that is
yet to be trained is always stood in for.

Used as: `print(make_plan(last, out, terms, Choices(rows=40)).text())`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mathmill.accounting import Account
from mathmill.errors import MissingExtra, TeacherError, UsageError
from mathmill.execution.step import Step, in_order
from mathmill.execution.store import Store
from mathmill.planning.account import account_of, account_text
from mathmill.planning.estimate import Estimate, Totals, estimates, total_of
from mathmill.planning.guess import in_one_line, unreachable
from mathmill.planning.probe import SYMBOLIC, Probe, asked_at_once, asking_steps, teacher_of
from mathmill.teachers.charge import Charge, charge_of
from mathmill.teachers.journal.place import shared
from mathmill.teachers.money.amount import NOTHING, Amount
from mathmill.teachers.money.ledger import FILE, LINE, Entry
from mathmill.teachers.money.prices import Prices
from mathmill.teachers.money.sheet import Sheet
from mathmill.workbench import Terms

IN_FLIGHT = 64  # calls at a time that a plan reckons with: what a paid account mostly bears
UNMADE = Charge(words="a model of this recipe, in this process: no server, costs nothing")


@dataclass(frozen=True)
class Choices:
    """What a person may choose about a plan."""

    rows: int = 40
    "Rows a step in the probe."
    teacher: str = ""
    "Who is asked in the probe; empty for a step's own teacher."
    in_flight: int = IN_FLIGHT
    "Calls at a time that hours are reckoned with."


@dataclass(frozen=True)
class Plan:
    """What a recipe will ask of its teachers."""

    steps: Sequence[Estimate]
    "Those that ask, in order."
    of: int
    "Steps of the whole recipe."
    rows: int
    "Rows a step in the probe."
    why: Mapping[str, str]
    "Why a teacher was not asked itself, by its name."
    asked: Mapping[str, str]
    "Who was asked instead."
    replaced: bool
    "Whether seeds were stood in for that the symbolic teacher cannot read."
    spent: Amount
    "What this probe paid."
    spent_before: Amount
    "What earlier probes in the same scratch folder paid."
    calls: int
    "Replies that the probe rests on."
    done: Mapping[str, Totals]
    "What finished steps came to, by id."
    account: Account | None = None
    "What the recipe's models will cost, where one of them writes rows."

    @property
    def total(self) -> tuple[Totals, list[Totals]]:
        """Return the sum of all steps and its draws."""
        return total_of(self.steps)

    def text(self) -> str:
        """Return the plan for people."""
        from mathmill.planning.words import text_of

        words = text_of(self)
        return words if self.account is None else f"{words}\n\n{account_text(self.account)}"


def make_plan(last: Step, out: Path, terms: Terms, choices: Choices) -> Plan:
    """Probe a recipe beside its run folder `out`, and reckon what its run will ask.

    Raises UsageError for a price that is missing, BudgetSpent where a cap ends the probe,
    StepFailed where it brings no row.
    """
    if choices.rows < 1 or choices.in_flight < 1:
        raise UsageError("--probe and --in-flight must be at least 1")
    targets = asking_steps(last)
    names = list(dict.fromkeys(teacher_of(step) for step in targets))
    prices = Prices.load(terms.prices)
    charges = {name: charge_of(name, prices, terms.no_cost) if name else UNMADE
               for name in names}
    scratch = out.parent / f"{out.name}.plan"
    terms = replace(terms, journal=shared(out, terms.journal))
    before = spent_in(scratch)
    why = _why(names, choices.teacher)
    probe, tallies = _probed(targets, choices, why, scratch, terms)
    now = spent_in(scratch)
    steps = estimates(probe, tallies, charges, choices.in_flight) if targets else []
    done = _done(targets, out)
    return Plan(steps, len(in_order(last)), choices.rows, why,
                probe.stands_in, probe.replaced, now - before, before,
                round(sum(came_to(step, tallies[step.id]["facts"]).calls for step in targets)),
                done, account_of(last, steps, done, Store(out), Sheet.load(terms.prices)))


def _why(names: Sequence[str], chosen: str) -> dict[str, str]:
    """Return which teachers are stood in for, and why."""
    why: dict[str, str] = {}
    for name in names:
        if not name:
            why[name] = "it is yet to be trained, so this cannot be planned before it exists"
        elif chosen and chosen != name:
            why[name] = f"--probe-teacher {chosen} was asked instead"
        elif reason := unreachable(asked_at_once(name)):
            why[name] = in_one_line(reason)
    return why


def _probed(targets: Sequence[Step], choices: Choices, why: dict[str, str], scratch: Path,
            terms: Terms) -> tuple[Probe, dict[str, dict[str, Any]]]:
    """Run the probe; once more without the teachers where one of them cannot answer."""
    other = choices.teacher or SYMBOLIC
    probe = Probe(targets, choices.rows, dict.fromkeys(why, other))
    if not targets:
        return probe, {}
    try:
        return probe, probe.run(scratch, terms)
    except (TeacherError, MissingExtra) as error:
        left = {teacher_of(step) for step in targets} - set(why)
        if choices.teacher or not left:
            raise
        why |= dict.fromkeys(left, in_one_line(error))
    probe = Probe(targets, choices.rows, dict.fromkeys(why, other))
    return probe, probe.run(scratch, terms)


def spent_in(home: Path) -> Amount:
    """Return what all teachers of a run folder were paid, without touching its account."""
    try:
        text = (home / FILE).read_bytes()
    except OSError:
        return NOTHING
    lines = [text[at:at + LINE] for at in range(0, len(text), LINE)]
    entries = [Entry.of(line) for line in lines if line.strip(b" \n\0")]
    return sum((entry.spent + entry.held for entry in entries), NOTHING)


def _done(targets: Sequence[Step], out: Path) -> dict[str, Totals]:
    """Return what the steps came to that the run has finished."""
    store = Store(out)
    done = {}
    for step in targets:
        manifest = store.manifest(step)
        if manifest is not None:
            done[step.id] = replace(came_to(step, manifest["tally"]["facts"]),
                                    seconds=manifest["seconds"])
    return done


def came_to(step: Step, facts: Mapping[str, Any]) -> Totals:
    """Return what a finished step asked, by its facts."""
    parts = (list(facts["methods"].values()) if step.name == "synthesize" else
             [facts.get("votes") or facts.get("rating") or facts.get("judging") or {}])
    attempts = facts.get("attempts") or sum(part.get("units", 0) for part in (
        facts["votes"]["methods"].values() if facts.get("votes") else parts))
    return Totals(facts.get("accepted", facts["rows_in"]), attempts, *(
        sum(part.get(key, 0) for part in parts)
        for key in ("requests", "tokens_in", "tokens_out", "picodollars")))
