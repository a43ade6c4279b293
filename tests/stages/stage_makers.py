"""Small stand-ins for the tests of the stages: methods and teachers that show their hand."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mathmill.types import (
    Attempt,
    Drop,
    Message,
    Problem,
    Reply,
    Request,
    Sample,
    make_problem,
    sample_id,
)


def request_of(text: str, sample: int = 0) -> Request:
    return Request((Message("user", text),), sample=sample)


def solve_request(question: str, language: str, sample: int = 0,
                  temperature: float = 0.7) -> Request:
    return Request((Message("user", question),), temperature=temperature, sample=sample)


def row(question: str = "How many?", answer: str | None = "4", solution: str | None = None,
        **more: Any) -> Sample:
    text = solution if solution is not None else f"Work.\nThe answer is {answer}"
    values = {"expected": None, "seed": "s", "parent": "s", "method": "m", **more}
    return Sample(id=sample_id(question, text), question=question, solution=text, answer=answer,
                  **values)


def problems(count: int) -> list[Problem]:
    return [make_problem(f"What is {n} + 1?", answer=str(n + 1), source=f"made:{n}")
            for n in range(count)]


@dataclass
class ShuffledTeacher:
    """Answers by a function of the request, after delays that mix up the order."""

    write: Callable[[Request], str | Reply]
    seed: int = 0
    name: str = "scripted:test"
    asked: list[Request] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    closed: bool = False

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    async def answer(self, request: Request) -> Reply:
        self.asked.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        for _ in range(self.rng.randrange(6)):
            await asyncio.sleep(0)
        self.in_flight -= 1
        text = self.write(request)
        if isinstance(text, Reply):
            return text
        return Reply(request.id, text, self.name, prompt_tokens=3, completion_tokens=2)

    async def aclose(self) -> None:
        self.closed = True


def failing(request: Request) -> Reply:
    return Reply(request.id, "", "scripted:test", finish="error", error="503 overloaded")


@dataclass(frozen=True)
class Echo:
    """Asks once for each turn, then writes what the teacher said as the solution."""

    name: str = "echo"
    turns: int = 1
    fresh: bool = True
    "Makes a new question for each number; else the same one again."

    def identity(self) -> Mapping[str, Any]:
        return {"turns": self.turns}

    def attempt(self, seed: Problem, number: int) -> Attempt:
        text = ""
        for turn in range(self.turns):
            reply = yield request_of(f"{self.name} {turn}: {seed.question}", number)
            text = reply.text
        if text.startswith("bad"):
            return Drop(seed.id, text, "the reply")
        question = f"{seed.question} ({self.name} {number})" if self.fresh else seed.question
        return row(question, seed.answer, text, seed=seed.id, parent=seed.id, method=self.name)
