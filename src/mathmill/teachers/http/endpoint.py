"""One model at one OpenAI-compatible server: a request goes out, replies or a fault come back.

Why not the official client: it costs 1.0 to 2.4 ms of processor time a call, aiohttp's 0.13,
its connections alone (`wire`) 0.05; at a thousand calls in flight that is the difference
between waiting and working. What the client knew (retries, pauses) is `engine`'s and `pace`'s,
which see all calls and not one.

The key comes from an environment variable, is sent to the named host only (redirects are not
followed) and appears in no message, representation or reply. Certificates are checked. A
proxy is taken from `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; `.netrc` is not read.

A call has `timeout` seconds in all; a body that stands still for `stall` seconds is cut. Plain
replies come at once when they are finished, so only the whole time can tell a slow one from a
dead one; with `stream=True` each piece must follow within `stall`.

Used as: `Endpoint("gpt-5-mini", DEFAULT_URL, key)`, `await endpoint.send(request)`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from mathmill import __version__
from mathmill.errors import MissingExtra, TeacherError, UsageError
from mathmill.teachers.http.faults import ROW, TROUBLE, Fault, blot, of_exception, of_status
from mathmill.teachers.http.parameters import Parameters
from mathmill.teachers.http.reading import read, read_whole
from mathmill.teachers.http.stream import Pieces
from mathmill.teachers.http.wire import Answer, Wire, unsendable
from mathmill.types import Reply, Request

if TYPE_CHECKING:
    from aiohttp import StreamReader

DEFAULT_URL = "https://api.openai.com/v1"
KEY_NAME = "OPENAI_API_KEY"
TIMEOUT = 600.0  # seconds a call may take: a long solution of a slow model takes minutes
STALL = 60.0  # seconds without a byte, once the body has begun
LARGEST = 64 * 2**20  # bytes of a reply: a server that never stops must not fill the memory
PATH = "/chat/completions"
REAL_KEY = 12  # letters; a shorter key is a stand-in such as `none`, which replies may well hold

SECRET = re.compile(r"[?&](?:[\w-]*key|[\w-]*token|sig|signature|secret|code|password)=", re.I)
TOO_LONG = re.compile(r"context|too (?:long|large|many tokens)|length|^413", re.I)
log = logging.getLogger(__name__)


class Endpoint:
    """One model behind one server."""

    def __init__(self, model: str, url: str = DEFAULT_URL, key: str = "", *,
                 headers: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None,
                 timeout: float = TIMEOUT, stall: float = STALL, **settings: Any) -> None:
        """Keep the settings; nothing is connected before the first request.

        `headers` and `query` are added to each call (Azure: `query={"api-version": ...}`, and the
        key goes as `api-key`). Settings: `name` (as replies and warnings name the teacher),
        `key_name` (variable that the key came from), `extra` (fields of each call's body),
        `stream`. Raises UsageError for an address or a header that cannot be right.
        """
        self.model = model
        self.url = url.rstrip("/")
        self.name: str = settings.pop("name", f"openai:{model}")
        self.key_name: str = settings.pop("key_name", KEY_NAME)
        self.stream = bool(settings.pop("stream", False))
        self.parameters = Parameters(model, self.name, settings.pop("extra", None), self.stream)
        assert not settings, f"unknown settings: {sorted(settings)}"
        self.timeout = timeout
        self.stall = stall
        self.limits: Mapping[str, str] = {}
        "Headers of the last answer, in which servers tell what they still allow."
        self.answered = False
        "Whether this server ever answered."
        parts = check_url(self.name, self.url)
        self.host = parts.netloc
        self._key = key
        self.query = dict(query or {})
        azure = "api-version" in self.query or (parts.hostname or "").endswith(".azure.com")
        self._headers = {"Content-Type": "application/json", "Accept": "application/json",
                         "User-Agent": f"mathmill/{__version__}", **dict(headers or {})}
        if strange := unsendable(self._headers):
            raise UsageError(f"{self.name}: the header {strange!r} cannot be sent; a name is "
                             "letters, digits and -, a value is one line")
        if key and parts.scheme == "http" and not is_local(parts.hostname or ""):
            log.warning("%s: the key goes to %s for everybody on the way to read; write https:// "
                        "if the server has it", self.name, self.host)
        if key:
            self._headers |= {"api-key": key} if azure else {"Authorization": f"Bearer {key}"}
        self.proxy = None if is_loopback(parts.hostname) or proxy_bypass(parts.netloc) else (
            getproxies().get(parts.scheme))
        self._wire: Wire | None = None

    def __repr__(self) -> str:
        """Show the model and the server, never the key."""
        return f"Endpoint({self.model!r}, {self.url!r})"

    async def send(self, request: Request, samples: int = 1) -> list[Reply]:
        """Return 1 to `samples` replies to one request, as its samples `request.sample` on.

        Fewer where the server gives fewer at a time. Raises Fault where no reply came,
        MissingExtra without aiohttp.
        """
        wire = self._wire
        if wire is None or wire.loop is not asyncio.get_running_loop():
            wire = self._connect()
        try:
            replies = await self._send(wire, request, samples)
        except Fault as fault:
            fault.message = self.blot(fault.message)
            if fault.kind == ROW and TOO_LONG.search(fault.message):
                size = sum(len(turn.content) for turn in request.messages)
                fault.message += f" (the prompt has {size:,} characters)"
            fault.args = (fault.message,)
            raise
        return [self.without_key(reply) for reply in replies[:samples]]

    def of_status(self, status: int, body: bytes, headers: Mapping[str, str]) -> Fault:
        """Return what a status other than 2xx of this server means."""
        return of_status(status, body, headers, self.host, self.key_name, bool(self._key))

    def without_key(self, reply: Reply) -> Reply:
        """Return a reply in which a server that tells the key back is not believed."""
        key = self._key
        if len(key) < REAL_KEY or not any(
                key in words for words in (reply.text, reply.reasoning, reply.error)):
            return reply
        return replace(reply, text=reply.text.replace(key, "[key]"), error=blot(reply.error, key),
                       reasoning=reply.reasoning.replace(key, "[key]"))

    @property
    def headers(self) -> Mapping[str, str]:
        """Return what goes along with each call, the key among it: not to be shown."""
        return self._headers

    def blot(self, words: str) -> str:
        """Return one line without the key."""
        return blot(words, self._key)

    async def aclose(self) -> None:
        """Close the connections; a later request opens new ones."""
        wire, self._wire = self._wire, None
        if wire is not None and wire.loop is asyncio.get_running_loop():
            await wire.close()

    async def _send(self, wire: Wire, request: Request, samples: int) -> list[Reply]:
        """Ask, changing the parameters that the server refuses by name."""
        began = time.monotonic()
        while True:
            without = frozenset(self.parameters.refused)
            status, data = await self._post(wire, self.parameters.body(request, samples))
            if status == 200:
                self.answered = True
                seconds = time.monotonic() - began
                stop_here = "stop" in self.parameters.refused
                if isinstance(data, bytes):
                    return read(data, request, self.name, seconds, stop_here)
                return read_whole(data.whole(), request, self.name, seconds, stop_here)
            assert isinstance(data, bytes)
            # Each refusal leaves one parameter less, so this ends.
            if status in (400, 422) and self.parameters.adapt(request, samples, data,
                                                                  without):
                continue
            if 200 < status < 300:
                raise Fault(TROUBLE, f"{status}: an answer without a reply", status=status)
            raise self.of_status(status, data, self.limits)

    async def _post(self, wire: Wire, body: bytes) -> tuple[int, bytes | Pieces]:
        """Send one body; return the status and what came. Raises Fault if nothing whole did."""
        try:
            return await wire.post(body, self._read)
        except Fault:
            raise
        except Exception as error:  # whatever the connection comes up with is one fault
            raise of_exception(error, self.host, self.answered) from None

    async def _read(self, answer: Answer) -> tuple[int, bytes | Pieces]:
        """Return the status of an answer and its body."""
        self.limits = answer.headers
        content = answer.content
        if answer.status == 200 and _is_stream(answer.headers):
            return 200, await self._pieces(content)
        if content.is_eof() and content.total_bytes <= LARGEST:
            return answer.status, content.read_nowait()
        return answer.status, await self._slowly(content)

    async def _slowly(self, content: StreamReader) -> bytes:
        """Read a body as it comes; one that stands still or never ends is cut."""
        parts: list[bytes] = []
        size = 0
        while True:
            part = await _next(content, self.stall)
            if not part:
                return b"".join(parts)
            parts.append(part)
            size += len(part)
            if size > LARGEST:
                raise Fault(TROUBLE, f"the reply is longer than {LARGEST >> 20} MiB")

    async def _pieces(self, content: StreamReader) -> Pieces:
        """Read a streamed reply; the first piece may take the whole time of a call."""
        pieces, size, limit = Pieces(), 0, self.timeout
        while not pieces.done:
            part = await _next(content, limit)
            if not part:
                break
            pieces.feed(part)
            size, limit = size + len(part), self.stall
            if size > LARGEST:
                raise Fault(TROUBLE, f"the reply is longer than {LARGEST >> 20} MiB")
        return pieces

    def _connect(self) -> Wire:
        """Return connections of the running event loop: sockets belong to their loop."""
        base, _, own = self.url.partition("?")
        path = base if base.endswith(PATH) else base.rstrip("/") + PATH
        self._wire = Wire(path + (f"?{own}" if own else ""), self.query, self._headers,
                          self.proxy, self.timeout)
        return self._wire


async def _next(content: StreamReader, seconds: float) -> bytes:
    """Return the next bytes of a body, or none at its end; raises Fault if it stands still."""
    try:
        async with asyncio.timeout(seconds):
            return await content.readany()
    except TimeoutError:
        raise Fault(TROUBLE, f"Timeout: the reply stood still for {seconds:.3g} s") from None


def _is_stream(headers: Mapping[str, str]) -> bool:
    """Tell whether a body comes in events."""
    kind = headers.get("Content-Type", "")
    return kind.partition(";")[0].strip().lower() == "text/event-stream"


def check_url(name: str, url: str) -> Any:
    """Return the parts of an address; raises UsageError for one that cannot be right."""
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise UsageError("openai: the address holds a user or a password, which would be written "
                         f"into every row; put the secret into {KEY_NAME}")
    if SECRET.search(url):
        raise UsageError(f"{name}: the address of {parts.hostname} holds a key, which messages "
                         f"would show; put it into a variable such as {KEY_NAME}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"{name}: this is no model at an address; write for example "
                         "openai:gpt-5-mini or openai:tiny@http://localhost:8000/v1")
    return parts


def find_key(name: str, host: str, key_name: str = KEY_NAME) -> str:
    """Return the key that a variable holds, or no key where the host is local.

    Raises TeacherError where a key is needed and missing or cannot be sent in a header.
    """
    key = os.environ.get(key_name, "").strip()
    if not key and not is_local(host):
        more = "" if find_spec("aiohttp") else f"; besides, {MissingExtra('aiohttp', 'api')}"
        raise TeacherError(f"{name}: there is no key for {host}; set the variable {key_name} "
                           f"(to any word if that server needs none){more}")
    if not (key.isascii() and key.isprintable()):
        raise TeacherError(f"{name}: the key in {key_name} holds signs that no key has; "
                           "copy it again")
    return key


def is_local(host: str) -> bool:
    """Tell whether a host is this machine or its private network: such servers need no key."""
    if host == "localhost" or ("." not in host.strip("[]") and ":" not in host):
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host.endswith((".local", ".localhost", ".internal"))
    return address.is_private or address.is_loopback or address.is_unspecified


def is_loopback(host: str | None) -> bool:
    """Tell whether a host is this machine, to which no proxy leads."""
    return host in {"localhost", "::1"} or (host or "").startswith("127.")
