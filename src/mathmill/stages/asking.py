"""Asking a teacher many things at once, with the answers in the order of the questions.

Why: a teacher takes seconds a reply and can serve many at a time; the rows must not depend
on who answers first. So replies come back in the order of asking, a bounded number is in
flight, and an error stops the others before it leaves.

Used as: `with Asking(teacher, concurrency=64) as asking: replies = asking.all(requests)`;
`asking.attempts([...])` drives methods, each to its row or drop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from mathmill.teachers.base import Teacher
from mathmill.types import Attempt, Drop, Reply, Request, Sample
from mathmill.workbench import Workbench

Result = TypeVar("Result")

CONCURRENCY = 64  # attempts in flight; a local server batches about this many
TEACHER_FAILED = "teacher failed"
PICO = 10**12  # picodollars of a dollar: the unit in which money is added up, always whole


def open_asking(bench: Workbench, teacher: str) -> Asking:
    """Open the teacher of that name for this run: its folder, and what may be spent."""
    assert bench.home is not None, "the workbench fills it in"
    opened = bench.tools["open_teacher"](teacher, bench.home, bench.terms)
    return Asking(opened, int(bench.tools.get("concurrency", CONCURRENCY)))


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

    def add(self, reply: Reply) -> None:
        """Count one reply."""
        self.requests += 1
        self.tokens_in += reply.prompt_tokens
        self.tokens_out += reply.completion_tokens
        self.seconds += reply.seconds
        # Whole picodollars: sums of dollars as floats would drift.
        worth = round((reply.cost or 0.0) * PICO)
        self.worth += worth
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
                "unpriced": self.unpriced}

    def include(self, part: Usage) -> None:
        """Count what another one counted."""
        self.requests += part.requests
        self.tokens_in += part.tokens_in
        self.tokens_out += part.tokens_out
        self.seconds += part.seconds
        self.found += part.found
        self.worth += part.worth
        self.worth_found += part.worth_found
        self.unpriced += part.unpriced
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
        self._runner = asyncio.Runner()
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
        replies = self._bounded([partial(self.teacher.answer, r) for r in requests], tell)
        for reply in replies:
            self.usage.add(reply)
        return replies

    def attempts(self, starts: Sequence[Callable[[], Attempt]],
                 tell: Callable[[int], None] | None = None
                 ) -> list[tuple[Sample | Drop, Usage]]:
        """Drive attempts to their ends; return what each came to, in their order.

        A call that failed for good ends its attempt as a drop `teacher failed`.
        Raises TeacherError where the teacher can answer nothing at all.
        """
        return self._bounded([partial(self._drive, s) for s in starts], tell)

    async def _drive(self, start: Callable[[], Attempt]) -> tuple[Sample | Drop, Usage]:
        """Carry requests and replies between one attempt and the teacher."""
        usage, attempt = Usage(), start()
        try:
            request = next(attempt)
            while True:
                reply = await self.teacher.answer(request)
                usage.add(reply)
                if reply.finish == "error":
                    attempt.close()
                    return Drop(request.id, TEACHER_FAILED, usage.last_error[:500]), usage
                request = attempt.send(reply)
        except StopIteration as end:
            result = end.value
            assert isinstance(result, Sample | Drop), f"an attempt returned {result!r}"
            return result, usage

    def _bounded(self, works: Sequence[Callable[[], Coroutine[Any, Any, Result]]],
                 tell: Callable[[int], None] | None) -> list[Result]:
        """Run coroutines with at most `concurrency` at a time; results in their order."""

        async def everything() -> list[Result]:
            results: dict[int, Result] = {}
            waiting = iter(enumerate(works))

            async def hand() -> None:
                for place, work in waiting:  # shared: each hand takes the next one
                    results[place] = await work()
                    if tell is not None:
                        tell(len(results))

            hands = [asyncio.create_task(hand()) for _ in range(min(self.concurrency, len(works)))]
            try:
                await asyncio.gather(*hands)
            finally:
                for task in hands:
                    task.cancel()
                await asyncio.gather(*hands, return_exceptions=True)
            return [results[place] for place in range(len(works))]

        return self._runner.run(everything())
