"""Asking a teacher many things at once, with the answers in the order of the questions.

Why: a teacher takes seconds a reply and can serve many at a time; the rows must not depend
on who answers first. So replies come back in the order of asking, a bounded number is in
flight, and an error stops the others before it leaves. How many are sent at a time is the
teacher's to say (`in_flight`): an API finds its own level among the hands that wait here.

Used as: `with Asking(teacher, concurrency=64) as asking: replies = asking.all(requests)`;
`asking.attempts([...])` drives methods, each to its row or drop; `asking.each(requests, take)`
asks any number in the memory of those in flight.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from mathmill.dollars import PICO
from mathmill.stages.hands import Hands, Work
from mathmill.teachers.base import Teacher, ask_all, at_once, bundles
from mathmill.types import Attempt, CallFailed, Drop, Reply, Request, Sample
from mathmill.workbench import Workbench

Result = TypeVar("Result")
Made = Sample | Drop | tuple[Sample | Drop, ...]
"What an attempt came to; several rows where one call wrote several."

CONCURRENCY = 64  # attempts in flight, where the teacher does not say how many it can use
AHEAD = 20_000  # replies that may wait for one that is asked again and again, to keep their order
TEACHER_FAILED = "teacher failed"
RARELY = (20_000, 50, 50)  # objects made, and younger collections, between two collections


def open_asking(bench: Workbench, teacher: str) -> Asking:
    """Open the teacher of that name for this run: its folder, and what may be spent."""
    assert bench.home is not None, "the workbench fills it in"
    trained = bench.inputs.get("teacher")  # a step whose model is the teacher
    opened = bench.tools["open_teacher"](teacher, bench.home, bench.terms,
                                         **({"folder": trained} if trained else {}))
    level: Any = bench.tools.get("concurrency") or getattr(opened, "in_flight", CONCURRENCY)
    return Asking(opened, int(level))


def hold(teacher: object) -> None:
    """Tell a teacher, and those that it stands before, to send nothing more."""
    if hasattr(teacher, "hold"):
        teacher.hold()
    inside = getattr(teacher, "teacher", None)
    for other in ([inside] if inside is not None else getattr(teacher, "teachers", ())):
        hold(other)


@dataclass
class Usage:
    """What an attempt, or many, cost."""

    requests: int = 0
    "Replies received."
    tokens_in: int = 0
    "Tokens that the teacher read."
    tokens_out: int = 0
    "Tokens that it wrote."
    seconds: float = 0.0
    "Wall time of the calls, summed."
    found: int = 0
    "Those of the replies that were paid for before."
    worth: int = 0
    "Picodollars that all of them cost when they were bought, where the price was known."
    worth_found: int = 0
    "Of these, what was paid before."
    unpriced: int = 0
    "Replies whose price nobody knew."
    failed: int = 0
    "Calls that failed for good."
    last_error: str = ""
    "Why the last of those did."
    cached: int = 0
    "Tokens read that the server had at hand."
    units: int = 0
    "Attempts, or questions, of which this is the sum."
    squares: list[float] = field(default_factory=lambda: [0.0] * 4)
    "Sums of squares over these of requests, tokens in and out, seconds: how much they differ."

    def add(self, reply: Reply) -> None:
        """Count one reply."""
        self.requests += 1
        self.tokens_in += reply.prompt_tokens
        self.tokens_out += reply.completion_tokens
        self.seconds += reply.seconds
        # Whole picodollars: sums of dollars as floats would drift.
        worth = round((reply.cost or 0.0) * PICO)
        self.worth += worth
        self.cached += reply.cached_tokens
        self.found += reply.found
        self.worth_found += worth if reply.found else 0
        self.unpriced += reply.cost is None and reply.finish != "error"
        if reply.finish == "error":
            self.failed += 1
            self.last_error = reply.error or "no reason given"

    def facts(self) -> dict[str, Any]:
        """Return the counts as JSON."""
        return {"requests": self.requests, "tokens_in": self.tokens_in,
                "tokens_out": self.tokens_out, "seconds": round(self.seconds, 3),
                "failed_calls": self.failed, "found": self.found,
                "picodollars": self.worth, "picodollars_found": self.worth_found,
                "unpriced": self.unpriced, "tokens_cached": self.cached, "units": self.units,
                "squares": [round(square, 6) for square in self.squares]}

    def include(self, part: Usage) -> None:
        """Count what one attempt, or one question, came to."""
        self.units += 1
        for place, value in enumerate((part.requests, part.tokens_in, part.tokens_out,
                                       part.seconds)):
            self.squares[place] += value * value
        self.requests += part.requests
        self.tokens_in += part.tokens_in
        self.tokens_out += part.tokens_out
        self.seconds += part.seconds
        self.found += part.found
        self.worth += part.worth
        self.worth_found += part.worth_found
        self.unpriced += part.unpriced
        self.cached += part.cached
        self.failed += part.failed
        self.last_error = part.last_error or self.last_error


@dataclass
class Asking:
    """A teacher with one event loop that lives from `with` to its end."""

    teacher: Teacher
    "Who answers."
    concurrency: int = CONCURRENCY
    "Most questions, or attempts, in flight."
    usage: Usage = field(default_factory=Usage)
    "Over everything asked here by `all`."

    def __enter__(self) -> Asking:
        """Start the loop."""
        self._runner = asyncio.Runner(loop_factory=_quick_loop(self.teacher))
        self._runner.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """Let the teacher close what it opened, then stop the loop."""
        try:
            close = getattr(self.teacher, "aclose", None)
            if close is not None:
                self._runner.run(close())
        finally:
            self._runner.__exit__(kind, error, trace)

    def all(self, requests: Sequence[Request],
            tell: Callable[[int], None] | None = None) -> list[Reply]:
        """Return one reply a request, in their order; `tell` hears how many are done."""
        groups: dict[int, list[Reply]] = {}
        done = 0

        def keep(place: int, replies: list[Reply]) -> None:
            nonlocal done
            groups[place] = replies
            done += len(replies)
            if tell is not None:
                tell(done)

        self._run((partial(ask_all, self.teacher, group) for group in self._bundles(requests)),
                  keep)
        replies = [reply for place in range(len(groups)) for reply in groups[place]]
        for reply in replies:
            one = Usage()
            one.add(reply)
            self.usage.include(one)
        return replies

    def attempts(self, starts: Sequence[Callable[[], Attempt]],
                 tell: Callable[[int], None] | None = None
                 ) -> list[tuple[Made, Usage]]:
        """Drive attempts to their ends; return what each came to, in their order.

        A call that failed for good ends its attempt as a drop `teacher failed`, unless the
        attempt can do without (it catches `CallFailed`).
        Raises TeacherError where the teacher can answer nothing at all.
        """
        return self._bounded([partial(self._drive, s) for s in starts], tell)

    def each(self, requests: Iterable[Request], take: Callable[[Request, Reply], None]) -> None:
        """Ask any number of requests; `take` is given each with its reply, in their order.

        Requests are drawn as hands fall free, so memory holds those in flight and not all.
        Raises as `attempts` does.
        """
        done: dict[int, tuple[list[Request], list[Reply]]] = {}
        given = written = 0
        room = asyncio.Event()

        async def ask(start: int, group: list[Request]) -> tuple[list[Request], list[Reply]]:
            while start - written > max(AHEAD, self.concurrency):
                room.clear()
                await room.wait()
            return group, await ask_all(self.teacher, group)

        def works() -> Iterator[Work[tuple[list[Request], list[Reply]]]]:
            start = 0
            for group in self._bundles(requests):
                yield partial(ask, start, group)
                start += len(group)

        def keep(place: int, result: tuple[list[Request], list[Reply]]) -> None:
            nonlocal given, written
            done[place] = result
            for reply in result[1]:
                self.usage.add(reply)
            while given in done:
                for request, reply in zip(*done.pop(given), strict=True):
                    take(request, reply)
                    written += 1
                given += 1
            room.set()

        self._run(works(), keep)

    async def _drive(self, start: Callable[[], Attempt]) -> tuple[Made, Usage]:
        """Carry requests and replies between one attempt and the teacher."""
        usage, attempt = Usage(), start()
        try:
            request = next(attempt)
            while True:
                reply = await self.teacher.answer(request)
                usage.add(reply)
                if self._ending():  # the reply is kept, and no other is asked for
                    attempt.close()
                    raise asyncio.CancelledError
                request = (attempt.send(reply) if reply.finish != "error" else
                           attempt.throw(CallFailed(usage.last_error[:500])))
        except CallFailed as failed:
            return Drop(request.id, TEACHER_FAILED, str(failed)), usage
        except StopIteration as end:
            result = end.value
            assert isinstance(result, Sample | Drop | tuple), f"an attempt returned {result!r}"
            return result, usage

    def _bounded(self, works: Sequence[Work[Result]],
                 tell: Callable[[int], None] | None) -> list[Result]:
        """Run coroutines with at most `concurrency` at a time; results in their order."""
        results: dict[int, Result] = {}

        def keep(place: int, result: Result) -> None:
            results[place] = result
            if tell is not None:
                tell(len(results))

        self._run(works, keep)
        return [results[place] for place in range(len(works))]

    def _run(self, works: Iterable[Work[Result]], take: Callable[[int, Result], None]) -> None:
        async def work() -> None:
            self._hands = Hands(self.concurrency, partial(hold, self.teacher))
            await self._hands.run(works, take)

        # Collecting garbage in threes of 700 objects took 0.05 of a call's 0.35 ms.
        usual = gc.get_threshold()
        gc.freeze()
        gc.set_threshold(*RARELY)
        try:
            self._runner.run(work())
        finally:
            gc.set_threshold(*usual)
            gc.unfreeze()

    def _bundles(self, requests: Iterable[Request]) -> Iterator[list[Request]]:
        """Yield requests, those to be asked in one call together."""
        return bundles(requests, partial(at_once, self.teacher))

    def _ending(self) -> bool:
        return self._hands.ending


def _quick_loop(teacher: Teacher) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return how to make uvloop's event loop where it is installed and the teacher would gain."""
    if not hasattr(teacher, "in_flight"):
        return None
    try:
        import uvloop
    except ImportError:
        return None
    make: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return make
