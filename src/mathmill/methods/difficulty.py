"""Rate how hard a problem is, 1 to 5, by asking a teacher.

Why: stage 2 of Skywork-Math trains on hard problems, and new problems come without a level.

Used as: `rate_request(question)`, then `read_level(reply.text)`; `select` is handed both.
"""

from __future__ import annotations

import re

from mathmill.methods.prompt import load
from mathmill.methods.replies import clean
from mathmill.types import Request

_LEVEL = re.compile(r"(?:level|难度)[*_`]{0,3}[ \t]{0,3}[:：]?[*_`\s]{0,6}([1-5])(?![0-9.])",
                    re.IGNORECASE)


def rate_request(question: str, language: str = "en", sample: int = 0) -> Request:
    """Return the request for a level; greedy, and a few tokens suffice."""
    return load("difficulty", language).request({"problem": question}, sample=sample,
                                                temperature=0.0, max_tokens=64)


def read_level(text: str) -> int | None:
    """Return the level that a reply gives, or None where it gives none."""
    text = clean(text)[:2000]
    found = _LEVEL.findall(text)
    if found:
        return int(found[-1])
    return int(text) if text in {"1", "2", "3", "4", "5"} else None
