"""Whole commands against the hostile server, in processes of their own: rows, money, the key."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from hostile_connection import Call
from hostile_makers import KEY
from hostile_server import HostileServer, expected, fingerprint, key_of

pytest.importorskip("aiohttp")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
HOSTILE = dict.fromkeys(("429", "500", "503", "reset", "cut", "drop", "bad_json", "html", "never",
                         "empty_choices", "echo_500", "no_usage", "same_id"), 0.01)
WHOLE = ("ok", "no_usage", "same_id", "echo_ok")  # what nobody may have to buy again
CONFIG = """
[teachers.hostile]
model = "tiny"
timeout = 1.5
stall = 0.5
url = "{url}"
key_env = "PLANTED_KEY"
"""
RECIPE = """
from mathmill.methods import METAMATH
from mathmill.pipeline import report, seeds, synthesize, verify

def recipe(samples, teacher):
    rows = synthesize(seeds("symbolic:count=60,seed=1"), METAMATH[:2], samples, teacher)
    checked = verify(rows, by=("majority",), votes=3, teacher=teacher)
    return report("Hostile", {}, data=checked)
"""


def mathmill(*words: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PLANTED_KEY": KEY, **variables}
    return subprocess.run(
        [sys.executable, "-c", "from mathmill.cli import main; main()", *words],
        cwd=cwd, capture_output=True, text=True, timeout=120, env=variables)


def planted_in(folder: Path) -> list[str]:
    """Return the files in which the key stands, whole or in its recognisable part."""
    return [str(path) for path in folder.rglob("*")
            if path.is_file() and KEY[10:].encode() in path.read_bytes()]


def bought_twice(server: HostileServer) -> set[str]:
    """Return the requests that were sent again after a whole reply."""
    whole = Counter((call.key, json.dumps(call.body)) for call in server.calls
                    if call.behaviour in WHOLE)
    return {key for (key, _), count in whole.items() if count > 1}


def config(folder: Path, server: HostileServer) -> str:
    (folder / "teachers.toml").write_text(CONFIG.format(url=server.url))
    return "config:teachers.toml#hostile"


def rows_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_generate_brings_every_row_in_order_and_buys_nothing_twice(tmp_path):
    prompts = [f"question {number}" for number in range(400)]
    (tmp_path / "prompts.jsonl").write_text(
        "".join(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts))
    with HostileServer(draw=HOSTILE, seed=3, key=KEY, latency="uniform:0,0.1") as server:
        words = ("generate", "prompts.jsonl", "--teacher", config(tmp_path, server), "--no-cost")
        first = mathmill(*words, "--out", "first.jsonl", cwd=tmp_path)
        assert first.returncode == 0, first.stderr[-2000:]
        sent = server.requests
        again = mathmill(*words, "--out", "again.jsonl", cwd=tmp_path)
        assert again.returncode == 0, again.stderr[-2000:]
        assert server.requests == sent
    for name in ("first.jsonl", "again.jsonl"):
        text = [json.dumps(row) for row in rows_of(tmp_path / name)]
        assert len(text) == len(prompts)
        for row, prompt in zip(text, prompts, strict=True):
            assert json.dumps(expected(key_of(prompt)))[1:-1] in row
    assert bought_twice(server) == set()
    assert planted_in(tmp_path) == []
    for result in (first, again):
        assert KEY[10:] not in result.stdout + result.stderr


def test_a_run_with_its_report_writes_and_prints_no_key(tmp_path):
    (tmp_path / "mine.py").write_text(RECIPE)
    with HostileServer(draw={**HOSTILE, "echo_400": 0.02, "echo_ok": 0.02}, key=KEY) as server:
        words = ("run", "mine.py", "--teacher", config(tmp_path, server), "--samples", "80",
                 "--no-cost")
        result = mathmill(*words, "--out", "runs/mine", cwd=tmp_path)
        assert result.returncode == 0, result.stderr[-2000:]
        again = mathmill(*words, "--out", "runs/other", cwd=tmp_path)
        assert again.returncode == 0, again.stderr[-2000:]
    assert bought_twice(server) == set()  # also by a second run that asks the same
    assert {call.headers["authorization"] for call in server.calls} == {fingerprint(KEY)}
    assert any(call.behaviour == "echo_ok" for call in server.calls)
    assert len(list((tmp_path / "runs/mine").rglob("report.html"))) == 1
    assert (tmp_path / "runs/journal/journal.jsonl").exists()
    assert planted_in(tmp_path) == []
    for each in (result, again):
        assert KEY[10:] not in each.stdout + each.stderr


@pytest.mark.parametrize(("model", "key", "says"), [
    ("tiny", "sk-wrong-0a1b2c3d4e5f6071", "refused the key (401); set PLANTED_KEY"),
    ("other", KEY, "knows no such model")])
def test_what_no_call_can_get_past_ends_the_command_with_one_line(tmp_path, model, key, says):
    (tmp_path / "prompts.jsonl").write_text(
        "".join(f'{{"prompt": "question {number}"}}\n' for number in range(500)))
    with HostileServer(key=KEY, model="tiny", latency="0.05") as server:
        teacher = config(tmp_path, server)
        path = tmp_path / "teachers.toml"
        path.write_text(path.read_text().replace('"tiny"', f'"{model}"'))
        result = mathmill("generate", "prompts.jsonl", "--teacher", teacher, "--out", "out.jsonl",
                          "--no-cost", cwd=tmp_path, PLANTED_KEY=key)
    assert result.returncode != 0
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    assert key[10:] not in result.stdout + result.stderr
    assert server.requests <= 64  # those already on the wire
    assert max(server.sent.values()) == 1


def test_five_kills_lose_no_row_and_buy_only_what_was_in_flight_twice(tmp_path):
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from teacher.kills import trial
    finally:
        sys.path.pop(0)
    began = time.monotonic()
    toll = trial(tmp_path, count=1_000, kills=5, seed=int(began), at_once=64)
    assert (toll.lost, toll.doubled, toll.wrong, toll.bought_twice) == (0, 0, 0, 0), toll
    assert toll.rows == 1_000
    assert toll.kills >= 3, toll
    assert toll.again <= toll.in_flight, toll


def samples_in(calls: list[Call]) -> Counter[tuple[str, int]]:
    """Return how often each sample of each prompt was asked for."""
    return Counter((call.body["messages"][0]["content"], call.body["seed"] + place)
                   for call in calls for place in range(call.body.get("n", 1)))


def sample_of(text: str) -> tuple[str, int]:
    """Return the prompt and the sample that a reply of the server was written for."""
    prompt, seed, choice = re.match(r"Of (.*)#(\d+), choice (\d+)\.", text).groups()
    return prompt, int(seed) + int(choice)


def test_runs_of_several_samples_a_call_that_are_killed_pay_again_for_what_was_in_flight(
        tmp_path):
    prompts, draw, bound = [f"question {number}" for number in range(150)], random.Random(4), 0
    (tmp_path / "prompts.jsonl").write_text(
        "".join(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts))
    journal = tmp_path / "runs" / "journal" / "journal.jsonl"
    with HostileServer(key=KEY, latency="uniform:0.05,0.3") as server:
        words = ("generate", "prompts.jsonl", "--teacher", config(tmp_path, server), "--no-cost",
                 "--n", "4", "--out", "out.jsonl")
        for kill in range(3):
            process = subprocess.Popen(
                [sys.executable, "-c", "from mathmill.cli import main; main()", *words],
                cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PLANTED_KEY": KEY})
            at, began = server.requests + draw.randint(5, 40), len(server.calls)
            while server.requests < at and process.poll() is None:
                time.sleep(0.002)
            assert process.poll() is None, f"kill {kill} came too late to show anything"
            process.kill()
            process.wait()
            time.sleep(0.1)
            texts = [json.loads(line)["text"] for line in journal.read_text().splitlines()
                     if line.endswith("}")] if journal.exists() else []
            known = set(map(sample_of, texts))
            bound += sum(each not in known for each in samples_in(server.calls[began:]))
        result = mathmill(*words, cwd=tmp_path)
        assert result.returncode == 0, result.stderr[-2000:]
        asked = samples_in(server.calls)
    rows = rows_of(tmp_path / "out.jsonl")
    assert [sample_of(row["text"]) for row in rows] == [
        (prompt, sample) for prompt in prompts for sample in range(4)]
    assert asked.total() - len(rows) <= bound
    # Each of the four starts asks singly until its first call for several is back.
    assert len(server.calls) < 0.8 * asked.total()
