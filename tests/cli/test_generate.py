"""`mathmill generate` against a local server: killed, interrupted, capped, and given again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hostile_server import HostileServer, expected
from mathmill.teachers.pace import START

pytest.importorskip("aiohttp")
KEY = "sk-planted-0a1b2c3d4e5f6071"
CODE = "from mathmill.cli import main; main()"


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start `mathmill generate` in a folder with 200 prompts."""
    (tmp_path / "p.jsonl").write_text("".join(
        json.dumps({"prompt": f"question {n}"}) + "\n" for n in range(200)))
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("MATHMILL", "OPENAI"))}

    def started(server: HostileServer, *words: str, **more: str) -> subprocess.Popen[str]:
        teacher = [] if "--teacher" in words else ["--teacher", f"openai:tiny@{server.url}"]
        return subprocess.Popen(
            [sys.executable, "-c", CODE, "generate", "p.jsonl", *teacher, "--out", "o.jsonl",
             *words], cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**kept, "OPENAI_API_KEY": KEY, **more})

    return started


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    said, errors = process.communicate(timeout=60)
    return process.returncode, said, errors


def wait_for(server: HostileServer, calls: int, answered: bool = True) -> None:
    end = time.monotonic() + 30
    while (server.answered.total() if answered else server.requests) < calls:
        assert time.monotonic() < end
        time.sleep(0.01)


def keeps(journal: Path, replies: int) -> int:
    """Wait until the journal holds so many: an answered call is on the wire until it is kept."""
    end = time.monotonic() + 30
    while (kept := journal.read_text().count("}\n") if journal.exists() else 0) < replies:
        assert time.monotonic() < end
        time.sleep(0.002)
    return kept


def texts(path: Path) -> list[str]:
    return [json.loads(line)["text"] for line in path.read_text().splitlines()]


ALL = [expected(f"question {n}#0") for n in range(200)]


@pytest.mark.slow
def test_all_prompts_are_answered_in_order_and_a_second_time_nothing_is_sent(start, tmp_path):
    with HostileServer(latency="uniform:0,0.05", key=KEY) as server:
        code, said, errors = finish(start(server))
        assert (code, errors) == (0, "")
        assert said.startswith("o.jsonl: 200 replies to 200 prompts; 2,200 tokens read, 1,400")
        assert texts(tmp_path / "o.jsonl") == ALL
        whole = (tmp_path / "o.jsonl").read_bytes()
        assert finish(start(server))[1].rstrip().endswith("200 found (worth $0.00)")
        assert server.requests == 200
    assert (tmp_path / "o.jsonl").read_bytes() == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o.jsonl", "p.jsonl", "runs"]
    assert (tmp_path / "runs" / "journal" / "journal.jsonl").exists()


@pytest.mark.slow
def test_a_killed_run_goes_on_and_pays_only_for_what_was_in_flight(start, tmp_path):
    with HostileServer(latency="0.2", key=KEY) as server:
        process = start(server)
        wait_for(server, 80)
        kept = keeps(tmp_path / "runs" / "journal" / "journal.jsonl", 80)
        process.kill()
        process.wait()
        most, sent = server.peak, server.requests
        assert finish(start(server))[0] == 0
        assert server.requests - 200 <= min(most, sent - kept)
    assert texts(tmp_path / "o.jsonl") == ALL


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_in_flight(start, tmp_path):
    with HostileServer(latency="2", key=KEY) as server:
        process = start(server)
        # Calls under way, none answered: an answer would let four more go.
        wait_for(server, 20, answered=False)
        process.send_signal(signal.SIGINT)
        code, _, errors = finish(process)
        assert code == 130
        assert "give the same command again" in errors
        assert "Traceback" not in errors
        sent = server.requests
        assert 20 <= sent <= START < 200
        assert len(texts(tmp_path / "o.partial.jsonl")) == sent
        assert finish(start(server))[0] == 0
        assert server.requests == 200
    assert texts(tmp_path / "o.jsonl") == ALL


@pytest.mark.slow
def test_a_cap_is_kept_and_the_rest_comes_with_a_higher_one(start, tmp_path):
    with HostileServer(key=KEY) as server:
        code, _, errors = finish(start(server, "--max-calls", "50"))
        assert code == 2
        assert server.requests == 50
        assert len([line for line in errors.splitlines() if line.startswith("mathmill: ")]) == 1
        assert len(texts(tmp_path / "o.partial.jsonl")) <= 50
        assert finish(start(server, "--max-calls", "200"))[0] == 0
        assert server.requests == 200
    assert texts(tmp_path / "o.jsonl") == ALL
    assert not (tmp_path / "o.partial.jsonl").exists()


def test_a_configuration_with_two_servers_uses_both_and_leaks_no_key(start, tmp_path):
    with (HostileServer(latency="0.02", key=KEY) as one,
          HostileServer(latency="0.02", key="other-" + KEY) as two):
        (tmp_path / "t.toml").write_text(f"""
[teachers.pool]
model = "tiny"
endpoints = [{{ url = "{one.url}", key_env = "OPENAI_API_KEY", weight = 3 }},
             {{ url = "{two.url}", key_env = "SECOND_KEY" }}]
[teachers.first]
fallback = ["pool", "scripted:last.jsonl"]
""")
        (tmp_path / "last.jsonl").write_text('{"match": ".", "text": "The answer is 7"}\n')
        code, _, errors = finish(start(one, "--teacher", "config:t.toml#first",
                                       SECOND_KEY="other-" + KEY))
        assert (code, errors) == (0, "")
        assert one.requests + two.requests == 200
        assert two.requests > 20
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def test_a_refused_key_stops_at_once_with_one_line(start, tmp_path):
    with HostileServer(key="another") as server:
        code, _, errors = finish(start(server))
    assert code == 2
    assert "refused the key (401); set OPENAI_API_KEY to a valid one" in errors
    assert server.requests <= 64
    assert KEY not in errors
    assert not (tmp_path / "o.jsonl").exists()


def test_a_prompt_that_is_too_long_fails_alone_and_its_length_is_told(start, tmp_path):
    with HostileServer(key=KEY, script={"question 7#0": ["context"]}) as server:
        code, said, errors = finish(start(server))
    assert code == 0
    assert errors.startswith("mathmill: 1 failed, the first: p.jsonl:8: 400: This model's maximum")
    assert "199 replies to 200 prompts (1 failed)" in said
    failed = json.loads((tmp_path / "o.jsonl").read_text().splitlines()[7])
    assert failed["finish"] == "error"
    assert "maximum context length is 4096 tokens" in failed["error"]
    assert failed["error"].endswith("(the prompt has 10 characters)")
    assert server.sent["question 7#0"] == 1


@pytest.mark.slow
def test_a_second_ctrl_c_leaves_at_once_and_buys_nothing_twice(start, tmp_path):
    behaviour = ["never"]
    with HostileServer(key=KEY, decide=lambda call: (
            "ok" if int(call.key.split()[1].partition("#")[0]) < 20 else behaviour[0])) as server:
        process = start(server)
        wait_for(server, 20)
        process.send_signal(signal.SIGINT)
        time.sleep(0.7)
        assert process.poll() is None, "what is in flight is awaited"
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        code, _, errors = finish(process)
        assert time.monotonic() - began < 5
        assert code == 130
        assert "Traceback" not in errors
        behaviour[0] = "ok"
        assert finish(start(server))[0] == 0
        assert all(server.sent[f"question {number}#0"] == 1 for number in range(20))
    assert texts(tmp_path / "o.jsonl") == ALL
