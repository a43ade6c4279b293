"""A model in this process as a teacher: requests are gathered and answered many at a time.

Why: a model writes sixty-four answers in little more than the time of one, so requests that
come one by one are worth a moment's waiting. One thread works; the event loop stays free, so
that Ctrl-C is heard while the model writes.

A `Machine` is what stands in the middle: `local.LocalMachine` or `vllm.VllmMachine`.

Used as: `InProcess("local:base#1f2e", machine, batch=64)`; then it is a `Teacher`.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from mathmill.errors import TeacherError
from mathmill.types import Reply, Request

WINDOW = 0.01  # seconds without a new request after which those gathered are begun
LEAVE = 3.0  # seconds that a model is given to come to the end of a token, or of being loaded
ROUNDS = 4  # batches that may wait: sorted by length together they are padded little


class Refused(Exception):
    """A request that this model cannot answer; the text says why."""


class Machine(Protocol):
    """A model that answers batches, in one thread."""

    def open(self) -> None:
        """Load the model; raises what the user must mend."""
        ...

    def read(self, request: Request) -> Any:
        """Return the request as the model takes it; raises Refused where it cannot be answered."""
        ...

    def batches(self, asks: Sequence[Any]) -> Iterable[list[int]]:
        """Return places of `asks`, a list a batch, each place once."""
        ...

    def run(self, asks: Sequence[Any], wanted: Callable[[int], bool]) -> list[Reply | Refused]:
        """Return one answer an ask; `wanted(place)` says whether anyone still waits for it.

        Of the replies, request, teacher and seconds are filled in by the caller.
        """
        ...

    def close(self) -> None:
        """Let go of the model."""
        ...


@dataclass(slots=True, eq=False)
class _Job:
    """A request that waits for its answer."""

    request: Request
    future: Future[Reply] = field(default_factory=Future)
    wanted: bool = True
    "False once nobody waits any more."


class InProcess:
    """A teacher that gathers requests for a machine."""

    def __init__(self, name: str, machine: Machine, batch: int, window: float = WINDOW) -> None:
        """Take the teacher's identity, the model, the size of a full batch, the gathering window.

        Nothing is loaded before the first request.
        """
        self.name = name
        self.machine = machine
        self.batch = batch
        self.window = window
        self._waiting: list[_Job] = []
        self._bell = threading.Condition()
        self._thread: threading.Thread | None = None
        self._ended: BaseException | None = None
        "Why nothing more is answered."

    @property
    def in_flight(self) -> int:
        """How many requests are worth waiting at once."""
        return ROUNDS * self.batch

    async def answer(self, request: Request) -> Reply:
        """Return the reply; one that the model cannot give has `finish="error"`.

        Raises what opening the model raised, TeacherError after `hold`.
        """
        job = _Job(request)
        with self._bell:
            if self._ended is not None:
                raise self._ended
            self._waiting.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name=self.name, daemon=True)
                self._thread.start()
            self._bell.notify_all()
        try:
            return await asyncio.wrap_future(job.future)
        finally:
            job.wanted = False

    def hold(self) -> None:
        """Begin nothing more: the batch at work is finished, what waits meets a TeacherError."""
        self._end(TeacherError(f"{self.name}: stopped before this prompt was answered"))

    async def aclose(self) -> None:
        """End the thread (within one token) and let go of the model; requests may come again.

        A thread that is long at it, loading a large model say, is left to end by itself.
        """
        self.hold()
        thread = self._thread
        if thread is not None:
            await asyncio.to_thread(thread.join, LEAVE)
        with self._bell:
            if thread is None or not thread.is_alive():
                self._thread = self._ended = None

    def _serve(self) -> None:
        """Answer until the end (the thread)."""
        try:
            self.machine.open()
            while (jobs := self._gather()):
                self._round(jobs)
        except BaseException as error:
            self._end(error)
        finally:
            self.machine.close()

    def _gather(self) -> list[_Job]:
        """Return what waits, after a moment in which nothing more came; nothing at the end."""
        with self._bell:
            self._bell.wait_for(lambda: self._waiting or self._ended)
            while self._ended is None and len(self._waiting) < self.in_flight:
                before = len(self._waiting)
                self._bell.wait_for(lambda n=before: len(self._waiting) > n or self._ended,  # type: ignore[misc]
                                    timeout=self.window)
                if len(self._waiting) == before:
                    break
            jobs, self._waiting = self._waiting, []
            return jobs if self._ended is None else []

    def _round(self, jobs: list[_Job]) -> None:
        """Answer all of these, batch by batch."""
        ready: list[tuple[_Job, Any]] = []
        try:
            for job in jobs:
                try:
                    ready.append((job, self.machine.read(job.request)))
                except Refused as why:
                    self._give(job, why, 0.0)
            for places in self.machine.batches([ask for _, ask in ready]):
                if self._ended is not None:
                    return
                self._batch([ready[place] for place in places if ready[place][0].wanted])
        except BaseException as error:
            self._end(error)
        finally:
            for job in jobs:
                if not job.future.done():
                    self._fail(job)

    def _batch(self, ready: Sequence[tuple[_Job, Any]]) -> None:
        """Answer one batch."""
        if not ready:
            return
        began = time.monotonic()
        answers = self.machine.run([ask for _, ask in ready],
                                   lambda place: ready[place][0].wanted)
        seconds = (time.monotonic() - began) / len(ready)  # so that sums over replies hold
        for (job, _), answer in zip(ready, answers, strict=True):
            self._give(job, answer, seconds)

    def _give(self, job: _Job, answer: Reply | Refused, seconds: float) -> None:
        """Hand an answer to whoever waits for it."""
        if isinstance(answer, Refused):
            answer = Reply(request="", text="", teacher="", finish="error", error=str(answer))
        _settle(job.future, replace(answer, request=job.request.id, teacher=self.name,
                                    seconds=seconds))

    def _end(self, why: BaseException) -> None:
        """Answer nothing more, for this reason."""
        with self._bell:
            self._ended = self._ended or why
            jobs, self._waiting = self._waiting, []
            self._bell.notify_all()
        for job in jobs:
            self._fail(job)

    def _fail(self, job: _Job) -> None:
        """Tell whoever waits why nothing comes."""
        assert self._ended is not None, "a job is left only at the end"
        _settle(job.future, self._ended)


def _settle(future: Future[Reply], result: Reply | BaseException) -> None:
    """Set the result, unless nobody waits any more."""
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)
