"""The seam to whoever answers: one protocol of one method.

Why: methods and stages need to know nothing of a teacher but that it answers requests;
an API, a model in this process, a program or a list of canned replies all fit here.

A teacher may have more: `in_flight`, how many requests are worth waiting at once; `aclose()`;
`hold()`, to send nothing more; and `at_once` with `answer_all(requests)`, where one call can
bring several samples of the same prompt, which is then paid for once.

Used as: `reply = await teacher.answer(request)`, or
`for group in bundles(requests, partial(at_once, teacher)): await ask_all(teacher, group)`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from mathmill.types import Reply, Request

Result = TypeVar("Result")


class Teacher(Protocol):
    """Anything that answers requests."""

    @property
    def name(self) -> str:
        """As in a recipe: `symbolic:`, `openai:gpt-5-mini`, `scripted:replies.jsonl`."""
        ...

    async def answer(self, request: Request) -> Reply:
        """Return the reply to one request.

        A call that failed for good is a Reply with `finish="error"`, never an exception:
        one bad row must not stop a run. Raises TeacherError only where no request can
        ever be answered (no key, wrong key, no such model).
        """
        ...


def at_once(teacher: object) -> int:
    """Return how many samples of one prompt this teacher takes in one call, as known by now."""
    level: Any = getattr(teacher, "at_once", 1) if hasattr(teacher, "answer_all") else 1
    return int(level)


def bundles(requests: Iterable[Request], most: Callable[[], int]) -> Iterator[list[Request]]:
    """Yield requests that follow each other and differ in their sample number only, together.

    Numbers rise by one within a bundle. `most` is asked again for each of them.
    """
    group: list[Request] = []
    limit = 1
    for request in requests:
        if group and not _follows(group[-1], request):
            yield group
            group = []
        if not group:
            limit = most()
        group.append(request)
        if len(group) >= limit:  # at once: a request is not held back by the next one's draw
            yield group
            group = []
    if group:
        yield group


async def ask_all(teacher: Any, requests: Sequence[Request]) -> list[Reply]:
    """Return a reply to each of several samples of one prompt, in few calls where that can be."""
    if len(requests) == 1:  # nearly always, and it must cost nothing
        return [await teacher.answer(requests[0])]
    if hasattr(teacher, "answer_all"):
        replies: list[Reply] = await teacher.answer_all(requests)
        return replies
    return await together([teacher.answer(request) for request in requests])


async def together(works: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Return the results of coroutines that run side by side; all end before the first error is
    raised: what is on its way when one of them fails must still be kept.
    """
    if len(works) == 1:
        return [await works[0]]
    results = await asyncio.gather(*works, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results  # type: ignore[return-value]


def _follows(one: Request, other: Request) -> bool:
    return (other.sample == one.sample + 1 and other.messages == one.messages
            and (other.temperature, other.max_tokens, other.stop, other.prompt, other.top_p,
                 other.logprobs, other.method)
            == (one.temperature, one.max_tokens, one.stop, one.prompt, one.top_p, one.logprobs,
                one.method))
