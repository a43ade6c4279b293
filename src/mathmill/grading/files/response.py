"""Grade one response and say what was found in it: the step that every front end shares.

Why: a field of a file may hold a worked solution or the bare answer, and a gold field a
text, a number, a list or nothing. `mathmill grade`, the reward function and the metrics of
other harnesses must treat all of these alike, or their figures differ on the same rows.

Used as: `judge("So x = 5. The answer is 5.", "5", TOLERANT)` -> `Judged("5", Verdict(...))`;
`gold_text(["A", "C"])` -> `"A, C"`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mathmill.grading.answers import GUESSES, extract
from mathmill.grading.equal import equal, grade
from mathmill.grading.policy import Policy
from mathmill.types import CORRECT, UNDECIDED, Verdict

BARE = 300  # characters up to which a line may be nothing but its answer


@dataclass(frozen=True, slots=True)
class Judged:
    """A response with its verdict."""

    answer: str | None
    "What was found in the response; None where nothing was."
    verdict: Verdict
    "The verdict and how it came about."


def judge(response: str, gold: str, policy: Policy) -> Judged:
    """Return the verdict on a response: a worked solution, or the bare answer by itself.

    A short line that declares nothing may be the answer as it stands (`[1, 2)`, `A and C`):
    where what was found in it is not correct and all of it is, all of it is what was meant.
    An empty gold is undecided. Never raises for any text.
    """
    found = extract(response)
    if not gold.strip():
        return Judged(found.text, Verdict(UNDECIDED, "no gold answer"))
    verdict, text = grade(response, gold, policy), response.strip()
    if (verdict.value != CORRECT and policy.rule == "value" and 0 < len(text) <= BARE
            and ("\n" not in text or "\\begin{" in text)  # the rows of a matrix
            and (found.text is None or found.how in GUESSES)):
        whole = equal(gold, text, replace(policy, symbolic=False))
        if whole.value == CORRECT:
            return Judged(text, Verdict(CORRECT, f"{whole.how}; whole"))
    if found.text is None and verdict.value == CORRECT:  # a choice, read off the last line
        return Judged(text.rsplit("\n", 1)[-1][-BARE:], verdict)
    return Judged(found.text, verdict)


def gold_answer(text: str) -> str:
    """Return the answer of a gold field: what a worked solution concludes, or the text."""
    found = extract(text, guess=False)
    return found.text if found.text is not None else text


def gold_text(value: Any) -> str:
    """Return a gold field as one answer; a list is all of its items (`A, C`), null is nothing.

    Raises ValueError for what is no answer (an object).
    """
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return ", ".join(gold_text(item) for item in value)
    return gold_answer(field_text(value))


def field_text(value: Any) -> str:
    r"""Return a field as text: 18.0 as `18.0`, null and NaN as nothing, infinity as `\infty`.

    A list of messages is what its last message says. Raises ValueError for other lists and
    objects: one response a row is graded.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        return "" if math.isnan(value) else r"\infty" if value > 0 else r"-\infty"
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Sequence):
        return _last_message(value)
    if isinstance(value, Mapping):
        if isinstance(value.get("content"), str):
            return str(value["content"])
        raise ValueError(f"holds an object ({', '.join(map(str, value))[:80]}); reach into it "
                         "with a dot, as in output.text")
    return str(value)


def _last_message(value: Sequence[Any]) -> str:
    """Return what the last of a list of messages says, or the one text of a list of one."""
    if not value:
        return ""
    last = value[-1]
    if isinstance(last, Mapping):
        parts = last.get("content")
        if isinstance(parts, str) or parts is None:
            return parts or ""
        # Content in parts, as chat servers give it: the text ones count.
        return "".join(str(part.get("text") or "") for part in parts if isinstance(part, Mapping))
    if len(value) == 1:
        return field_text(last)
    raise ValueError(f"holds a list of {len(value)}; write one response a row")
