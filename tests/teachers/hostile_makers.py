"""What the tests against the hostile server share: an engine that does not wait long, and a key.

Why: the rules are the engine's own, only the seconds are shorter.

Used as: `replies = ask_all(engine(server), requests)`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from hostile_server import HostileServer
from mathmill.teachers.base import Teacher
from mathmill.teachers.engine import Engine
from mathmill.teachers.http.endpoint import Endpoint
from mathmill.types import Message, Reply, Request

KEY = "sk-planted-0a1b2c3d4e5f6071"
NAME = "openai:tiny"


def engine(*servers: HostileServer, key: str = KEY, timeout: float = 2.0, stall: float = 0.5,
           stream: bool = False, **settings: Any) -> Engine:
    """Return an engine over these servers in equal parts, with time-outs of a test."""
    return Engine(NAME, [(Endpoint("tiny", server.url, key, timeout=timeout, stall=stall,
                                   stream=stream), 1.0) for server in servers], **settings)


def request(question: str = "How many?", **fields: Any) -> Request:
    """Return a request with one message."""
    return Request((Message("user", question),), **fields)


def requests(count: int, **fields: Any) -> list[Request]:
    """Return different requests: `question 0`, `question 1`, ..."""
    return [request(f"question {number}", **fields) for number in range(count)]


def ask_all(teacher: Teacher, asked: Sequence[Request]) -> list[Reply]:
    """Return a reply each, all asked at once, and close the teacher."""
    async def everything() -> list[Reply]:
        try:
            return await asyncio.gather(*[teacher.answer(each) for each in asked])
        finally:
            await teacher.aclose()  # type: ignore[attr-defined]
    return asyncio.run(everything())


def ask(teacher: Teacher, question: str = "How many?", **fields: Any) -> Reply:
    """Return the reply to one question, and close the teacher."""
    return ask_all(teacher, [request(question, **fields)])[0]
