"""Whatever a server does, and whoever is killed, the account never says less than was billed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from decimal import Decimal
from pathlib import Path

import pytest

from billing_server import BillingServer
from hostile_replies import BEHAVIOURS
from hostile_server import HostileServer
from mathmill.dollars import PICO
from mathmill.errors import MathmillError
from mathmill.teachers import engine
from mathmill.teachers.engine import Engine
from mathmill.teachers.http.endpoint import Endpoint
from mathmill.teachers.money.amount import NOTHING
from mathmill.teachers.money.budget import budgeted
from mathmill.teachers.money.ledger import Account
from mathmill.teachers.money.prices import Price
from mathmill.types import Message, Request
from mathmill.workbench import Terms

PRICE = Price(1_000_000, 100_000, 4_000_000)
PRICES = "[prices.tiny]\ninput = 1\ncached = 0.1\noutput = 4\n"
REFUSED = {"429", "503", "529", "400", "401", "402", "403", "404", "413", "quota", "context",
           "limited", "echo_400"}


@pytest.mark.slow
@pytest.mark.parametrize("behaviour", sorted(BEHAVIOURS))
def test_no_behaviour_of_a_server_is_billed_without_the_account(
        tmp_path: Path, behaviour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PAUSE", 0.01)
    asked = [Request((Message("user", f"Question {n}?"),), max_tokens=64) for n in range(4)]
    with HostileServer(script={"*": [behaviour, behaviour, "ok"]}) as server:
        pool = Engine("openai:tiny", [(Endpoint("tiny", server.url, timeout=0.6, stall=0.2), 1.0)],
                      tries=3, patience=1.0)
        (tmp_path / "prices.toml").write_text(PRICES)
        budgeted(pool, models=pool.models, home=tmp_path,
                 terms=Terms(max_cost=Decimal(1), prices=tmp_path / "prices.toml"))

        async def work() -> None:
            try:
                await asyncio.gather(*(pool.answer(each) for each in asked),
                                     return_exceptions=True)
            finally:
                await pool.aclose()

        asyncio.run(work())
        assert server.requests >= 1
        account = Account(tmp_path / "spent.jsonl", "onlooker")
        spent = account.total()
        assert spent.written >= server.billed.total()
        assert all(entry.held == NOTHING for entry in account.entries()), "all is settled"
        if behaviour in REFUSED:
            assert spent.calls == server.answered.total(), "a refused call costs nothing"


ASKING = textwrap.dedent("""
    import sys
    from decimal import Decimal
    from pathlib import Path
    from mathmill.errors import BudgetSpent
    from mathmill.stages.asking import Asking
    from mathmill.teachers import engine
    from mathmill.teachers.registry import open_teacher
    from mathmill.types import Message, Request
    from mathmill.workbench import Terms

    engine.PAUSE = 0.01
    home, url, cap, first = Path(sys.argv[1]), sys.argv[2], Decimal(sys.argv[3]), int(sys.argv[4])
    terms = Terms(max_cost=cap, prices=home / "prices.toml")
    asked = [Request((Message("user", f"Question {n}: how many, and why?"),), max_tokens=200)
             for n in range(first, first + 2000)]
    try:
        with Asking(open_teacher(f"openai:tiny@{url}", home, terms), 32) as asking:
            asking.all(asked)
    except BudgetSpent as spent:
        print(spent)
        raise SystemExit(3)
""")


@pytest.mark.slow
@pytest.mark.parametrize("trial", range(1))
def test_two_processes_that_are_killed_again_and_again_stay_under_one_cap(
        tmp_path: Path, trial: int) -> None:
    draws = random.Random(trial)
    home = tmp_path / "runs" / "one"
    home.mkdir(parents=True)
    (home / "prices.toml").write_text(PRICES)
    cap, kills = Decimal("0.40"), 4
    with BillingServer(random.Random(trial), PRICE, latency=0.02) as server:
        def start(first: int) -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                [sys.executable, "-c", ASKING, home, server.url, str(cap), str(first)],
                env={**os.environ, "OPENAI_API_KEY": ""}, stdout=subprocess.DEVNULL)

        asking = [start(0), start(5000)]
        for _ in range(kills):
            time.sleep(draws.uniform(0.5, 0.9))
            victim = draws.randrange(2)
            asking[victim].send_signal(signal.SIGKILL)
            asking[victim].wait()
            asking[victim] = start(5000 * victim)
        assert [each.wait(60) for each in asking] == [3, 3], "both meet the budget"
        time.sleep(0.2)
        total = Account(home / "spent.jsonl", "onlooker").total()
        assert 0 < server.bill <= total.cost <= cap * PICO
        print(f"trial {trial}: cap ${cap}, billed {server.bill / (cap * PICO):.1%}, accounted "
              f"{total.cost / (cap * PICO):.1%}, {server.calls} calls, {kills} kills")


def test_what_goes_along_with_each_call_is_held_too(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(PRICES)
    terms = Terms(max_calls=2, prices=tmp_path / "prices.toml")
    held = []
    with HostileServer(script={"*": ["no_usage"]}) as server:
        for extra in ({}, {"response_format": {"type": "json_schema", "schema": "x" * 1000}}):
            pool = Engine("openai:tiny", [(Endpoint("tiny", server.url, extra=extra), 1.0)])
            home = tmp_path / str(len(extra))
            budgeted(pool, models=pool.models, home=home, terms=terms)

            async def work(pool: Engine = pool) -> None:
                await pool.answer(Request((Message("user", "?"),)))
                await pool.aclose()

            asyncio.run(work())
            held.append(Account(home / "spent.jsonl", "onlooker").total().read)
    assert held[1] >= held[0] + 1000


def test_an_engine_that_is_stopped_leaves_nothing_held(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    (tmp_path / "prices.toml").write_text(PRICES)
    with HostileServer(script={"*": ["401"]}) as server:
        pool = Engine("openai:tiny", [(Endpoint("tiny", server.url), 1.0)])
        paid = budgeted(pool, models=pool.models, home=tmp_path,
                        terms=Terms(max_cost=Decimal(1), prices=tmp_path / "prices.toml"))

        async def work() -> None:
            try:
                await paid.answer(Request((Message("user", "?"),)))
            finally:
                await pool.aclose()

        with pytest.raises(MathmillError, match=r"wants a key \(401\), and there is none"):
            asyncio.run(work())
    assert Account(tmp_path / "spent.jsonl", "onlooker").total() == NOTHING
