"""`openai:` and its engine against a real server that misbehaves as it is told to."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from clocks import quiet
from mathmill.errors import TeacherError
from mathmill.teachers import engine as engine_module
from mathmill.teachers.engine import Engine
from mathmill.teachers.http.endpoint import Endpoint, find_key, is_local
from mathmill.teachers.http.faults import Fault
from mathmill.types import Message, Reply, Request

pytest.importorskip("aiohttp")
KEY = "sk-secret-0123456789"
Answer = Callable[[dict[str, Any], int], tuple[int, Any]]


class Server:
    """A chat-completions server in a thread; `answer` decides on each call."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.heads: list[tuple[str, dict[str, str]]] = []
        self.more: dict[str, str] = {}  # headers of each answer
        self.answer: Answer = lambda body, count: (200, completion("The answer is 5"))
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.calls.append(body)
                server.keys.append(self.headers.get("Authorization", ""))
                server.heads.append((self.path, dict(self.headers)))
                status, payload = server.answer(body, len(server.calls))
                if status == 0:  # hang, then drop the connection
                    time.sleep(1.5)
                    return
                data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
                self.send_response(status)
                self.send_header("Content-Type", server.more.get("Content-Type",
                                                                 "application/json"))
                for name in set(server.more) - {"Content-Type", "Content-Length"}:
                    self.send_header(name, server.more[name])
                promised = server.more.get("Content-Length", str(len(data)))
                self.send_header("Content-Length", promised)
                if status == 429:
                    self.send_header("Retry-After", "0.05")
                self.end_headers()
                self.wfile.write(data)
                if promised != str(len(data)):  # stall
                    time.sleep(1.5)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()


def completion(text: Any, finish: str = "stop", **more: Any) -> dict[str, Any]:
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "tiny",
            "choices": [{"index": 0, "finish_reason": finish,
                         "message": {"role": "assistant", "content": text, **more}}],
            "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}}


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.http.shutdown()
    running.http.server_close()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "PAUSE", 0.02)


def engine(url: str, *, retries: int = 0, timeout: float = 5, **settings: Any) -> Engine:
    return Engine("openai:tiny", [(Endpoint("tiny", url, KEY, timeout=timeout, **settings), 1.0)],
                  tries=retries + 1)


def ask(server: Server, *, retries: int = 0, timeout: float = 5,
        request: Request | None = None, teacher: Engine | None = None) -> Reply:
    teacher = teacher or engine(server.url, retries=retries, timeout=timeout)

    async def once() -> Reply:
        try:
            return await teacher.answer(
                request or Request((Message("user", "How many?"),), sample=3))
        finally:
            await teacher.aclose()

    return asyncio.run(once())


pytestmark = pytest.mark.slow


def test_a_reply_is_read_with_its_tokens_and_everything_asked_is_sent(server):
    request = Request((Message("system", "Be brief."), Message("user", "多少？")), temperature=0.2,
                      max_tokens=64, stop=("###",), sample=9)
    reply = ask(server, request=request)
    assert (reply.text, reply.finish, reply.request) == ("The answer is 5", "stop", request.id)
    assert (reply.prompt_tokens, reply.completion_tokens) == (11, 7)
    assert reply.teacher == "openai:tiny"
    assert reply.seconds > 0
    assert server.calls == [{
        "model": "tiny", "temperature": 0.2, "max_tokens": 64, "stop": ["###"], "seed": 9,
        "messages": [{"role": "system", "content": "Be brief."},
                     {"role": "user", "content": "多少？"}]}]
    assert server.keys == [f"Bearer {KEY}"]


def test_a_cut_off_reply_says_so_and_missing_usage_is_survived(server):
    whole = completion("2 + 3", "length")
    del whole["usage"]
    server.answer = lambda body, count: (200, whole)
    reply = ask(server)
    assert (reply.text, reply.finish, reply.completion_tokens) == ("2 + 3", "length", 0)


@pytest.mark.parametrize(("message", "text"), [
    ({"text": None, "reasoning_content": "hm, 5"}, ""),
    ({"text": "<think>\nhm\n</think>\n\nThe answer is 5", "reasoning": "hm"}, "The answer is 5"),
    ({"text": None, "refusal": "I cannot help with that."}, "I cannot help with that."),
    ({"text": "a\ud800b"}, "a?b"),
])
def test_reasoning_is_kept_apart_and_a_refusal_is_text(server, message, text):
    server.answer = lambda body, count: (200, completion(**message))
    reply = ask(server)
    assert (reply.text, reply.finish) == (text, "stop")


@pytest.mark.parametrize(("status", "cure"), [
    (401, "set OPENAI_API_KEY"), (403, "use another model"), (404, "check the model's name")])
def test_what_no_call_can_get_past_is_one_line_with_its_cure(server, status, cure):
    server.answer = lambda body, count: (status, {"error": {
        "message": f"Incorrect API key provided: {KEY}", "code": "invalid_api_key"}})
    with pytest.raises(TeacherError, match=rf"^openai:tiny: .*\({status}\); .*{cure}") as caught:
        ask(server, retries=3)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(server.calls) == 1


