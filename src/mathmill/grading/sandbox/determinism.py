"""Run each program in two states, and refuse those that end otherwise.

Why: a program that draws random numbers, reads the clock, or rests on the order of a set has no
result; within one state it returns the same each time, so that a second run alone shows nothing.

Used as: `Sandbox.run(programs, twice=True)`; an outcome `refused`, `not deterministic: 3, then 5`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from mathmill.grading.sandbox.outcome import ERROR, REFUSED, VALUE, Outcome, Program
from mathmill.grading.sandbox.route import agree

SHOWN = 60  # characters of each of two values
DIFFERS = "not deterministic"  # how the error of such a program begins


def both(run: Callable[[Iterable[Program]], Iterator[Outcome]],
         programs: Iterable[Program]) -> Iterator[Outcome]:
    """Yield an outcome for each program, from a run in its state and one in the next."""
    outcomes = run(each for program in programs
                   for each in (program, replace(program, state=program.state + 1)))
    for first in outcomes:
        yield compared(first, next(outcomes))


def compared(first: Outcome, second: Outcome) -> Outcome:
    """Return the first of two outcomes, or what is to be said against it.

    A run that was stopped, refused or crashed says nothing of the other: it is the outcome.
    """
    for one in (first, second):
        if one.kind not in (VALUE, ERROR):
            return one
    if agree(first, second) and first.error == second.error:
        return first
    return Outcome(REFUSED, error=f"{DIFFERS}: {_end(first)}, then {_end(second)}",
                   engine=first.engine, seconds=first.seconds + second.seconds)


def _end(outcome: Outcome) -> str:
    return (outcome.value or "")[:SHOWN] if outcome.kind == VALUE else outcome.error
