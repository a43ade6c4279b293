"""What a failed call means: wait, try again, give up the row, or stop.

Why: servers say the same thing in many ways (a status, a code, a sentence, a dropped line),
and what follows from each must be decided once. No message made here holds a key.

| kind | examples | what follows |
|---|---|---|
| `busy` | 429, 503, 529 | slow down; the same call again later |
| `trouble` | 5xx, time-outs, resets, JSON that is none | the same call again, a few times |
| `row` | 400, context too long, content filter | this row fails, the run goes on |
| `stop` | 401, 402, 403, 404, 407, quota used up | no further call to this server can succeed |

Used as: `raise of_status(429, body, headers, "api.openai.com", KEY_NAME)`.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

BUSY, TROUBLE, ROW, STOP = "busy", "trouble", "row", "stop"
LONGEST = 400  # characters of a server's message that are worth keeping

_KEY_LIKE = re.compile(
    r"\b(?:(?:sk|pk|key|api[-_]?key)[-_:=][^\s'\",}]{4,}|key\W{1,3}[\w*.-]{12,}|Bearer\s+\S{4,})",
    re.IGNORECASE)
_USER = re.compile(r"//[^/\s@'\"]+@")  # as in http://user:password@proxy
_CREDIT = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active",
           "insufficient_credits", "insufficient_balance"}
_NO_MODEL = {"model_not_found", "invalid_model", "deploymentnotfound", "unknown_model"}
_OTHER_MODEL = re.compile("Server is pinned to|invalid model ID")  # transformers serve, OpenAI
_FILTERED = {"content_filter", "content_policy_violation", "moderation"}
_BAD_KEY = {"invalid_api_key", "invalid_authentication"}
HOPELESS = {"401", "402", *_CREDIT, *_NO_MODEL, *_BAD_KEY}  # codes in a body that came with 200


class Fault(Exception):
    """A call that brought no reply."""

    def __init__(self, kind: str, message: str, *, status: int = 0,
                 retry_after: float | None = None, absent: bool = False, sent: bool = True
                 ) -> None:
        """Keep what is known of it; `message` is one line and holds no key.

        `retry_after` is in seconds. `absent`: nothing listens at the address. `sent`: the server
        may have done the work, and may charge for it.
        """
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
        self.retry_after = retry_after
        self.absent = absent
        self.sent = sent


def of_status(status: int, body: bytes, headers: Mapping[str, str], host: str,
              key_name: str, keyed: bool = True) -> Fault:
    """Return what a status other than 2xx means.

    `key_name` is the environment variable that the key came from, for the cure; empty where
    none is named. `keyed`: whether there was a key in it.
    """
    code, said = read_error(body)
    wait = retry_after(headers)
    if status == 407:
        return of_proxy(status, host)
    if code in _CREDIT or status == 402:
        return Fault(STOP, f"the credit at {host} is used up; add credit and run again: what was "
                     "answered is kept", status=status, sent=False)
    if status == 401 or (status == 400 and (code in _BAD_KEY or "API key not valid" in said)):
        words = (f"{host} refused the key ({status}); set {key_name} to a valid one" if keyed else
                 f"{host} wants a key ({status}), and there is none in {key_name}; set it"
                 if key_name else f"{host} wants a key ({status}), and no variable is named for "
                 'it; add key_env = "MY_KEY" to the endpoint')
        return Fault(STOP, words, status=status, sent=False)
    if code in _FILTERED or (status == 403 and re.search(r"moderation|flagged", said, re.I)):
        return Fault(ROW, f"{status}: stopped by the server's content filter: {said}",
                     status=status)
    if status == 403:
        return Fault(STOP, f"{host} does not let this key use the model (403); use another model "
                     "or ask for access", status=status, sent=False)
    if status in (404, 405) or code in _NO_MODEL or (status == 400 and _OTHER_MODEL.match(said)):
        return Fault(STOP, f"{host} knows no such model or address ({status}); check the model's "
                     "name and that the address ends in /v1", status=status, sent=False)
    if 300 <= status < 400:
        target = headers.get("Location", "").partition("?")[0][:200]
        return Fault(STOP, f"{host} sends calls on to {target or 'another address'} ({status}), "
                     "where the key is not sent unasked; give that address", status=status,
                     sent=False)
    if status in (429, 503, 529):
        return Fault(BUSY, f"{status}: {said}", status=status, retry_after=wait, sent=False)
    if status >= 500 or status in (408, 409, 425):
        return Fault(TROUBLE, f"{status}: {said}", status=status, retry_after=wait)
    return Fault(ROW, f"{status}: {said}", status=status, sent=False)


def of_exception(error: BaseException, host: str, answered: bool) -> Fault:
    """Return what an exception of the connection means; `answered`: this server ever did."""
    import aiohttp

    name = type(error).__name__
    if isinstance(error, aiohttp.ClientHttpProxyError):  # its words hold the proxy's password
        return of_proxy(error.status, host)
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return Fault(TROUBLE, f"the proxy to {host} does not answer; correct HTTPS_PROXY, or "
                     "name the host in NO_PROXY", absent=True, sent=False)
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return Fault(STOP, f"the certificate of {host} cannot be trusted ({error}); correct the "
                     "address, or name the authority's file in SSL_CERT_FILE", sent=False)
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(
            error, asyncio.TimeoutError):
        if not answered:
            return Fault(TROUBLE, f"nothing answers at {host}; start the server or correct the "
                         "address", absent=True, sent=False)
        return Fault(TROUBLE, f"no connection to {host}: {error}", absent=True, sent=False)
    if isinstance(error, asyncio.TimeoutError):
        connecting = isinstance(error, aiohttp.ConnectionTimeoutError)
        words = str(error) or "the reply took too long"
        return Fault(TROUBLE, f"Timeout: {words}", sent=not connecting)
    if isinstance(error, aiohttp.ServerDisconnectedError) and not isinstance(error.message, str):
        return Fault(TROUBLE, f"{name}: in the middle of a head")  # the message is what came of it
    return Fault(TROUBLE, f"{name}: {error}" if str(error) else name)


def of_proxy(status: int, host: str) -> Fault:
    """Return what a proxy's refusal means: the server saw nothing."""
    kind = STOP if status in (401, 403, 407) else TROUBLE
    return Fault(kind, f"the proxy to {host} answered {status}; correct HTTPS_PROXY (with "
                 "user and password if it wants them), or name the host in NO_PROXY",
                 status=status, sent=False)


