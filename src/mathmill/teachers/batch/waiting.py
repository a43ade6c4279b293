"""Who waits for a reply of a batch, and what they are told meanwhile.

Used as: `Waiting(request, future)`, `Progress(name, 60.0).tell(given, state)`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any

from mathmill.teachers.batch.records import Given
from mathmill.teachers.money.purse import Ticket
from mathmill.types import Reply, Request

TOLD = 30.0  # seconds between two lines about the same batch
log = logging.getLogger(__name__)


@dataclass(eq=False)
class Waiting:
    """A request that somebody waits for."""

    request: Request
    "What was asked."
    future: asyncio.Future[Reply]
    "Where the reply goes."
    ticket: Ticket | None = None
    "What is held for it; None for batches of earlier invocations, which hold it themselves."
    given: Given | None = None
    "The batch that it is in."
    sending: bool = False
    "Whether the provider may have it."
    tries: int = 0
    "Batches that left it undone."
    why: str = ""
    "Why the last of them did."


class Progress:
    """Lines about batches, not too many."""

    def __init__(self, name: str, least: float) -> None:
        """Take the teacher's name, and the seconds between two lines about a batch."""
        self.name = name
        self.least = least
        self._told: dict[str, tuple[float, str]] = {}

    def tell(self, given: Given, state: dict[str, Any]) -> None:
        """Say how a batch stands, now and then and when it changes."""
        counts = state.get("request_counts")
        counts = counts if isinstance(counts, dict) else {}
        status = str(state.get("status"))
        then, before = self._told.get(given.token, (0.0, ""))
        now = time.monotonic()
        if status == before and now - then < max(TOLD, self.least):
            return
        self._told[given.token] = now, status
        age = max(0.0, time.time() - given.at)
        log.warning("%s: %s: %s, %s of %s done%s, %s old", self.name, given.batch, status,
                    counts.get("completed", "?"), counts.get("total") or len(given.requests),
                    f" ({counts['failed']} failed)" if counts.get("failed") else "",
                    f"{age:.0f} s" if age < 120 else f"{age / 60:.0f} min" if age < 7200
                    else f"{age / 3600:.1f} h")
