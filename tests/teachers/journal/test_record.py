"""A record is told from a torn one without parsing, whatever its text holds."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.teachers.journal.record import (
    TORN,
    from_bytes,
    key_of,
    places,
    reply_of,
    to_line,
)
from mathmill.types import Message, Reply, Request

# Texts made to be mistaken for the beginning or the end of a record.
HARD = st.lists(st.sampled_from([
    '{"request":"', '{"request": "', '","teacher":"', '","kept":"2026-11-21T11:40:05Z"}', '"', "\\",
    "\n", "}", "\x00", "\ud800", "答", "a" * 32, "\r", "\u2028"]), max_size=12).map("".join)
NAMES = st.sampled_from(["t:", 'we"ird\\: 日', "openai:gpt-5-mini"])


def request(number: int) -> Request:
    return Request((Message("user", f"question {number}"),))


@st.composite
def records(draw: st.DrawFn) -> tuple[str, Reply, bytes]:
    asked = Request((Message("user", draw(HARD)),), prompt=draw(HARD))
    name = draw(NAMES)
    reply = Reply(asked.id, draw(HARD), draw(NAMES), finish="length", reasoning=draw(HARD),
                  cost=draw(st.none() | st.floats(0, 1)))
    return name, reply, to_line(name, asked, asked.id, reply, draw(st.booleans()))


@given(st.lists(records(), max_size=5))
def test_whole_lines_are_found_and_read_back(several):
    lines = b"".join(line for _, _, line in several)
    found = list(places(lines))
    assert [key for key, _, _ in found] == [key_of(n, r.request) for n, r, _ in several]
    for (_, start, length), (name, reply, line) in zip(found, several, strict=True):
        assert lines[start:start + length] + b"\n" == line
        record = from_bytes(line)
        assert record is not None
        assert record["teacher"] == name
        assert reply_of(record) == replace(reply, found=True)


@given(records(), records(), st.data(), st.booleans())
def test_a_torn_record_spoils_neither_what_is_glued_to_it_nor_what_follows(
        first, second, data, closed):
    _, _, line = first
    name, reply, after = second
    cut = data.draw(st.integers(1, len(line) - 2))
    lines = line[:cut] + (b"\n" if closed else b"") + after + after
    found = list(places(lines))
    assert [key for key, _, _ in found if key != TORN] == [key_of(name, reply.request)] * 2
    assert [key for key, _, _ in found].count(TORN) == 1
    assert all(from_bytes(lines[s:s + n]) for key, s, n in found if key != TORN)


@given(records(), records())
def test_whole_records_on_one_line_are_both_found(first, second):
    lines = first[2].rstrip(b"\n") + second[2].rstrip(b"\n")
    assert [key for key, _, _ in places(lines)] == [
        key_of(name, reply.request) for name, reply, _ in (first, second)]


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_looked_through_and_nothing_is_lost(junk):
    line = to_line("t:", request(1), request(1).id, Reply(request(1).id, "x", "t:"), False)
    found = list(places(junk + b"\n" + line))
    assert found[-1][0] == key_of("t:", request(1).id)
    covered = sum(length for _, _, length in found)
    assert covered <= len(junk) + len(line)


@pytest.mark.parametrize("line", [
    "[]", "5", "null", "{}", '{"request": 5}', "\x00\x00", "{" * 9, "[" * 99_999,
    '{"request": "short", "teacher": "t:", "text": "x"}',
    '{"request": "' + "a" * 32 + '", "teacher": 5, "text": "x"}',
    '{"request": "' + "a" * 32 + '", "teacher": "t:"}',
    '{"request": "' + "a" * 32 + '", "teacher": "t:", "text": "x", "prompt_tokens": "many"}',
    '{"request": "' + "a" * 32 + '", "teacher": "t:", "text": "x", "cost": [1]}'])
def test_what_is_no_record_is_counted_as_torn(line):
    assert [key for key, _, _ in places(line.encode() + b"\n\n \n")] == [TORN]


def test_a_line_that_another_tool_wrote_again_is_still_a_record():
    line = to_line("t:", request(1), request(1).id, Reply(request(1).id, "x", "t:"), True)
    spaced = json.dumps(json.loads(line)).encode()
    assert [key for key, _, _ in places(spaced)] == [key_of("t:", request(1).id)]


def test_a_request_at_two_teachers_has_two_keys():
    assert key_of("a:", request(1).id) != key_of("b:", request(1).id)
    assert 0 <= key_of("a:", request(1).id) < 1 << 64
