"""The short way over aiohttp's connections: what it sends, keeps, cuts and gives up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

pytest.importorskip("aiohttp")

from mathmill.teachers.http.wire import Answer, Wire

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Left: 7\r\n\r\nhi"
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer k"}


class Raw:
    """A server that writes the bytes it was given, and keeps the bytes that came."""

    def __init__(self) -> None:
        self.answers: Sequence[bytes] = [GOOD]
        "What each request is answered with; the last one is for all later ones."
        self.wait = 0.0
        self.requests: list[bytes] = []
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(size))
                await asyncio.sleep(self.wait)
                writer.write(self.answers[min(len(self.requests), len(self.answers)) - 1])
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def body(answer: Answer) -> tuple[int, str | None, bytes]:
    return answer.status, answer.headers.get("x-left"), await answer.content.read()


@asynccontextmanager
async def wired(seconds: float = 5.0, query: dict[str, str] | None = None,
                **headers: str) -> AsyncIterator[tuple[Raw, Wire]]:
    raw = Raw()
    server = await asyncio.start_server(raw.serve, "127.0.0.1", 0)
    raw.port = server.sockets[0].getsockname()[1]
    wire = Wire(f"http://127.0.0.1:{raw.port}/v1/x?a=1", query or {}, {**HEADERS, **headers},
                None, seconds)
    try:
        yield raw, wire
    finally:
        await wire.close()
        server.close()


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 20))  # type: ignore[arg-type]


def test_what_goes_the_short_way_is_what_the_client_of_aiohttp_would_send():
    async def work() -> None:
        async with wired(query={"api-version": "2 µ"}) as (raw, wire):
            assert wire._short
            assert await wire.post("{µ}".encode(), body) == (200, "7", b"hi")
            wire._short = False
            assert await wire.post("{µ}".encode(), body) == (200, "7", b"hi")
            short, long = (request.split(b"\r\n") for request in raw.requests)
            assert short[0].startswith(b"POST /v1/x?a=1&api-version=")
            assert short[-1] == "{µ}".encode()
            assert (short[0], sorted(short), short[-1]) == (long[0], sorted(long), long[-1])
    run(work)


@pytest.mark.parametrize(("name", "value"), [
    ("Transfer-Encoding", "chunked"), ("Expect", "100-continue"), ("X-Note", "a\r\nb")])
def test_headers_that_change_how_a_body_is_sent_go_the_long_way(name: str, value: str):
    async def work() -> None:
        async with wired(**{name: value}) as (_, wire):
            assert not wire._short
    run(work)


def test_a_proxy_and_another_version_of_aiohttp_go_the_long_way(monkeypatch: pytest.MonkeyPatch):
    async def work() -> None:
        for version, proxy, short in (("3.99.1", None, True), ("4.0.0", None, False),
                                      ("3.99.1", "http://127.0.0.1:9", False)):
            monkeypatch.setattr("aiohttp.__version__", version)
            wire = Wire("http://127.0.0.1:9/v1", {}, HEADERS, proxy, 5)
            assert wire._short == short
            await wire.close()
    run(work)


def test_a_connection_is_used_again_unless_its_body_was_left_unread():
    async def work() -> None:
        async with wired() as (raw, wire):
            for _ in range(3):
                await wire.post(b"x", body)
            assert raw.connections == 1
            raw.answers = [GOOD.replace(b"Length: 2", b"Length: 9")]

            async def leave(answer: Answer) -> int:
                return answer.status

            assert await wire.post(b"x", leave) == 200
            raw.answers = [GOOD]
            assert await wire.post(b"x", body) == (200, "7", b"hi")
            assert raw.connections == 2
    run(work)


def test_what_only_says_that_more_will_come_is_passed_over():
    async def work() -> None:
        async with wired() as (raw, wire):
            raw.answers = [b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + GOOD]
            assert await wire.post(b"x", body) == (200, "7", b"hi")
    run(work)


@pytest.mark.parametrize("answer", [
    b"no HTTP at all\r\n\r\n", GOOD[:-1] + b"", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_an_answer_that_is_none_or_breaks_off_raises_and_the_next_call_is_good(answer: bytes):
    async def work() -> None:
        async with wired(seconds=0.5) as (raw, wire):
            raw.answers = [answer, GOOD]
            with pytest.raises(Exception):  # noqa: B017, PT011 - `faults` sorts them
                await wire.post(b"x", body)
            assert await wire.post(b"x", body) == (200, "7", b"hi")
            assert raw.connections == 2
    run(work)


@pytest.mark.parametrize("short", [True, False])
def test_a_call_that_takes_too_long_is_cut_and_the_others_are_not(short: bool):
    async def work() -> None:
        async with wired(seconds=0.4) as (raw, wire):
            wire._short = short
            raw.wait = 0.3
            good = asyncio.ensure_future(wire.post(b"x", body))
            await asyncio.sleep(0.1)
            raw.wait = 60
            began = time.monotonic()
            late = [asyncio.ensure_future(wire.post(b"x", body)) for _ in range(3)]
            assert (await good)[0] == 200
            results = await asyncio.gather(*late, return_exceptions=True)
            assert [type(result) for result in results] == [TimeoutError] * 3
            assert 0.35 < time.monotonic() - began < 5
            assert not any(task.cancelling() for task in late)
            raw.wait = 0
            assert (await wire.post(b"x", body))[0] == 200  # and the timer is set anew
            assert not wire._deadlines._due
            assert not wire._deadlines._cut
    run(work)


def test_a_body_that_comes_too_slowly_is_cut_too():
    async def work() -> None:
        async with wired(seconds=0.3) as (raw, wire):
            raw.answers = [GOOD[:-1]]
            with pytest.raises(TimeoutError):
                await wire.post(b"x", body)
    run(work)


def test_whoever_cancels_a_call_is_not_told_of_a_time_out():
    async def work() -> None:
        async with wired(seconds=0.2) as (raw, wire):
            raw.wait = 60
            calls = [asyncio.ensure_future(wire.post(b"x", body)) for _ in range(2)]
            await asyncio.sleep(0.05)
            calls[0].cancel()
            first, second = await asyncio.gather(*calls, return_exceptions=True)
            assert isinstance(first, asyncio.CancelledError)
            assert isinstance(second, TimeoutError)
            both = asyncio.ensure_future(wire.post(b"x", body))
            await asyncio.sleep(0.05)
            wire._deadlines._seconds = 0
            wire._deadlines._due[both] = 0.0, 0
            wire._deadlines._look()  # due and cancelled in one moment
            both.cancel()
            with pytest.raises(asyncio.CancelledError):
                await both
    run(work)


def test_each_task_ends_once_though_many_begin_and_end_before_the_timer():
    async def work() -> None:
        async with wired(seconds=0.25) as (raw, wire):
            began = time.monotonic()
            while time.monotonic() - began < 0.6:
                assert (await wire.post(b"x", body))[0] == 200
            assert raw.connections == 1
    run(work)
