"""A teacher over the batch interface: requests are gathered, given away, and fetched hours later.

Why: providers sell what can wait at half the price. What makes that usable is that nobody has to
stand by: a batch that was made is noted before it is waited for, so this process may be killed,
interrupted or lose its network, and the same command goes on where it was.

- Requests that come together go together: a file is sent when none came for `quiet` seconds.
- The worst case of each is held in the purse before its file goes out; where a cap covers only
  some, these go first, and the rest when the bill shows what is left.
- What a batch leaves undone (it expired, was cancelled, a line hit a busy server) goes into
  another one, `again` times at most; a line that failed for good is a failed reply.
- A batch is over when every reply was taken, and taken means: the journal around this has it.

Used as: `BatchTeacher("openai:gpt-5-mini", endpoint, folder=journal, home=home)`, by `registry`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import platform
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from mathmill.errors import BudgetSpent, TeacherError
from mathmill.teachers.batch.bounds import Bounds
from mathmill.teachers.batch.fetching import Fetching
from mathmill.teachers.batch.lines import line_of
from mathmill.teachers.batch.provider import Provider
from mathmill.teachers.batch.records import Given, Records
from mathmill.teachers.batch.submitting import Submitter
from mathmill.teachers.batch.waiting import Waiting
from mathmill.teachers.http.endpoint import Endpoint
from mathmill.teachers.money.purse import Purse
from mathmill.types import Reply, Request

NEW_NAMES = "api.openai.com"  # takes `max_completion_tokens` for every model, and not the old name
log = logging.getLogger(__name__)


class BatchTeacher:
    """One model at one provider, asked through batches."""

    def __init__(self, name: str, endpoint: Endpoint, *, folder: Path | None = None,
                 home: Path | None = None, bounds: Bounds | None = None) -> None:
        """Take the endpoint; batches are noted in `folder`, None keeps nothing.

        `home` is the run's folder, whose account holds what batches may cost.
        """
        self.name = name
        self.bounds = bounds or Bounds.of(os.environ.get("MATHMILL_BATCH", ""))
        self.endpoint = endpoint
        endpoint.name = name
        if endpoint.host == NEW_NAMES:  # else a whole batch would come back to teach us that
            endpoint.parameters.refused.add("max_tokens")
        self.records = Records(folder, name, endpoint.url)
        self.provider = Provider(endpoint)
        self._home = "" if home is None else os.path.abspath(home)
        self._submitter = Submitter(self.provider, self.records, self.bounds)
        self._fetching = Fetching(self._submitter, self._home, self._enter)
        self._waiting: dict[str, Waiting] = {}
        self._fresh: list[Waiting] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: BaseException | None = None
        self._last = 0.0

    def __repr__(self) -> str:
        """Show the name and the server, never the key."""
        return f"BatchTeacher({self.name!r}, {self.endpoint!r})"

    @property
    def in_flight(self) -> int:
        """How many requests are worth waiting at once: a file full."""
        return self.bounds.lines

    @property
    def models(self) -> list[tuple[str, str]]:
        """Model and address, by which prices go."""
        return [(self.endpoint.model, self.endpoint.url)]

    @property
    def purse(self) -> Purse | None:
        """Out of which batches are paid (`money.budget` sets it)."""
        return self._fetching.purse

    @purse.setter
    def purse(self, purse: Purse | None) -> None:
        self._fetching.purse = purse

    async def answer(self, request: Request) -> Reply:
        """Return the reply when the batch that it is in has come.

        Raises TeacherError where no batch can be had or one is refused as a whole, BudgetSpent
        where a cap covers no further request.
        """
        self._attach()
        if self._stopped is not None:
            raise self._stopped
        key = request.id
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._waiting[key] = Waiting(request, self._running().create_future())
            self._enter([waiting])
        try:
            reply = await asyncio.shield(waiting.future)
        finally:
            if waiting.future.done():
                self._waiting.pop(key, None)
        # Whoever keeps replies does so before anything else runs on this loop.
        if waiting.given is not None and reply.finish != "error":
            waiting.given.left.discard(key)
        return reply

    def hold(self) -> None:
        """Send nothing more; what is at the provider goes on there, and is told of."""
        if self._stopped is not None:
            return
        names = [given.batch for given in self._fetching.watched()]
        if names:
            log.warning("%s: %s with %d requests not yet fetched %s on at the provider; the same "
                        "command fetches the replies, and asks for none of them again", self.name,
                        ", ".join(names[:5]) + (" ..." if len(names) > 5 else ""),
                        self._fetching.count(), "goes" if len(names) == 1 else "go")
        self._fail(TeacherError(f"{self.name}: the run is being stopped, so nothing more is sent"))

    async def aclose(self) -> None:
        """Note which batches are done with, and close file and connections."""
        tasks = [task for task in self._tasks.values() if task.get_loop() is self._loop]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
        if self._stopped is None:
            self._fetching.finish()
        await self.provider.aclose()
        self.records.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        assert self._loop is not None
        return self._loop

    def _attach(self) -> None:
        """Bind to the running loop; on another than before, begin anew from what is noted."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._arrived = loop, asyncio.Event()
            self._waiting.clear()
            self._fresh.clear()
            self._tasks.clear()
            self._fetching.clear()

    def _enter(self, waiting: Sequence[Waiting]) -> None:
        """Let requests wait for the next file."""
        self._fresh.extend(waiting)
        self._last = self._running().time()
        self._arrived.set()
        if "gather" not in self._tasks:
            self._task("gather", self._gather())

    def _task(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside; what goes wrong in it reaches all who wait."""
        async def guarded() -> None:
            try:
                await work
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                self._fail(error)
            finally:
                self._tasks.pop(name, None)

        self._tasks[name] = self._running().create_task(guarded())

    async def _gather(self) -> None:
        """Place what came, each time that it became quiet."""
        while True:
            await self._arrived.wait()
            while len(self._fresh) < self.bounds.lines:
                left = self._last + self.bounds.quiet - self._running().time()
                if left <= 0:
                    break
                await asyncio.sleep(min(left, 0.25))
            self._arrived.clear()
            fresh, self._fresh = self._fresh, []
            try:
                await self._place(fresh)
            except BudgetSpent:
                while others := [task for name, task in self._tasks.items() if name != "gather"]:
                    await asyncio.wait(others)  # what was paid for comes home first
                raise

    async def _place(self, fresh: list[Waiting]) -> None:
        """See that each request is in a batch: one that was noted before, or a new one."""
        self._fetching.finish()
        async with self.records.lock():
            await self._submitter.resolve()
            fresh = self._join(fresh)
        while fresh:
            number = await self._reserve(fresh)
            chunk, fresh = fresh[:number], fresh[number:]
            async with self.records.lock():
                await self._submitter.resolve()
                chunk = self._join(chunk)  # another process may have been quicker
                if chunk:
                    self._watch(await self._submit(chunk), chunk)

    def _join(self, fresh: Sequence[Waiting]) -> list[Waiting]:
        """Wait with the batches that are noted; return the requests that are in none."""
        rest, found = [], 0
        for waiting in fresh:
            given = self.records.of(waiting.request.id)
            if given is None:
                rest.append(waiting)
            else:
                found += 1
                self._fetching.release(waiting)
                self._watch(given, [waiting])
        if found:
            log.warning("%s: %d requests are in batches that were submitted before; they are "
                        "fetched, not asked again", self.name, found)
        return rest

    def _watch(self, given: Given, waiting: Sequence[Waiting]) -> None:
        self._fetching.add(given, waiting)
        if given.token not in self._tasks:
            self._task(given.token, self._fetching.fetch(given))

    async def _reserve(self, fresh: Sequence[Waiting]) -> int:
        """Hold the worst case of as many requests as fit into a file and under the caps.

        Returns how many, at least one; raises BudgetSpent where none does.
        """
        purse, size = self.purse, 0
        model, url, extra = (self.endpoint.model, self.endpoint.url,
                             self.endpoint.parameters.extra_bytes)
        for place, waiting in enumerate(fresh[:self._fetching.lines]):
            size += len(line_of(waiting.request, self.endpoint.parameters))
            if place and size > self.bounds.bytes:
                return place
            if purse is not None:
                waiting.ticket = purse.reserve_now(model, url, waiting.request, extra)
                if waiting.ticket is None and place:
                    log.warning("%s: the cap covers %d of %d requests for now; the others follow "
                                "when the bill leaves room", self.name, place, len(fresh))
                    return place
                if waiting.ticket is None:
                    waiting.ticket = await purse.reserve(model, url, waiting.request, extra=extra)
            if place % 500 == 499:
                await asyncio.sleep(0)
        return min(len(fresh), self._fetching.lines)

    async def _submit(self, chunk: Sequence[Waiting]) -> Given:
        """Make a batch of requests."""
        worst = [each.ticket.worst for each in chunk if each.ticket is not None]
        process = ("" if self.purse is None else self.purse.account.own.process
                   ) or f"{platform.node()} {os.getpid()} -"
        for each in chunk:
            each.sending = True
        given = await self._submitter.submit(
            [each.request for each in chunk], [[w.cost, w.read, w.written] for w in worst],
            self._home, process)
        log.warning("%s: %s made of %d requests; it may take up to a day. Ctrl-C leaves it "
                    "running, and the same command fetches it", self.name, given.batch,
                    len(chunk))
        return given

    def _fail(self, error: BaseException) -> None:
        """End all waiting with an error."""
        if self._stopped is None:
            self._stopped = error
        for waiting in list(self._waiting.values()):
            self._fetching.keep(waiting)
            if not waiting.future.done():
                waiting.future.set_exception(error)
                waiting.future.exception()  # heard of, whoever still listens
        self._fresh.clear()
        for task in list(self._tasks.values()):
            if task is not asyncio.current_task():
                task.cancel()
