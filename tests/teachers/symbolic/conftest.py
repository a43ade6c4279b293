"""Shared by the symbolic teacher's tests: prompts in their agreed form, and many problems."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from mathmill.teachers.symbolic import SymbolicTeacher, make_problems
from mathmill.types import Message, Problem, Reply, Request

Ask = Callable[..., Reply]


def prompt(task: str, *, temperature: float = 0.7, sample: int = 0, max_tokens: int = 1024,
           **fields: str) -> Request:
    """Return a request in the agreed form: a Task line, advice, and the input headings last."""
    parts = [f"Task: {task}", 'Read it with care.\n\nReply with:\n"Rewritten problem: ..."']
    parts += [f"{heading.replace('_', ' ')}:\n{text}" for heading, text in fields.items()]
    return Request(messages=(Message("user", "\n\n".join(parts)),), temperature=temperature,
                   sample=sample, max_tokens=max_tokens)


@pytest.fixture(scope="session")
def make_prompt() -> Callable[..., Request]:
    return prompt


@pytest.fixture(scope="session")
def ask() -> Ask:
    """Ask a teacher one prompt and return its reply."""
    def asked(task: str, teacher: SymbolicTeacher | None = None, **given: object) -> Reply:
        request = prompt(task, **given)  # type: ignore[arg-type]
        return asyncio.run((teacher or SymbolicTeacher()).answer(request))

    return asked


@pytest.fixture(scope="session")
def problems() -> list[Problem]:
    """Return 2,000 problems of all levels and families in both languages."""
    return list(make_problems(2000, 11, languages=("en", "zh")))
