"""The calls to one server since the last cut: how many it took, in how much time.

Why: a cut is judged by what came after it alone, and "so many a second" only holds over seconds
in which calls could go. Where a server asks for a second of silence and gets it, that second is
no sign of a slow server: counted as one it made of 500 calls a second 70, for some seconds.

Used by `pace`.
"""

from __future__ import annotations

import math

from mathmill.teachers.call import Call


class Round:
    """Counts of one round; `begin` starts the next."""

    def __init__(self, now: float) -> None:
        """Begin the first round."""
        self.number = 0
        "Cuts made so far."
        self.began = now
        self.sent = self.refused = 0
        "Calls sent since, and those of them that were refused."
        self.paused_until = -math.inf
        self._silence = 0.0  # seconds of pauses since, with what is still to come of them
        self._second, self._inside, self._peak = 0, 0, 0  # calls taken in one second; the most

    def begin(self, now: float) -> None:
        """Begin the next round; a pause goes on."""
        self.number += 1
        self.began, self._silence = now, max(0.0, self.paused_until - now)
        self.sent = self.refused = self._inside = self._peak = 0

    def send(self, now: float) -> None:
        """Count a call that goes out."""
        self.sent += 1
        if int(now) != self._second:
            self._peak = max(self._peak, self._inside)
            self._second, self._inside = int(now), 0
        self._inside += 1

    def refuse(self, call: Call) -> None:
        """Count a refusal."""
        self.refused += call.round == self.number
        self._inside -= int(call.at) == self._second

    def pause(self, now: float, until: float) -> None:
        """Send nothing before `until`."""
        self._silence += max(0.0, until - max(now, self.paused_until))
        self.paused_until = max(self.paused_until, until)

    def resume(self, now: float) -> None:
        """Let calls go at once."""
        self._silence -= max(0.0, self.paused_until - now)
        self.paused_until = now

    def silent(self, now: float) -> float:
        """Return the seconds up to now in which a pause held calls back."""
        return self._silence - max(0.0, self.paused_until - now)

    def open(self, now: float) -> float:
        """Return the seconds up to now in which calls could go."""
        return now - self.began - self.silent(now)

    @property
    def taken(self) -> int:
        """Calls that were not refused."""
        return self.sent - self.refused

    @property
    def peak(self) -> int:
        """The most calls that were taken within one second by the clock."""
        return max(self._peak, self._inside)
