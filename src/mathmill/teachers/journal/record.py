"""One record of the journal: a reply as a line of JSON, and back, and where lines hold records.

Why: the journal must be readable by people and by any JSON tool, and yet a million lines must
be indexed in seconds. So a record opens with its key and closes with the time it was kept: a
line that has both is a whole record, which shows without parsing it. Quotes inside JSON
strings are escaped, so neither can be feigned by a text, and a record that was torn and then
written on by another process (two records glued on one line) is cut apart exactly.

    {"request":"9f…","teacher":"openai:gpt-5-mini","text":"…","finish":"stop",
     "prompt_tokens":61,…,"kept":"2026-11-21T11:40:05Z"}        (on one line)

`by` is who answered where that is not the teacher asked (a mixture); `prompt` the request's
prompt name; `asked` the request itself, where the journal keeps requests. Fields that have
their usual value are left out. Lines of earlier versions (spaces, other order, no `kept`)
are read too, by parsing them.

Used as: `line = to_line(name, request, reply)`; `for key, start, length in places(lines): ...`
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
import time
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from typing import Any

from mathmill.types import Reply, Request

TORN = -1  # in place of a key: bytes that are no record
_HEAD = re.compile(rb'\{"request":"([0-9a-f]{16})[0-9a-f]{16}","teacher":("(?:[^"\\]|\\.)*"),')
_ID = re.compile("[0-9a-f]{32}")
_NEEDED = {"request", "teacher", "text"}
_START = re.compile(rb'\{"request": ?"')
_KEPT = b',"kept":"'
_END = len(',"kept":"2026-11-21T11:40:05Z"}')
_ALWAYS = ("request", "teacher", "text", "finish", "prompt_tokens", "completion_tokens", "seconds")
# `found` says how a reply was come by this time. `error` is a failed call's, and those are not
# kept; it holds a server's words, which nobody has looked through for secrets.
_NAMES = tuple(field.name for field in fields(Reply) if field.name not in ("found", "error"))
_USUAL = [(field.name, field.default) for field in fields(Reply)
          if field.name in _NAMES and field.name not in _ALWAYS]
_NUMBER = int | float | None
_KINDS: dict[str, Any] = {  # what a field must be: people edit files
    "request": str, "teacher": str, "text": str, "finish": str, "reasoning": str, "by": str,
    "prompt": str, "kept": str, "prompt_tokens": int, "completion_tokens": int,
    "cached_tokens": int, "seconds": int | float, "cost": _NUMBER, "logprob": _NUMBER,
    "asked": dict}
# Built once: `json.dumps` with options builds an encoder a call (3 µs).
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_encode_ascii = json.JSONEncoder(separators=(",", ":")).encode


def key_of(teacher: str, request: str) -> int:
    """Return the index key, 64 bits, of a request id (32 hex digits) at a teacher.

    Two pairs may share one (odds 10^-6 at ten million records): who finds a record by its key
    compares request and teacher, so that a shared key costs a second look and nothing else.
    """
    return int(request[:16], 16) ^ _digest(teacher)


@functools.cache
def _digest(teacher: str) -> int:
    """Return 64 bits that stand for a teacher's identity."""
    name = teacher.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest())


@functools.cache
def _digest_of_literal(literal: bytes) -> int:
    """Return the same of a teacher as it stands in a line, quotes and escapes included."""
    return _digest(json.loads(literal))


def to_line(teacher: str, request: Request, request_id: str, reply: Reply,
            with_request: bool) -> bytes:
    """Return a reply as the bytes of one line; what is in it comes from the two records alone."""
    record: dict[str, Any] = {
        "request": request_id, "teacher": teacher, "text": reply.text, "finish": reply.finish,
        "prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.completion_tokens,
        "seconds": reply.seconds}
    for name, usual in _USUAL:
        value = getattr(reply, name)
        # JSON has no infinity: a log-probability of minus infinity is left out.
        if value != usual and not (isinstance(value, float) and not math.isfinite(value)):
            record[name] = value
    if reply.teacher != teacher:
        record["by"] = reply.teacher
    if request.prompt:
        record["prompt"] = request.prompt
    if with_request:
        record["asked"] = asked(request)
    record["kept"] = _now(int(time.time()))
    try:
        return _encode(record).encode() + b"\n"
    except UnicodeEncodeError:  # a lone surrogate: only an escape can hold it
        return _encode_ascii(record).encode() + b"\n"


def asked(request: Request) -> dict[str, Any]:
    """Return a request as JSON for people: messages first, then how to sample."""
    told: dict[str, Any] = {
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        "temperature": request.temperature, "max_tokens": request.max_tokens,
        "sample": request.sample}
    if request.stop:
        told["stop"] = list(request.stop)
    if request.top_p != 1.0:
        told["top_p"] = request.top_p
    return told


@functools.lru_cache(2)
def _now(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


def from_bytes(line: bytes) -> dict[str, Any] | None:
    """Return the record that stands in a line, None where it is none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not (isinstance(record, dict) and record.keys() >= _NEEDED):
        return None
    for name, value in record.items():
        if not isinstance(value, _KINDS.get(name, object)):
            return None
    return record if _ID.fullmatch(record["request"]) else None


def reply_of(record: dict[str, Any]) -> Reply:
    """Return the reply of a record, marked as found; earlier versions lack the later fields."""
    given = {name: record[name] for name in _NAMES if name in record}
    if "by" in record:
        given["teacher"] = record["by"]
    return Reply(**given, found=True)


def places(lines: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (key, start, length in bytes) of every record in lines; key TORN for what is none.

    The last line may lack its end. Blank lines are nothing.
    """
    start = 0
    while start < len(lines):
        end = lines.find(b"\n", start)
        if end < 0:
            end = len(lines)
        head = _HEAD.match(lines, start, end)
        if (head and _is_closed(lines, end) and lines.find(b'{"request":"', start + 1, end) < 0):
            yield int(head[1], 16) ^ _digest_of_literal(head[2]), start, end - start
        elif end > start and not lines[start:end].isspace():
            yield from _cut_apart(lines, start, end)
        start = end + 1


def _is_closed(lines: bytes, end: int) -> bool:
    """Tell whether bytes that stop at `end` close as a record does."""
    return (lines.startswith(_KEPT, end - _END) and lines.startswith(b'Z"}', end - 3)
            if end >= _END else False)


def _cut_apart(lines: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield what stands in a line that is not plainly one record: glued, torn or old ones."""
    cuts = [found.start() for found in _START.finditer(lines, start, end)]
    stops = [*cuts, end]
    if stops[0] != start:
        yield TORN, start, stops[0] - start
    for place, after in pairwise(stops):
        head = _HEAD.match(lines, place, after)
        if head and _is_closed(lines, after):
            yield int(head[1], 16) ^ _digest_of_literal(head[2]), place, after - place
            continue
        record = from_bytes(lines[place:after])
        key = TORN if record is None else key_of(record["teacher"], record["request"])
        yield key, place, after - place
