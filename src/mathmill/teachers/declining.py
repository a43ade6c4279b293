"""Tell whether a reply declines: opens as a refusal does and gives no answer all the same.

Why here: a `fallback:` asks the next teacher, and a method drops its attempt, for the same
reason; one place says what it is.

Used as: `if declines(reply.text): ...`
"""

from __future__ import annotations

import re

_REFUSAL = re.compile(
    r"^\W{0,4}(?:i\W?(?:am|m) (?:(?:very |really |so )?sorry|afraid|(?:unable|not able) to)"
    r"|sorry\b|i (?:can\W?t|cannot|can not|could not|couldn\W?t|won\W?t)\b"
    r"|(?:un)?fortunately,? i (?:can|am)|as an? (?:ai|language model)"
    r"|(?:很|非常)?抱歉|对不起|我(?:无法|不能|没有办法)|作为一个)", re.IGNORECASE)
_ANSWERED = re.compile(r"\\boxed|####|\banswer is\b|答案[是为：:]", re.IGNORECASE)
OPENING = 200  # characters in which a refusal begins


def declines(text: str) -> bool:
    """Tell whether a reply opens as a refusal does."""
    return _REFUSAL.match(text[:OPENING]) is not None


def declines_outright(text: str) -> bool:
    """Tell whether a reply is empty, or opens as a refusal and states no answer after it."""
    return not text.strip() or (declines(text) and _ANSWERED.search(text) is None)
