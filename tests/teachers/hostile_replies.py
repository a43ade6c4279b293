"""What the hostile server can do to a request, each behaviour under its word.

Why a table: a test names a behaviour, and what must follow stands beside it; a new one is a
function here and a row there.

Used as: `BEHAVIOURS["reset"](connection, call, "")`, by `Connection`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hostile_connection import Call, Connection

PROMPT_TOKENS, COMPLETION_TOKENS = 11, 7
REASONS = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized",
           402: "Payment Required", 403: "Forbidden", 404: "Not Found", 408: "Request Timeout",
           409: "Conflict", 413: "Content Too Large", 429: "Too Many Requests",
           500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
           504: "Gateway Timeout", 529: "Overloaded"}


def expected(key: str, index: int = 0, size: int = 0) -> str:
    """Return the text that answers a key: no two keys or choices share one."""
    text = f"Of {key}, choice {index}.\nThe answer is {sum(key.encode()) + index}"
    return text if len(text) >= size else f"{'Let us see. ' * (size // 12 + 1)}{text}"


def completion(call: Call, size: int = 0, **message: Any) -> dict[str, Any]:
    """Return the JSON of a completion with as many choices as asked for."""
    count = int(call.body.get("n") or 1)
    return {"id": f"chatcmpl-{call.number}", "object": "chat.completion", "created": 1,
            "model": call.body.get("model", "tiny"),
            "choices": [{"index": index, "finish_reason": "stop", "logprobs": None,
                         "message": {"role": "assistant",
                                     "content": expected(call.key, index, size), **message}}
                        for index in range(count)],
            "usage": {"prompt_tokens": PROMPT_TOKENS,
                      "completion_tokens": COMPLETION_TOKENS * count,
                      "total_tokens": PROMPT_TOKENS + COMPLETION_TOKENS * count,
                      "prompt_tokens_details": {"cached_tokens": 4}}}


def plain_reply(status: int, value: Any, headers: dict[str, str] | None = None,
                kind: str = "application/json") -> bytes:
    """Return a whole HTTP reply; `value` is sent as JSON unless it is bytes."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    more = "".join(f"{name}: {said}\r\n" for name, said in (headers or {}).items())
    return (f"HTTP/1.1 {status} {REASONS.get(status, 'Odd')}\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(data)}\r\n{more}\r\n").encode() + data


def error(message: str, code: str | None = None, kind: str = "invalid_request_error",
          param: str | None = None) -> dict[str, Any]:
    """Return the JSON of an error as the OpenAI service writes it."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def answer(connection: Connection, call: Call, value: Any, tokens: int | None = None,
           kind: str = "application/json") -> None:
    """Write a completion after the server's latency."""
    server = connection.server
    if tokens is None:
        tokens = COMPLETION_TOKENS * int(call.body.get("n") or 1)
    reply = plain_reply(200, value, server.limit_headers(False) if server.rate else None, kind)
    connection.later(server.wait(), connection.whole, call, "200", reply, tokens)


def ok(connection: Connection, call: Call, _: str) -> None:
    """A good reply; as a stream where the client asked for one."""
    if call.body.get("stream"):
        stream(connection, call, "")
    else:
        answer(connection, call, completion(call, connection.server.size))


def changed(change: Callable[[dict[str, Any], dict[str, Any], Call], Any]
            ) -> Callable[[Connection, Call, str], None]:
    """Return the behaviour of a completion that is good but for a change to it or its choice."""
    def behave(connection: Connection, call: Call, _: str) -> None:
        value = completion(call, connection.server.size)
        other = change(value, value["choices"][0], call)
        answer(connection, call, value if other is None else other)
    return behave


def message(**more: Any) -> Callable[[Connection, Call, str], None]:
    """Return the behaviour of a completion with more in its message."""
    return changed(lambda value, choice, call: choice["message"].update(more))


def think(value: dict[str, Any], choice: dict[str, Any], call: Call) -> None:
    """Put thoughts in front of the answer, as open reasoning models do."""
    choice["message"]["content"] = f"<think>\nhm, 6\n</think>\n\n{choice['message']['content']}"


