"""From a completion's JSON to replies, whatever the server left out of it.

Why: a reply that was cut off, filtered or mixed with the model's thinking must never be taken
for an answer, and servers disagree on where each of these stands. What holds no reply at all
is a `Fault`, so that it is asked again and never kept.

Used as: `read(body, request, teacher="openai:tiny", seconds=1.2)`.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import Any

from mathmill.teachers.http.faults import BUSY, HOPELESS, ROW, STOP, TROUBLE, Fault, read_error
from mathmill.types import Reply, Request

MOST = 10**9  # tokens of one call: above, a count is a slip that no file need hold
_THINKING = re.compile(r"^\s*<think(?:ing)?>(.*?)(?:</think(?:ing)?>\s*|$)", re.DOTALL)
_THOUGHT = re.compile(r"</think(?:ing)?>\s*")
CUT = ("length", "max_tokens", "model_length")
BROKEN = ("error", "abort", "aborted", "cancelled")


def read(body: bytes, request: Request, teacher: str, seconds: float,
         stop_here: bool = False) -> list[Reply]:
    """Return a reply for each choice, as samples `request.sample`, `request.sample + 1`, ...

    `stop_here`: the server takes no stops, so they are applied here. Raises Fault for what is
    no completion or was broken off; what the server's filter stopped is a failed reply.
    """
    try:
        try:
            whole = json.loads(body.decode())
        except ValueError:  # of bytes `loads` finds out which of Unicode's forms they are: 1 µs
            whole = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Fault(TROUBLE, f"Error: the server sent no JSON ({_start(body)})") from error
    return read_whole(whole, request, teacher, seconds, stop_here)


def read_whole(whole: Any, request: Request, teacher: str, seconds: float,
               stop_here: bool = False) -> list[Reply]:
    """Return the replies of a completion that is parsed already; see `read`."""
    choices = whole.get("choices") if isinstance(whole, dict) else None
    if not isinstance(choices, list) or not choices:
        raise _empty(whole)
    if len(choices) > 1:
        choices.sort(key=lambda choice: _place(choice))
    usage = whole.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    tokens = _tokens(usage)
    if len(choices) == 1:  # a record is made once: its fourteen fields take 2.5 µs
        return [_reply(choices[0], request, teacher, seconds, stop_here, tokens)]
    replies = [_reply(choice, request if not n else replace(request, sample=request.sample + n),
                      teacher, seconds, stop_here) for n, choice in enumerate(choices)]
    return _shared(replies, tokens, request, [_finish(choice) for choice in choices])


def _reply(choice: Any, request: Request, teacher: str, seconds: float, stop_here: bool,
           tokens: tuple[int, int, int] = (0, 0, 0)) -> Reply:
    """Return the reply of one choice; `tokens` are those read, those written, those cached."""
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        raise Fault(TROUBLE, "the server sent a choice without a message")
    finish = _finish(choice)
    read_, written, cached = tokens
    if finish == "content_filter":  # what there is of it may be half an answer
        return Reply(request.id, "", teacher, "error", read_, written, seconds,
                     "stopped by the server's content filter", cached_tokens=cached)
    if finish in BROKEN:
        raise Fault(TROUBLE, "the server broke the reply off: "
                    + read_error(json.dumps(choice.get("error") or finish).encode())[1])
    text, thought = _content(message.get("content"))
    if not text and isinstance(message.get("refusal"), str):
        text = message["refusal"]
    for name in ("reasoning_content", "reasoning"):
        if isinstance(message.get(name), str) and not thought:
            thought = message[name]
    if "think" in text:
        text, inside = apart(text)
        thought = "\n".join(filter(None, (thought, inside)))
    if stop_here:
        for stop in request.stop:
            text = text.partition(stop)[0]
    cut = finish in CUT or _is_full(finish, written, request)
    return Reply(request.id, _whole_signs(text), teacher, "length" if cut else "stop", read_,
                 written, seconds, "", _whole_signs(thought), cached, None,
                 _logprob(choice.get("logprobs")))


def _content(content: Any) -> tuple[str, str]:
    """Return (text, thought) of a message's content: a text, nothing, or a list of parts."""
    if isinstance(content, str):
        return content, ""
    if content is None:
        return "", ""
    text: list[str] = []
    thought: list[str] = []
    for part in content if isinstance(content, list) else [None]:
        if not isinstance(part, dict):
            raise Fault(TROUBLE, "the server sent a message that is no text")
        if part.get("type") == "thinking":
            inner = part.get("thinking")
            thought.append(inner if isinstance(inner, str) else _content(inner)[0])
        else:
            piece = part.get("text")
            text.append(piece if isinstance(piece, str) else "")
    return "".join(text), "".join(thought)


