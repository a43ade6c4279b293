"""The checks `runs` and `deterministic`: execute a row's program in the sandbox, once or twice.

Why: TinyGSM keeps whatever executes, and a function that returns None, a text or NaN executes
too. Here each way to fail has its own plain reason, and what a program returned becomes the
row's answer, so that every other check can go on from it.

A program that raises, or returns what is no number, is wrong; one that was stopped, refused
or took its worker down says nothing about its answer. Either is unfit as a row.

Used as: `with Runner(sandbox, whole=1e-9) as runner: Runs(runner).find(rows)`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from mathmill.grading.sandbox.determinism import DIFFERS, compared
from mathmill.grading.sandbox.form import answer_of, program_of
from mathmill.grading.sandbox.outcome import (
    CRASHED,
    ERROR,
    MEMORY,
    REFUSED,
    TIMEOUT,
    VALUE,
    Limits,
    Outcome,
    Program,
)
from mathmill.stages.verify.finding import Finding
from mathmill.types import UNDECIDED, WRONG, Sample, Verdict
from mathmill.workbench import Workbench

KINDS = 40  # different ways to end that facts tell apart; programs may name exceptions themselves
_STOPPED = {TIMEOUT: "program takes too long", MEMORY: "program takes too much memory",
            REFUSED: "program refused", CRASHED: "program crashes"}
_NO_NUMBER = {"NoneType": "None", "str": "a text", "bool": "True or False",
              "complex": "a complex number", "list": "a list", "tuple": "a list", "set": "a list",
              "frozenset": "a list", "dict": "a list", "ndarray": "a list"}
# What is left of an answer's LaTeX when commands and Euler's number are taken off: names.
_COMMAND, _NAME = re.compile(r"\\[A-Za-z]+|\be\b|(?<=[0-9])e[+-]?[0-9]+"), re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended, as a check says it."""

    answer: str | None
    "The number that it returned, as an answer text."
    fault: str
    "Why it is unfit; empty where it returned a number."
    verdict: Verdict
    "Undecided where it returned a number: whether the right one is another check's to say."


def judged(outcome: Outcome | None, whole: float) -> Ran:
    """Return what an outcome means for a row; None: the text holds no program."""
    if outcome is None:
        return Ran(None, "no program", Verdict(WRONG, "no code that leaves a result"))
    if outcome.kind in _STOPPED:
        return Ran(None, _STOPPED[outcome.kind], Verdict(UNDECIDED, _how(outcome)))
    if outcome.kind == ERROR:
        return Ran(None, "program raises an error", Verdict(WRONG, _how(outcome)))
    assert outcome.kind == VALUE, f"a new kind of outcome: {outcome.kind}"
    answer = answer_of(outcome, whole=whole)
    what = _NO_NUMBER.get(outcome.type) or _beyond(answer, (outcome.value or "").lower())
    if what:
        return Ran(None, f"program returns {what}",
                   Verdict(WRONG, f"{outcome.type} {(outcome.value or '')[:80]}".strip()))
    return Ran(answer, "", Verdict(UNDECIDED, f"it returns {(answer or '')[:80]}"))


def _beyond(answer: str | None, value: str) -> str:
    """Say what a value is that is no number; empty for a number."""
    if answer is None:
        return "NaN" if "nan" in value else "no number"
    if "infty" in answer:
        return "infinity"
    return "an expression" if _NAME.search(_COMMAND.sub("", answer)) else ""


def _how(outcome: Outcome) -> str:
    return f"{outcome.kind}: {outcome.error}"[:200] if outcome.error else outcome.kind


