"""The short way against servers that break the rules of connections; beside it, aiohttp's client.

Each server here is a coroutine that is given a connection, its number and the request's, and the
size of the body that is to come.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

pytest.importorskip("aiohttp")

from mathmill.errors import UsageError
from mathmill.teachers.http.endpoint import Endpoint
from mathmill.teachers.http.faults import Fault, of_exception
from mathmill.teachers.http.wire import Answer, Wire

HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer planted-key"}
Meets = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int, int], Awaitable[object]]


def good(words: object = "hi", status: int = 200) -> bytes:
    data = str(words).encode()
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(data), data)


async def body(answer: Answer) -> tuple[int, bytes]:
    return answer.status, await answer.content.read()


@asynccontextmanager
async def wired(meets: Meets, seconds: float = 5.0, short: bool = True
                ) -> AsyncIterator[tuple[Wire, list[int]]]:
    """Yield a wire, and the requests of each connection that was made."""
    made: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place = len(made)
        made.append(0)
        try:
            while not writer.transport.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                made[place] += 1
                await meets(reader, writer, sum(made), size)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    wire = Wire(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", {}, HEADERS, None,
                seconds)
    wire._short = short
    try:
        yield wire, made
    finally:
        await wire.close()
        server.close()


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 20))  # type: ignore[arg-type]


def test_a_head_that_breaks_off_is_not_told_word_for_word():
    async def meets(reader, writer, number, size):
        await reader.readexactly(size)
        writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: planted\r\nCont")
        writer.close()

    async def work() -> None:
        async with wired(meets) as (wire, _):
            with pytest.raises(Exception, match="Raw") as caught:
                await wire.post(b"x", body)
            fault = of_exception(caught.value, "host", True)
            assert fault.message == "ServerDisconnectedError: in the middle of a head"
            assert of_exception(TimeoutError(), "host", True).message == (
                "Timeout: the reply took too long")
    run(work)


@pytest.mark.parametrize("late", [0.0, 0.03])
def test_an_answer_that_nobody_asked_for_is_not_the_next_calls(late: float):
    async def meets(reader, writer, number, size):
        await reader.readexactly(size)
        writer.write(good(number))
        await asyncio.sleep(late)
        writer.write(good("another's", 408))

    async def work() -> None:
        async with wired(meets) as (wire, made):
            for number in (1, 2, 3):
                assert await wire.post(b"x", body) == (200, b"%d" % number)
                await asyncio.sleep(2 * late)
            assert made == [1, 1, 1]
    run(work)


def test_a_connection_that_ended_while_the_loop_was_busy_costs_no_call():
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.sendall(good())
            connection.close()
            ended.set()

    async def work() -> None:
        threading.Thread(target=serve, daemon=True).start()
        wire = Wire(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", {}, HEADERS, None, 5)
        for _ in range(2):
            assert await wire.post(b"x", body) == (200, b"hi")
            ended.wait(5)
            time.sleep(0.02)  # the end is there, and the event loop knows nothing of it
        await wire.close()

    with listener:
        run(work)


def test_an_end_while_the_request_is_on_its_way_is_a_fault_that_may_be_billed():
    async def meets(reader, writer, number, size):
        await reader.readexactly(size)
        writer.write(good()) if number != 2 else writer.close()

    async def work() -> None:
        async with wired(meets) as (wire, made):
            await wire.post(b"x", body)
            with pytest.raises(Exception, match="disconnected") as caught:
                await wire.post(b"x", body)
            assert of_exception(caught.value, "host", True).sent
            assert await wire.post(b"x", body) == (200, b"hi")
            assert made == [2, 1]
    run(work)


def test_a_connection_that_is_gone_before_anything_was_sent_costs_nothing():
    async def work() -> None:
        async with wired(lambda *_: asyncio.sleep(60)) as (wire, made):
            connect = wire._connector.connect

            async def gone(*values):
                connection = await connect(*values)
                connection.protocol.transport.abort()
                await asyncio.sleep(0.01)
                return connection

            wire._connector.connect = gone
            with pytest.raises(Fault, match="as soon as it was made") as caught:
                await wire.post(b"x", body)
            assert not caught.value.sent
            assert made in ([], [0])
    run(work)


@pytest.mark.parametrize("short", [True, False])
def test_an_answer_before_the_whole_body_was_sent_ends_the_connection(short: bool):
    async def meets(reader, writer, number, size):
        writer.write(good("no", 413))
        await asyncio.sleep(0.2)

    async def work() -> None:
        async with wired(meets, short=short) as (wire, made):
            for _ in range(2):
                assert await wire.post(b"x" * 2**24, body) == (413, b"no")
            assert made == [1, 1]
    run(work)


def test_a_body_that_nobody_reads_is_given_up_with_its_call():
    async def meets(reader, writer, number, size):
        writer.transport.pause_reading()
        await asyncio.sleep(1)

    async def work() -> None:
        async with wired(meets, seconds=0.2) as (wire, _):
            before = len(os.listdir("/proc/self/fd"))
            with pytest.raises(TimeoutError):
                await wire.post(b"x" * 2**24, body)
            await asyncio.sleep(0.05)
            assert len(os.listdir("/proc/self/fd")) <= before + 1  # the server's end
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("counts open files by /proc")
    run(work)


def test_whatever_number_it_opens_with_an_answer_is_one():
    async def meets(reader, writer, number, size):
        await reader.readexactly(size)
        writer.write(good(status=101 if number == 2 else 42).replace(b" 42 ", b" 042 "))

    async def work() -> None:
        async with wired(meets) as (wire, _):
            assert await wire.post(b"x", body) == (42, b"hi")
            assert (await wire.post(b"x", body))[0] == 101
    run(work)


def test_calls_in_flight_end_when_the_connections_are_closed():
    async def work() -> None:
        async with wired(lambda *_: asyncio.sleep(60), seconds=0.5) as (wire, _):
            calls = [asyncio.ensure_future(wire.post(b"x", body)) for _ in range(3)]
            await asyncio.sleep(0.05)
            await wire.close()
            ended = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(each, Exception) for each in ended)
            assert not wire._deadlines._due
    run(work)


@pytest.mark.parametrize(("name", "value"), [
    ("X-Note", "a\r\nb"), ("X\r\nEvil", "1"), ("X: a\r\nY", "1"), ("X-Note", "a\x7f"),
    ("X-Note", "a\x0bb"), ("X Y", "1"), ("", "1"), ("X-Note", "\ud800")])
def test_a_header_that_would_be_two_is_refused_by_name(name: str, value: str):
    with pytest.raises(UsageError, match="cannot be sent") as caught:
        Endpoint("m", "http://localhost:9/v1", headers={name: value})
    assert "\n" not in str(caught.value)

    async def work() -> None:
        wire = Wire("http://127.0.0.1:9/v1", {}, HEADERS | {name: value}, None, 5)
        assert not wire._short
        await wire.close()
    if value != "\ud800":
        asyncio.run(work())