def logprobs(value: dict[str, Any], choice: dict[str, Any], call: Call) -> None:
    """Tell the log-probabilities of three tokens: -1.75 together."""
    choice["logprobs"] = {"content": [{"token": "a", "logprob": each, "bytes": None,
                                       "top_logprobs": []} for each in (-1.0, -0.5, -0.25)]}


def refuse(status: int, text: str, code: str | None = None, kind: str = "invalid_request_error"
           ) -> Callable[[Connection, Call, str], None]:
    """Return the behaviour of an error reply; its argument is a Retry-After in seconds."""
    def behave(connection: Connection, call: Call, retry_after: str) -> None:
        told = text.format(secret=call.secret.removeprefix("Bearer "),
                           length=len(call.body["messages"][-1]["content"]))
        headers = {"Retry-After": retry_after} if retry_after else {}
        connection.whole(call, str(status), plain_reply(
            status, error(told, code, kind), headers))
    return behave


def limited(connection: Connection, call: Call, _: str) -> None:
    """Refuse because of the rate limit, with the headers that the server is set to."""
    connection.whole(call, "429", plain_reply(
        429, error("Rate limit reached for requests", "rate_limit_exceeded", "requests"),
        connection.server.limit_headers(True)))


def unsupported(connection: Connection, call: Call, parameter: str) -> None:
    """Refuse a parameter by name, as long as it is sent."""
    if parameter not in call.body:
        return ok(connection, call, "")
    text = f"Unsupported parameter: '{parameter}' is not supported with this model."
    connection.whole(call, "400", plain_reply(
        400, error(text, "unsupported_parameter", param=parameter)))


def raw(data: bytes, kind: str = "application/json", status: int = 200
        ) -> Callable[[Connection, Call, str], None]:
    """Return the behaviour of sending these bytes as the body."""
    return lambda connection, call, _: connection.whole(
        call, f"{status} broken", plain_reply(status, data, kind=kind))


def broken(share: float, abort: bool | None, tokens: int = COMPLETION_TOKENS
           ) -> Callable[[Connection, Call, str], None]:
    """Return the behaviour of a share of the reply, then a reset, a close or nothing more."""
    def behave(connection: Connection, call: Call, _: str) -> None:
        data = plain_reply(200, completion(call, connection.server.size))
        connection.later(connection.server.wait(), connection.broken, call,
                         data[:int(len(data) * share)], tokens, abort)
    return behave


