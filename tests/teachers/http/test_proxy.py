"""Between us and a server: proxies and their passwords, keys in addresses, plain http."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from mathmill.errors import UsageError
from mathmill.teachers.http.endpoint import Endpoint
from mathmill.teachers.http.faults import STOP, TROUBLE, Fault
from mathmill.teachers.registry import open_teacher
from mathmill.types import Message, Request

ASK = Request((Message("user", "x"),), 0.0, 10)


async def refusing(status: int, scheme: str, monkeypatch: pytest.MonkeyPatch) -> Fault:
    """Return the fault of a call through a proxy that refuses."""
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1] if status else 9
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://me:planted-word@127.0.0.1:{port}")
    endpoint = Endpoint("m", f"{scheme}://example.com/v1", "planted-key-1234")
    try:
        with pytest.raises(Fault) as caught:
            await endpoint.send(ASK)
    finally:
        await endpoint.aclose()
        server.close()
    return caught.value


@pytest.mark.parametrize(("status", "scheme", "kind"), [
    (407, "https", STOP), (407, "http", STOP), (502, "https", TROUBLE), (0, "https", TROUBLE)])
def test_a_proxy_that_refuses_is_named_costs_nothing_and_its_password_is_not_told(
        status: int, scheme: str, kind: str, monkeypatch: pytest.MonkeyPatch):
    fault = asyncio.run(refusing(status, scheme, monkeypatch))
    assert fault.kind == kind
    assert not fault.sent, "the server saw nothing, so it bills nothing"
    assert "the proxy to example.com" in fault.message
    assert "planted" not in fault.message


def test_an_address_with_a_key_in_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.example.com/v1?api-key=planted")
    with pytest.raises(UsageError, match=r"address of api.example.com holds a key") as caught:
        open_teacher("openai:m", tmp_path)
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(("url", "warned"), [
    ("http://api.example.com/v1", True), ("https://api.example.com/v1", False),
    ("http://localhost:8000/v1", False), ("http://10.0.0.5:8000/v1", False)])
def test_a_key_that_would_travel_in_the_open_is_warned_of(
        url: str, warned: bool, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        Endpoint("m", url, "planted-key-1234")
    assert ("for everybody on the way to read" in caplog.text) is warned
    assert "planted" not in caplog.text
