"""A metronome: how many calls a second one server takes, as far as that is known.

Why: where replies are quick, no number of calls in flight expresses a limit by the second.
The rate is unknown until a call was refused; then it grows while it is what holds calls back,
quickly while it is first sought, later like a cube: barely after a cut, ever faster when none
comes. Headers of the server may bound it for a while.

Used by `pace`.
"""

from __future__ import annotations

import math

BURST = 0.05  # seconds of the rate that may go at once: a late timer is made up for
LEARNING = 0.4  # growth of the rate a second while it is first sought
SOUGHT = 10.0  # seconds for which it is sought
SECONDS, CALLS = 8.0, 100.0  # least time and calls in which a known rate grows by a tenth
LEAST = 0.05  # calls a second: one in twenty seconds


class Rate:
    """Calls a second; `value` is None while none was refused."""

    def __init__(self, now: float) -> None:
        """Begin without a bound."""
        self.value: float | None = None
        self.learning = True
        self._next = -math.inf  # when the next call may go
        self._held = -math.inf  # when a call was last held back
        self._first = self._cut = self._grown = now
        self._cap: tuple[float, float] | None = None  # rate that headers allow, until when

    def delay(self, now: float) -> float:
        """Return the seconds for which the next call is held back."""
        if self._allowed(now) is None or self._next <= now:
            return 0.0
        self._held = now
        return self._next - now

    def spend(self, now: float) -> None:
        """Count a call that goes out now."""
        rate = self._allowed(now)
        if rate is None:
            return
        self._grow(now)
        earliest = now - max(1.0, BURST * rate) / rate
        self._next = max(self._next, earliest) + 1 / rate

    def bounds(self, now: float) -> bool:
        """Tell whether calls go out as fast as the rate lets them, and no faster."""
        return self.value is not None and now - self._held <= max(2 / self.value, 2 * BURST)

    def set(self, value: float, now: float, resume: float) -> None:
        """Set what was learnt; the next call may go at `resume`."""
        if self.value is None:
            self._first = now
        self.value = max(LEAST, value)
        self._next = max(now, resume)

    def limit(self, value: float) -> None:
        """Lower the rate to a value, where it is above."""
        if self.value is not None:
            self.value = max(LEAST, min(self.value, value))

    def mark(self, now: float) -> None:
        """Note a cut: growth begins anew."""
        self._cut = self._grown = now

    def tell(self, left: float, seconds: float, now: float) -> None:
        """Heed a header: `left` calls in the next `seconds`.

        What refusals have taught is known better than what a header meant a while ago.
        """
        self._cap = (max(max(1.0, left) / seconds, 0.9 * (self.value or 0.0)), now + seconds)

    def _allowed(self, now: float) -> float | None:
        if self._cap is not None:
            if now < self._cap[1]:
                return min(self._cap[0], self.value or math.inf)
            self._cap = None
        return self.value

    def _grow(self, now: float) -> None:
        """Let the rate grow by the time that has passed, where it is what bounds."""
        passed, self._grown = min(now - self._grown, 1.0), now
        if self.value is None or passed <= 0 or not self.bounds(now):
            return
        if self.learning:
            self.learning = now - self._first < SOUGHT
            self.value *= 1 + LEARNING * passed
            return
        scale = max(SECONDS, CALLS / self.value)
        speed = 0.1 / scale * (1 + ((now - self._cut) / scale) ** 2)
        self.value *= 1 + min(speed, LEARNING) * passed
