"""Killed or interrupted at any moment, the same command goes on: one batch, one bill."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from batch_server import BatchServer, Plan
from mathmill.teachers.money.ledger import Account
from mathmill.teachers.money.prices import PICO

ROWS = 12
EACH = round((10 * 2 + 5 * 10) / 2 / 1e6 * PICO)
RUN = "from mathmill.cli import main; main()"
# Dies by SIGKILL just before or after the step that is named.
DIE = """
import os, signal, sys
from mathmill.teachers.batch import provider, records
from mathmill.teachers.journal.store import JournalFile
def deadly(owner, name, when, which):
    whole, count = getattr(owner, name), [0]
    def die():
        os.kill(os.getpid(), signal.SIGKILL)
    def step(self, *words, **more):
        mine = which in (None, *words) or str(which).isdigit()
        count[0] += mine
        due = mine and (not str(which).isdigit() or count[0] == int(which))
        if due and when == "before":
            die()
        result = whole(self, *words, **more)
        if due:
            die()
        return result
    setattr(owner, name, step)
"""
MOMENTS = {
    "before anything is noted": 'deadly(records.Records, "write", "before", "sending")',
    "when it is noted": 'deadly(records.Records, "write", "after", "sending")',
    "before it is asked for": 'deadly(records.Records, "write", "before", "creating")',
    "when that is noted": 'deadly(records.Records, "write", "after", "creating")',
    "before its id is noted": 'deadly(records.Records, "write", "before", "created")',
    "when its id is noted": 'deadly(records.Records, "write", "after", "created")',
    "while bills are learnt": 'deadly(JournalFile, "append", "before", 1)',
    "amid the journal": 'deadly(JournalFile, "append", "after", 5)',
    "at the last reply": 'deadly(JournalFile, "append", "before", 12)',
    "before it is over": 'deadly(records.Records, "write", "before", "over")',
}


def start(where: Path, server: BatchServer, code: str = RUN) -> subprocess.Popen[str]:
    (where / "prices.toml").write_text("[prices.tiny]\ninput = 2\noutput = 10\nbatch = 0.5\n")
    (where / "prompts.jsonl").write_text("".join(
        json.dumps({"prompt": f"question {row}"}) + "\n" for row in range(ROWS)))
    words = ["generate", "prompts.jsonl", "--teacher", f"batch:tiny@{server.url}", "--out",
             "out.jsonl", "--prices", "prices.toml", "--max-cost", "5"]
    return subprocess.Popen([sys.executable, "-c", code, *words], cwd=where, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={
        **os.environ, "MATHMILL_BATCH": "quiet=0.1,first=0.01,last=0.05,seen=0.3"})


def finished(where: Path, server: BatchServer) -> str:
    process = start(where, server)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 0, said
    rows = [json.loads(line) for line in (where / "out.jsonl").read_text().splitlines()]
    assert [row["text"] for row in rows] == [f"re: question {row}" for row in range(ROWS)]
    return said


def spent(where: Path) -> int:
    [ledger] = where.glob("runs/*/spent.jsonl")
    return Account(ledger, "onlooker").total().cost


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_nothing_is_submitted_twice(moment: str, tmp_path: Path) -> None:
    with BatchServer() as server:
        process = start(tmp_path, server, DIE + MOMENTS[moment] + "\n" + RUN)
        said = process.communicate(timeout=60)[1]
        assert process.returncode == -signal.SIGKILL, said
        finished(tmp_path, server)
        assert len(server.batches) == 1
        assert len(server.answered) == ROWS
        # What was held and never sent stays counted; no account is below the bill.
        assert spent(tmp_path) >= EACH * ROWS


@pytest.mark.slow
def test_killed_again_and_again_while_batches_expire_each_line_is_bought_once(tmp_path: Path
                                                                              ) -> None:
    draws = random.Random(5)
    with BatchServer() as server:
        server.default = Plan(looks=6)
        for number in (1, 2):
            server.plans[number] = Plan(looks=6, end="expired", done=lambda place: place % 2 > 0)
        for _ in range(6):
            process = start(tmp_path, server)
            seen = len(server.paths)
            until(lambda seen=seen, p=process: len(server.paths) > seen or p.poll() is not None)
            time.sleep(draws.uniform(0, 0.25))
            process.kill()
            process.communicate(timeout=60)
        finished(tmp_path, server)
        assert sorted(server.answered) == sorted(f"question {row}" for row in range(ROWS))
        assert spent(tmp_path) >= EACH * ROWS
        assert not list(tmp_path.glob("runs/journal/batch-*.jsonl"))


@pytest.mark.slow
def test_killed_while_the_provider_makes_it_nothing_is_submitted_twice(tmp_path: Path) -> None:
    with BatchServer() as server:
        processes: list[subprocess.Popen[str]] = []
        server.creating = lambda: processes[0].kill()
        processes.append(start(tmp_path, server))
        processes[0].communicate(timeout=60)
        assert len(server.batches) == 1
        server.creating = lambda: None
        said = finished(tmp_path, server)
        assert len(server.batches) == 1
        assert "12 requests are in batches that were submitted before" in said


@pytest.mark.slow
def test_killed_while_it_waits_the_account_is_the_bill_in_the_end(tmp_path: Path) -> None:
    with BatchServer() as server:
        server.default = Plan(looks=10_000)
        process = start(tmp_path, server)
        until(lambda: server.looks.get("batch_1", 0) > 3)
        process.kill()
        process.communicate(timeout=60)
        assert spent(tmp_path) > EACH * ROWS, "held at its worst"
        server.default = Plan()
        finished(tmp_path, server)
        assert len(server.batches) == 1
        assert spent(tmp_path) == EACH * ROWS


@pytest.mark.slow
def test_interrupted_it_says_that_the_batch_goes_on_and_leaves_at_once(tmp_path: Path) -> None:
    with BatchServer() as server:
        server.default = Plan(looks=10_000)
        process = start(tmp_path, server)
        until(lambda: server.looks.get("batch_1", 0) > 3)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        said = process.communicate(timeout=60)[1]
        assert time.monotonic() - began < 5
        assert process.returncode != 0
        assert "batch_1 with 12 requests not yet fetched goes on at the provider" in said
        assert "Traceback" not in said
        assert not [path for path in server.paths if path.endswith("/cancel")]
        server.default = Plan()
        finished(tmp_path, server)
        assert len(server.batches) == 1
        assert spent(tmp_path) == EACH * ROWS


def until(true: object) -> None:
    assert callable(true)
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
