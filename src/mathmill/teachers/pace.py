"""How fast one server may be asked: a window of calls in flight and a rate, both learnt.

Why: nobody knows a server's limits beforehand, and they change. A window alone oscillates
where replies are quick (a server that allows 50 calls a second and answers in 20 ms wants one
call in flight, not 50 refused ones), a rate alone says nothing of a server with four places.

- The window starts at `START`, grows by two a reply (slow start) until a call is refused or
  more calls bring no more replies, and from then on like a cube: barely after a refusal, ever
  faster when none comes. It shrinks by a twentieth at a refusal that found it full.
- The rate is unknown until the first refusal. Then sending stops for the time in which a
  refusal returns, and the calls that were taken are counted: that is the first estimate. It
  is probed and lowered as the window is. One cut a round: calls that were already under way
  when a cut was made do not make another.
- `Retry-After` holds back the refused call, and all calls where more than a quarter of the
  last ones was refused: a server that takes the others is not asking for silence.
- Headers that tell what is left and for how long cap the rate at left / seconds once less than
  half is left. With a bucket that refills steadily this settles at the refill.
- A server that fails again and again is rested and asked by one call at growing intervals.

Pure logic over a clock: `engine` does the waiting, tests turn the clock.

Used as: `if pace.wait() == 0: call = pace.sent()`, then `good`, `refused`, `trouble` or `gone`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

START = 64  # calls in flight at first: what a local server batches and no service minds
CEILING = 4096
CUT = 0.95  # of the level at which a lone refusal came
DENSE = 0.25  # share of recent calls refused that means: not a probe too far, but a storm
MEMORY = 1 / 16  # weight of one outcome in the recent share
BURST = 0.05  # seconds of the rate that may go at once: a late timer is made up for
LEARNING = 0.25  # growth of the rate a second while it is first sought
SECONDS, CALLS = 8.0, 100.0  # least time and calls in which a known rate grows by a tenth
FULL = 0.9  # of the window in flight: the window is what bounds
DOWN = 8  # failures in a row, none between, that mean: the server is down
LONGEST_REST = 60.0  # seconds between two looks at a server that is down
LONGEST_PAUSE = 900.0  # seconds of Retry-After that are waited at once


class Call(NamedTuple):
    """A call under way."""

    at: float
    "When it was sent."
    round: int
    "Which cut of the pace it was sent after."
    number: int
    "How many were sent before it."


class Pace:
    """The learnt limits of one server."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, floor: int = 1,
                 ceiling: int = CEILING, start: int = START, longest: float = 150.0) -> None:
        """Begin in slow start. `longest`: the latency, in seconds, beyond which no more is asked.

        A server that queues what it cannot do yet never refuses, and would be sent calls until
        they time out; so the window grows only while replies take less than `longest`.
        """
        self.clock, self.floor, self.ceiling, self.longest = clock, floor, ceiling, longest
        self.window = float(max(floor, min(start, ceiling)))
        self.rate: float | None = None
        "Calls a second; None while none was refused."
        self.flying = 0
        self.latency = 0.0
        "Seconds a reply takes, smoothed."
        self.paused_until = 0.0
        self.down = 0
        "How many looks in a row found the server down; 0 where it is up."
        self._slow, self._learning = True, True
        self._recent = 0.0  # share of the last calls that were refused
        self.round, self._began = 0, clock()
        self._sent = self._sent_then = 0  # calls sent in all, and at the last cut
        self._refused = self._goods = 0  # of this round
        self._next = -math.inf  # when the rate allows the next call
        self._grown = clock()
        self._settling: tuple[float, float, int] | None = None  # until, since, in flight then
        self._cap: tuple[float, float] | None = None  # rate that headers allow, until when
        self._failed = 0  # calls in a row
        self._looking = False  # one call is on its way to a server that was down
        self._last: tuple[float, float] | None = None  # window and replies a second of a round
        self._count, self._count_from, self._stagnant = 0, clock(), 0

    def wait(self) -> float:
        """Return the seconds until a call may be sent: 0 for now, inf for "when one returns"."""
        now = self.clock()
        if self._settling is not None:
            if now < self._settling[0]:
                return self._settling[0] - now
            self._settle()
        if self._looking if self.down else self.flying >= max(self.floor, int(self.window)):
            return math.inf
        return max(0.0, self.paused_until - now, self._next - now if self._allowed() else 0.0)

    def sent(self) -> Call:
        """Count a call that goes out now."""
        now = self.clock()
        rate = self._allowed()
        if rate:
            if self.rate is not None:
                self._grow_rate(now)
            earliest = now - max(1.0, BURST * rate) / rate
            self._next = max(self._next, earliest) + 1 / rate
        self.flying += 1
        self._sent += 1
        self._looking = self.down > 0
        return Call(now, self.round, self._sent)

    def good(self, call: Call, left: float | None = None, seconds: float = 0.0,
             limit: float | None = None) -> None:
        """Count a reply; `left` of `limit` calls are allowed in the next `seconds`, if known."""
        now = self.clock()
        self._recent -= self._recent * MEMORY
        self._failed = 0
        if self.down:
            self._up(now)
        took = now - call.at
        self.latency += (took - self.latency) * (0.1 if self.latency else 1.0)
        self._goods += 1
        if self.flying >= FULL * self.window and self.latency < self.longest:
            self._grow_window()
        self.flying -= 1
        self._compare(now)
        if left is not None and seconds > took:
            after = left - (self._sent - call.number)
            if limit is None or after < limit / 2:
                self._cap = (max(1.0, after + 1) / seconds, now + seconds)

    def refused(self, call: Call, retry_after: float | None = None) -> None:
        """Count a call that was refused for there being too many."""
        now = self.clock()
        first = self.rate is None
        self._recent += (1.0 - self._recent) * MEMORY
        dense = first or self._recent > DENSE
        in_flight, self.flying = self.flying, self.flying - 1
        self._failed = 0
        if self.down:
            self._up(now)
        if retry_after is not None and dense:
            self.paused_until = max(self.paused_until, now + min(retry_after, LONGEST_PAUSE))
        if call.round != self.round:
            return  # sent before the last cut
        self._refused += 1
        if self._settling is not None:
            return
        back = now - call.at
        if not dense:
            if now - self._began >= max(back, 0.2) or not self._learning:
                self._cut(now, in_flight)
        elif first or now - self._began >= max(0.25, min(2.0, 10 / (self.rate or 1.0))):
            self._settling = (now + min(max(back, 0.05), 0.5), now, in_flight + self._refused - 1)

    def trouble(self, call: Call, timed_out: bool = False) -> None:
        """Count a call that failed for another reason."""
        now = self.clock()
        in_flight, self.flying = self.flying, self.flying - 1
        self._failed += 1
        if call.round != self.round:
            return
        if self._failed >= DOWN or self.down:
            self.rest(now)
        elif timed_out and in_flight >= FULL * self.window:
            self._new_round(now)
            self._slow = False
            self.window = max(float(self.floor), self.window * 0.7)

    def gone(self, call: Call) -> None:
        """Count a call whose end says nothing of how much the server can bear."""
        self.flying -= 1
        if call.round == self.round:
            self._looking = False

    def rest(self, now: float | None = None) -> None:
        """Take the server for down: nothing is sent for a while, then one call."""
        now = self.clock() if now is None else now
        self.down, self._looking = self.down + 1, False
        self.paused_until = max(self.paused_until,
                                now + min(LONGEST_REST, 0.5 * 2.0 ** min(self.down, 10)))
        self._new_round(now)

    def _up(self, now: float) -> None:
        """Begin again, more carefully, with a server that was down."""
        self.down, self._looking, self.paused_until, self._slow = 0, False, now, True
        self.window = max(float(self.floor), min(self.window / 2, START))

    def _allowed(self) -> float | None:
        """Return the rate that bounds now: what was learnt or what headers say; None for none."""
        if self._cap is not None:
            if self.clock() < self._cap[1]:
                return min(self._cap[0], self.rate or math.inf)
            self._cap = None
        return self.rate

    def _new_round(self, now: float) -> None:
        self.round += 1
        self._began = self._grown = now
        self._sent_then = self._sent
        self._refused = self._goods = 0

    def _cut(self, now: float, in_flight: int) -> None:
        """Step back from a level that was a little too high."""
        assert self.rate is not None
        full = in_flight >= FULL * self.window
        if full:
            self._slow = False
            self.window = max(float(self.floor), min(self.window * CUT, self.window - 1))
        if self._rate_bounds(now) or not full:
            sent = (self._sent - self._sent_then) / max(now - self._began, 0.25)
            # Far below the rate and refused all the same: the rate was never reached.
            self.rate = CUT * (min(self.rate, sent * 1.1) if self._goods > CALLS else self.rate)
        self._learning = False
        self._new_round(now)

    def _settle(self) -> None:
        """Set rate and window to what the server took before and while it refused."""
        assert self._settling is not None
        until, since, in_flight = self._settling
        taken = max(0, self._sent - self._sent_then - self._refused)
        seen = taken / max(since - self._began, 0.25)
        if in_flight >= FULL * self.window:
            self._slow = False
            self.window = max(float(self.floor), float(in_flight - self._refused))
        if self.rate is None:
            self.rate = max(0.9 * seen, 0.5)
        else:
            self.rate = max(min(0.9 * seen, self.rate * CUT), self.rate / 2 if not taken else 0.05,
                            0.05)
        self._settling = None
        self._next = max(until, self.paused_until)
        self._new_round(self.clock())

    def _rate_bounds(self, now: float) -> bool:
        """Tell whether calls go out as fast as the rate lets them."""
        return self.rate is not None and self._next > now - max(2 / self.rate, 2 * BURST)

    def _grow_rate(self, now: float) -> None:
        assert self.rate is not None
        passed, self._grown = min(now - self._grown, 1.0), now
        if passed <= 0 or not self._rate_bounds(now):
            return
        if self._learning:
            self._learning = now - self._began < 10.0
            self.rate *= 1 + LEARNING * passed
            return
        scale = max(SECONDS, CALLS / self.rate)
        speed = 0.1 / scale * (1 + ((now - self._began) / scale) ** 2)
        self.rate *= 1 + min(speed, LEARNING) * passed

    def _grow_window(self) -> None:
        if self._slow:
            step = 2.0
        else:
            rounds = self._goods / max(self.window, 30.0)
            step = min(1.0, 0.02 * (1 + rounds * rounds))
            if self._stagnant >= 2:
                step = 0.01
        self.window = min(float(self.ceiling), self.window + step)

    def _compare(self, now: float) -> None:
        """End slow start where twice the calls bring no more replies: the server queues them."""
        self._count += 1
        passed = now - self._count_from
        if self._count < (START if self._last is None else max(START, self._last[0])) or not passed:
            return
        speed = self._count / passed
        if self._last is not None:
            if speed > 1.15 * self._last[1]:
                self._stagnant = 0
            elif self.window > 1.3 * self._last[0]:
                self._stagnant += 1
                self._slow = self._slow and self._stagnant < 2
        self._last = (self.window, speed)
        self._count, self._count_from = 0, now
