"""Tells when more calls in flight bring no more replies: the server only queues them.

Why: a server of four places with a queue refuses nothing; sending it a thousand calls would
make each wait for the others until all time out.

Used by `pace`.
"""

from __future__ import annotations

WIDER = 1.3  # growth of the window from one look to the next that should bring more replies
FASTER = 1.15  # how many more it must bring, at least
LOOKS = 2  # in a row without a gain that make a plateau


class Plateau:
    """Compares the replies a second of one window's worth of replies with the next."""

    def __init__(self, now: float, first: int) -> None:
        """Take the number of replies after which to look first."""
        self._first = first
        self._last: tuple[float, float] | None = None  # window and replies a second
        self._count, self._since, self._without = 0, now, 0

    @property
    def reached(self) -> bool:
        """Whether more calls have lately brought no more replies."""
        return self._without >= LOOKS

    def reply(self, now: float, window: float) -> None:
        """Count a reply."""
        self._count += 1
        passed = now - self._since
        if not passed or self._count < (
                self._first if self._last is None else max(self._first, self._last[0])):
            return
        speed = self._count / passed
        if self._last is not None:
            if speed > FASTER * self._last[1]:
                self._without = 0
            elif window > WIDER * self._last[0]:
                self._without += 1
        self._last = (window, speed)
        self._count, self._since = 0, now
