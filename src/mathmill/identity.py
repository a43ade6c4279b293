"""Ids from content: the same thing has the same id on every machine and in every run.

Why: resume, lineage and de-duplication all rest on it, and a counter or a random id
would break each of them. Used by the records (`types`) and by steps (`execution`).
"""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

# Built once: `json.dumps` with options builds an encoder a call (3 µs).
_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"),
                           allow_nan=False).encode


def canonical(value: Any) -> str:
    """Return JSON with sorted keys and no white space: equal values give equal text.

    Raises TypeError for what JSON cannot hold: identity must not rest on `repr`.
    """
    return _encode(value)


def content_id(kind: str, *parts: Any) -> str:
    """Return 32 hex digits (128 bits of BLAKE2b) over a kind and its parts.

    128 bits: at 10^10 rows the odds of one collision are about 10^-19.
    """
    text = canonical([kind, *parts])
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def draw(*parts: Any) -> random.Random:
    """Return a random generator seeded by the parts: the same draw on every machine."""
    return random.Random(int(content_id("draw", *parts), 16))
