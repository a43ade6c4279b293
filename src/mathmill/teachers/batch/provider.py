"""The endpoints of files and batches at one provider.

Why apart from `http.endpoint`: these calls are few and long (a file of 200 MB up, one of 500 MB
down), and each may be lost on the way without telling whether it was done. What a failure means
is decided by the same table (`http.faults`).

The form is the one of OpenAI's published description: `POST files` (multipart, purpose `batch`),
`POST batches`, `GET batches/ID`, `GET batches?limit=&after=`, `GET files/ID/content`.

Used as: `Provider(endpoint)`, `await provider.upload(path)`, `provider.lines(id)`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mathmill.errors import MissingExtra
from mathmill.teachers.http.endpoint import Endpoint
from mathmill.teachers.http.faults import STOP, TROUBLE, Fault, of_exception
from mathmill.teachers.http.wire import CONNECT

if TYPE_CHECKING:
    from aiohttp import ClientSession

WINDOW = "24h"  # the only one there is
ENDPOINT = "/v1/chat/completions"
STALL = 120.0  # seconds without a byte
SLACK = 3600.0  # seconds by which the provider's clock may differ from ours
LONGEST = 256 * 2**20  # bytes of one line of an output file


class Provider:
    """Files and batches behind the address, and with the key, of an endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Keep the endpoint; nothing is connected before the first call."""
        self.endpoint = endpoint
        self._session: ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def upload(self, path: Path) -> str:
        """Send a file of requests; return the provider's id of it. Raises Fault."""
        from aiohttp import FormData

        with path.open("rb") as file:
            form = FormData()
            form.add_field("purpose", "batch")
            form.add_field("file", file, filename="mathmill.jsonl",
                           content_type="application/jsonl")
            return _id(await self._ask("POST", "files", data=form))

    async def create(self, file: str, token: str) -> dict[str, Any]:
        """Have a batch made of an uploaded file; return it. Raises Fault."""
        body = {"input_file_id": file, "endpoint": ENDPOINT, "completion_window": WINDOW,
                "metadata": {"mathmill": token}}
        batch = await self._ask("POST", "batches", json=body)
        _id(batch)
        return batch

    async def retrieve(self, batch: str) -> dict[str, Any] | None:
        """Return a batch as it stands, None where the provider knows of none. Raises Fault."""
        try:
            return await self._ask("GET", f"batches/{quote(batch, safe='')}")
        except Fault as fault:
            if fault.status == 404:
                return None
            raise

    async def find(self, file: str, token: str, since: float) -> str | None:
        """Return the id of the batch with this file or token, None where there is none.

        `since`: seconds since the epoch before which it cannot have been made. Raises Fault.
        """
        after: str | None = None
        while True:
            page = await self._page(after, file, token)
            rows = page.get("data")
            rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
            for row in rows:
                notes = row.get("metadata")
                if row.get("input_file_id") == file or (
                        isinstance(notes, dict) and notes.get("mathmill") == token):
                    return _id(row)
            # Newest first, so that what is older than the question ends the search.
            made = rows[-1].get("created_at") if rows else None
            if not page.get("has_more") or not rows or after == rows[-1].get("id") or (
                    isinstance(made, int) and made < since - SLACK):
                return None
            after = rows[-1].get("id")

    async def _page(self, after: str | None, file: str, token: str) -> dict[str, Any]:
        """Return a page of the list; raises Fault, a final one where there is no list."""
        try:
            return await self._ask("GET", "batches",
                                   params={"limit": "100", **({"after": after} if after else {})})
        except Fault as fault:
            if fault.status not in (404, 405):
                raise
            raise Fault(STOP, f"nobody knows whether a batch of {file} was made, as "
                        f"{self.endpoint.host} has no list of them ({fault.status}); where there "
                        f"is none, remove the lines with {token} from batches.jsonl beside the "
                        "journal and run again", status=fault.status) from None

    async def lines(self, file: str) -> AsyncIterator[bytes]:
        """Yield the lines of a file as they come; raises Fault where they break off."""
        session, endpoint = self._connected(), self.endpoint
        try:
            async with session.get(self._url(f"files/{quote(file, safe='')}/content"),
                                   proxy=endpoint.proxy, allow_redirects=False) as response:
                if response.status != 200:
                    raise endpoint.of_status(response.status, await response.read(),
                                             response.headers)
                rest = b""
                async for part in response.content.iter_any():
                    *whole, rest = (rest + part).split(b"\n")
                    for line in whole:
                        if line.strip():
                            yield line
                    if len(rest) > LONGEST:
                        raise Fault(TROUBLE, "a line of the output never ends")
                if rest.strip():
                    yield rest
        except Fault as fault:
            raise self._clean(fault) from None
        except (TimeoutError, OSError, _client_error()) as error:
            raise self._clean(of_exception(error, endpoint.host, endpoint.answered)) from None

    async def aclose(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None and self._loop is asyncio.get_running_loop():
            await session.close()

    async def _ask(self, method: str, path: str, **how: Any) -> dict[str, Any]:
        """Do one call; return its JSON object. Raises Fault."""
        endpoint = self.endpoint
        session = self._connected()
        try:
            async with session.request(method, self._url(path), proxy=endpoint.proxy,
                                       allow_redirects=False, **how) as response:
                status, body, headers = response.status, await response.read(), response.headers
        except (TimeoutError, OSError, _client_error()) as error:
            raise self._clean(of_exception(error, endpoint.host, endpoint.answered)) from None
        if not 200 <= status < 300:
            raise self._clean(endpoint.of_status(status, body, headers))
        endpoint.answered = True
        try:
            whole = json.loads(body)
        except (ValueError, RecursionError):
            whole = None
        if not isinstance(whole, dict):
            raise Fault(TROUBLE, f"{method} {path.partition('/')[0]}: the answer is no JSON object")
        return whole

    def _clean(self, fault: Fault) -> Fault:
        """Return a fault without the key, and with the words that fit this interface."""
        if fault.kind == STOP and fault.status in (404, 405):
            fault.message = (f"{self.endpoint.host} has no batches ({fault.status}) at this "
                             "address, or no longer what was asked for; check that the address "
                             "ends in /v1, or use openai: instead of batch:")
        fault.message = self.endpoint.blot(fault.message)
        fault.args = (fault.message,)
        return fault

    def _url(self, path: str) -> Any:
        from yarl import URL

        base, _, own = self.endpoint.url.partition("?")
        whole = f"{base.rstrip('/')}/{path}" + (f"?{own}" if own else "")
        return URL(whole, encoded=True).update_query(self.endpoint.query)

    def _connected(self) -> ClientSession:
        """Return a session of the running loop."""
        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop:
            try:
                import aiohttp
            except ImportError as error:
                raise MissingExtra("aiohttp", "api") from error
            headers = {name: value for name, value in self.endpoint.headers.items()
                       if name.lower() != "content-type"}
            self._loop = loop
            self._session = aiohttp.ClientSession(
                headers=headers, cookie_jar=aiohttp.DummyCookieJar(),
                # As a whole a file may take its time; standing still it may not.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=STALL))
        return self._session


def _id(whole: dict[str, Any]) -> str:
    found = whole.get("id")
    if not isinstance(found, str) or not found:
        raise Fault(TROUBLE, "the answer has no id")
    return found


def _client_error() -> type[Exception]:
    import aiohttp

    return aiohttp.ClientError

