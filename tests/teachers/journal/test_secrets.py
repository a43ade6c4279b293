"""A planted key is nowhere in what a run over HTTP left behind."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mathmill.teachers.registry import open_teacher
from mathmill.types import Message, Request

SECRET = "sk-planted-4f1d9c77aa0b52e3"


class Chatty(http.server.BaseHTTPRequestHandler):
    """A server that tells the headers it was sent in every place that is no answer."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        sent = dict(self.headers)
        assert SECRET in sent["Authorization"]
        text = asked["messages"][-1]["content"]
        body = {"id": SECRET, "model": SECRET, "debug": sent, "usage": {
            "prompt_tokens": 5, "completion_tokens": 1, "seen": SECRET},
            "choices": [{"index": 0, "finish_reason": "stop", "debug": sent, "message": {
                "role": "assistant", "content": f"An answer to {text}", "note": SECRET}}]}
        code = 200
        if "bad" in text:
            code, body = 400, {"error": {"message": f"refused: Bearer {SECRET}", "debug": sent}}
        content = json.dumps(body).encode()
        self.send_response(code)
        for name, value in (("Content-Type", "application/json"), ("X-Request", SECRET),
                            ("Content-Length", str(len(content)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chatty) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/v1"
        listening.shutdown()
        thread.join()


def test_a_key_reaches_no_file_of_a_run(server: str, tmp_path: Path, monkeypatch, capfd):
    pytest.importorskip("aiohttp")
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.delenv("MATHMILL_JOURNAL", raising=False)

    async def everything() -> list[str]:
        teacher = open_teacher(f"openai:tiny@{server}", tmp_path / "runs" / "one")
        try:
            return [(await teacher.answer(Request((Message("user", text),)))).error
                    for text in ("one", "two", "a bad one")]
        finally:
            await teacher.aclose()

    errors = asyncio.run(everything())
    assert errors[:2] == ["", ""]
    assert errors[2]
    written = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    journal = written[tmp_path / "runs" / "journal" / "journal.jsonl"]
    assert journal.count(b"An answer to") == 2
    assert [file for file, content in written.items() if SECRET.encode() in content] == []
    assert SECRET not in "".join(errors) + "".join(capfd.readouterr())
