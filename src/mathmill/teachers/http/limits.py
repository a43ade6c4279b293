"""What a server's headers say it still allows.

Why: a server that tells how many calls are left need not be sent one too many. There is no
standard: OpenAI sends `x-ratelimit-remaining-requests: 59` with `x-ratelimit-reset-requests:
6m0s`, others `x-ratelimit-remaining` with seconds or a time of day, and tokens alike.

Used as: `left, seconds, limit = of_headers(endpoint.limits, tokens_a_call=700)`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

NOTHING: tuple[float | None, float, float | None] = (None, 0.0, None)
_PIECE = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_NAMES = ("x-ratelimit-remaining-requests", "x-ratelimit-remaining", "ratelimit-remaining")


def of_headers(headers: Mapping[str, str], tokens_a_call: float = 0.0
               ) -> tuple[float | None, float, float | None]:
    """Return (calls left, seconds until they are renewed, calls in all), the tightest there is.

    Calls left is None where nothing is said; `tokens_a_call` turns tokens left into calls.
    """
    tightest = NOTHING
    for name in _NAMES:
        if name in headers:
            tightest = _read(headers, name, 1.0)
            break
    if tokens_a_call > 0 and "x-ratelimit-remaining-tokens" in headers:
        tokens = _read(headers, "x-ratelimit-remaining-tokens", tokens_a_call)
        if tokens[0] is not None and (tightest[0] is None or (
                tokens[0] / max(tokens[1], 1e-3) < tightest[0] / max(tightest[1], 1e-3))):
            tightest = tokens
    return tightest


def _read(headers: Mapping[str, str], name: str, unit: float
          ) -> tuple[float | None, float, float | None]:
    left = _number(headers.get(name))
    seconds = duration(headers.get(name.replace("remaining", "reset"), ""))
    if left is None or seconds is None:
        return NOTHING
    limit = _number(headers.get(name.replace("remaining", "limit")))
    return left / unit, seconds, None if limit is None else limit / unit


def duration(text: str) -> float | None:
    """Return the seconds in `6m0s`, `20ms`, `12`, or from now to a time since 1970; or None."""
    plain = _number(text)
    if plain is not None:
        if plain < 1e9:
            return plain
        return max(0.0, (plain / 1000 if plain > 1e11 else plain) - time.time())
    pieces = _PIECE.findall(text)
    if not pieces or _PIECE.sub("", text).strip():
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in pieces)


def _number(text: str | None) -> float | None:
    try:
        number = float((text or "").partition(",")[0])
    except ValueError:
        return None
    return number if 0 <= number < 1e15 else None
