"""Tests of `stages.asking`."""

from __future__ import annotations

import asyncio

import pytest
from stage_makers import Echo, ShuffledTeacher, failing, problems, request_of

from mathmill.errors import TeacherError
from mathmill.methods import program
from mathmill.stages.asking import TEACHER_FAILED, Asking
from mathmill.types import Drop, Sample


def test_replies_come_back_in_the_order_of_asking_whoever_is_first():
    teacher = ShuffledTeacher(lambda request: request.messages[0].content)
    with Asking(teacher, 7) as asking:
        replies = asking.all([request_of(f"{n}") for n in range(100)])
    assert [reply.text for reply in replies] == [str(n) for n in range(100)]
    assert 1 < teacher.most_in_flight <= 7
    assert (asking.usage.requests, asking.usage.tokens_in) == (100, 300)
    assert teacher.closed


def test_attempts_are_driven_through_all_their_turns():
    teacher = ShuffledTeacher(lambda request: f"said {request.messages[0].content}")
    method = Echo(turns=3)
    with Asking(teacher, 4) as asking:
        results = asking.attempts([lambda p=p: method.attempt(p, 0) for p in problems(9)])
    assert [result.solution for result, _ in results] == [
        f"said echo 2: What is {n} + 1?" for n in range(9)]
    assert all(usage.requests == 3 for _, usage in results)


def test_a_failed_call_ends_its_attempt_and_no_other():
    teacher = ShuffledTeacher(
        lambda r: failing(r) if "is 2 +" in r.messages[0].content else "fine")
    with Asking(teacher) as asking:
        results = asking.attempts([lambda p=p: Echo().attempt(p, 0) for p in problems(4)])
    assert [type(result) for result, _ in results] == [Sample, Sample, Drop, Sample]
    drop, usage = results[2]
    assert (drop.reason, drop.detail, usage.failed) == (TEACHER_FAILED, "503 overloaded", 1)


def test_a_failed_call_costs_a_route_of_ten_programs_one_row():
    asked = "\n".join(f"Problem {n}:\nA shop has {n + 40} boxes with 6 pens each. How many pens?\n"
                      "<end of problem>" for n in range(1, 11))

    def say(request):
        if not request.prompt.startswith("program/write"):
            return asked
        return failing(request) if "has 45 boxes" in request.messages[-1].content else (
            "result = 6 * 7")

    with Asking(ShuffledTeacher(say)) as asking:
        ((rows, usage),) = asking.attempts([lambda: program.two.attempt(problems(1)[0], 0)])
    assert [type(row) for row in rows] == [Sample] * 4 + [Drop] + [Sample] * 5
    assert (rows[4].reason, rows[4].detail) == (TEACHER_FAILED, "503 overloaded")
    assert (usage.requests, usage.failed) == (11, 1)


def test_a_teacher_that_can_answer_nothing_stops_all_and_leaves_no_task_behind():
    class Refused(ShuffledTeacher):
        async def answer(self, request):
            await asyncio.sleep(0)
            if len(self.asked) == 5:
                raise TeacherError("no key; set one")
            return await super().answer(request)

    teacher = Refused(lambda request: "fine")
    with pytest.raises(TeacherError, match="no key"), Asking(teacher, 3) as asking:
        asking.all([request_of(str(n)) for n in range(50)])
    assert len(teacher.asked) < 10
    assert teacher.closed


def test_nothing_to_ask_is_no_fault_and_the_teacher_may_have_nothing_to_close():
    class Plain:
        name = "plain"

    with Asking(Plain()) as asking:
        assert asking.all([]) == []
