"""From requests to a batch that is noted: upload, create, and find it again where that was lost.

Why: between "please make a batch" and its id a process can die or a line can break, and then
nobody here knows whether there is one. Asking again would pay twice. So the provider is asked
first for a batch with our file or our token; only where there is none is one made.

Used as: `await submitter.resolve()`, `await submitter.submit(requests, ...)`, under the lock.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from mathmill.errors import StepFailed, TeacherError
from mathmill.teachers.batch.bounds import Bounds
from mathmill.teachers.batch.lines import line_of
from mathmill.teachers.batch.provider import Provider
from mathmill.teachers.batch.records import Given, Records
from mathmill.teachers.http.faults import ROW, STOP, TROUBLE, Fault
from mathmill.types import Request

Result = TypeVar("Result")
GROWTH = 1.5  # of each pause
log = logging.getLogger(__name__)


class Submitter:
    """Makes batches at one provider, each once."""

    def __init__(self, provider: Provider, records: Records, bounds: Bounds) -> None:
        """Take where they go, where they are noted, and how patient to be."""
        self.provider = provider
        self.records = records
        self.bounds = bounds
        self.name = provider.endpoint.name
        self._said: set[str] = set()

    async def resolve(self) -> None:
        """Learn what became of batches whose process died before it knew; under the lock."""
        for given in list(self.records.given.values()):
            if given.batch:
                continue
            found = await self._find(given) if given.asked else None
            if found:
                self.records.write(given.token, "created", batch=found)
            else:
                self.records.write(given.token, "over", why="it was never made")

    async def submit(self, requests: Sequence[Request], held: list[list[int]], home: str,
                     process: str) -> Given:
        """Make a batch of requests and note it; under the lock.

        Raises TeacherError where the provider takes none, StepFailed where nothing can be noted.
        """
        token, parameters = uuid.uuid4().hex, self.provider.endpoint.parameters
        without = sorted(parameters.refused)
        path = self._write(requests)
        try:
            self.records.write(token, "sending", requests=[each.id for each in requests],
                               held=held, home=home, process=process, at=time.time(),
                               without=without)
            given = self.records.given[token]
            file = await self.patient(lambda: self.provider.upload(path))
        except TeacherError:
            self.records.write(token, "over", why="it was not uploaded")
            raise
        finally:
            path.unlink(missing_ok=True)
        batch = await self._create(given, file)
        self.records.write(token, "created", batch=batch)
        return given

    async def patient(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Do a call that may be done twice, until it succeeds.

        Raises TeacherError where it never will, or did not for `patience` seconds.
        """
        pause, began = self.bounds.first, time.monotonic()
        while True:
            try:
                return await call()
            except Fault as fault:
                pause = await self._bear(fault, pause, began)

    async def _create(self, given: Given, file: str) -> str:
        """Have the batch made; return its id."""
        pause, began = self.bounds.first, time.monotonic()
        while True:
            self.records.write(given.token, "creating", file=file, at=time.time())
            try:
                return str((await self.provider.create(file, given.token))["id"])
            except Fault as caught:
                fault = caught
            try:
                if fault.kind == TROUBLE and fault.sent:  # it may have been made all the same
                    found = await self._find(given)
                    if found:
                        return found
                pause = await self._bear(fault, pause, began)
            except TeacherError:
                if fault.kind in (ROW, STOP) or not fault.sent:
                    self.records.write(given.token, "over", why="it was refused")
                raise

    async def _find(self, given: Given) -> str | None:
        """Return the batch's id where the provider has made it; looks for `seen` seconds."""
        while True:
            found = await self.patient(
                lambda: self.provider.find(given.file, given.token, given.asked))
            if found or time.time() - given.asked > self.bounds.seen:
                return found
            await asyncio.sleep(min(1.0, self.bounds.seen / 4))

    async def _bear(self, fault: Fault, pause: float, began: float) -> float:
        """Wait after a failure and return the next pause; raises TeacherError where it is final."""
        never = fault.absent and not self.provider.endpoint.answered
        if fault.kind in (ROW, STOP) or never:
            raise TeacherError(f"{self.name}: {fault.message}") from None
        if time.monotonic() - began > self.bounds.patience:
            raise TeacherError(
                f"{self.name}: the provider did not get better for {self.bounds.patience:.0f} s "
                f"(last: {fault.message}); run again when it does: what was submitted is noted, "
                "and fetched then") from None
        if fault.message not in self._said and len(self._said) < 20:
            self._said.add(fault.message)
            log.warning("%s: %s; it is tried again", self.name, fault.message)
        await asyncio.sleep(max(pause, fault.retry_after or 0.0))
        return min(pause * GROWTH, self.bounds.last)

    def _write(self, requests: Sequence[Request]) -> Path:
        """Return a file of the requests' lines."""
        folder = None if self.records.path is None else self.records.path.parent
        parameters = self.provider.endpoint.parameters
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
                for left in folder.glob("batch-*.jsonl"):  # by a kill: we have the lock
                    left.unlink(missing_ok=True)
            number, name = tempfile.mkstemp(suffix=".jsonl", prefix="batch-", dir=folder)
            path = Path(name)
            with os.fdopen(number, "wb") as file:
                for request in requests:
                    file.write(line_of(request, parameters))
        except OSError as error:
            raise StepFailed(f"{folder or 'the folder for temporary files'}: a batch's file cannot "
                             f"be written ({error.strerror or error}); make room") from error
        return path
