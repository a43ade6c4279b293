"""What statuses, errors and headers of servers mean."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import Any

import pytest

from mathmill.teachers.http.faults import (
    BUSY,
    ROW,
    STOP,
    TROUBLE,
    Fault,
    blot,
    of_status,
    retry_after,
)
from mathmill.teachers.http.limits import duration, of_headers
from mathmill.teachers.http.parameters import Parameters
from mathmill.types import Message, Request


def fault(status: int, error: Any = "why", headers: dict[str, str] | None = None) -> Fault:
    body = error if isinstance(error, bytes) else json.dumps({"error": error}).encode()
    return of_status(status, body, headers or {}, "api.example.com", "MY_KEY")


@pytest.mark.parametrize(("status", "error", "kind", "why"), [
    (401, "no", STOP, "refused the key (401); set MY_KEY"),
    (400, {"code": "invalid_api_key"}, STOP, "set MY_KEY"),
    (402, "pay", STOP, "credit at api.example.com is used up"),
    (429, {"code": "insufficient_quota", "message": "quota"}, STOP, "credit"),
    (429, {"type": "insufficient_quota", "code": None}, STOP, "credit"),
    (403, "no", STOP, "does not let this key"),
    (403, {"message": "Your input was flagged by moderation"}, ROW, "content filter"),
    (404, {"message": "The model `x` does not exist"}, STOP, "no such model"),
    (400, {"code": "model_not_found"}, STOP, "no such model"),
    (405, b"", STOP, "ends in /v1"),
    (407, b"", STOP, "the proxy to api.example.com answered 407; correct HTTPS_PROXY"),
    (429, "slow down", BUSY, "429: slow down"), (503, "busy", BUSY, "busy"),
    (529, "overloaded", BUSY, "529"),
    (500, "died", TROUBLE, "500: died"), (502, b"<h1>Bad gateway</h1>", TROUBLE, "Bad gateway"),
    (408, "late", TROUBLE, "408"), (524, b"", TROUBLE, "no words"),
    (400, {"message": "maximum context length is 2048 tokens"}, ROW, "2048 tokens"),
    (413, "large", ROW, "413"), (422, {"detail": [{"msg": "odd"}]}, ROW, "odd"),
    (400, {"code": "content_filter", "message": "no"}, ROW, "content filter"),
    (400, {"message": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}, ROW, "filter"),
    (400, [1], ROW, "[1]"), (400, b'"text"', ROW, "text"), (418, {}, ROW, "418"),
])
def test_a_status_means_one_of_four_things(status, error, kind, why):
    found = fault(status, error)
    assert found.kind == kind
    assert why in found.message
    assert "\n" not in found.message


def test_a_redirect_is_named_and_not_followed():
    found = fault(307, b"", {"Location": "https://other.example.com/v1?key=secret"})
    assert found.kind == STOP
    assert "https://other.example.com/v1 (307)" in found.message
    assert "secret" not in found.message


@pytest.mark.parametrize(("headers", "seconds"), [
    ({"Retry-After": "3"}, 3.0), ({"Retry-After": "0.25"}, 0.25), ({"Retry-After": "-1"}, 0.0),
    ({"retry-after-ms": "150", "Retry-After": "9"}, 0.15), ({}, None),
    ({"Retry-After": "soon"}, None), ({"Retry-After": "nan"}, None)])
def test_how_long_a_server_asks_to_wait(headers, seconds):
    assert retry_after(headers) == seconds


def test_a_date_to_wait_for_is_understood():
    seconds = retry_after({"Retry-After": formatdate(time.time() + 30, usegmt=True)})
    assert seconds is not None
    assert 28 <= seconds <= 31
    assert retry_after({"Retry-After": formatdate(time.time() - 30, usegmt=True)}) == 0.0


@pytest.mark.parametrize("said", [
    "Incorrect API key provided: sk-abcdef123456.", "key: 0123456789abcdef0123",
    "Authorization: Bearer abcdefgh", "api_key=abcdefgh1234", "sk_live_abcdefgh"])
def test_what_looks_like_a_key_is_blotted_out(said):
    message = fault(400, {"message": f"{said} and more"}).message
    assert "[key]" in message
    assert "abcdef" not in message


def test_the_key_itself_is_blotted_out_whatever_it_looks_like():
    assert blot("it was hunter2\nindeed", "hunter2") == "it was [key] indeed"


@pytest.mark.parametrize(("text", "seconds"), [
    ("6m0s", 360), ("20ms", 0.02), ("1h2m3.5s", 3723.5), ("12", 12), ("", None), ("soon", None)])
def test_durations_of_headers(text, seconds):
    assert duration(text) == (pytest.approx(seconds) if seconds is not None else None)


def test_headers_tell_the_tighter_of_calls_and_tokens():
    headers = {"x-ratelimit-remaining-requests": "90", "x-ratelimit-limit-requests": "100",
               "x-ratelimit-reset-requests": "10s", "x-ratelimit-remaining-tokens": "5000",
               "x-ratelimit-reset-tokens": "10s", "x-ratelimit-limit-tokens": "100000"}
    assert of_headers(headers) == (90, 10, 100)
    assert of_headers(headers, tokens_a_call=1000) == (5, 10, 100)
    assert of_headers({"x-ratelimit-remaining": "3", "x-ratelimit-reset": str(time.time() + 60)}
                      )[1] == pytest.approx(60, abs=2)
    assert of_headers({})[0] is None


REQUEST = Request((Message("user", "q"),), stop=("#",), top_p=0.9, logprobs=True)


@pytest.mark.parametrize(("error", "refused"), [
    ({"message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
      "'max_completion_tokens' instead.", "param": "max_tokens"}, "max_tokens"),
    ({"message": "Unsupported value: 'temperature' does not support 0.7", "param": "temperature",
      "code": "unsupported_value"}, "temperature"),
    ({"message": "Unrecognized request argument supplied: 'seed'"}, "seed"),
    ({"message": "property 'logprobs' is not supported"}, "logprobs"),
    ({"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"],
                  "msg": "Extra inputs are not permitted"}]}, "seed"),
    ({"message": "max_tokens is too large: 9999", "param": "max_tokens"}, None),
    ({"message": "'seed' must be above 0", "param": "seed"}, None),
    ("unexpected", None),
])
def test_a_parameter_is_given_up_only_where_it_is_refused_by_name(error, refused, caplog):
    parameters = Parameters("m", "openai:m")
    body = json.dumps({"error": error} if isinstance(error, str) or "message" in error else error)
    assert parameters.adapt(REQUEST, 1, body.encode()) is (refused is not None)
    assert parameters.refused == ({refused} if refused else set())
    assert len(caplog.records) == (refused is not None)
    if refused:
        assert refused not in parameters.fields(REQUEST)


def test_what_is_sent():
    parameters = Parameters("m", "openai:m", {"reasoning_effort": "low"})
    assert parameters.fields(REQUEST, 4) == {
        "model": "m", "messages": [{"role": "user", "content": "q"}], "temperature": 0.7,
        "max_tokens": 1024, "seed": 0, "stop": ["#"], "top_p": 0.9, "logprobs": True, "n": 4,
        "reasoning_effort": "low"}
    half = Request((Message("user", "a\ud800"),))
    assert json.loads(parameters.body(half))["messages"][0]["content"] == "a\ud800"


def test_a_password_in_an_address_is_no_part_of_a_message():
    assert blot("no way to http://me:hidden@proxy:80/x", "") == "no way to http://proxy:80/x"


@pytest.mark.parametrize(("key_name", "keyed", "words"), [
    ("MY_KEY", True, "api.example.com refused the key (401); set MY_KEY to a valid one"),
    ("MY_KEY", False, "api.example.com wants a key (401), and there is none in MY_KEY; set it"),
    ("", False, "api.example.com wants a key (401), and no variable is named for it; add "
     'key_env = "MY_KEY" to the endpoint')])
def test_who_wants_a_key_is_told_where_to_put_it(key_name, keyed, words):
    found = of_status(401, b"", {}, "api.example.com", key_name, keyed)
    assert (found.kind, found.message) == (STOP, words)
