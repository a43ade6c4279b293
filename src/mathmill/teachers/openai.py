"""A teacher behind any OpenAI-compatible server, through the official client.

Why the official client: it knows the service's retries, its `Retry-After` and its errors;
what is added here is only what a mill needs - a failed call is a row and not an exception,
a call that can never succeed stops the run with its cure, and no key is ever written down.

Servers differ in which parameters they take. Where one refuses a parameter by name (newer
models want `max_completion_tokens`, some have a fixed temperature), it is changed or left out
from then on, with one warning. Reasoning that a model returns beside or before its answer
(`reasoning_content`, a leading `<think>` block) is not part of the reply.

How many calls are in flight at a time is the caller's to bound.

Used as: `open_openai("openai:tiny@http://localhost:8000/v1", "tiny@http://localhost:8000/v1")`,
by `registry.open_teacher`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import re
import time
from typing import Any
from urllib.parse import urlsplit

from mathmill.errors import MissingExtra, TeacherError, UsageError
from mathmill.types import Reply, Request

DEFAULT_URL = "https://api.openai.com/v1"
TIMEOUT = 300.0  # seconds a call may take: a long solution of a slow model takes minutes
RETRIES = 5  # of the client, with growing pauses: about 20 s of trouble are waited out
OPTIONAL = ("temperature", "seed", "stop")  # may be left out where a server refuses them

_KEY_LIKE = re.compile(r"\b(?:sk|key|Bearer)[-_ ][^\s'\",}]{4,}", re.IGNORECASE)
_THINKING = re.compile(r"^\s*<think(?:ing)?>.*?</think(?:ing)?>\s*", re.DOTALL)
log = logging.getLogger(__name__)


def open_openai(name: str, rest: str) -> OpenAITeacher:
    """Return the teacher for `MODEL` or `MODEL@URL`; the key is `OPENAI_API_KEY`.

    Without a URL in the name, `OPENAI_BASE_URL` or the service's own address is used. Raises
    UsageError for a URL that cannot be right, TeacherError where a key is needed and missing.
    """
    model, _, url = rest.partition("@http")
    address = f"http{url}" if url else os.environ.get("OPENAI_BASE_URL") or DEFAULT_URL
    parts = urlsplit(address)
    if not model or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"{name}: this is no model at an address; write for example "
                         "openai:gpt-5-mini or openai:tiny@http://localhost:8000/v1")
    if parts.username or parts.password:
        raise UsageError("openai: the address holds a user or a password, which would be written "
                         "into every row; put the secret into OPENAI_API_KEY")
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    if not key:
        if not is_local(parts.hostname):
            raise TeacherError(f"{name}: there is no key for {parts.hostname}; set the variable "
                               "OPENAI_API_KEY (to any word if that server needs none)")
        key = "none"
    return OpenAITeacher(name, model, address, key)


def is_local(host: str) -> bool:
    """Tell whether a host is this machine or its private network: such servers need no key."""
    if host == "localhost" or ("." not in host.strip("[]") and ":" not in host):
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host.endswith((".local", ".localhost", ".internal"))
    return address.is_private or address.is_loopback or address.is_unspecified


class OpenAITeacher:
    """One model behind one server."""

    def __init__(self, name: str, model: str, url: str, key: str, *,
                 timeout: float = TIMEOUT, retries: int = RETRIES) -> None:
        """Keep the settings; nothing is connected before the first request."""
        self.name = name
        self.model = model
        self.url = url
        self._key = key
        self._timeout = timeout
        self._retries = retries
        self._refused: set[str] = set()
        self._answered = False
        self._client: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        """Show the model and the server, never the key."""
        return f"OpenAITeacher({self.name!r}, url={self.url!r})"

    async def answer(self, request: Request) -> Reply:
        """Return the model's reply; a call that failed after all retries has `finish="error"`.

        Raises TeacherError where no call can succeed: key or model refused, credit used up,
        or nothing there to connect to from the start.
        """
        began = time.monotonic()
        try:
            completion = await self._complete(request)
        except TeacherError:
            raise
        except Exception as error:  # whatever a server or the client comes up with is one row
            self._stop_if_hopeless(error)
            return self._failed(request, began, f"{type(error).__name__}: {error}")
        self._answered = True
        return self._read(request, completion, began)

    async def aclose(self) -> None:
        """Close the connections; a later request opens new ones."""
        if self._client is not None and self._loop is asyncio.get_running_loop():
            await self._client.close()
        self._client = None

    def _connect(self) -> Any:
        """Return the client of the running event loop: a client's sockets belong to its loop."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            try:
                from openai import AsyncOpenAI
            except ImportError as error:
                raise MissingExtra("openai", "api") from error
            self._client = AsyncOpenAI(api_key=self._key, base_url=self.url,
                                       timeout=self._timeout, max_retries=self._retries)
            self._loop = loop
        return self._client

    async def _complete(self, request: Request) -> Any:
        """Ask, changing the parameters that the server refuses by name."""
        client = self._connect()
        from openai import BadRequestError

        for _ in range(len(OPTIONAL) + 2):
            try:
                return await client.chat.completions.create(**self._parameters(request))
            except BadRequestError as error:
                if not self._adapt(error, request):
                    raise
        raise AssertionError("every parameter can be refused once only")

    def _parameters(self, request: Request) -> dict[str, Any]:
        """Return the call's parameters, without those that the server has refused."""
        tokens = ("max_completion_tokens" if "max_tokens" in self._refused else "max_tokens")
        parameters: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": turn.role, "content": turn.content}
                         for turn in request.messages],
            "temperature": request.temperature,
            "seed": request.sample,
            tokens: request.max_tokens,
        }
        if request.stop:
            parameters["stop"] = list(request.stop)
        return {key: value for key, value in parameters.items() if key not in self._refused}

    def _adapt(self, error: Any, request: Request) -> bool:
        """Note a parameter that a 400 names as refused; tell whether asking again is worth it."""
        sent = self._parameters(request)
        text = str(error)
        named = [name for name in ("max_tokens", *OPTIONAL) if name in sent and (
            getattr(error, "param", None) == name or re.search(
                rf"(?:unsupported|not supported|does not support|unrecogni[sz]ed|unexpected"
                rf"|not permitted)[^.]*['\"`]{name}['\"`]|['\"`]{name}['\"`][^.]*(?:unsupported"
                r"|not supported|does not support|not permitted|unrecogni[sz]ed)", text,
                re.IGNORECASE))]
        if not named:
            return False
        if named[0] not in self._refused:
            log.warning("%s does not take %s: it is %s from now on", self.name, named[0],
                        "sent as max_completion_tokens" if named[0] == "max_tokens"
                        else "left to the server")
        self._refused.add(named[0])
        return True

    def _stop_if_hopeless(self, error: Exception) -> None:
        """Raise TeacherError where this failure would meet every other request too."""
        import openai

        host = urlsplit(self.url).netloc
        status = getattr(error, "status_code", None)
        if status == 401:
            raise TeacherError(f"{self.name}: {host} refused the key (401); set OPENAI_API_KEY "
                               "to a valid one") from None
        if status == 403:
            raise TeacherError(f"{self.name}: {host} does not let this key use the model (403); "
                               "use another model or ask for access") from None
        if status == 404:
            raise TeacherError(f"{self.name}: {host} knows no such model or address (404); check "
                               "the model's name and that the address ends in /v1") from None
        if getattr(error, "code", None) == "insufficient_quota":
            raise TeacherError(f"{self.name}: the credit at {host} is used up; add credit and run "
                               "again: what was answered is kept") from None
        if (isinstance(error, openai.APIConnectionError) and not self._answered
                and not isinstance(error, openai.APITimeoutError)):
            raise TeacherError(f"{self.name}: nothing answers at {host}; start the server or "
                               "correct the address") from None

    def _failed(self, request: Request, began: float, why: str) -> Reply:
        """Return the reply of a call that failed, with no key in it."""
        if self._key != "none":
            why = why.replace(self._key, "[key]")
        why = " ".join(_KEY_LIKE.sub("[key]", why).split())[:300]
        return Reply(request=request.id, text="", teacher=self.name, finish="error",
                     seconds=time.monotonic() - began, error=why)

    def _read(self, request: Request, completion: Any, began: float) -> Reply:
        """Return the reply of a completion, whatever the server left out of it."""
        choices = getattr(completion, "choices", None)
        if not isinstance(choices, list) or not choices:
            return self._failed(request, began, "the server sent no choices")
        message = getattr(choices[0], "message", None)
        text = getattr(message, "content", None) or getattr(message, "refusal", None) or ""
        if not isinstance(text, str):
            return self._failed(request, began, "the server sent a message that is no text")
        finish = getattr(choices[0], "finish_reason", None)
        text = _THINKING.sub("", text.encode("utf-8", "replace").decode("utf-8"))
        if not text and finish == "content_filter":
            return self._failed(request, began, "stopped by the server's content filter")
        if "stop" in self._refused:
            for stop in request.stop:
                text = text.partition(stop)[0]
        usage = getattr(completion, "usage", None)
        return Reply(request=request.id, text=text, teacher=self.name,
                     finish="length" if finish == "length" else "stop",
                     prompt_tokens=_count(usage, "prompt_tokens"),
                     completion_tokens=_count(usage, "completion_tokens"),
                     seconds=time.monotonic() - began)


def _count(usage: Any, name: str) -> int:
    """Return a count of tokens, or 0 where the server gave none."""
    value = getattr(usage, name, None)
    return value if isinstance(value, int) else 0
