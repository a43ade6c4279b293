"""Why a program has no answer, in plain words.

Why: `refused`, `error NothingPrinted` or a value that is no answer must be read by people who
did not write the sandbox; and a file's rows are counted by these words.

Used as: `reason(Outcome("timeout"), None, Limits())` -> `"did not end in 2 s"`.
"""

from __future__ import annotations

import re

from mathmill.grading.sandbox import outcome as ends
from mathmill.grading.sandbox.determinism import DIFFERS
from mathmill.grading.sandbox.outcome import Limits, Outcome

_EMPTY = {"[]", "()", "{}", "set()", "frozenset()", "''", '""', ""}
_BROKEN = {"SyntaxError", "IndentationError", "TabError"}
_TYPES = {"str": "a text without a number in it", "printed": "a text without a number in it",
          "dict": "a table", "function": "a function, not called", "generator": "a generator",
          "coroutine": "a coroutine", "type": "a class", "module": "a module"}
_NAN = re.compile(r"\bnan\b", re.IGNORECASE)
_ABSENT = ("ModuleNotFoundError: ", "ImportError: ")


def reason(outcome: Outcome, answer: str | None, limits: Limits | None = None) -> str:
    """Return why an outcome gives no answer; empty where `answer` is one.

    `answer`: what `form.answer_of` made of it. Its kind may also be `no program`.
    """
    limits, error = limits or Limits(), outcome.error
    if answer is not None:
        return ""
    if outcome.kind == ends.VALUE:
        return _value(outcome)
    if outcome.kind == ends.TIMEOUT:
        return f"did not end in {limits.seconds:g} s"
    if outcome.kind == ends.MEMORY:
        return f"needed more than {limits.memory_mb:,} MiB of memory"
    if outcome.kind == ends.CRASHED:
        return f"ended its process: {error}" if error else "ended its process"
    if outcome.kind == ends.ERROR:
        if error == "NothingPrinted":
            return "leaves no result and prints nothing"
        return f"is no Python: {error}" if error in _BROKEN else f"raises {error}"
    if outcome.kind not in ("refused", "no program"):  # a row that could not be read
        return error or outcome.kind
    if outcome.kind == "no program":
        return "holds no code that leaves a result"
    return _refused(error, limits)


def _refused(error: str, limits: Limits) -> str:
    if error.startswith(DIFFERS):
        return f"is {error}"
    for word in _ABSENT:
        if error.startswith(word):
            return f"imports {error.removeprefix(word)[:80]}, which the sandbox does not have"
    if error in ("value too long", "the value is longer than the cap on output"):
        return f"gives more than {limits.output:,} characters"
    if error == "source too long":
        return f"is longer than {limits.source:,} characters"
    return f"cannot be run here: {error}"


def _value(outcome: Outcome) -> str:
    value = outcome.value or ""
    if outcome.type == "NoneType":
        return "returns None"
    if _NAN.search(value) and outcome.type not in ("str", "printed"):
        return "returns NaN"
    if value in _EMPTY:
        return "returns nothing: " + (value or "an empty text")
    return "returns " + _TYPES.get(outcome.type, f"no number: {outcome.type}"[:80])