def test_used_up_credit_stops_the_run(server):
    server.answer = lambda body, count: (429, {"error": {
        "message": "You exceeded your quota", "code": "insufficient_quota"}})
    with pytest.raises(TeacherError, match=r"credit at 127.* is used up; add credit"):
        ask(server)


def test_a_server_that_is_too_busy_is_asked_again(server):
    server.answer = lambda body, count: (
        (429, {"error": {"message": "slow down"}}) if count < 3 else
        (200, completion("The answer is 5")))
    assert ask(server, retries=3).text == "The answer is 5"
    assert len(server.calls) == 3


@pytest.mark.parametrize(("status", "payload", "why"), [
    (500, {"error": {"message": f"died with {KEY} and sk-other-123456"}}, "500: died"),
    (400, {"error": {"message": "too long", "code": "context_length_exceeded"}},
     "too long (the prompt has "),
    (200, b'{"choices": [', "Error"),
    (200, b"<html>gateway</html>", "Error"),
    (200, b"", "Error"),
    (200, b"null", "no choices"),
    (200, {"choices": []}, "no choices"),
    (200, {"choices": None}, "no choices"),
    (200, {"choices": [{}]}, "without a message"),
    (200, {"error": {"message": "odd"}}, "no choices"),
    (200, {"choices": [{"message": {"content": [1, 2]}}]}, "no text"),
    (200, completion(None, "content_filter"), "content filter"),
])
def test_any_other_failure_is_a_reply_that_says_why_without_the_key(server, status, payload, why):
    server.answer = lambda body, count: (status, payload)
    reply = ask(server)
    assert (reply.finish, reply.text) == ("error", "")
    assert why in reply.error
    assert "\n" not in reply.error
    assert "secret" not in reply.error
    assert "sk-" not in reply.error


def test_a_failure_that_lasts_is_retried_and_then_a_reply(server):
    server.answer = lambda body, count: (500, {"error": {"message": "down"}})
    assert ask(server, retries=1).finish == "error"
    assert len(server.calls) == 2


def test_a_server_that_hangs_is_given_up(server):
    server.answer = lambda body, count: (0, None)
    began = quiet()
    reply = ask(server, timeout=0.3)
    assert quiet() - began < 1.4
    assert reply.finish == "error"
    assert "Timeout" in reply.error


def test_a_server_that_is_not_there_stops_the_run(server):
    teacher = engine("http://127.0.0.1:9/v1")
    with pytest.raises(TeacherError, match=r"nothing answers at 127\.0\.0\.1:9; start the server"):
        ask(server, teacher=teacher)


def test_a_server_that_goes_away_after_an_answer_makes_failed_replies_only():
    server = Server()
    teacher = engine(server.url)
    assert ask(server, teacher=teacher).finish == "stop"
    server.http.shutdown()
    server.http.server_close()
    assert ask(server, teacher=teacher).finish == "error"


def test_parameters_that_a_model_refuses_are_changed_for_good(server, caplog):
    def picky(body: dict[str, Any], count: int) -> tuple[int, Any]:
        if "max_tokens" in body:
            return 400, {"error": {"message": "Unsupported parameter: 'max_tokens' is not "
                                   "supported with this model. Use "
                                   "'max_completion_tokens' instead.",
                                   "param": "max_tokens", "code": "unsupported_parameter"}}
        if "temperature" in body:
            return 400, {"error": {"message": "Unsupported value: 'temperature' does not support "
                                   "0.7 with this model.", "param": "temperature"}}
        return 200, completion("a ### b")

    server.answer = picky
    teacher = engine(server.url)
    request = Request((Message("user", "How many?"),), max_tokens=77)
    assert ask(server, teacher=teacher, request=request).text == "a ### b"
    assert len(server.calls) == 3
    assert ask(server, teacher=teacher, request=request).text == "a ### b"
    assert len(server.calls) == 4
    assert server.calls[-1]["max_completion_tokens"] == 77
    assert "temperature" not in server.calls[-1]
    assert len(caplog.records) == 2


def test_a_stop_that_the_server_refuses_is_applied_here(server):
    server.answer = lambda body, count: (
        (400, {"error": {"message": "unexpected field 'stop'"}}) if "stop" in body else
        (200, completion("a ### b")))
    reply = ask(server, request=Request((Message("user", "q"),), stop=("###",)))
    assert reply.text == "a "


def test_many_calls_go_out_at_once(server):
    def slow(body: dict[str, Any], count: int) -> tuple[int, Any]:
        time.sleep(0.5)
        return 200, completion(body["messages"][0]["content"])

    server.answer = slow
    teacher = engine(server.url)

    async def everything() -> list[Reply]:
        try:
            return await asyncio.gather(*(
                teacher.answer(Request((Message("user", str(number)),))) for number in range(8)))
        finally:
            await teacher.aclose()

    began = time.monotonic()
    assert [reply.text for reply in asyncio.run(everything())] == [str(n) for n in range(8)]
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(("host", "local"), [
    ("localhost", True), ("127.0.0.1", True), ("::1", True), ("10.0.0.7", True), ("gpu1", True),
    ("box.local", True), ("api.openai.com", False), ("8.8.8.8", False)])