def read_error(body: bytes) -> tuple[str, str]:
    """Return (code, message) of an error's body, whatever its form; what looks like a key is not.

    The code may be empty.
    """
    code, message = _read_error(body)
    return code, _KEY_LIKE.sub("[key]", " ".join(message.split())[:LONGEST])


def _read_error(body: bytes) -> tuple[str, str]:
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError):
        text = re.sub(r"<[^>]*>", " ", body[:4000].decode("utf-8", "replace"))
        return "", text.strip() or "no words"
    error = whole.get("error", whole) if isinstance(whole, dict) else whole
    if isinstance(error, str):
        return "", error
    if not isinstance(error, dict):
        return "", json.dumps(error)
    code = error.get("code") or error.get("type") or ""
    inner = error.get("innererror")
    if isinstance(inner, dict) and inner.get("code") == "ResponsibleAIPolicyViolation":
        code = "content_filter"
    message = error.get("message") or error.get("detail") or error
    if not isinstance(message, str):
        message = json.dumps(message, ensure_ascii=False)
    return str(code).lower(), message


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait, from a number or a date; None if neither."""
    exact = headers.get("retry-after-ms")
    if exact is not None:
        seconds = _number(exact)
        if seconds is not None:
            return seconds / 1000
    value = headers.get("Retry-After")
    if value is None:
        return None
    seconds = _number(value)
    if seconds is not None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def blot(text: str, key: str) -> str:
    """Return one line of text without the key, and without passwords in addresses."""
    text = _USER.sub("//", text.replace(key, "[key]") if key else text)
    return " ".join(text.split())


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, number) if math.isfinite(number) else None
