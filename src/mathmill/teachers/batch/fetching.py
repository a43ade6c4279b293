"""From a batch at the provider to replies: polling, its files, and what it left undone.

Why: a batch ends in several ways, and most of them bring something. Whatever came is taken; the
rest is told apart into what failed for good and what may go into another batch.

Used as: `fetching.add(given, waiting)`, then `await fetching.fetch(given)` until nobody waits.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from mathmill.errors import TeacherError
from mathmill.teachers.batch.lines import Refused, parsed, reply_of
from mathmill.teachers.batch.records import Given
from mathmill.teachers.batch.submitting import GROWTH, Submitter
from mathmill.teachers.batch.waiting import Progress, Waiting
from mathmill.teachers.http.faults import ROW, STOP, Fault
from mathmill.teachers.money.amount import NOTHING, Amount
from mathmill.teachers.money.ledger import Entry
from mathmill.teachers.money.purse import Purse
from mathmill.types import Reply, Request

ENDED = ("completed", "failed", "expired", "cancelled")
FULL = "token_limit_exceeded"  # more tokens are queued than the account may have
GONE = 3  # looks in a row at which a batch is unknown, before that is believed
log = logging.getLogger(__name__)


class Fetching:
    """All batches that are waited for."""

    def __init__(self, submitter: Submitter, home: str,
                 again: Callable[[Sequence[Waiting]], None]) -> None:
        """Take who submits, the run's folder, and where requests go that must go again."""
        self.submitter = submitter
        self.provider, self.records = submitter.provider, submitter.records
        self.bounds, self.endpoint = submitter.bounds, submitter.provider.endpoint
        self.purse: Purse | None = None
        self.lines = submitter.bounds.lines
        "Requests of the next file; fewer where the provider's queue takes no more."
        self._home = home
        self._again = again
        self._in: dict[str, tuple[Given, dict[str, Waiting]]] = {}
        self._learning: dict[str, dict[str, Amount]] = {}
        self._progress = Progress(self.endpoint.name, self.bounds.last)
        self._full = 0.0  # since when the provider's queue has been full

    def add(self, given: Given, waiting: Sequence[Waiting]) -> None:
        """Let requests wait for a batch that they are in."""
        inside = self._in.setdefault(given.token, (given, {}))[1]
        for each in waiting:
            each.given = given
            inside[each.request.id] = each

    def watched(self) -> list[Given]:
        """Return the batches that somebody waits for."""
        return [given for given, inside in self._in.values() if inside]

    def count(self) -> int:
        """Return how many requests are waited for in batches."""
        return sum(len(inside) for _, inside in self._in.values())

    def clear(self) -> None:
        """Forget who waits: their loop is gone."""
        self._in.clear()

    def release(self, waiting: Waiting) -> None:
        """Give back what is held for a request that is not charged for."""
        ticket, waiting.ticket, waiting.sending = waiting.ticket, None, False
        if ticket is not None and self.purse is not None:
            self.purse.settle(ticket, None, billed=False)

    def keep(self, waiting: Waiting) -> None:
        """Count a request that nobody will wait for any more: at its worst where it was sent."""
        if not waiting.sending or (waiting.given is None and not any(
                given.asked and waiting.request.id in given.left and not given.batch
                for given in self.records.given.values())):
            self.release(waiting)
        elif waiting.ticket is not None and self.purse is not None:
            self.purse.keep(waiting.ticket)
            waiting.ticket = None

    def finish(self) -> None:
        """Note the batches of which every reply was taken."""
        for given in list(self.records.given.values()):
            if given.batch and not given.left and not self._in.get(given.token, (given, {}))[1]:
                self.records.write(given.token, "over", why="every reply was taken")

    async def fetch(self, given: Given) -> None:
        """Wait for a batch to end and give its replies to who waits.

        Raises TeacherError where the provider refused it as a whole, or refuses us.
        """
        while self._in[given.token][1]:
            state = await self._ended(given)
            inside = self._in[given.token][1]
            if state is not None and state["status"] == "failed":
                await self._refused(given, state, inside)
            else:
                await self._collect(given, state, inside)
        self._in.pop(given.token, None)

    async def _ended(self, given: Given) -> dict[str, Any] | None:
        """Look at a batch until it ended; return it, or None where the provider has it no more."""
        pause, unknown = self.bounds.first, 0
        while True:
            state = await self.submitter.patient(lambda: self.provider.retrieve(given.batch))
            if state is None:
                unknown += 1
                if unknown >= GONE:
                    return None
            else:
                unknown = 0
                self._progress.tell(given, state)
                if state.get("status") in ENDED:
                    return state
            await asyncio.sleep(pause)
            pause = min(pause * GROWTH, self.bounds.last)

    async def _collect(self, given: Given, state: dict[str, Any] | None,
                       inside: dict[str, Waiting]) -> None:
        """Take what the files hold; what they do not goes again, or fails."""
        asked, undone, again = dict(inside), [], []
        stop: list[str] = []
        self._full = 0.0
        if state is None:
            log.warning("%s: the provider knows no %s any more; what it may have cost stays in "
                        "the account, and its requests go into another batch",
                        self.endpoint.name, given.batch)
        else:
            await self._learn(given)
            for name in ("output_file_id", "error_file_id"):
                if state.get(name):
                    await self._file(given, str(state[name]), inside, stop)
        status = "forgotten" if state is None else str(state["status"])
        for key, waiting in asked.items():
            if inside.get(key) is not waiting:
                if waiting.future.done() and not waiting.future.cancelled() and (
                        waiting.future.exception() is None
                        and waiting.future.result().finish == "error"):
                    undone.append(key)
                continue
            undone.append(key)
            del inside[key]
            if state is None:
                self.keep(waiting)
            self.release(waiting)
            refused = waiting.why == Refused.__name__
            waiting.tries += not refused
            if waiting.tries > self.bounds.again:
                self._give(waiting, self._failed(waiting.request, (
                    f"{given.batch} ({status}): {waiting.why or 'the reply was not in its files'}"
                    f"; it was in {waiting.tries} batches")))
            else:
                again.append(waiting)
        if undone:
            self.records.write(given.token, "undone", requests=undone)
        if stop:
            raise TeacherError(f"{self.endpoint.name}: {stop[0]}")
        if again:
            log.warning("%s: %s (%s) left %d of %d requests undone (%s); they go into another "
                        "batch", self.endpoint.name, given.batch, status, len(again), len(asked),
                        again[0].why if again[0].why not in ("", Refused.__name__) else
                        "a parameter was refused" if again[0].why else status)
            for waiting in again:
                waiting.why, waiting.given = "", None
            self._again(again)

    async def _file(self, given: Given, file: str, inside: dict[str, Waiting],
                    stop: list[str]) -> None:
        """Take the lines of one file; a file that is gone holds none."""
        async def read() -> None:
            number = 0
            try:
                async for line in self.provider.lines(file):
                    self._line(given, line, inside, stop)
                    number += 1
                    if number % 100 == 0:  # who got a reply keeps it before the next hundred
                        await asyncio.sleep(0)
            except Fault as fault:
                if fault.status != 404:
                    raise
                log.warning("%s: %s of %s is gone (404)", self.endpoint.name, file, given.batch)

        await self.submitter.patient(read)

    def _line(self, given: Given, line: bytes, inside: dict[str, Waiting],
              stop: list[str]) -> None:
        """Take one line: a reply, a failure, or a reason to go again."""
        found = parsed(line)
        waiting = inside.get(found[0]) if found else None
        if found is None or waiting is None:
            return  # no line, or nobody asks for it now (any more)
        try:
            reply = reply_of(found[1], waiting.request, self.endpoint, given.without)
        except Fault as fault:
            waiting.why = (Refused.__name__ if isinstance(fault, Refused)
                           else self.endpoint.blot(fault.message))
            if fault.kind == STOP:
                stop.append(waiting.why)
            if fault.sent:  # the reply was made, and lost
                self._settle(given, waiting, None)
            if fault.kind != ROW:
                return
            reply = self._failed(waiting.request, waiting.why)
        del inside[found[0]]
        self._give(waiting, self._settle(given, waiting, self.endpoint.without_key(reply)))

    def _settle(self, given: Given, waiting: Waiting, reply: Reply | None) -> Reply:
        """Replace what is held by the bill; return the reply with what it cost."""
        ticket, waiting.ticket = waiting.ticket, None
        if self.purse is not None and ticket is not None:
            if reply is None:
                self.purse.settle(ticket, None)
            else:
                billed = reply.finish != "error" or reply.prompt_tokens > 0
                return self.purse.settle(ticket, [reply], billed=billed)[0]
        elif self.purse is not None and reply is not None:
            held = NOTHING
            if given.token in self._learning:
                held = self._learning[given.token].pop(waiting.request.id, NOTHING)
            (model, url) = self.endpoint.model, self.endpoint.url
            return self.purse.learn(model, url, held, reply)
        return reply if reply is not None else self._failed(waiting.request, waiting.why)

    async def _learn(self, given: Given) -> None:
        """Note that bills are taken into account from now on; find out whose they replace.

        What an invocation of this run, now gone, holds at its worst is replaced by its bill,
        unless it had begun with that itself. Noted before it begins: a kill meanwhile leaves
        the account too high, never too low.
        """
        if self.purse is None or given.home != self._home:
            return
        own = given.process == self.purse.account.own.process
        async with self.records.lock():  # of several who come at once, one
            if given.settled or (not own and Entry(
                    "", held=Amount(calls=1), process=given.process).alive):
                return
            self.records.write(given.token, "settled")
        if not own and len(given.held) == len(given.requests):
            self._learning[given.token] = {
                key: Amount(cost, 1, read, written)
                for key, (cost, read, written) in zip(given.requests, given.held, strict=True)}

    async def _refused(self, given: Given, state: dict[str, Any], inside: dict[str, Waiting]
                       ) -> None:
        """Meet a batch that was not begun: a full queue is waited for, all else is the end."""
        self.records.write(given.token, "over", why="it was refused")
        waiting = list(inside.values())
        inside.clear()
        for each in waiting:
            self.release(each)
            each.given = None
        errors = state.get("errors")
        rows = errors.get("data") if isinstance(errors, dict) else None
        rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        said = "; ".join(self.endpoint.blot(
            (f"line {row['line']}: " if row.get("line") else "")
            + str(row.get("message") or row.get("code"))) for row in rows[:3]) or "no reason given"
        if not any(row.get("code") == FULL for row in rows):
            raise TeacherError(f"{self.endpoint.name}: the provider refused {given.batch} before "
                               f"it began ({said}); mend that and run again: nothing of it was "
                               "charged for")
        self._full = self._full or time.monotonic()
        if time.monotonic() - self._full > self.bounds.patience:
            raise TeacherError(f"{self.endpoint.name}: the provider's queue stayed full ({said})")
        if not self.watched() and len(waiting) > 1:  # alone it does not fit either
            self.lines = max(1, len(waiting) // 2)
        log.warning("%s: the provider's queue is full (%s); %d requests wait for room",
                    self.endpoint.name, said, len(waiting))
        count = len(self.watched())
        end = time.monotonic() + self.bounds.last
        while time.monotonic() < end and len(self.watched()) >= count:
            await asyncio.sleep(min(1.0, self.bounds.last / 4))
        self._again(waiting)

    def _failed(self, request: Request, why: str) -> Reply:
        return Reply(request=request.id, text="", teacher=self.endpoint.name, finish="error",
                     error=why[:500])

    def _give(self, waiting: Waiting, reply: Reply) -> None:
        if not waiting.future.done():
            waiting.future.set_result(reply)
