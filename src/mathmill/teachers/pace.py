"""How fast one server may be asked: a window of calls in flight and a rate, both learnt.

Why: nobody knows a server's limits beforehand, and they change. A window alone oscillates
where replies are quick (a server that allows 50 calls a second and answers in 20 ms wants one
call in flight, not 50 refused ones), a rate alone says nothing of a server with four places.

- The window starts at `START` and grows by four a reply (two where replies are slow) until a call
  is refused or more calls bring no more replies: 1,024 in flight at 2 s a reply after 4 s. It
  shrinks by a twentieth at a refusal that found it full.
- The rate (`rate`) is unknown until the first refusal. Then sending stops for the time in which
  a refusal returns, and the calls that were taken are counted: that is the first estimate. One
  cut a round: calls that were already under way when a cut was made do not make another. What
  was taken after a pause that was asked for is judged with what the bucket may have saved in it.
- `Retry-After` holds back the refused call, and all calls where more than a quarter of the
  last ones was refused: a server that takes the others is not asking for silence.
- Headers that tell what is left and for how long cap the rate at left / seconds once less than
  half is left. With a bucket that refills steadily this settles at the refill.
- Where the window is full, a call beyond it is risked now and then; a call that is not refused in
  the time of a refusal was taken, long before its reply is back.
- A server that refuses all, or fails in a row, is asked by one call at growing intervals.

Pure logic over a clock: `engine` does the waiting, tests turn the clock.

Used as: `if pace.wait() == 0: call = pace.sent()`, then `good`, `refused`, `trouble` or `gone`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from mathmill.teachers.call import Call
from mathmill.teachers.plateau import Plateau
from mathmill.teachers.rate import Rate
from mathmill.teachers.round import Round

START = 64  # calls in flight at first: what a local server batches and no service minds
CEILING = 4096
CUT = 0.95  # of the level at which a lone refusal came
DENSE = 0.25  # share of recent calls refused that means: not a probe too far, but a storm
MEMORY = 1 / 16  # weight of one outcome in the recent share
PROBES = 0.03  # calls beyond the window that may be refused, for each reply
FREELY = 10.0  # seconds after the first refusal in which such calls cost nothing
LONGEST_BLOCK = 5.0  # seconds between two looks at a server that refuses all
IDLE = 1.0  # seconds without a call, though it might go, after which counting begins anew
FULL = 0.9  # of the window in flight: the window is what bounds
DOWN = 8  # failures in a row, none between, that mean: the server is down
LONGEST_REST = 60.0  # seconds between two looks at a server that is down
LONGEST_PAUSE = 900.0  # seconds of Retry-After that are waited at once


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
        self._rate = Rate(clock())
        self.flying = 0
        self.latency = 0.0
        "Seconds a reply takes, smoothed."
        self.down = 0
        "How many looks in a row found the server down; 0 where it is up."
        self._slow = True
        self._recent = 0.0  # share of the last calls that were refused
        self._round = Round(clock())
        self._sent = self._refused = 0  # calls in all
        self._latest = -math.inf  # when the last call was sent
        self._back = 0.02  # seconds in which a refusal comes back, smoothed
        self._settling: tuple[float, float, int] | None = None  # until, since, in flight then
        self._failed = 0  # calls in a row
        self._probe: tuple[int, float] | None = None  # number and time of a call beyond the limits
        self._probed = -math.inf  # when the last one was sent
        self._step, self._credit = 0.0, 0.0  # what the next probe may add; probes that may fail
        self._first = math.inf  # when the first call was refused
        self._blocked = 0.0  # seconds between looks at a server that refuses all; 0 where it is not
        self._free = (clock(), 0)  # when all was last let through, and calls taken until then
        self._plateau = Plateau(clock(), START)

    @property
    def round(self) -> int:
        """How many cuts were made."""
        return self._round.number

    @property
    def rate(self) -> float | None:
        """Calls a second that are let out; None while none was refused."""
        return self._rate.value

    def wait(self) -> float:
        """Return the seconds until a call may be sent: 0 for now, inf for "when one returns"."""
        now = self.clock()
        if self._settling is not None:
            if now < self._settling[0]:
                return self._settling[0] - now
            self._settle(now)
        if self._probe is not None and now - self._probe[1] >= self._patience():
            self._taken(now)
        if self.down or self._blocked:
            if self._probe is not None:
                return math.inf if self.down else self._probe[1] + self._patience() - now
            return max(0.0, self._round.paused_until - now, 0.0 if self.down
                       else self._probed + self._blocked - now)
        least = max(0.0, self._round.paused_until - now)
        if self.flying >= max(self.floor, int(self.window)):
            if self._slow or self.flying >= self.ceiling or not self._may_probe(now):
                return math.inf
            return max(least, self._probed + self._patience() - now)
        return max(least, self._rate.delay(now))

    def sent(self) -> Call:
        """Count a call that goes out now."""
        now = self.clock()
        if now - self._latest > IDLE and self._round.paused_until <= self._latest:
            self._awake(now)
        self._latest = now
        self._rate.spend(now)
        self._sent += 1
        self._round.send(now)
        if self.down or self._blocked or (not self._slow and self.flying >= int(self.window)):
            self._probe, self._probed = (self._sent, now), now
        self.flying += 1
        return Call(now, self._round.number, self._sent)

    def good(self, call: Call, left: float | None = None, seconds: float = 0.0,
             limit: float | None = None) -> None:
        """Count a reply; `left` of `limit` calls are allowed in the next `seconds`, if known."""
        now = self.clock()
        self._recent -= self._recent * MEMORY
        self._failed = 0
        if self._probe is not None and call.number == self._probe[0]:
            self._taken(now)
        if self.down:
            self._up(now)
        took = now - call.at
        self.latency += (took - self.latency) * (0.1 if self.latency else 1.0)
        self._credit = min(4.0, self._credit + PROBES)
        if self._slow and self.flying >= FULL * self.window and self.latency < self.longest:
            self.window += 4.0 if self.latency < self.longest / 30 else 2.0
            self.window = min(float(self.ceiling), self.window)
        self.flying -= 1
        self._plateau.reply(now, self.window)
        self._slow = self._slow and not self._plateau.reached
        # Of calls sent since, the header knew nothing; what is renewed before a reply is back
        # cannot be steered by.
        if left is not None and seconds > 4 * took:
            after = left - (self._sent - call.number)
            if limit is None or after < limit / 2:
                self._rate.tell(after + 1, seconds - took, now)

    def refused(self, call: Call, retry_after: float | None = None) -> None:
        """Count a call that was refused for there being too many."""
        now = self.clock()
        back = now - call.at
        self._back += (back - self._back) * 0.2
        self._first = min(self._first, now)
        in_flight, self.flying = self.flying, self.flying - 1
        self._failed = 0
        self._refused += 1
        self._round.refuse(call)
        if self.down:
            self._up(now)
        self._recent += (1.0 - self._recent) * MEMORY
        dense = self.rate is None or self._blocked > 0 or self._recent > DENSE
        if retry_after is not None and dense:
            self._round.pause(now, now + min(retry_after, LONGEST_PAUSE))
        if self._probe is not None and call.number == self._probe[0]:
            self._probe, self._step = None, 0.0
            self._credit -= 1.0
            self._blocked = min(self._blocked * 1.5, LONGEST_BLOCK)
            return
        if call.round != self._round.number or self._settling is not None:
            return  # sent before the last cut, or counted when the others are back
        if not dense:
            if now - self._round.began >= max(back, 0.2) or not self._rate.learning:
                self._cut(now, in_flight)
        elif self.rate is None or now - self._round.began >= max(0.25, min(2.0, 10 / self.rate)):
            self._settling = (now + min(max(back, 0.05), 0.5), now,
                              in_flight + self._round.refused - 1)

    def trouble(self, call: Call, timed_out: bool = False) -> None:
        """Count a call that failed for another reason."""
        now = self.clock()
        in_flight, self.flying = self.flying, self.flying - 1
        self._failed += 1
        if call.round != self._round.number:
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
        if self._probe is not None and call.number == self._probe[0]:
            self._probe = None

    def rest(self, now: float | None = None) -> None:
        """Take the server for down: nothing is sent for a while, then one call."""
        now = self.clock() if now is None else now
        self.down, self._probe, self._blocked = self.down + 1, None, 0.0
        self._round.pause(now, now + min(LONGEST_REST, 0.5 * 2.0 ** min(self.down, 10)))
        self._new_round(now)

    def _up(self, now: float) -> None:
        """Begin again, more carefully, with a server that was down."""
        self.down, self._probe, self._slow = 0, None, True
        self._round.resume(now)
        self._free = (now, self._sent - self._refused)
        self.window = max(float(self.floor), min(self.window / 2, START))

    def _awake(self, now: float) -> None:
        """Count anew after a time in which there was nothing to send: it teaches nothing."""
        if not (self.down or self._blocked or self.flying >= FULL * self.window
                or self._rate.bounds(now)):
            self._free = (now, self._sent - self._refused)
            self._plateau = Plateau(now, START)
            self._new_round(now)

    def _new_round(self, now: float) -> None:
        self._round.begin(now)
        self._rate.mark(now)

    def _patience(self) -> float:
        """Return the seconds without a refusal after which a call counts as taken."""
        return max(0.25, min(3 * self._back, 5.0))

    def _may_probe(self, now: float) -> bool:
        """Tell whether a call beyond the window may be risked: freely at first, then rarely."""
        return (self._probe is None and self.latency < self.longest
                and (self._credit >= 1.0 or now - self._first < FREELY))

    def _taken(self, now: float) -> None:
        """Note that a call beyond the limits was let through."""
        self._probe = None
        if self._blocked:
            self._blocked = 0.0
            since, taken = self._free
            self._free = (now, self._sent - self._refused)
            # Over a whole turn of silence and plenty: what a window by the clock allows.
            self._rate.set(CUT * (self._free[1] - taken) / max(now - since, 0.05), now, now)
            self._new_round(now)
        elif not self.down:
            most = 1.0 if self._plateau.reached else max(1.0, self.window / 4)
            self._step = min(max(1.0, 2 * self._step), most)
            self.window = min(float(self.ceiling), max(self.window, self.flying) + self._step)

    def _cut(self, now: float, in_flight: int) -> None:
        """Step back from a level that was a little too high."""
        # Far below the rate and refused all the same: the rate was never the limit's.
        told = self._round.taken >= 10 and now - self._round.began >= 0.5
        seen = self._round.least(now) if told else math.inf
        if in_flight >= FULL * self.window and not self._rate.bounds(now):
            self._slow, self._step = False, 0.0
            self.window = max(float(self.floor), min(self.window * CUT, self.window - 1))
            if seen < math.inf:
                self._rate.limit(1.25 * self._round.peak)
        else:
            little = CUT * (self.rate or seen)
            # A deep cut to what was taken on the way up lies below the limit: go on seeking.
            self._rate.learning = self._rate.learning and 1.1 * seen < little
            self._rate.limit(min(little, 1.1 * seen))
        self._new_round(now)

    def _settle(self, now: float) -> None:
        """Set rate and window to what the server took before and while it refused."""
        assert self._settling is not None
        until, since, in_flight = self._settling
        refused, taken = self._round.refused, max(0, self._round.taken)
        self._settling = None
        full = in_flight >= FULL * self.window
        if full:
            self._slow, self._step = False, 0.0
            self.window = max(float(self.floor), float(in_flight - refused))
        if taken:
            if self.rate is None:
                self._round.empty(since)
            seen = 0.9 * self._round.least(since)
            # Mostly, there was no place to send from.
            if full and since - self._round.began > 2.0 < self.latency:
                seen = max(seen, 0.9 * self._round.peak)
            if self.rate is not None:  # what a moment shows may be the end of a server's minute
                seen = max(self.rate / 2, min(seen, self.rate * CUT))
            self._rate.set(max(0.5, seen), now, max(until, self._round.paused_until))
        if taken <= refused * 0.05:
            self._blocked, self._probed = self._patience(), now
        self._new_round(now)
