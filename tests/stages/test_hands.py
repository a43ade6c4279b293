"""Hands stop in order: nothing new is begun, what is in flight arrives."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tracemalloc
from functools import partial

import pytest
from stage_makers import request_of

from clocks import quiet
from mathmill.errors import TeacherError
from mathmill.stages.asking import Asking
from mathmill.stages.hands import Hands
from mathmill.types import Reply


def test_there_are_as_many_hands_as_there_is_work_and_no_more_than_asked_for():
    flying, most = 0, 0

    async def work() -> int:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.001)
        flying -= 1
        return 1

    done: list[int] = []
    asyncio.run(Hands(5).run([work] * 40, lambda place, result: done.append(place)))
    assert sorted(done) == list(range(40))
    assert most == 5
    asyncio.run(Hands(5).run([], lambda place, result: done.append(place)))
    assert len(done) == 40


def test_an_error_lets_what_is_in_flight_arrive_and_begins_nothing():
    begun, arrived, held = [], [], []

    async def work(number: int) -> int:
        begun.append(number)
        await asyncio.sleep(0.01)
        if number == 3:
            raise TeacherError("no key")
        await asyncio.sleep(0.1)
        return number

    with pytest.raises(TeacherError, match="no key"):
        asyncio.run(Hands(6, lambda: held.append(1)).run(
            [partial(work, n) for n in range(50)], lambda place, result: arrived.append(result)))
    assert sorted(begun) == list(range(6))
    assert sorted(arrived) == [0, 1, 2, 4, 5]
    assert held == [1]


def test_what_never_arrives_is_left_after_a_while():
    async def work(number: int) -> int:
        if number == 0:
            raise TeacherError("no key")
        await asyncio.sleep(60)
        return number

    began = quiet()
    with pytest.raises(TeacherError):
        asyncio.run(Hands(3, grace=0.1).run([partial(work, n) for n in range(9)],
                                            lambda place, result: None))
    assert quiet() - began < 5


class Slow:
    """A teacher that takes its time; `hold` is heard."""

    name = "slow"

    def __init__(self, seconds: float) -> None:
        self.seconds, self.answered, self.begun, self.held = seconds, 0, 0, 0

    async def answer(self, request) -> Reply:
        self.begun += 1
        await asyncio.sleep(self.seconds)
        self.answered += 1
        return Reply(request.id, request.messages[0].content, self.name)

    def hold(self) -> None:
        self.held += 1


class Wrapped:
    name = "wrapped"

    def __init__(self, teacher: Slow) -> None:
        self.teacher = teacher
        self.answer = teacher.answer


def test_ctrl_c_keeps_what_is_in_flight_and_sends_nothing_more():
    teacher = Slow(0.3)
    press_ctrl_c(0.1)
    with pytest.raises(KeyboardInterrupt), Asking(Wrapped(teacher), 4) as asking:
        asking.all([request_of(str(n)) for n in range(40)])
    assert (teacher.begun, teacher.answered, teacher.held) == (4, 4, 1)


def test_a_second_ctrl_c_leaves_at_once():
    teacher = Slow(30.0)
    began = quiet()
    press_ctrl_c(0.1)
    press_ctrl_c(0.4)
    with pytest.raises(KeyboardInterrupt), Asking(teacher, 4) as asking:
        asking.all([request_of(str(n)) for n in range(40)])
    assert quiet() - began < 5
    assert (teacher.begun, teacher.answered) == (4, 0)


def press_ctrl_c(seconds: float) -> None:
    """Send this process Ctrl-C after a while, from another one."""
    subprocess.Popen([sys.executable, "-c", f"import os, time; time.sleep({seconds}); "
                      f"os.kill({os.getpid()}, {int(signal.SIGINT)})"])


@pytest.mark.slow
def test_each_gives_replies_in_order_and_holds_few_of_them():
    class Quick(Slow):
        in_flight = 16

        async def answer(self, request) -> Reply:
            await asyncio.sleep(0.001 if request.sample % 7 else 0.01)
            return Reply(request.id, "x" * 1000, self.name)

    seen: list[int] = []
    with Asking(Quick(0), 16) as asking:
        tracemalloc.start()
        asking.each((request_of(f"{n} " + "y" * 1000) for n in range(3000)),
                    lambda request, reply: seen.append(int(request.messages[0].content.split()[0])))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert seen == list(range(3000))
    assert asking.usage.requests == 3000
    assert peak < 1_500_000  # bytes; all of them would be above 6 MB
