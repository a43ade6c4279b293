"""Ask a teacher whether two questions are one problem told twice.

Why: the finders of `decontaminate` compare numbers and words; what they are unsure about, a
model can read, and it is asked about few.

Used as: `same_request(question, item)`, then `read_judgement(reply.text)`; `decontaminate` is
handed both.
"""

from __future__ import annotations

import re

from mathmill.methods.prompt import identities, load
from mathmill.methods.replies import clean
from mathmill.types import Request

PROMPT = "same_problem"
_VERDICT = re.compile(r"verdict[*_`]{0,3}\s{0,3}:?[*_`\"\s]{0,6}(same|different)\b", re.IGNORECASE)


def prompts() -> list[str]:
    """Return the identities of the prompt: literals of a step that asks it."""
    return identities(PROMPT)


def same_request(question: str, item: str) -> Request:
    """Return the request about a row's question and a benchmark's item; greedy, a few tokens."""
    return load(PROMPT).request({"first": item, "second": question}, temperature=0.0,
                                max_tokens=64)


def read_judgement(text: str) -> str | None:
    """Return `same` or `different`; None where the reply says neither, or both."""
    text = clean(text)[:2000]
    found = {word.lower() for word in _VERDICT.findall(text)}
    if not found and text.strip(" .*\"'`").lower() in {"same", "different"}:
        found = {text.strip(" .*\"'`").lower()}
    return found.pop() if len(found) == 1 else None
