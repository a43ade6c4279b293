"""The calls to one server since the last cut: how many it took, in how much time.

Why: a cut is judged by what came after it alone. Where a server asks for a second of silence and
gets it, what it takes then says little: a bucket may have filled meanwhile. Calls over all the time
are the least that it allows, and made of 500 a second 70, for some seconds; calls over the time in
which they could go are the most, and made of 10 a second 20, which brings the next silence.
`least` finds more between them, by how much the bucket held when it was emptied for the first time.

Used by `pace`.
"""

from __future__ import annotations

import math
from collections import deque

from mathmill.teachers.call import Call

SHORT = 0.05  # seconds at least over which calls are counted
LOOKS = 400  # moments before the first refusal that are remembered: 20 seconds and more
STEPS = 4  # in which the least rate is all but found


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
        self._early: deque[tuple[float, int]] | None = deque([(now, 0)], LOOKS)  # time, calls sent
        self._bursts: list[tuple[int, float]] = []  # calls, and seconds, up to the first refusal

    def begin(self, now: float) -> None:
        """Begin the next round; a pause goes on."""
        self.number += 1
        self.began, self._silence = now, max(0.0, self.paused_until - now)
        self.sent = self.refused = self._inside = self._peak = 0
        if self._early is not None:
            self._early = deque([(now, 0)], LOOKS)

    def send(self, now: float) -> None:
        """Count a call that goes out."""
        if self._early is not None and now - self._early[-1][0] >= SHORT:
            self._early.append((now, self.sent))
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

    def empty(self, now: float) -> None:
        """Note that the server has refused for the first time: what it could hold is gone."""
        if self._early is not None:
            self._bursts = [(self.taken - sent, now - at) for at, sent in self._early]
            self._early = None

    def least(self, now: float) -> float:
        """Return how many calls a second the server allows at least, by those that it took.

        Silence gave it no more than it could hold at first: the most that it took until it was
        empty, from any moment on, beyond what it was given meanwhile.
        """
        passed, going = max(now - self.began, SHORT), max(self.open(now), SHORT)
        rate = self.taken / passed
        for _ in range(STEPS if going < passed else 0):  # a higher rate has given it more
            held = max((taken - rate * seconds for taken, seconds in self._bursts),
                       default=math.inf)
            rate = max(rate, (self.taken - max(0.0, held)) / going)
        return min(rate, self.taken / going)

    @property
    def taken(self) -> int:
        """Calls that were not refused."""
        return self.sent - self.refused

    @property
    def peak(self) -> int:
        """The most calls that were taken within one second by the clock."""
        return max(self._peak, self._inside)
