"""The engine over servers that are functions: retries, pools, budgets of errors, being held."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from mathmill.errors import TeacherError, UsageError
from mathmill.teachers import engine as engine_module
from mathmill.teachers.engine import Engine, pause
from mathmill.teachers.error_budget import ErrorBudget
from mathmill.teachers.http.faults import BUSY, ROW, STOP, TROUBLE, Fault
from mathmill.teachers.pace import Pace
from mathmill.types import Message, Reply, Request


class Server:
    """Stands where an endpoint stands; `does` answers or raises."""

    timeout, url, model = 600.0, "http://localhost/v1", "tiny"

    def __init__(self, does: Callable[[Request, int], str] = lambda request, count: "5",
                 seconds: float = 0.0) -> None:
        self.does, self.seconds = does, seconds
        self.name, self.limits, self.answered = "", {}, False
        self.calls = self.flying = self.most = 0

    async def send(self, request: Request, samples: int = 1) -> list[Reply]:
        self.calls += 1
        self.flying += 1
        self.most = max(self.most, self.flying)
        try:
            await asyncio.sleep(self.seconds)
            text = self.does(request, self.calls)
        finally:
            self.flying -= 1
        self.answered = True
        return [Reply(request.id, text, self.name)] * samples

    async def aclose(self) -> None:
        pass


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "PAUSE", 0.001)


def questions(number: int) -> list[Request]:
    return [Request((Message("user", "q"),), sample=n) for n in range(number)]


def ask_all(engine: Engine, number: int) -> list[Reply]:
    async def everything() -> list[Reply]:
        return await asyncio.gather(*(engine.answer(each) for each in questions(number)))

    return asyncio.run(everything())


def engine_of(*servers: Any, **settings: Any) -> Engine:
    return Engine("openai:tiny", [server if isinstance(server, tuple) else (server, 1.0)
                                  for server in servers], **settings)


def raising(*faults: Fault | None) -> Callable[[Request, int], str]:
    """Answer the n-th call with the n-th fault, if it is one; the last holds for ever."""
    def does(request: Request, count: int) -> str:
        fault = faults[min(count, len(faults)) - 1]
        if fault is not None:
            raise fault
        return "5"

    return does


def test_what_fails_now_and_then_is_asked_again():
    server = Server(raising(Fault(TROUBLE, "reset"), Fault(BUSY, "429", retry_after=0.01), None))
    [reply] = ask_all(engine_of(server), 1)
    assert (reply.text, server.calls) == ("5", 3)


def test_what_keeps_failing_is_a_failed_reply_with_its_last_error():
    server = Server(raising(Fault(TROUBLE, "first"), Fault(TROUBLE, "500: last")))
    [reply] = ask_all(engine_of(server, tries=3), 1)
    assert (reply.finish, reply.error, server.calls) == ("error", "500: last", 3)


def test_a_row_that_is_refused_is_not_asked_again():
    server = Server(raising(Fault(ROW, "400: too long")))
    [reply] = ask_all(engine_of(server), 1)
    assert (reply.finish, server.calls) == ("error", 1)


def test_being_busy_costs_no_try_but_patience(monkeypatch):
    monkeypatch.setattr(Pace, "_patience", lambda pace: 0.01)  # seconds between two looks
    server = Server(raising(*[Fault(BUSY, "429")] * 4, None))
    assert ask_all(engine_of(server, tries=2), 1)[0].text == "5"
    never = Server(raising(Fault(BUSY, "429: slow down")))
    with pytest.raises(TeacherError, match="no reply came for 0 seconds"):
        ask_all(engine_of(never, patience=0.3), 1)


def test_a_server_that_refuses_the_key_is_asked_once_and_the_run_stops():
    server = Server(raising(Fault(STOP, "refused the key (401)")))
    with pytest.raises(TeacherError, match="openai:tiny: refused the key"):
        ask_all(engine_of(server, ceiling=1), 20)
    assert server.calls == 1


def test_a_pool_goes_on_without_the_server_that_refuses_and_says_so_once(caplog):
    bad, good = Server(raising(Fault(STOP, "the credit is used up"))), Server()
    replies = ask_all(engine_of(bad, good), 200)
    assert all(reply.text == "5" for reply in replies)
    assert bad.calls < 150
    assert [r.message for r in caplog.records] == [
        "openai:tiny: the credit is used up; the other servers go on without it"]


def test_calls_are_shared_out_by_weight():
    """As long as all have places free; a pool that is full to the last uses what there is."""
    servers = [Server(seconds=0.001) for _ in range(3)]
    engine = engine_of((servers[0], 1.0), (servers[1], 2.0), (servers[2], 5.0))

    async def story() -> None:
        for _ in range(50):
            await asyncio.gather(*(engine.answer(each) for each in questions(16)))

    asyncio.run(story())
    assert [server.calls for server in servers] == pytest.approx([100, 200, 500], abs=3)


def test_a_full_server_leaves_its_calls_to_the_free_one():
    slow, quick = Server(seconds=0.5), Server(seconds=0.001)
    engine = engine_of((slow, 10.0), (quick, 1.0), ceiling=8)
    ask_all(engine, 300)
    assert slow.most <= 8
    assert quick.calls > 250


@pytest.mark.slow
def test_a_server_that_is_down_is_rested_and_used_again_when_it_is_back():
    state = {"up": False}

    def does(request: Request, count: int) -> str:
        if not state["up"]:
            raise Fault(TROUBLE, "no connection", absent=True, sent=False)
        return "back"

    flaky, steady = Server(does), Server(seconds=0.01)
    engine = engine_of(flaky, steady, ceiling=4)

    async def story() -> None:
        await engine.answer(questions(1)[0])
        first = [await engine.answer(each) for each in questions(20)]
        assert {reply.text for reply in first} == {"5"}
        assert flaky.calls <= 3
        state["up"] = True
        await asyncio.sleep(1.1)
        await asyncio.gather(*(engine.answer(each) for each in questions(40)))

    asyncio.run(story())
    assert flaky.calls > 15


def test_nobody_there_from_the_start_stops_the_run():
    server = Server(raising(Fault(TROUBLE, "nothing answers at localhost", absent=True)))
    with pytest.raises(TeacherError, match="nothing answers at localhost"):
        ask_all(engine_of(server), 5)


def test_a_run_that_is_plainly_broken_stops_early_with_the_reason():
    server = Server(raising(Fault(ROW, "400: no such field")))
    with pytest.raises(TeacherError, match=r"26 of the first 26 calls failed .*no such field"):
        ask_all(engine_of(server, ceiling=1), 400)
    assert server.calls < 60


def test_a_few_bad_rows_stop_nothing():
    draw = random.Random(0)
    bad = {request.id for request in questions(2000) if draw.random() < 0.1}

    def does(request: Request, count: int) -> str:
        if request.id in bad:
            raise Fault(ROW, "400: too long")
        return "5"

    replies = ask_all(engine_of(Server(does)), 2000)
    assert sum(reply.finish == "error" for reply in replies) == len(bad)


def test_the_budget_tells_rows_faults_from_the_servers():
    rows = ErrorBudget()
    for number in range(3000):
        assert not (rows.spent("long", row=True) if number % 10 < 4 else rows.good())
    servers, stopped = ErrorBudget(), ""
    for number in range(3000):
        stopped = stopped or (servers.spent("500") if number % 10 < 3 else servers.good()) or ""
    assert "of the last 500 calls failed for good (last: 500)" in stopped


def test_held_calls_that_wait_are_turned_away_and_those_in_flight_come_home():
    server = Server(seconds=0.2)
    engine = engine_of(server, ceiling=3)

    async def story() -> list[Any]:
        tasks = [asyncio.create_task(engine.answer(each)) for each in questions(10)]
        await asyncio.sleep(0.05)
        engine.hold()
        return await asyncio.gather(*tasks, return_exceptions=True)

    results = asyncio.run(story())
    assert [type(result) for result in results] == [Reply] * 3 + [TeacherError] * 7
    assert server.calls == 3


def test_a_call_that_is_given_up_frees_its_place():
    server = Server(seconds=10)
    engine = engine_of(server, ceiling=1)

    async def story() -> Reply:
        first = asyncio.create_task(engine.answer(questions(1)[0]))
        second = asyncio.create_task(engine.answer(questions(2)[1]))
        third = asyncio.create_task(engine.answer(questions(3)[2]))
        await asyncio.sleep(0.01)
        second.cancel()
        first.cancel()
        server.seconds = 0
        return await asyncio.wait_for(third, 2)

    assert asyncio.run(story()).text == "5"


def test_pauses_are_random_below_a_growing_bound_and_heed_the_server(monkeypatch):
    monkeypatch.setattr(engine_module, "PAUSE", 1.0)
    drawn = [[pause(failures, None, 900) for _ in range(200)] for failures in (1, 4, 20)]
    assert [max(each) <= most for each, most in zip(drawn, (1, 8, 60), strict=True)] == [True] * 3
    assert max(drawn[1]) > 6
    assert min(drawn[1]) < 1
    assert 10 <= pause(1, 10.0, 900) <= 11
    assert pause(1, 86_400.0, 900) < 902


@pytest.mark.parametrize(("servers", "settings"), [
    ([], {}), ([(Server(), 0.0)], {}), ([(Server(), float("nan"))], {}),
    ([(Server(), 1.0)], {"floor": 0}), ([(Server(), 1.0)], {"floor": 9, "ceiling": 3})])
def test_what_cannot_be_is_said_at_once(servers, settings):
    with pytest.raises(UsageError):
        Engine("openai:tiny", servers, **settings)
