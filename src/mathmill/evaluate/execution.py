"""From what a model wrote to what it returns: response, function, sandbox, answer, verdict.

Why: pass@1 by execution, a pool of samples and its facts must agree on what a response's
program is and on what its end is worth. Programs that are equal run once: of 48 samples at
temperature 0.5 many are, and a program's value does not depend on who wrote it.

Used as: `with Executor("program") as executor: executor.run([("How many?", "result = 5")])` ->
`[Executed("def simple_math_problem() ...", Outcome(...), "5")]`, then `verdict(...)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mathmill.decoding.forms import FUNCTION
from mathmill.grading.answers import without_clause
from mathmill.grading.choice import options_of
from mathmill.grading.equal import grade
from mathmill.grading.policy import Policy, for_suite, named
from mathmill.grading.sandbox.blocks import parsed
from mathmill.grading.sandbox.files import NO_PROGRAM, verdict_on
from mathmill.grading.sandbox.form import WHOLE, answer_of, program_of
from mathmill.grading.sandbox.outcome import VALUE, Outcome, Program
from mathmill.grading.sandbox.run import Sandbox
from mathmill.programs import CALL, INDENT, NAME, function_body, function_head
from mathmill.types import Verdict

_DRESSED = re.compile(r"```|~~~|^</?(?:llm-code|code|pre)>|^>>> ", re.MULTILINE)
_FUNCTION, _RESULT = re.compile(r"^def ", re.MULTILINE), re.compile(r"^result\b", re.MULTILINE)
_BARE_HEAD = f"def {NAME}():\n"


@dataclass(frozen=True, slots=True)
class Executed:
    """What became of one response."""

    program: str
    "The program that was run, the question as its docstring; empty where there is none."
    outcome: Outcome
    "How it ended; its kind is `no program` where there is none."
    answer: str | None
    "What it returned as an answer text."

    @property
    def error(self) -> str:
        """Why there is no answer, short and countable; empty where there is one."""
        if self.answer is not None or self.outcome.kind == NO_PROGRAM:
            return ""
        if self.outcome.kind == VALUE:
            return f"no answer ({self.outcome.type})"
        return self.outcome.error


class Executor:
    """Runs responses in one sandbox. A context manager."""

    def __init__(self, form: str, jobs: int | None = None, whole: float = WHOLE) -> None:
        """Take the responses' form (`decoding.forms`), processes, and the switch of `answer_of`."""
        self.form, self.whole, self.programs = form, whole, 0
        self._sandbox = Sandbox(jobs=jobs)

    def __enter__(self) -> Executor:
        self._sandbox.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._sandbox.__exit__(*error)

    def run(self, asked: Sequence[tuple[str, str]]) -> list[Executed]:
        """Return what became of each (question, response), in order; equal programs run once.

        Raises MissingExtra or UsageError where no sandbox can run here.
        """
        found = [program_in(question, response, self.form) for question, response in asked]
        distinct = list(dict.fromkeys(program for _, program in found if program is not None))
        outcomes: dict[Program | None, Outcome] = {None: Outcome(NO_PROGRAM)}
        outcomes |= zip(distinct, self._sandbox.run(distinct), strict=True)
        self.programs += len(distinct)
        answers = {program: answer_of(outcome, whole=self.whole)
                   for program, outcome in outcomes.items()}
        return [Executed(text, outcomes[program], answers[program]) for text, program in found]


def program_in(question: str, response: str, form: str) -> tuple[str, Program | None]:
    """Return the program of a response as it is kept, and as it is run; empty and None for none.

    What is run has no docstring, so that programs can be seen to be equal. A response in the
    form that was asked for is taken as it is; one in fences, among prose or with a function of
    its own is read by the rules of `program_of`.
    """
    body = _indented(response) if form == FUNCTION else _at_margin(response)
    code = _BARE_HEAD + body
    if not response.strip():
        return "", None
    whole = (response.startswith("def ") if form == FUNCTION else  # more than the body
             _FUNCTION.search(response) and not _RESULT.search(response))
    if whole or _DRESSED.search(response) or parsed(code) is None:
        program = program_of(response)
        if program is not None:
            return program.code, program
    return function_head(question) + body, Program(code, CALL)


def verdict(question: str, gold: str, done: Executed, policy: str | Policy) -> Verdict:
    """Return whether what was executed gives the gold answer, under a policy.

    A program that fails is wrong; one that was stopped or refused is undecided. Under the
    papers' policies, and for questions with options, the value counts as a declared answer.
    """
    policy = named(policy)
    options = options_of(question)
    if done.answer is not None and (options or policy.rule != "value"):
        return grade(f"The answer is: {done.answer}", gold, policy, options)
    return verdict_on(without_clause(gold), done.outcome, done.answer, policy)


def tolerant_verdicts(rows: Iterable[tuple[str, str, str, Executed]]) -> list[Verdict]:
    """Return the verdict on each (suite, question, gold, executed); equal ones are settled once."""
    known: dict[tuple[Any, ...], Verdict] = {}
    found = []
    for suite, question, gold, done in rows:
        key = (suite, question, gold, done.outcome.kind, done.answer)
        if key not in known:
            known[key] = verdict(question, gold, done, for_suite(suite))
        found.append(known[key])
    return found


def _at_margin(response: str) -> str:
    """Return the body in a response of the form `program`.

    One that is indented as a whole may come without the spaces before its first line, for
    greedy generation strips them: it is the same program as with them.
    """
    body, text = function_body(response), response.strip()
    margin = min((line[:len(line) - len(line.lstrip())] for line in text.split("\n")[1:]
                  if line.strip()), key=len, default="")
    if margin and parsed(_BARE_HEAD + body) is None:
        whole = function_body(margin + text)
        return whole if parsed(_BARE_HEAD + whole) is not None else body
    return body


def _indented(response: str) -> str:
    """Return the indented lines with which a response begins: all that is the function's body.

    Its first line is always taken: generation strips the spaces before it.
    """
    first, *rest = response.strip().split("\n")
    kept = [INDENT + first] if first else []
    for line in rest:
        if line.strip() and not line.startswith((INDENT, "\t")):
            break
        kept.append(line)
    return "\n".join(kept).rstrip()
