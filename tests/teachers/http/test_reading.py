"""What completions come to, whatever servers leave out of them or add."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mathmill.teachers.http.faults import BUSY, ROW, STOP, TROUBLE, Fault
from mathmill.teachers.http.reading import read
from mathmill.teachers.http.stream import Pieces
from mathmill.types import Message, Reply, Request

REQUEST = Request((Message("user", "How many?"),), max_tokens=50, stop=("###",), sample=3)


def choice(text: Any = "The answer is 5", finish: Any = "stop", **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, **more.pop("message", {})}
    return {"index": 0, "finish_reason": finish, "message": message, **more}


def replies(*choices: Any, usage: Any = None, stop_here: bool = False) -> list[Reply]:
    body = json.dumps({"choices": list(choices), "usage": usage}).encode()
    return read(body, REQUEST, "t", 1.5, stop_here)


def test_a_completion_becomes_a_reply():
    [reply] = replies(choice(), usage={"prompt_tokens": 11, "completion_tokens": 7})
    assert reply == Reply(REQUEST.id, "The answer is 5", "t", "stop", 11, 7, 1.5)


@pytest.mark.parametrize("form", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_body_is_read_in_any_form_of_unicode(form):
    body = json.dumps({"choices": [choice("5 多")]}, ensure_ascii=False).encode(form)
    assert read(body, REQUEST, "t", 1.5)[0].text == "5 多"


@pytest.mark.parametrize(("given", "text", "thought"), [
    (choice("<think>hm</think>\n\n5"), "5", "hm"),
    (choice("hm\n</think>\n5"), "5", "hm"),
    (choice("<think>hm, and on and on", "length"), "", "hm, and on and on"),
    (choice("5", message={"reasoning_content": "hm"}), "5", "hm"),
    (choice("5", message={"reasoning": "hm"}), "5", "hm"),
    (choice(None, message={"reasoning_content": "hm"}), "", "hm"),
    (choice([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
             {"type": "text", "text": "5"}]), "5", "hm"),
    (choice("I think 5"), "I think 5", ""),
    (choice("Say <think> and </think> aloud"), "Say <think> and </think> aloud", ""),
    (choice(None, message={"refusal": "No."}), "No.", ""),
    (choice("a\ud800b"), "a?b", ""),
])
def test_thinking_is_kept_apart_from_the_answer(given, text, thought):
    [reply] = replies(given)
    assert (reply.text, reply.reasoning) == (text, thought)


@pytest.mark.parametrize(("finish", "tokens", "marked"), [
    ("stop", 7, "stop"), ("length", 7, "length"), ("max_tokens", 7, "length"), (None, 7, "stop"),
    (None, 50, "length"), ("tool_calls", 7, "stop"), ("stop", 50, "stop")])
def test_a_reply_that_was_cut_off_is_marked(finish, tokens, marked):
    [reply] = replies(choice("2 + 3", finish), usage={"completion_tokens": tokens})
    assert reply.finish == marked


@pytest.mark.parametrize(("usage", "counts"), [
    ({"prompt_tokens": 100, "prompt_tokens_details": {"cached_tokens": 64}}, (100, 0, 64)),
    ({"prompt_tokens": 100, "completion_tokens": 9, "prompt_cache_hit_tokens": 32}, (100, 9, 32)),
    ({"prompt_tokens": "many", "completion_tokens": -4}, (0, 0, 0)),
    ({"prompt_tokens": 10**4000, "completion_tokens": 10**12}, (0, 0, 0)),
    ({"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 64}}, (5, 0, 5)),
    ({"prompt_tokens_details": None}, (0, 0, 0)), (None, (0, 0, 0)), ([1], (0, 0, 0))])
def test_tokens_are_counted_where_the_server_counts_them(usage, counts):
    [reply] = replies(choice(), usage=usage)
    assert (reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens) == counts


def test_several_samples_are_numbered_on_and_share_what_was_written():
    both = replies({**choice("bb"), "index": 1}, choice("aaaaaa"),
                   usage={"prompt_tokens": 10, "completion_tokens": 9})
    assert [reply.text for reply in both] == ["aaaaaa", "bb"]
    assert both[1].request == Request(REQUEST.messages, max_tokens=50, stop=("###",), sample=4).id
    assert [reply.prompt_tokens for reply in both] == [10, 0]
    assert [reply.completion_tokens for reply in both] == [6, 3]


def test_the_log_probability_is_the_sum_over_the_tokens():
    tokens = {"content": [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1.25}]}
    assert replies(choice(logprobs=tokens))[0].logprob == -1.75
    assert replies(choice(logprobs={"token_logprobs": [None, -2.0]}))[0].logprob == -2.0
    assert replies(choice(logprobs={"content": []}))[0].logprob is None
    assert replies(choice(logprobs={"content": [{"logprob": "x"}]}))[0].logprob is None


def test_stops_are_applied_here_where_the_server_takes_none():
    assert replies(choice("5 ### 6"), stop_here=True)[0].text == "5 "


def test_what_the_filter_stopped_is_a_failed_reply_and_leaves_the_others():
    filtered, kept = replies(choice("half an", "content_filter"), {**choice("5"), "index": 1})
    assert (filtered.finish, filtered.text) == ("error", "")
    assert "filter" in filtered.error
    assert kept.finish == "stop"


@pytest.mark.parametrize(("body", "kind", "why"), [
    (b"{", TROUBLE, "no JSON"), (b"", TROUBLE, "nothing at all"), (b"null", TROUBLE, "no choices"),
    (b"<html>gateway</html>", TROUBLE, "begins '<html>"), (b"[" * 100_000, TROUBLE, "no JSON"),
    (b'{"choices": []}', TROUBLE, "no choices"), (b'{"choices": [3]}', TROUBLE, "without a mess"),
    (b'{"choices": [{"message": {"content": 3}}]}', TROUBLE, "no text"),
    (b'{"choices": [{"message": {}, "finish_reason": "abort"}]}', TROUBLE, "broke the reply off"),
    (b'{"error": {"code": 429, "message": "slow down"}}', BUSY, "slow down"),
    (b'{"error": {"code": 400, "message": "bad"}}', ROW, "bad"),
    (b'{"error": {"code": 401, "message": "no such key"}}', STOP, "no such key"),
    (b'{"error": {"code": "insufficient_quota", "message": "pay"}}', STOP, "pay"),
    (b'{"error": "odd"}', TROUBLE, "odd"),
])
def test_what_holds_no_reply_is_a_fault(body, kind, why):
    with pytest.raises(Fault, match=why) as caught:
        read(body, REQUEST, "t", 1.0)
    assert caught.value.kind == kind


def events(*pieces: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(piece).encode() + b"\n\n" for piece in pieces)


def delta(finish: str | None = None, **text: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": text, "finish_reason": finish}]}


def test_a_stream_is_put_together_however_it_is_cut():
    whole = (b": hello\r\n" + events(delta(role="assistant"), delta(reasoning_content="hm"),
                                     delta(content="多"), delta(content="少"), delta("stop"),
                                     {"choices": [], "usage": {"completion_tokens": 3}})
             + b"data: [DONE]\n\n")
    for size in (1, 3, len(whole)):
        pieces = Pieces()
        for start in range(0, len(whole), size):
            pieces.feed(whole[start:start + size])
        assert pieces.done
        assert pieces.whole() == {
            "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None,
                         "message": {"content": "多少", "reasoning_content": "hm"}}],
            "usage": {"completion_tokens": 3}}


def test_a_stream_without_its_end_is_a_fault():
    pieces = Pieces()
    pieces.feed(events(delta(content="2 + ")))
    with pytest.raises(Fault, match="in the middle"):
        pieces.whole()
    with pytest.raises(Fault, match="no JSON"):
        pieces.feed(b"data: {\n")
