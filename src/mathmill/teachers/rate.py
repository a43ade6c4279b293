"""A metronome: how many calls a second one server takes, as far as that is known.

Why: where replies are quick, no number of calls in flight expresses a limit by the second.
The rate is unknown until a call was refused; then it grows while it is what holds calls back,
quickly while it is first sought, later like a cube: back to near where it was cut in some
seconds, barely there, ever faster when no cut comes. Headers of the server may bound it for a
while.

Used by `pace`.
"""

from __future__ import annotations

import math

# Seconds of the rate, less a call, that may go at once: late timers are made up for. Timers late
# by 20 ms (a busy machine) cost 5 % of 500 a second with 0.05, 1 % with this. One call at least:
# two cost more than they bring where a server's bucket is small.
BURST = 0.08
RECENT = 0.1  # seconds since a call was held back in which the rate is what bounds
LEARNING = 0.4  # growth of the rate a second while it is first sought
SOUGHT = 10.0  # seconds for which it is sought
SECONDS, CALLS = 8.0, 100.0  # least time and calls in which a known rate grows by a tenth
RETURN = 2.0  # seconds in which a rate that was cut returns to near where it was, roughly
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
        self._before = 0.0  # the rate that was cut last
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
        earliest = now - max(1.0, BURST * rate - 1) / rate
        self._next = max(self._next, earliest) + 1 / rate

    def bounds(self, now: float) -> bool:
        """Tell whether calls go out as fast as the rate lets them, and no faster."""
        return self.value is not None and now - self._held <= max(2 / self.value, RECENT)

    def set(self, value: float, now: float, resume: float) -> None:
        """Set what was learnt; the next call may go at `resume`."""
        if self.value is None:
            self._first = now
        self._before = self.value or 0.0
        self.value = max(LEAST, value)
        self._next = max(now, resume)

    def limit(self, value: float) -> None:
        """Lower the rate to a value, where it is above."""
        if self.value is not None and value < self.value:
            self._before, self.value = self.value, max(LEAST, value)

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
        # Timers that were late, or one bad moment, make a cut too deep: half of it took 20 s.
        back = (min(0.95 * self._before / self.value, 2.0) - 1) / RETURN
        self.value *= 1 + min(max(speed, back), LEARNING) * passed