def test_a_local_host_is_told_from_one_far_away(host, local):
    assert is_local(host) is local


def test_a_missing_key_and_a_missing_package_are_told_together(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(TeacherError, match="there is no key for api.openai.com; set the variable "
                       r"OPENAI_API_KEY \(to any word if that server needs none\)$"):
        find_key("openai:x", "api.openai.com")
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(TeacherError) as told:
        find_key("openai:x", "api.openai.com")
    assert "set the variable OPENAI_API_KEY" in str(told.value)
    assert "pip install 'mathmill[api]'" in str(told.value)


def send(endpoint: Endpoint, request: Request, samples: int = 1) -> list[Reply]:
    async def once() -> list[Reply]:
        try:
            return await endpoint.send(request, samples)
        finally:
            await endpoint.aclose()

    return asyncio.run(once())


QUESTION = Request((Message("user", "How many?"),), sample=4)


def test_azure_has_its_key_and_version_in_other_places(server):
    endpoint = Endpoint("tiny", f"{server.url}/openai/deployments/tiny", KEY,
                        query={"api-version": "2024-10-21"}, headers={"X-Title": "mathmill"})
    assert send(endpoint, QUESTION)[0].text == "The answer is 5"
    [(path, headers)] = server.heads
    assert path == "/v1/openai/deployments/tiny/chat/completions?api-version=2024-10-21"
    assert (headers["api-key"], headers["X-Title"]) == (KEY, "mathmill")
    assert "Authorization" not in headers


def test_several_samples_come_in_one_call_and_what_lacks_in_another(server):
    def two_at_most(body: dict[str, Any], count: int) -> tuple[int, Any]:
        whole = completion("5")
        whole["choices"] = [dict(completion(f"{n}")["choices"][0], index=n) for n in range(
            min(2, body.get("n", 1)))]
        return 200, whole

    async def three() -> list[Reply]:
        engine = Engine("openai:tiny", [(Endpoint("tiny", server.url, KEY), 1.0)])
        try:
            return await engine.answers(QUESTION, 3)
        finally:
            await engine.aclose()

    server.answer = two_at_most
    replies = asyncio.run(three())
    assert [call.get("n") for call in server.calls] == [3, None]
    assert [call["seed"] for call in server.calls] == [4, 6]
    assert len({reply.request for reply in replies}) == 3
    assert replies[0].request == QUESTION.id


def test_compressed_and_wrongly_labelled_replies_are_read(server):
    data = json.dumps(completion("5 多")).encode()
    server.more = {"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=latin-1"}
    server.answer = lambda body, count: (200, gzip.compress(data))
    assert send(Endpoint("tiny", server.url, KEY), QUESTION)[0].text == "5 多"


def test_a_redirect_is_not_followed_with_the_key(server):
    other = Server()
    server.more = {"Location": f"{other.url}/chat/completions"}
    server.answer = lambda body, count: (307, b"")
    with pytest.raises(TeacherError, match=r"sends calls on to http://127.*; give that address"):
        ask(server)
    assert not other.calls
    other.http.shutdown()
    other.http.server_close()


def test_a_streamed_reply_is_read_and_one_that_stalls_is_cut(server):
    piece = {"choices": [{"index": 0, "delta": {"content": "5"}, "finish_reason": "stop"}]}
    server.more = {"Content-Type": "text/event-stream"}
    server.answer = lambda body, count: (
        200, f"data: {json.dumps(piece)}\n\ndata: [DONE]\n\n".encode())
    endpoint = Endpoint("tiny", server.url, KEY, stream=True)
    assert send(endpoint, QUESTION)[0].text == "5"
    assert server.calls[0]["stream"] is True
    server.more["Content-Length"] = "100000"  # promised, and never sent
    server.answer = lambda body, count: (200, f"data: {json.dumps(piece)}\n\n".encode())
    began = quiet()
    with pytest.raises(Fault, match=r"Timeout: the reply stood still for 0\.2 s"):
        send(Endpoint("tiny", server.url, KEY, stream=True, stall=0.2, timeout=5), QUESTION)
    assert quiet() - began < 3


def test_a_local_server_is_sent_no_key(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # no proxy leads to this machine
    assert send(Endpoint("tiny", server.url), QUESTION)[0].finish == "stop"
    assert server.keys == [""]


def test_a_key_with_signs_that_no_header_can_carry_is_refused(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-\u200babc\ndef")
    with pytest.raises(TeacherError, match="holds signs that no key has") as caught:
        find_key("openai:tiny", "api.example.com")
    assert "abc" not in str(caught.value)


def test_the_key_is_in_no_representation_and_no_fault(server):
    server.answer = lambda body, count: (400, {"error": {"message": f"bad {KEY}"}})
    endpoint = Endpoint("tiny", server.url, KEY)
    with pytest.raises(Fault) as caught:
        send(endpoint, QUESTION)
    assert "secret" not in f"{endpoint!r} {caught.value} {caught.value.message}"
