"""Requests gathered for a model in this process, with a stand-in for the model."""

from __future__ import annotations

import asyncio
import threading

import pytest

from mathmill.errors import MathmillError, TeacherError, UsageError
from mathmill.stages.asking import Asking
from mathmill.teachers.inprocess import InProcess, Refused
from mathmill.types import Message, Reply, Request


def request(text: str, sample: int = 0) -> Request:
    return Request((Message("user", text),), sample=sample)


class Echo:
    """Answers each prompt with itself; keeps the batches that it was given."""

    def __init__(self, size: int = 4, fault: BaseException | None = None) -> None:
        self.size, self.fault = size, fault
        self.ran: list[list[str]] = []
        self.open_now = False
        self.at_work = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def open(self) -> None:
        if self.fault is not None:
            raise self.fault
        self.open_now = True

    def read(self, asked: Request) -> str:
        text = asked.messages[-1].content
        if "refuse" in text:
            raise Refused(f"the prompt has {len(text)} letters")
        return text

    def batches(self, asks):
        order = sorted(range(len(asks)), key=lambda place: -len(asks[place]))
        return [order[start:start + self.size] for start in range(0, len(order), self.size)]

    def run(self, asks, wanted):
        self.ran.append(list(asks))
        self.at_work.set()
        self.go_on.wait(10)
        assert "break" not in asks
        return [Reply("", text, "", completion_tokens=1) if wanted(n) else Refused("not wanted")
                for n, text in enumerate(asks)]

    def close(self) -> None:
        self.open_now = False


def test_requests_that_come_together_are_answered_together_longest_first():
    echo = Echo()
    with Asking(InProcess("local:echo", echo, 4)) as asking:
        texts = ["x" * (1 + n * 7 % 10) for n in range(10)]
        replies = asking.all([request(text, n) for n, text in enumerate(texts)])
    assert [reply.text for reply in replies] == texts
    assert {reply.teacher for reply in replies} == {"local:echo"}
    assert [reply.request for reply in replies] == [
        request(text, n).id for n, text in enumerate(texts)]
    assert len(echo.ran) == 3
    assert [text for batch in echo.ran for text in batch] == sorted(texts, key=len, reverse=True)
    assert not echo.open_now, "the model is let go of with the asking"


def test_a_prompt_that_cannot_be_answered_fails_its_row_alone():
    with Asking(InProcess("local:echo", Echo(), 4)) as asking:
        replies = asking.all([request("fine"), request("refuse me"), request("fine too")])
    assert [reply.finish for reply in replies] == ["stop", "error", "stop"]
    assert replies[1].error == "the prompt has 9 letters"


def test_a_model_that_does_not_open_stops_the_run_with_its_reason():
    echo = Echo(fault=UsageError("no such model"))
    with pytest.raises(UsageError, match="no such model"), Asking(
            InProcess("local:echo", echo, 4)) as asking:
        asking.all([request("a"), request("b")])


def test_an_error_of_our_own_reaches_whoever_waits():
    with pytest.raises(AssertionError), Asking(InProcess("local:echo", Echo(), 4)) as asking:
        asking.all([request("break"), request("b" * 30), request("c")])


def test_holding_finishes_the_batch_at_work_and_begins_no_other():
    async def go() -> list[Reply | BaseException]:
        echo = Echo(size=2)
        echo.go_on.clear()
        teacher = InProcess("local:echo", echo, 2)
        asked = [asyncio.ensure_future(teacher.answer(request(text)))
                 for text in ("aaaa", "bbb", "cc", "d")]
        await asyncio.to_thread(echo.at_work.wait)
        teacher.hold()
        echo.go_on.set()
        found = await asyncio.gather(*asked, return_exceptions=True)
        with pytest.raises(TeacherError):
            await teacher.answer(request("late"))
        await teacher.aclose()
        assert echo.ran == [["aaaa", "bbb"]]
        assert (await teacher.answer(request("again"))).text == "again", "closed is not the end"
        await teacher.aclose()
        return found

    found = asyncio.run(go())
    assert [reply.text for reply in found if isinstance(reply, Reply)] == ["aaaa", "bbb"]
    assert all(isinstance(fault, MathmillError) for fault in found[2:])


def test_a_request_that_was_given_up_is_not_begun():
    async def go() -> None:
        echo = Echo(size=1)
        echo.go_on.clear()
        teacher = InProcess("local:echo", echo, 1)
        asked = [asyncio.ensure_future(teacher.answer(request(text))) for text in ("aaa", "b")]
        await asyncio.to_thread(echo.at_work.wait)
        asked[1].cancel()
        await asyncio.sleep(0)
        echo.go_on.set()
        assert (await asked[0]).text == "aaa"
        await teacher.aclose()
        assert echo.ran == [["aaa"]]

    asyncio.run(go())
