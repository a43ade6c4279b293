"""What the tests of methods share: seeds, and a driver that plays the teacher."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from mathmill.teachers.scripted import Script, ScriptedTeacher
from mathmill.types import Drop, Method, Problem, Sample, make_problem


@pytest.fixture
def seed() -> Problem:
    return make_problem("Natalia sold 48 clips in April. She sold half as many in May. "
                        "How many clips did Natalia sell altogether?", answer="72", level=2,
                        subject="sales", signature="sales|48")


@pytest.fixture
def chinese() -> Problem:
    return make_problem("小明有12支铅笔，又买了5支。小明现在有多少支铅笔？", answer="17",
                        language="zh")


Play = Callable[..., tuple[Sample | Drop, ScriptedTeacher]]


@pytest.fixture
def play() -> Play:
    """Return a function that drives one attempt against a script to its end."""

    def run(method: Method, seed: Problem, script: Script,
            number: int = 0) -> tuple[Sample | Drop, ScriptedTeacher]:
        teacher = ScriptedTeacher(script)
        attempt = method.attempt(seed, number)
        try:
            request = next(attempt)
            while True:
                request = attempt.send(asyncio.run(teacher.answer(request)))
        except StopIteration as end:
            return end.value, teacher

    return run