def trickle(connection: Connection, call: Call, pause: str) -> None:
    """Send the reply in small pieces, `pause` seconds (0.02) apart: slow, but whole in the end."""
    data = plain_reply(200, completion(call, connection.server.size))
    step = max(1, len(data) // 20)

    def more(at: int) -> None:
        if at + step >= len(data):
            connection.whole(call, "200", data[at:], COMPLETION_TOKENS)
        else:
            connection.transport.write(data[at:at + step])
            connection.later(float(pause or 0.02), more, at + step)

    more(0)


def stream(connection: Connection, call: Call, stall_after: str) -> None:
    """Send the reply as server-sent events; `stall_after` so many of them nothing more comes."""
    words = expected(call.key, 0, connection.server.size).split(" ")
    deltas: list[Any] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word if n == 0 else f" {word}"} for n, word in enumerate(words)]
    events = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
              for delta in deltas]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    events.append({"choices": [], "usage": completion(call)["usage"]})
    head = (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n")
    lines = [f"data: {json.dumps({'id': 'c', 'object': 'chat.completion.chunk', **event})}\n\n"
             .encode() for event in events] + [b"data: [DONE]\n\n"]
    chunks = [b"%x\r\n%s\r\n" % (len(line), line) for line in lines] + [b"0\r\n\r\n"]
    if stall_after:
        connection.broken(call, head + b"".join(chunks[:int(stall_after)]), COMPLETION_TOKENS, None)
    else:
        connection.later(connection.server.wait(), connection.whole, call, "200",
                         head + b"".join(chunks), COMPLETION_TOKENS)


def endless(connection: Connection, call: Call, _: str) -> None:
    """Send a body without end, a little at a time."""
    connection.broken(call, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                      b"Transfer-Encoding: chunked\r\n\r\n", COMPLETION_TOKENS, None)

    def more() -> None:
        if not connection.transport.is_closing():
            connection.transport.write(b"10\r\n" + b" " * 16 + b"\r\n")
            asyncio.get_running_loop().call_later(0.05, more)

    more()


BEHAVIOURS: dict[str, Callable[[Connection, Call, str], None]] = {
    "ok": ok, "trickle": trickle, "stream": stream, "limited": limited, "endless": endless,
    # good replies with something odd about them
    "length": changed(lambda value, choice, call: choice.update(finish_reason="length")),
    "no_usage": changed(lambda value, choice, call: value.pop("usage") and None),
    "null_usage": changed(lambda value, choice, call: value.update(usage=None)),
    "odd_usage": changed(lambda value, choice, call: value.update(
        usage={"prompt_tokens": "many", "completion_tokens": None})),
    "same_id": changed(lambda value, choice, call: value.update(id="chatcmpl-1")),
    "no_finish": changed(lambda value, choice, call: choice.update(finish_reason=None)),
    "reasoning_content": message(reasoning_content="hm, 6"),
    "reasoning": message(reasoning="hm, 6"),
    "think": changed(think), "logprobs": changed(logprobs),
    "text_type": lambda connection, call, _: answer(
        connection, call, completion(call), kind="text/plain"),
    # replies that are none
    "empty_choices": changed(lambda value, choice, call: value.update(choices=[])),
    "no_choices": changed(lambda value, choice, call: value.pop("choices") and None),
    "null_content": message(content=None), "number_content": message(content=5),
    "list": changed(lambda value, choice, call: [1, 2]),
    "filter": changed(lambda value, choice, call: choice.update(
        finish_reason="content_filter", message={"role": "assistant", "content": None})),
    "error_in_200": changed(lambda value, choice, call: error("upstream fell over", "502")),
    "bad_json": raw(b'{"id": "c", "choices": [{"mess'), "empty_body": raw(b""),
    "not_utf8": raw(b'{"id": "\xff\xfe"}'),
    "html": raw(b"<html><body>Please log in to the airport's WLAN</body></html>", "text/html"),
    # connections that break or hang: the provider has billed by then, but for `drop`
    "reset": broken(0.6, True), "cut": broken(0.6, False), "never": broken(0.6, None),
    "silence": broken(0, None), "drop": broken(0, True, 0),
    # refusals; `=SECONDS` adds Retry-After
    "429": refuse(429, "Rate limit reached", "rate_limit_exceeded", "requests"),
    "500": refuse(500, "The server had an error", None, "server_error"),
    "502": raw(b"<html>502 Bad Gateway</html>", "text/html", 502),
    "503": refuse(503, "That model is currently overloaded", None, "server_error"),
    "504": refuse(504, "Gateway time-out"), "408": refuse(408, "Request timed out"),
    "529": refuse(529, "Overloaded", None, "overloaded_error"),
    "400": refuse(400, "Invalid value for 'messages'"),
    "413": refuse(413, "Request too large"),
    "context": refuse(400, "This model's maximum context length is 4096 tokens. However, your "
                      "messages resulted in {length} tokens.", "context_length_exceeded"),
    "moderated": refuse(400, "The prompt was filtered by the content management policy",
                        "content_filter"),
    "401": refuse(401, "Incorrect API key provided: {secret}. You can find your API key at ...",
                  "invalid_api_key"),
    "402": refuse(402, "Insufficient credits", "402"),
    "403": refuse(403, "This key may not use the model", "permission_denied"),
    "404": refuse(404, "The model does not exist", "model_not_found"),
    "quota": refuse(429, "You exceeded your current quota, please check your plan",
                    "insufficient_quota", "insufficient_quota"),
    # the key, told back in whatever a client may write down
    "echo_500": refuse(500, "failed for Authorization: Bearer {secret}"),
    "echo_400": refuse(400, "bad request by key {secret}"),
    "echo_ok": changed(lambda value, choice, call: choice["message"].update(
        reasoning_content=f"the user's key is {call.secret.removeprefix('Bearer ')}",
        content=f"Your key is {call.secret.removeprefix('Bearer ')}")),
    "unsupported": unsupported,
}
