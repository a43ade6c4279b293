"""Several servers as one: a call goes to whichever has a free place and is most behind.

Why: keys and servers have limits of their own; a pool uses all of them, in the shares that
its weights say, and loses none of its calls when one goes down.

Among the lanes that may send now, the one with the smallest (calls sent / weight) is taken. A
lane that was full catches up later only within its `slack`, so that a server which comes back
is not flooded. Calls that were refused go before new ones.

Used as: `lane, call = await pool.take()`, `lane.pace.good(call)`, `pool.give()`.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from mathmill.errors import TeacherError
from mathmill.teachers.bundle import Bundling
from mathmill.teachers.call import Call
from mathmill.teachers.http.endpoint import Endpoint
from mathmill.teachers.pace import Pace

SLACK = 64.0  # calls by which a lane may be behind the others, in units of its weight


@dataclass(eq=False)
class Lane:
    """One server of a pool."""

    endpoint: Endpoint
    "Where calls go."
    pace: Pace
    "How fast."
    weight: float = 1.0
    "Its share of the calls, against the others'."
    work: float = 0.0
    "Calls sent, by weight."
    closed: str = ""
    "Why no call can succeed here any more; empty where one can."
    down_since: float | None = None
    "When it was found down; None where it is up."
    last: str = ""
    "What went wrong last."
    bundling: Bundling = field(default_factory=Bundling)
    "What is known of calls for several samples."


Place = tuple[Lane, Call]
"""Where a call goes, and the call as the lane's pace counts it."""


class Pool:
    """Lanes, and those who wait for a place in one."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        """Take the lanes; nothing is sent by a pool."""
        self.lanes = list(lanes)
        self.stopped: TeacherError | None = None
        self._waiting: deque[asyncio.Future[Place]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._resting: set[asyncio.Future[None]] = set()

    async def take(self, again: bool = False) -> Place:
        """Return a place for a call that is sent now, waiting for one where need be.

        The place is counted as taken; the caller tells the lane's pace what became of it, and
        then calls `give`. `again`: go before those who were never sent. Raises TeacherError
        once the pool is stopped.
        """
        if self.stopped is not None:
            raise TeacherError(str(self.stopped))
        if not self._waiting:
            lane, _ = self._free()
            if lane is not None:
                return self._place(lane)
        waiter: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        if again:
            self._waiting.appendleft(waiter)
        else:
            self._waiting.append(waiter)
        self._serve()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                lane, call = waiter.result()  # given, and never used
                lane.pace.gone(call)
                self.give()
            raise

    async def rest(self, seconds: float) -> None:
        """Wait before a call is tried again, or until the pool is stopped."""
        if self.stopped is None:
            loop = asyncio.get_running_loop()
            waiter: asyncio.Future[None] = loop.create_future()
            timer = loop.call_later(seconds, _wake, waiter)
            self._resting.add(waiter)
            try:
                await waiter
            finally:
                timer.cancel()
                self._resting.discard(waiter)

    def stop(self, error: TeacherError) -> None:
        """Turn all who wait away, and all who come."""
        self.stopped = error
        for resting in self._resting:
            _wake(resting)
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(TeacherError(str(error)))

    def give(self) -> None:
        """Let the next ones go: a call is over."""
        if self._waiting:
            self._serve()

    def _serve(self) -> None:
        """Give places to those who wait, and look again when the next one falls free."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            if self._waiting[0].done():  # given up
                self._waiting.popleft()
                continue
            lane, seconds = self._free()
            if lane is None:
                if seconds < math.inf:
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(max(seconds, 0.0005), self._serve)
                return
            self._waiting.popleft().set_result(self._place(lane))

    def _place(self, lane: Lane) -> Place:
        lane.work += 1 / lane.weight
        if len(self.lanes) > 1:
            most = max(other.work for other in self.lanes)
            lane.work = max(lane.work, most - SLACK / lane.weight)
        return lane, lane.pace.sent()

    def _free(self) -> tuple[Lane | None, float]:
        """Return the lane to use now, or None and the seconds until there may be one."""
        best, soonest = None, math.inf
        for lane in self.lanes:
            if lane.closed:
                continue
            seconds = lane.pace.wait()
            if seconds > 0:
                soonest = min(soonest, seconds)
            elif best is None or lane.work < best.work:
                best = lane
        return best, soonest


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def open_files() -> int:
    """Return how many connections this process may hold, after asking for as many as it may."""
    try:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        return max(16, (65536 if soft == resource.RLIM_INFINITY else soft) - 128)
    except (ImportError, ValueError, OSError):  # Windows has no such limit; a jail may refuse
        return 256
