"""One client's connection to the hostile server: HTTP/1.1 read and written by hand.

Why by hand: what a hostile server does (half a body and a reset, a byte now and then) is what
an HTTP library is there to prevent, and a bare protocol answers ten thousand requests a second.

Used as: `loop.create_server(lambda: Connection(server), host, port)`, by `HostileServer`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hostile_replies import BEHAVIOURS, error, plain_reply

if TYPE_CHECKING:
    from hostile_server import HostileServer

SECRET = ("authorization", "api-key", "x-api-key", "cookie")


@dataclass(slots=True)
class Call:
    """One request as it came in."""

    key: str
    "Last message and seed, e.g. `question#3`."
    attempt: int
    "How often this key was sent before: 0 the first time."
    number: int
    "Requests before this one."
    body: dict[str, Any]
    "Its JSON."
    headers: dict[str, str]
    "Its headers, names in lower case, secrets as `fingerprint`s."
    path: str
    "Path and query."
    at: float = field(default_factory=time.monotonic)
    "When it came in."
    behaviour: str = ""
    "What it met."
    secret: str = ""
    "The key that it came with: for behaviours that echo it; never logged."


def fingerprint(secret: str) -> str:
    """Return what stands for a key in `Call.headers`: which one it was, but not the key."""
    return hashlib.sha256(secret.removeprefix("Bearer ").encode()).hexdigest()[:12]


def key_of(question: str, sample: int = 0) -> str:
    """Return a request's key: its last message (a digest where over 60 characters) and seed."""
    if len(question) > 60:  # 100,000 long ones stay small
        question = hashlib.blake2b(question.encode(), digest_size=8).hexdigest()
    return f"{question}#{sample}"


class Connection(asyncio.Protocol):
    """One client's connection: requests in, one after another, and what each of them meets."""

    def __init__(self, server: HostileServer) -> None:
        self.server, self.buffer, self.busy = server, b"", False
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.server.connections += 1

    def connection_lost(self, why: Exception | None) -> None:
        if self.timer is not None:
            self.timer.cancel()
        if self.busy:
            self.server.in_flight -= 1
            self.server.abandoned += 1
            self.busy = False

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        if self.busy:
            return
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip()
                   for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        method, path, _ = first.split(" ", 2)
        if method == "GET" or not path.partition("?")[0].endswith("/chat/completions"):
            self.manage(method, path)
        else:
            self.handle(path, headers, rest[:length])

    def manage(self, method: str, path: str) -> None:
        """Answer what is no completion: counts (`/stats`, `/pulse`, ...) and the list of models."""
        server = self.server
        if path == "/clear":
            server.clear()
        value: Any = (server.requests if path == "/pulse"
                      else server.stats() if path == "/stats" else dict(server.sent)
                      if path == "/counts" else {"object": "list", "data": [
                          {"id": server.model or "tiny", "object": "model"}]})
        self.transport.write(plain_reply(200, value))

    def handle(self, path: str, headers: dict[str, str], raw: bytes) -> None:
        """Count a request and set going what it meets."""
        server = self.server
        try:
            body = json.loads(raw)
            question = body["messages"][-1]["content"]
        except (ValueError, LookupError, TypeError):  # clients that probe for limits send this
            self.transport.write(plain_reply(400, error("Invalid value for 'messages'")))
            return
        key = key_of(question, body.get("seed", 0))
        secret = headers.get("authorization") or headers.get("api-key") or ""
        for name in SECRET:
            if name in headers:
                headers[name] = fingerprint(headers[name])
        call = Call(key, server.sent[key], server.requests, body,
                    headers, path, secret=secret)
        server.began = server.began or call.at
        server.sent[key] += 1
        server.requests += 1
        self.busy = True
        server.in_flight += 1
        server.peak = max(server.peak, server.in_flight)
        call.behaviour = server.meets(call)
        if server.keeps:
            server.calls.append(call)
        name, _, value = call.behaviour.partition("=")
        BEHAVIOURS[name](self, call, value)

    # -- what behaviours do -------------------------------------------------------------------

    def later(self, seconds: float, action: Callable[..., None], *values: Any) -> None:
        """Act after a time, if the connection is still there."""
        if seconds <= 0:
            action(*values)
        else:
            self.timer = asyncio.get_running_loop().call_later(seconds, action, *values)

    def whole(self, call: Call, status: str, data: bytes, tokens: int = 0) -> None:
        """Write a whole reply and be ready for the next request."""
        if self.transport.is_closing():
            return
        server = self.server
        self.transport.write(data)
        server.note(status)
        if tokens:
            server.answered[call.key] += 1
            server.billed[call.key] += tokens
        self.busy = False
        server.in_flight -= 1
        if self.buffer:
            self.data_received(b"")

    def broken(self, call: Call, data: bytes, tokens: int, abort: bool | None) -> None:
        """Write a part of a reply; then reset (True), close (False) or leave it open (None)."""
        self.transport.write(data)
        self.server.note(call.behaviour)
        self.server.billed[call.key] += tokens
        if abort is not None:
            self.busy = False
            self.server.in_flight -= 1
            (self.transport.abort if abort else self.transport.close)()
