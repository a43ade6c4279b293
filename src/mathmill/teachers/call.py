"""A call under way, as the pace of its server counts it.

Why: what became of a call means something only beside when it was sent: a refusal of a call
that was sent before the last cut says nothing of the new level.

Used as: `call = pace.sent()`, then `pace.good(call)`.
"""

from __future__ import annotations

from typing import NamedTuple


class Call(NamedTuple):
    """When a call was sent, after how many cuts, and the number it has."""

    at: float
    "Seconds by the pace's clock."
    round: int
    "How many cuts were made before it."
    number: int
    "Its place among all calls to this server, from 1."
