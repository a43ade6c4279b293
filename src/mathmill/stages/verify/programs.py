"""The checks `runs` and `deterministic`: execute a row's program in the sandbox, once or twice.

Why: TinyGSM keeps whatever executes, and a function that returns None, a text or NaN executes
too. Here each way to fail has its own plain reason, and what a program returned becomes the
row's answer, so that every other check can go on from it.

A program that raises, or returns what is no number, is wrong; one that was stopped, refused
or took its worker down says nothing about its answer. Either is unfit as a row.

Used as: `runner = runner_at(bench, 2.0, 1e-9)`; `Runs(runner).find(rows)`; `runner.kinds`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
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
        """Return the outcome of each text's program; None where it holds none.

        What it counts is texts, not runs: of a row that stands twice in a batch as of one that
        stands in two, so that the counts of shards add up to those of the whole.
        """
        new = {text: None for text in texts if text not in self._done}
        self._done |= zip(new, self._ended(list(new)), strict=True)
        self.kinds.update(_kind(self._done[text]) for text in texts if text in new)
        return [self._done[text] for text in texts]

    def again(self, texts: Sequence[str], state: int) -> list[Outcome | None]:
        """Run each text's program in another state, whether it has run before or not."""
        new = list(dict.fromkeys(texts))
        ended = dict(zip(new, self._ended(new, state), strict=True))
        return self._counted([ended[text] for text in texts])

    def run(self, programs: Sequence[Program | None]) -> list[Outcome | None]:
        """Return the outcome of each program; None where there is none."""
        return self._counted(self._run(programs))

    def _ended(self, texts: Sequence[str], state: int = 0) -> list[Outcome | None]:
        programs = [program_of(text) for text in texts]
        return self._run([one and replace(one, state=state) for one in programs])

    def _run(self, programs: Sequence[Program | None]) -> list[Outcome | None]:
        ended = iter(self.sandbox.run([one for one in programs if one is not None]))
        return [None if one is None else next(ended) for one in programs]

    def _counted(self, outcomes: list[Outcome | None]) -> list[Outcome | None]:
        self.kinds.update(map(_kind, outcomes))
        return outcomes

    def answers(self, texts: Sequence[str]) -> list[str | None]:
        """Return the number that each text's program returns; None where it returns none."""
        return [judged(outcome, self.whole).answer for outcome in self.outcomes(texts)]

    def forget(self) -> None:
        """Let go of what ran: a batch is over."""
        self._done.clear()


def endings(kinds: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Return how programs ended, from the counts of shards: kind, and type or exception.

    The rarest are told as `other`, where there are many.
    """
    every: Counter[str] = Counter()
    for each in kinds:
        every.update(each)
    common = dict(sorted(every.items(), key=lambda one: (-one[1], one[0]))[:KINDS])
    rest = every.total() - sum(common.values())
    return dict(sorted(common.items())) | ({"other": rest} if rest else {})


def _kind(outcome: Outcome | None) -> str:
    if outcome is None:
        return "no program"
    detail = outcome.type or (outcome.error if outcome.kind == ERROR else "")
    return f"{outcome.kind}: {detail}"[:60] if detail else outcome.kind


def runner_at(bench: Workbench, seconds: float, whole: float) -> Runner:
    """Return what runs programs for a part of a step, in the sandbox of its process.

    A sandbox takes long to open, so that one serves all shards. Tool `sandbox` (limits ->
    sandbox), if given. Raises MissingExtra or UsageError where no engine can run here.
    """
    from mathmill.grading.sandbox.run import Sandbox

    make = bench.tools.get("sandbox", partial(Sandbox, jobs=bench.cores))
    return Runner(bench.once("sandbox", lambda: bench.closing.enter_context(
        make(Limits(seconds=seconds)))), whole)


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
        texts = [row.solution for row in rows]
        return [_compared(*each) for each in zip(rows, self.runner.outcomes(texts),
                                                 self.runner.again(texts, 1), strict=True)]


def _compared(row: Sample, first: Outcome | None, second: Outcome | None) -> Finding:
    if first is None or second is None:
        return Finding(row, Verdict(UNDECIDED, "no program to run twice"))
    found = compared(first, second)
    if found.kind == REFUSED and found.error.startswith(DIFFERS):
        return Finding(row, Verdict(UNDECIDED, found.error[:200]), "program not deterministic")
    alike = found.kind in (VALUE, ERROR)
    return Finding(row, Verdict(UNDECIDED, "two runs agree" if alike else
                                f"one of two runs tells nothing: {_how(found)}"))
