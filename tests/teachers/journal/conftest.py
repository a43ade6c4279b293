"""A teacher that counts what it is asked, requests by number, and a way to ask many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from mathmill.teachers.journal import Journaled
from mathmill.types import Message, Reply, Request


class Counting:
    """Answers slowly enough for requests to meet, and counts what it is asked."""

    def __init__(self, name: str = "counting:", fail: Exception | None = None,
                 **more: object) -> None:
        self.name, self.asked, self.fail, self.more = name, 0, fail, more
        self.closed = False

    async def answer(self, asked: Request) -> Reply:
        self.asked += 1
        number = self.asked
        await asyncio.sleep(0.002)
        if self.fail:
            raise self.fail
        reply = Reply(asked.id, f"réponse {number}\n答案\u2028\ud800 {asked.sample}", self.name,
                      prompt_tokens=3, completion_tokens=4, seconds=0.5)
        return replace(reply, **self.more)

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def counting() -> type[Counting]:
    return Counting


@pytest.fixture
def numbered() -> Callable[..., Request]:
    def make(number: int, sample: int = 0, **more: object) -> Request:
        return Request((Message("user", f"question {number}"),), sample=sample, **more)

    return make


@pytest.fixture
def ask() -> Callable[..., list[Reply]]:
    """Ask all at once; replies come without the mark that tells the found ones."""
    def asking(journal: Journaled, *requests: Request) -> list[Reply]:
        async def everything() -> list[Reply]:
            return await asyncio.gather(*(journal.answer(each) for each in requests))

        return [replace(reply, found=False) for reply in asyncio.run(everything())]

    return asking
