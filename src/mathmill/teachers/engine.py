"""The engine: a teacher that is a pool of servers, and that a bad hour does not stop.

Why: of a hundred thousand calls some meet a busy server, a reset or a stall. Each of these is
the engine's to mend: what may come right is asked again (with growing, random pauses, so that
a thousand calls do not come back together), what does not becomes a failed reply with its last
error, and the run goes on. It stops early and aloud where going on is plainly of no use: a
refused key, a used-up quota, nobody there, or too many failures (`ErrorBudget`).

- Refusals for being too many cost no try: `pace` slows down. They are borne for `PATIENCE`.
- Other failures of a call are tried again up to `tries` times in all.
- A server that fails in a row is rested; calls wait for it, or go to the others of the pool.
  Nothing from any server for `PATIENCE` stops the run; `EARLY` where there was no reply yet.

Used as: `Engine("openai:gpt-5-mini", [(Endpoint("gpt-5-mini", url, key), 1.0)])`.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence
from dataclasses import replace

from mathmill.errors import MissingExtra, TeacherError, UsageError
from mathmill.teachers.bundle import Bundling, may_be_the_number
from mathmill.teachers.call import Call
from mathmill.teachers.error_budget import ErrorBudget
from mathmill.teachers.http.endpoint import Endpoint
from mathmill.teachers.http.faults import BUSY, ROW, STOP, Fault
from mathmill.teachers.http.limits import NOTHING, of_headers
from mathmill.teachers.money.purse import Purse
from mathmill.teachers.pace import CEILING, START, Pace
from mathmill.teachers.pool import Lane, Pool, open_files
from mathmill.types import Reply, Request

TRIES = 6  # of one call: with pauses of up to 1, 2, 4, 8, 16 s about half a minute of trouble
PATIENCE = 900.0  # seconds for which refusals, and silence, are borne
EARLY = 60.0  # seconds of failures, other than being busy, from servers that never replied yet
PAUSE, LONGEST = 1.0, 60.0  # seconds: the first pause's most, and any pause's
LOOK = 0.05  # seconds between two readings of the headers that tell what is left
log = logging.getLogger(__name__)


class Engine:
    """A teacher over one or several servers."""

    def __init__(self, name: str, endpoints: Sequence[tuple[Endpoint, float]], *,
                 tries: int = TRIES, patience: float = PATIENCE, floor: int = 1,
                 ceiling: int = CEILING, error_budget: ErrorBudget | None = None) -> None:
        """Take servers with their weights; nothing is connected before the first request.

        `floor` and `ceiling` bound the calls in flight at each server. Raises UsageError where
        there is no server or a weight is not above 0.
        """
        if not endpoints or any(not 0 < weight < float("inf") for _, weight in endpoints):
            raise UsageError(f"{name}: give at least one server, each with a weight above 0")
        if not 1 <= floor <= ceiling:
            raise UsageError(f"{name}: at least {floor} and at most {ceiling} calls in flight "
                             "cannot be; give 1 <= floor <= ceiling")
        self.name = name
        self.tries = tries
        self.patience = patience
        self.error_budget = error_budget or ErrorBudget()
        self.purse: Purse | None = None
        "Out of which each attempt is paid (`money.budget`)."
        ceiling = min(ceiling, open_files() // len(endpoints))
        self._pool = Pool([Lane(endpoint, Pace(floor=min(floor, ceiling), ceiling=ceiling,
                                               start=max(floor, min(START, ceiling)),
                                               longest=endpoint.timeout / 4), weight)
                           for endpoint, weight in endpoints])
        for endpoint, _ in endpoints:
            endpoint.name = name
        self._silent: float | None = None  # since when only failures have come
        self._replied = False  # whether any reply ever came
        self._looked = 0.0
        self._tokens = 0.0  # a call, smoothed
        self._said: set[str] = set()

    def __repr__(self) -> str:
        """Show the name and the servers, never a key."""
        return f"Engine({self.name!r}, {self.endpoints})"

    @property
    def in_flight(self) -> int:
        """How many requests are worth waiting at once."""
        return sum(lane.pace.ceiling for lane in self._pool.lanes)

    @property
    def at_once(self) -> int:
        """How many samples of one prompt `some` may bring, as known by now."""
        most = 1
        for lane in self._pool.lanes:  # asked before each call: a generator took 1 µs
            if lane.bundling.most > most and not lane.closed:
                most = lane.bundling.most
        return most

    @property
    def models(self) -> list[tuple[str, str]]:
        """Model and address of each server: what its calls cost goes by these."""
        return [(lane.endpoint.model, lane.endpoint.url) for lane in self._pool.lanes]

    @property
    def endpoints(self) -> list[Endpoint]:
        """The servers, in the order in which they were given."""
        return [lane.endpoint for lane in self._pool.lanes]

    async def answer(self, request: Request) -> Reply:
        """Return the reply; a call that failed for good is a reply with `finish="error"`.

        Raises TeacherError where no further call can succeed, or too many have failed.
        """
        return (await self.some(request, 1))[0]

    async def answers(self, request: Request, samples: int) -> list[Reply]:
        """Return the replies to samples `request.sample` on, asked for in one call.

        In one, where the server gives them all; what lacks is asked for again. A call that
        failed for good is as many failed replies. Raises as `answer` does.
        """
        replies = await self.some(request, samples)
        while len(replies) < samples:
            rest = replace(request, sample=request.sample + len(replies))
            replies += await self.some(rest, samples - len(replies))
        return replies

    async def some(self, request: Request, samples: int) -> list[Reply]:
        """Return 1 to `samples` replies, to samples `request.sample` on: what one call brought.

        So what came may be kept before the rest is asked for. A call that failed for good is
        `samples` failed replies. Raises as `answer` does.
        """
        began, failures, again, refused = time.monotonic(), 0, False, 0
        refuser: Bundling | None = None
        while True:
            lane, call = await self._pool.take(again)
            again = True
            ticket = None
            asked = sent = 1 if refused else lane.bundling.begin(request, samples)
            try:
                if self.purse is not None:
                    ticket = await self.purse.reserve(
                        lane.endpoint.model, lane.endpoint.url, request, asked,
                        lane.endpoint.parameters.extra_bytes)
                    sent = ticket.samples  # fewer where no more fit under a cap
                replies = await lane.endpoint.send(request, sent)
            except Fault as caught:
                fault = caught
                if self.purse is not None and ticket is not None:
                    self.purse.settle(ticket, None, billed=fault.sent)
                self._count(lane, call, fault)
            except BaseException as error:
                if self.purse is not None and ticket is not None:
                    sent = not isinstance(error, MissingExtra)  # without aiohttp nothing leaves
                    self.purse.settle(ticket, None, billed=sent)
                lane.pace.gone(call)
                raise
            else:
                if self.purse is not None and ticket is not None:
                    replies = self.purse.settle(ticket, replies)
                self._good(lane, call, replies)
                if refuser is not None:
                    refuser.refused(self.name, refused)
                return lane.bundling.learn(self.name, sent, replies)
            finally:
                lane.bundling.end(asked)
                self._pool.give()
            if self._pool.stopped is not None:
                raise TeacherError(str(self._pool.stopped))
            if may_be_the_number(fault, sent):  # one reply tells which; a refusal is not billed
                refused, refuser = sent, lane.bundling
                continue
            failures += fault.kind not in (BUSY, STOP)
            waited = time.monotonic() - began
            if fault.kind == ROW or failures >= self.tries or (
                    fault.kind == BUSY and waited > self.patience):
                return self._failed(request, samples, waited, fault)
            if fault.kind != STOP:
                await self._pool.rest(pause(failures, fault.retry_after, self.patience))

    def hold(self) -> None:
        """Send nothing more: calls in flight come home, those that wait meet a TeacherError."""
        self._stop("stopped before this call was sent")

    async def aclose(self) -> None:
        """Close the connections; later requests open new ones."""
        for lane in self._pool.lanes:
            await lane.endpoint.aclose()

    def _good(self, lane: Lane, call: Call, replies: Sequence[Reply]) -> None:
        """Count a call that brought replies."""
        now, self._silent, self._replied = time.monotonic(), None, True
        left = NOTHING
        tokens = failed = 0  # one loop, for mostly there is one reply: two generators took 2 µs
        for reply in replies:
            tokens += reply.prompt_tokens + reply.completion_tokens
            failed += reply.finish == "error"
        self._tokens += (tokens - self._tokens) * (0.05 if self._tokens else 1.0)
        if now - self._looked > LOOK:
            self._looked = now
            left = of_headers(lane.endpoint.limits, self._tokens)
        lane.pace.good(call, *left)
        lane.down_since = None
        if failed == len(replies):
            self._spend(replies[0].error, row=True)
        else:
            self.error_budget.good()

    def _count(self, lane: Lane, call: Call, fault: Fault) -> None:
        """Tell the lane's pace of a fault; close the lane or stop all where that is due."""
        pace = lane.pace
        lane.last = fault.message
        if fault.kind == BUSY:
            pace.refused(call, fault.retry_after)
        elif fault.kind == ROW:
            pace.gone(call)
        elif fault.kind == STOP:
            pace.gone(call)
            self._close(lane, fault.message)
        elif fault.absent:
            current = call.round == pace.round
            pace.gone(call)
            if current:
                pace.rest()
            self._absent(lane, fault.message)
        else:
            pace.trouble(call, timed_out=fault.message.startswith("Timeout"))
        if fault.kind in (ROW, STOP):
            return
        now = time.monotonic()
        self._silent = self._silent or now
        patience = self.patience
        if fault.kind != BUSY and not self._replied:
            patience = min(patience, EARLY)
        if now - self._silent > patience:
            self._stop(f"no reply came for {patience:.0f} seconds (last: "
                       f"{fault.message}); run again when it works: the replies that came are "
                       "in the journal")

    def _absent(self, lane: Lane, why: str) -> None:
        """Bear with a server that is not there, unless nobody ever was."""
        lane.down_since = lane.down_since or time.monotonic()
        lanes = [other for other in self._pool.lanes if not other.closed]
        if not any(other.endpoint.answered or other.down_since is None for other in lanes):
            self._stop(why)
        self._say(f"{self.name}: {why}; it is looked for again now and then")

    def _close(self, lane: Lane, why: str) -> None:
        """Ask this server no more; stop the run where it was the last."""
        if not lane.closed:
            lane.closed = why
            if all(other.closed for other in self._pool.lanes):
                self._stop(why)
            else:
                self._say(f"{self.name}: {why}; the other servers go on without it")
        self._pool.give()

    def _stop(self, why: str) -> None:
        """Turn away all who wait and all who come."""
        if self._pool.stopped is None:
            self._pool.stop(TeacherError(f"{self.name}: {why}"))

    def _failed(self, request: Request, samples: int, seconds: float, fault: Fault) -> list[Reply]:
        """Return the failed replies of a call, and spend the error budget on it."""
        self._spend(fault.message, row=fault.kind == ROW)
        return [Reply(request=(request if not number else replace(
                          request, sample=request.sample + number)).id,
                      text="", teacher=self.name, finish="error", seconds=seconds,
                      error=fault.message[:500]) for number in range(samples)]

    def _spend(self, error: str, row: bool) -> None:
        why = self.error_budget.spent(error, row)
        if why:
            self._stop(why)

    def _say(self, words: str) -> None:
        """Say a thing aloud, once."""
        if words not in self._said:
            self._said.add(words)
            log.warning("%s", words)


def pause(failures: int, retry_after: float | None, patience: float) -> float:
    """Return the seconds to wait before the next try: random below a growing bound.

    What a server asked for is waited in any case, with a little more, so that not all who were
    told the same come back at the same moment.
    """
    most = min(LONGEST, PAUSE * 2.0 ** min(max(failures, 1) - 1, 10))
    drawn = random.uniform(0.0, most)
    if retry_after is None:
        return drawn
    return min(retry_after, patience) + min(drawn, 0.1 * retry_after)
