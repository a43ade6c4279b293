"""A whole run with `--max-cost`: it stops in order, goes on with more, and tells what it paid."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from billing_server import BillingServer
from mathmill.dollars import PICO, in_words
from mathmill.report.cost import paid
from mathmill.teachers.money.ledger import Account
from mathmill.teachers.money.prices import Price
from mathmill.teachers.symbolic.teacher import SymbolicTeacher
from mathmill.types import Message, Request

RECIPE = """
from mathmill.methods import METAMATH
from mathmill.pipeline import report, seeds, synthesize, verify

def recipe(samples=40, teacher="symbolic:"):
    drafts = synthesize(seeds("symbolic:count=30,seed=1"), METAMATH, samples, teacher)
    checked = verify(drafts, by=("answer_agrees", "majority(3)"), teacher=teacher)
    return report("Budget", {}, data=checked)
"""
PRICE = Price(1_000_000, 100_000, 4_000_000)
PRICES = "[prices.tiny]\ninput = 1\ncached = 0.1\noutput = 4\n"


def solved(body: dict[str, Any]) -> str:
    turns = tuple(Message(turn["role"], turn["content"]) for turn in body["messages"])
    request = Request(turns, sample=body.get("seed", 0), max_tokens=1024)
    return SymbolicTeacher("symbolic:")._work(request)[0]


def mathmill(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    code = ("from mathmill.teachers import engine; engine.PAUSE = 0.01;"
            "from mathmill.cli import main; main()")
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True,
                          cwd=cwd, timeout=120, env={**os.environ, "OPENAI_API_KEY": ""})


@pytest.mark.slow
def test_a_run_stops_at_its_cap_goes_on_with_a_higher_one_and_tells_both(tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(RECIPE)
    (tmp_path / "prices.toml").write_text(PRICES)
    with BillingServer(random.Random(3), PRICE, latency=0.002, text=solved) as server:
        words = ["run", "small.py", "--teacher", f"openai:tiny@{server.url}", "--prices",
                 "prices.toml", "--max-cost"]
        first = mathmill(*words, "0.10", cwd=tmp_path)
        assert first.returncode == 2, first.stderr
        assert "the budget is met" in first.stderr
        assert "higher --max-cost goes on from here" in first.stderr
        assert "Traceback" not in first.stderr
        assert 0 < server.bill <= PICO // 10
        before = server.calls
        refused = mathmill(*words, "0.10", cwd=tmp_path)
        assert refused.returncode == 2
        assert before == server.calls, "what is spent stays spent"
        last = mathmill(*words, "20", cwd=tmp_path)
        assert last.returncode == 0, last.stderr
        home = tmp_path / "runs" / "small"
        total = Account(home / "spent.jsonl", "onlooker").total()
        assert server.bill <= total.cost
        accounts = paid(home)
        assert sum(account.pico for account in accounts) == total.cost
        page = (next(home.glob("steps/*report*")) / "report.html").read_text()
        assert in_words(total.cost) in page
        text = re.sub(r"<[^>]+>", " ", page)
        assert "money an accepted row" in text
        assert "kept by" in text
        assert "metamath.rephrase" in text


@pytest.mark.slow
def test_a_free_teacher_is_told_to_have_cost_nothing(tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(RECIPE)
    done = mathmill("run", "small.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    home = tmp_path / "runs" / "small"
    assert not (home / "spent.jsonl").exists()
    page = (next(home.glob("steps/*report*")) / "report.html").read_text()
    assert "This run paid nobody" in page
    assert "no price known" not in page