def apart(text: str) -> tuple[str, str]:
    """Return (answer, thought) of a text that opens with thinking.

    Some chat templates open the thinking in the prompt, so that only its end is in the reply.
    An opening without an end is thinking that was cut off: then there is no answer.
    """
    found = _THINKING.match(text)
    if found:
        return text[found.end():], found.group(1).strip()
    end = _THOUGHT.search(text)
    if end and "<think" not in text:
        return text[end.end():], text[:end.start()].strip()
    return text, ""


def _tokens(usage: dict[str, Any]) -> tuple[int, int, int]:
    """Return the tokens of a call that were read, written and, of those read, at hand."""
    read_ = _count(usage, "prompt_tokens")
    details = usage.get("prompt_tokens_details")
    cached = (_count(details, "cached_tokens") if isinstance(details, dict) else 0) or _count(
        usage, "prompt_cache_hit_tokens")
    return read_, _count(usage, "completion_tokens"), min(cached, read_)


def _shared(replies: list[Reply], tokens: tuple[int, int, int], request: Request,
            finishes: list[str]) -> list[Reply]:
    """Return the replies with their tokens; what was read, and the time, count at the first.

    A server counts what several replies wrote together: it is shared out by their lengths.
    """
    read_, written, cached = tokens
    lengths = [len(reply.text) + len(reply.reasoning) for reply in replies]
    whole, done, given, out = sum(lengths) or 1, 0, 0, []
    for number, reply in enumerate(replies):
        done += lengths[number]
        share = written - given if number == len(replies) - 1 else written * done // whole - given
        given += share
        first = number == 0
        finish = reply.finish
        if _is_full(finishes[number], share, request):
            finish = "length"
        out.append(Reply(reply.request, reply.text, reply.teacher, finish, read_ if first else 0,
                         share, reply.seconds if first else 0.0, reply.error, reply.reasoning,
                         cached if first else 0, None, reply.logprob))
    return out


def _is_full(finish: str, written: int, request: Request) -> bool:
    """Tell whether a reply was cut off and its server does not say so."""
    return not finish and written >= request.max_tokens


def _finish(choice: Any) -> str:
    value = choice.get("finish_reason") if isinstance(choice, dict) else None
    return value.lower() if isinstance(value, str) else ""


def _place(choice: Any) -> int:
    place = choice.get("index") if isinstance(choice, dict) else None
    return place if isinstance(place, int) else 0


def _logprob(given: Any) -> float | None:
    """Return the sum over a choice's tokens, or None where there is none."""
    if not isinstance(given, dict):
        return None
    content = given.get("content")
    values = ([token.get("logprob") for token in content if isinstance(token, dict)]
              if isinstance(content, list) else given.get("token_logprobs"))
    if not isinstance(values, list):
        return None
    numbers = [value for value in values if isinstance(value, int | float)]
    whole = math.fsum(numbers)
    return whole if numbers and math.isfinite(whole) else None


def _empty(whole: Any) -> Fault:
    """Return what a body without choices means: some servers put an error's status into it."""
    error = whole.get("error") if isinstance(whole, dict) else None
    said = ""
    if error:
        code, said = read_error(json.dumps(whole).encode())
        said = f": {said}"
        if code in ("429", "503", "529"):
            return Fault(BUSY, f"{code}{said}", status=int(code), sent=False)
        if code in HOPELESS:
            return Fault(STOP, f"the server takes no call{said or f' ({code})'}; mend that and "
                         "run again: what was answered is kept", sent=False)
        if code in ("400", "413", "422"):
            return Fault(ROW, f"{code}{said}", status=int(code))
    return Fault(TROUBLE, f"the server sent no choices{said}")


def _count(usage: dict[str, Any], name: str) -> int:
    """Return a count of tokens, or 0 where the server gave none that can be one."""
    value = usage.get(name)
    return value if isinstance(value, int) and 0 < value < MOST else 0


def _whole_signs(text: str) -> str:
    """Return text that a file can hold: half a Unicode sign becomes a question mark."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")


def _start(body: bytes) -> str:
    words = " ".join(body[:200].decode("utf-8", "replace").split())
    return f"it begins {words[:60]!r}" if words else "nothing at all"
