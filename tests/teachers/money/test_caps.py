"""Trials: whatever prices, latencies and failures are, the server's bill stays under the cap.

The truth is the server's own count of what it charged, also for calls whose reply was lost.
"""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal
from pathlib import Path

import pytest

from billing_server import BillingServer
from mathmill.dollars import PICO
from mathmill.errors import BudgetSpent
from mathmill.stages.asking import Asking
from mathmill.teachers import engine
from mathmill.teachers.engine import Engine
from mathmill.teachers.http.endpoint import Endpoint
from mathmill.teachers.money.budget import budgeted
from mathmill.teachers.money.ledger import Account
from mathmill.teachers.money.prices import Prices
from mathmill.teachers.registry import open_teacher
from mathmill.types import Message, Request
from mathmill.workbench import Terms

CALLS = 150


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PAUSE", 0.01)


def requests(draws: random.Random, number: int = CALLS) -> list[Request]:
    return [Request((Message("system", "Solve. Réponds."),
                     Message("user", f"Question {n}: " + "how many? " * draws.randint(1, 40))),
                    max_tokens=draws.randint(20, 400), sample=n) for n in range(number)]


def price_file(tmp_path: Path, draws: random.Random) -> Path:
    read = Decimal(draws.randint(1, 5000)) / 1000
    path = tmp_path / "prices.toml"
    path.write_text(f"[prices.tiny]\ninput = {read}\ncached = {read / 10}\n"
                    f"output = {read * draws.randint(2, 8)}\n")
    return path


def ask(home: Path, url: str, terms: Terms, asked: list[Request], hands: int) -> str:
    """Ask until all is answered (``) or the budget is met (the line that says so)."""
    teacher = open_teacher(f"openai:tiny@{url}", home, terms)
    try:
        with Asking(teacher, hands) as asking:
            asking.all(asked)
    except BudgetSpent as spent:
        return str(spent)
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("trial", range(20))
def test_the_servers_bill_stays_under_the_cap(tmp_path: Path, trial: int) -> None:
    draws = random.Random(trial)
    prices = price_file(tmp_path, draws)
    price = Prices.load(prices).price("tiny", "http://127.0.0.1/v1")
    assert price is not None
    asked = requests(draws)
    hands = draws.choice([2, 8, 64, 256])
    # About a half of what all of it would cost at the most.
    worst = sum(price.cost(sum(len(turn.content.encode()) for turn in each.messages),
                           each.max_tokens) for each in asked)
    cap = Decimal(worst * draws.randint(5, 60) // 100) / PICO
    home = tmp_path / "runs" / "one"
    with BillingServer(random.Random(-trial), price,
                       latency=draws.choice([0.001, 0.005, 0.01])) as server:
        said = ask(home, server.url, Terms(max_cost=cap, prices=prices), asked, hands)
        assert "the budget is met" in said
        bill, calls = server.bill, server.calls
        assert 0 < bill <= cap * PICO
        account = Account(home / "spent.jsonl", "onlooker")
        total = account.total()
        assert bill <= total.cost <= cap * PICO
        assert not account.in_flight()
        print(f"trial {trial}: cap ${cap:.6f}, billed {bill / (cap * PICO):.1%}, accounted "
              f"{total.cost / (cap * PICO):.1%}, {calls} calls, {hands} hands")
        assert bill > cap * PICO / 4, "and most of the budget was of use"
        # The same command with a higher cap goes on: what was answered is not asked again.
        higher = Terms(max_cost=cap * 1000, prices=prices)
        assert ask(home, server.url, higher, asked, hands) == ""
        assert server.bill <= Account(home / "spent.jsonl", "onlooker").total().cost


@pytest.mark.slow
def test_several_samples_a_call_stay_under_the_cap_too(tmp_path: Path) -> None:
    draws = random.Random(7)
    prices = price_file(tmp_path, draws)
    price = Prices.load(prices).price("tiny", "http://127.0.0.1/v1")
    assert price is not None
    asked = requests(draws, 80)
    with BillingServer(random.Random(8), price) as server:
        pool = Engine("openai:tiny", [(Endpoint("tiny", server.url), 1.0)])
        cap = price.cost(20_000, 20_000)
        budgeted(pool, models=pool.models, home=tmp_path,
                 terms=Terms(max_cost=Decimal(cap) / PICO, prices=prices))

        async def work() -> list[object]:
            try:
                return await asyncio.gather(*(pool.answers(each, 5) for each in asked),
                                            return_exceptions=True)
            finally:
                await pool.aclose()

        outcomes = asyncio.run(work())
        assert any(isinstance(each, BudgetSpent) for each in outcomes)
        assert any(isinstance(each, list) and len(each) == 5 for each in outcomes)
        assert 0 < server.bill <= cap


def test_a_budget_for_no_call_at_all_sends_nothing(tmp_path: Path) -> None:
    draws = random.Random(0)
    prices = price_file(tmp_path, draws)
    price = Prices.load(prices).price("tiny", "http://127.0.0.1/v1")
    assert price is not None
    with BillingServer(draws, price) as server:
        terms = Terms(max_cost=Decimal("0.0000001"), prices=prices)
        said = ask(tmp_path / "one", server.url, terms, requests(draws), 64)
        assert "too small for a single call" in said
        assert server.calls == server.refused == 0


def test_calls_that_are_refused_cost_nothing(tmp_path: Path) -> None:
    draws = random.Random(0)
    prices = price_file(tmp_path, draws)
    price = Prices.load(prices).price("tiny", "http://127.0.0.1/v1")
    assert price is not None
    with BillingServer(draws, price, moods={"ok": 3, "429": 1}, latency=0.001) as server:
        terms = Terms(max_calls=50, max_cost=Decimal(1000), prices=prices)
        said = ask(tmp_path / "one", server.url, terms, requests(draws, 100), 8)
        assert "--max-calls 50" in said
        assert server.calls == 50
        assert server.refused > 0
        total = Account(tmp_path / "one" / "spent.jsonl", "onlooker").total()
        assert (total.cost, total.read, total.written) == (
            server.bill, server.read, server.written), "to the picodollar"