@dataclass
class Runner:
    """Runs texts in one sandbox; a text that a batch has run is not run again for `runs`."""

    sandbox: Any
    whole: float
    kinds: Counter[str] = field(default_factory=Counter)
    _done: dict[str, Outcome | None] = field(default_factory=dict)

    def outcomes(self, texts: Sequence[str]) -> list[Outcome | None]:
        """Return the outcome of each text's program; None where it holds none."""
        new = [text for text in dict.fromkeys(texts) if text not in self._done]
        self._done |= zip(new, self.fresh(new), strict=True)
        return [self._done[text] for text in texts]

    def fresh(self, texts: Sequence[str], state: int = 0) -> list[Outcome | None]:
        """Run each text's program in a state, whether it has run before or not."""
        programs = [program_of(text) for text in texts]
        return self.run([one and replace(one, state=state) for one in programs])

    def run(self, programs: Sequence[Program | None]) -> list[Outcome | None]:
        """Return the outcome of each program; None where there is none."""
        ended = iter(self.sandbox.run([one for one in programs if one is not None]))
        found = [None if one is None else next(ended) for one in programs]
        self.kinds.update(_kind(outcome) for outcome in found)
        return found

    def answers(self, texts: Sequence[str]) -> list[str | None]:
        """Return the number that each text's program returns; None where it returns none."""
        return [judged(outcome, self.whole).answer for outcome in self.outcomes(texts)]

    def forget(self) -> None:
        """Let go of what ran: a batch is over."""
        self._done.clear()

    def facts(self) -> dict[str, int]:
        """Return how the programs ended: kind, and type or exception; the rest as `other`."""
        common = dict(self.kinds.most_common(KINDS))
        rest = sum(self.kinds.values()) - sum(common.values())
        return dict(sorted(common.items())) | ({"other": rest} if rest else {})


def _kind(outcome: Outcome | None) -> str:
    if outcome is None:
        return "no program"
    detail = outcome.type or (outcome.error if outcome.kind == ERROR else "")
    return f"{outcome.kind}: {detail}"[:60] if detail else outcome.kind


@contextmanager
def open_runner(bench: Workbench, seconds: float, whole: float) -> Iterator[Runner]:
    """Open a sandbox for the checks that need one. Tool `sandbox` (limits -> sandbox), if given.

    Raises MissingExtra or UsageError where no engine can run here.
    """
    from mathmill.grading.sandbox.run import Sandbox

    with bench.tools.get("sandbox", Sandbox)(Limits(seconds=seconds)) as sandbox:
        yield Runner(sandbox, whole)


@dataclass
class Runs:
    """The check `runs`: the row's answer becomes the number that its program returns."""

    runner: Runner
    name: str = "runs"
    sieve: bool = True

    def find(self, rows: Sequence[Sample]) -> list[Finding]:
        """Return the rows with their answers; a fault for each that returns no number."""
        ran = [judged(outcome, self.runner.whole)
               for outcome in self.runner.outcomes([row.solution for row in rows])]
        return [Finding(replace(row, answer=one.answer), one.verdict, one.fault)
                for row, one in zip(rows, ran, strict=True)]


@dataclass
class Deterministic:
    """The check `deterministic`: a program must end alike in two states of the sandbox.

    The second state has other random numbers, another order of sets and a later clock.
    """

    runner: Runner
    name: str = "deterministic"
    sieve: bool = True

    def find(self, rows: Sequence[Sample]) -> list[Finding]:
        """Return a fault for each program whose second run ended in another way."""
        texts = list(dict.fromkeys(row.solution for row in rows))
        twice = dict(zip(texts, zip(self.runner.outcomes(texts), self.runner.fresh(texts, 1),
                                    strict=True), strict=True))
        return [_compared(row, *twice[row.solution]) for row in rows]


def _compared(row: Sample, first: Outcome | None, second: Outcome | None) -> Finding:
    if first is None or second is None:
        return Finding(row, Verdict(UNDECIDED, "no program to run twice"))
    found = compared(first, second)
    if found.kind == REFUSED and found.error.startswith(DIFFERS):
        return Finding(row, Verdict(UNDECIDED, found.error[:200]), "program not deterministic")
    alike = found.kind in (VALUE, ERROR)
    return Finding(row, Verdict(UNDECIDED, "two runs agree" if alike else
                                f"one of two runs tells nothing: {_how(found)}"))
