r"""The check `tool_runs`: a solution's code runs, and prints what the solution says it prints.

Why: JiuZhang3.0 drops the tool rows whose code does not execute. A model that writes code and
its output in one go makes up the output, so here that is held against what really is printed,
block by block, and the answer in the last sentence against the last of it.

Used as: `runner = runner_at(bench, 2.0, 1e-9)`; `ToolRuns(runner).find(rows)`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mathmill.grading.sandbox.outcome import Outcome
from mathmill.grading.sandbox.printing import answer_in, printed, printing
from mathmill.stages.verify.finding import Finding
from mathmill.stages.verify.programs import Runner, judged
from mathmill.transcripts import OUTPUT, PYTHON, parts
from mathmill.types import UNDECIDED, WRONG, Sample, Verdict

NEAR = 1e-9  # relative difference of two floats that are the same but for noise
ROUNDED = 0.01  # relative difference of a number and what a sentence rounds it to


@dataclass(frozen=True, slots=True)
class Claim:
    """What a solution says about its code."""

    blocks: tuple[str, ...]
    "The blocks of Python, in order."
    outputs: tuple[str | None, ...]
    "What each is said to print; None where nothing is said."


def claim_of(solution: str) -> Claim:
    """Return the code of a solution, with the output that follows each block."""
    blocks: list[str] = []
    outputs: list[str | None] = []
    for part in parts(solution):
        if part.kind == PYTHON:
            blocks.append(part.text)
            outputs.append(None)
        elif part.kind == OUTPUT and outputs and outputs[-1] is None:
            outputs[-1] = part.text.strip()
    return Claim(tuple(blocks), tuple(outputs))


@dataclass
class ToolRuns:
    """The check."""

    runner: Runner
    name: str = "tool_runs"
    sieve: bool = True

    def find(self, rows: Sequence[Sample]) -> list[Finding]:
        """Return a fault for each row whose code fails or prints something else than it says.

        A row without an answer gets that of its last output.
        """
        claims = [claim_of(row.solution) for row in rows]
        outcomes = self.runner.run([printing(claim.blocks) if claim.blocks else None
                                    for claim in claims])
        return [self._finding(*each) for each in zip(rows, claims, outcomes, strict=True)]

    def _finding(self, row: Sample, claim: Claim, outcome: Outcome | None) -> Finding:
        """Return what came of one row."""
        if outcome is None:
            return Finding(row, Verdict(WRONG, "no block of Python"), "no program")
        said = printed(outcome)
        if said is None:
            ended = judged(outcome, self.runner.whole)
            return Finding(row, ended.verdict, ended.fault or "no output")
        if claim.outputs[-1] is None:
            return Finding(row, Verdict(WRONG, "nothing is said to be printed"), "no output told")
        for place, (claimed, shown) in enumerate(zip(claim.outputs, said, strict=False), 1):
            if claimed is not None and not same_output(claimed, shown):
                return Finding(row, Verdict(WRONG, f"block {place} prints {shown[:80]!r}, not "
                                                   f"{claimed[:80]!r}"), "prints something else")
        answer = answer_in(said[-1], self.runner.whole)
        if answer is not None and row.answer is not None and _far(answer, row.answer):
            return Finding(row, Verdict(WRONG, f"{answer[:80]} is printed"),
                           "answer is not what is printed")
        return Finding(replace(row, answer=row.answer or answer),
                       Verdict(UNDECIDED, "it prints what it says"))


def _far(printed: str, answer: str) -> bool:
    """Tell whether two answers are numbers that no rounding makes alike.

    Of two whole numbers neither is rounded. What is no plain number (`25%`, a root, a list)
    may well be written differently in words.
    """
    one, other = _number(printed), _number(answer)
    if one is None or other is None or one == other:
        return False
    whole = one.is_integer() and other.is_integer()
    return whole or abs(one - other) > ROUNDED * max(abs(one), abs(other))


def _number(text: str) -> float | None:
    """Return a plain number, or a fraction of two; None for anything else."""
    over, _, under = text.replace(",", "").partition("/")
    try:
        value = float(over) / float(under or 1)
    except (ValueError, ZeroDivisionError):
        return None
    return value if math.isfinite(value) else None


def same_output(claimed: str, shown: str) -> bool:
    """Tell whether two outputs are the same but for white space and the noise of floats."""
    one, other = claimed.split(), shown.split()
    return len(one) == len(other) and all(map(_same_word, one, other))


def _same_word(one: str, other: str) -> bool:
    """Tell whether two words of an output are alike."""
    if one == other:
        return True
    if not {".", "e"} & {*one, *other}:  # whole numbers have no noise
        return False
    try:
        return math.isclose(float(one.strip("()[]{},")), float(other.strip("()[]{},")),
                            rel_tol=NEAR)
    except ValueError:
        return False
