"""POST requests to one address over aiohttp's connections, past most of aiohttp's client.

Why: of the 0.13 ms that a call through `ClientSession.post` takes, 0.085 are spent on what all
calls of an endpoint share: headers and address are checked and written anew, the body goes out
in a task of its own, a timer is made and thrown away, cookies, redirects and traces are asked
after. Here the head is bytes that are made once, and head and body are one write. What must be
right is still aiohttp's: connections and how long they keep, TLS, and reading the answer.

Behind a proxy, with headers that change how a body is sent, and with an aiohttp that is not of
version 3, whose inside may be another, calls go through `ClientSession.post`.

A connection that lay idle is looked at before it is used: what came on it since its last answer
is its end (a call would be lost, and billed at its worst) or an answer that nobody asked for
(which aiohttp's client takes for the next call's). One that a server ends while the request is
on its way is a fault, for the server may have read the request and may bill it.

A call has so many seconds in all. All calls have the same, so they are due in the order in
which they began, and one timer, for the oldest, is enough (a timer for each took 6 µs).

Used as: `wire = Wire(...)`, `await wire.post(body, read)`, by `endpoint`.
"""

from __future__ import annotations

import asyncio
import re
import select
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeVar

from mathmill.errors import MissingExtra
from mathmill.teachers.http.faults import TROUBLE, Fault

if TYPE_CHECKING:
    from aiohttp import ClientRequest, StreamReader
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection

CONNECT = 20.0  # seconds to a connection
IDLE = 4.0  # seconds an unused connection is kept: uvicorn and Node close theirs after five
_LONG_WAY = {"connection", "content-length", "expect", "transfer-encoding"}
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_POLL = getattr(select, "poll", None)  # Windows has none
Result = TypeVar("Result")


class Answer(Protocol):
    """What came back of a call: its head, and its body as it comes."""

    @property
    def status(self) -> int:
        """The number that HTTP opens with."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, whatever their case."""
        ...

    @property
    def content(self) -> StreamReader:
        """The body."""
        ...

    def close(self) -> None:
        """Be done with it; a connection whose body was not read to its end is of no more use."""


class _Answer:
    """The answer to a call that went the short way."""

    __slots__ = ("_connection", "content", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], content: StreamReader,
                 connection: Connection) -> None:
        self.status, self.headers, self.content = status, headers, content
        self._connection = connection

    def close(self) -> None:
        """Give the connection back, or close it in the middle of a body, theirs or ours."""
        protocol = self._connection.protocol
        transport = None if protocol is None else protocol.transport
        if self.content.at_eof() and (transport is None or not transport.get_write_buffer_size()):
            self._connection.release()
        else:
            _drop(self._connection)


class Wire:
    """Connections to one address, in the event loop that runs when it is made."""

    def __init__(self, address: str, query: Mapping[str, str], headers: Mapping[str, str],
                 proxy: str | None, seconds: float) -> None:
        """Keep what all calls share; nothing is connected. Raises MissingExtra without aiohttp."""
        try:
            import aiohttp
            from yarl import URL
        except ImportError as error:
            raise MissingExtra("aiohttp", "api") from error
        self.loop = asyncio.get_running_loop()
        self._target = URL(address).update_query(query)
        self._proxy = proxy
        self._times = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT)
        self._late = aiohttp.ConnectionTimeoutError
        self._connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE, ttl_dns_cache=60)
        self._session = aiohttp.ClientSession(
            headers=headers, cookie_jar=aiohttp.DummyCookieJar(), connector=self._connector,
            timeout=self._times)
        self._request = aiohttp.ClientRequest("POST", self._target, headers=headers,
                                              loop=self.loop, session=self._session)
        self._head = _head(self._request)
        self._short = (proxy is None and aiohttp.__version__.startswith("3.")
                       and not _LONG_WAY & {name.lower() for name in headers}
                       and not unsendable(headers))
        self._deadlines = _Deadlines(seconds)

    async def post(self, body: bytes, read: Callable[[Answer], Awaitable[Result]]) -> Result:
        """Send a body; return what `read` makes of the answer.

        Raises TimeoutError after the seconds of a call, and whatever the connection comes up
        with.
        """
        answer: Answer | None = None
        task = self._deadlines.begin()
        try:
            answer = await (self._send(body) if self._short else self._session.post(
                self._target, data=body, allow_redirects=False, proxy=self._proxy))
            return await read(answer)
        except asyncio.CancelledError:
            if self._deadlines.cut(task):
                raise TimeoutError from None
            raise
        finally:
            self._deadlines.end(task)
            if answer is not None:
                answer.close()

    async def close(self) -> None:
        """Close the connections."""
        self._deadlines.close()
        await self._session.close()

    async def _send(self, body: bytes) -> Answer:
        """Send a body the short way; return the answer once its head is there."""
        connection, protocol = await self._connect()
        try:
            if protocol.transport is None:
                raise Fault(TROUBLE, f"{self._target.host} closed a connection as soon as it was "
                            "made", sent=False)
            protocol.set_response_params(read_until_eof=True)
            protocol.transport.write(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
            while True:
                message, content = await protocol.read()
                if not 100 <= message.code < 200 or message.code == 101:  # others: more will come
                    return _Answer(message.code, message.headers, content, connection)
        except BaseException:
            _drop(connection)
            raise

    async def _connect(self) -> tuple[Connection, ResponseHandler]:
        """Return a connection that is new, or that nothing came on since its last answer."""
        while True:
            try:
                connection = await self._connector.connect(self._request, [], self._times)
            except TimeoutError as error:
                raise self._late(f"Connection timeout to host {self._target.host}") from error
            protocol = connection.protocol
            assert protocol is not None
            if protocol._parser is None or not (protocol.should_close or _has_news(protocol)):
                return connection, protocol  # without a parser it is new
            connection.close()


class _Deadlines:
    """Cancels tasks whose call takes too long; at most one call a task at a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: dict[asyncio.Task[object], tuple[float, int]] = {}  # when, cancelled before
        self._cut: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> asyncio.Task[object]:
        """Note that the running task begins a call."""
        task = asyncio.current_task()
        assert task is not None
        self._due[task] = time.monotonic() + self._seconds, task.cancelling()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look)
        return task

    def end(self, task: asyncio.Task[object]) -> None:
        """Note that its call is over."""
        del self._due[task]
        self._cut.discard(task)

    def cut(self, task: asyncio.Task[object]) -> bool:
        """Tell whether a task met its deadline, and nothing else has cancelled it."""
        return task in self._cut and task.uncancel() <= self._due[task][1]

    def close(self) -> None:
        """Watch no more, unless a call is still under way: it must end all the same."""
        if self._timer is not None and not self._due:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Cancel what is due, and look again when the next one will be."""
        self._timer = None
        now = time.monotonic()
        for task, (when, _) in self._due.items():
            if when > now:
                self._timer = asyncio.get_running_loop().call_later(when - now, self._look)
                break
            if task not in self._cut:
                self._cut.add(task)
                task.cancel()


def unsendable(headers: Mapping[str, str]) -> str:
    """Return the name of a header that no request can carry, or nothing."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or _CONTROL.search(value):
            return name or "''"
    return ""


def _has_news(protocol: ResponseHandler) -> bool:
    """Tell whether anything has come on a connection that the event loop has not read yet.

    Between the server's last word and the loop's next look lie, in a busy run, tens of
    milliseconds. The look takes 1 to 2 µs.
    """
    transport = protocol.transport
    if transport is None:
        return True
    if _POLL is None:
        return False
    poll = _POLL()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _drop(connection: Connection) -> None:
    """Close a connection, and send nothing of what still waits to be sent.

    Otherwise the socket stays open, with the rest of the body, for as long as the server does
    not read it.
    """
    protocol = connection.protocol
    transport = None if protocol is None else protocol.transport
    if transport is not None and transport.get_write_buffer_size():
        transport.abort()
    connection.close()


def _head(request: ClientRequest) -> bytes:
    """Return all that stands before the number of a body's bytes."""
    lines = [f"POST {request.url.raw_path_qs} HTTP/1.1",
             *(f"{name}: {value}" for name, value in request.headers.items()
               if name.lower() != "content-length")]
    return ("\r\n".join(lines) + "\r\nContent-Length: ").encode()
