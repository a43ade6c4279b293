"""A plan: its products are those it prints, its intervals hold what a run comes to."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hostile_connection import Call, Connection
from hostile_replies import BEHAVIOURS, changed
from hostile_server import HostileServer
from mathmill.errors import BudgetSpent, UsageError
from mathmill.execution import local
from mathmill.execution.step import Step
from mathmill.execution.store import Store
from mathmill.methods import METAMATH
from mathmill.pipeline import pretrain, seeds, select, synthesize, verify
from mathmill.planning.estimate import Totals, total_of
from mathmill.planning.plan import Choices, Plan, came_to, make_plan
from mathmill.planning.probe import asking_steps, gather
from mathmill.teachers.symbolic.teacher import SymbolicTeacher
from mathmill.types import Message, Request
from mathmill.workbench import Terms

PRICES = "[prices.tiny]\ninput = 1\ncached = 0.1\noutput = 4\nbatch = 0.5\n"


def number(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("$", "").replace("/M", "e-6"))


def near(product: Decimal, shown: str) -> bool:
    """Tell whether a product is the figure shown, to its last digit."""
    last = Decimal(1).scaleb(-len(shown.partition(".")[2]))
    return abs(product - number(shown)) <= last * Decimal("0.51")


def check_products(text: str) -> int:
    """Check every product that a plan prints; return their number."""
    checked = 0
    for line in text.splitlines():
        if found := re.match(r"  ([\d,]+) rows x ([\d.]+) (?:attempts|asked) x ([\d.]+) calls = "
                             r"([\d,]+) calls; x ([\d,.]+) = ([\d,]+) tokens in; "
                             r"x ([\d,.]+) = ([\d,]+) tokens out: ", line):
            rows, attempts, calls, total, read, all_read, written, all_written = found.groups()
            assert near(number(rows) * number(attempts) * number(calls), total), line
            assert near(number(total) * number(read), all_read), line
            assert near(number(total) * number(written), all_written), line
            checked += 1
        elif line.startswith("  money: ") and "=" in line:
            product, shown = re.match(r"  money: (.*?) = (\$[\d,.]+)", line).groups()  # type: ignore[union-attr]
            code = re.sub(r"\$?[\d,.]+(/M)?", lambda m: f"number('{m[0]}')",
                          product.replace(" at hand", "")).replace(" x ", " * ")
            assert near(eval(code), shown), line
            checked += 1
        elif found := re.match(r"  time: ([\d,]+) calls x ([\d.e-]+) s / (\d+) in flight "
                               r"\(assumed\) = ([\d,.]+) s", line):
            calls, each, hands, shown = found.groups()
            assert near(number(calls) * number(each) / number(hands), shown), line
            checked += 1
    return checked


def run_steps(last: Step, out: Path, terms: Terms) -> Totals:
    """Run the steps that ask, and return what they came to."""
    steps = asking_steps(last)
    local.run(Step("all", gather, {}, {s.id: s for s in steps}), out, 1, terms)
    found = [Store(out).manifest(step)["tally"]["facts"] for step in steps]  # type: ignore[index]
    return sum((came_to(*pair) for pair in zip(steps, found, strict=True)), Totals())


def solved(body: dict[str, Any]) -> str:
    turns = tuple(Message(turn["role"], turn["content"]) for turn in body["messages"])
    return SymbolicTeacher()._work(Request(turns, sample=body.get("seed", 0)))[0]


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the behaviour of a model that solves, is cut off at times, and varies in length."""
    def change(value: dict[str, Any], choice: dict[str, Any], call: Call) -> None:
        draws = random.Random(f"{call.key} {seed_of.get('seed')}")
        choice["message"]["content"] = solved(call.body)
        if draws.random() < 0.15:
            choice["finish_reason"] = "length"
        read = round(draws.lognormvariate(5, 0.4))
        value["usage"] = {"prompt_tokens": read,
                          "completion_tokens": min(round(draws.lognormvariate(4.5, 0.7)),
                                                   call.body["max_tokens"]),
                          "prompt_tokens_details": {"cached_tokens": read // 3}}

    behave: Callable[[Connection, Call, str], None] = changed(change)
    monkeypatch.setitem(BEHAVIOURS, "writer", behave)
    return "writer"


seed_of: dict[str, int] = {}


@dataclass
class Place:
    """Where a plan and its run are made."""

    home: Path
    server: HostileServer

    @property
    def terms(self) -> Terms:
        path = self.home / "prices.toml"
        path.write_text(PRICES)
        return Terms(prices=path)

    def recipe(self, rows: int, seed: int = 0) -> Step:
        teacher = f"openai:tiny@{self.server.url}"
        drafts = synthesize(seeds(f"symbolic:count=60,seed={seed}"), METAMATH, rows, teacher)
        return verify(drafts, by=("majority(3)",), teacher=teacher)


@pytest.mark.slow
def test_what_a_run_comes_to_lies_in_the_intervals_of_its_plan(
        tmp_path: Path, writer: str) -> None:
    inside = dict.fromkeys(("attempts", "calls", "read", "written", "cost"), 0)
    where: dict[str, list[float]] = {what: [] for what in inside}
    for seed in range(10):
        seed_of["seed"] = seed
        with HostileServer(decide=lambda call: writer, seed=seed, log=False) as server:
            place = Place(tmp_path / str(seed), server)
            place.home.mkdir()
            out = place.home / "runs" / "r"
            last = place.recipe(300, seed)
            plan = make_plan(last, out, place.terms, Choices(40))
            assert not plan.why
            assert check_products(plan.text()) >= 8
            bought = server.requests
            assert plan.spent.calls == bought
            came = run_steps(last, out, place.terms)
            total, draws = total_of(plan.steps)
            assert came.rows == total.rows == 300 + 300
            for what in inside:
                low, high = interval_of(plan, what)
                inside[what] += low <= getattr(came, what) <= high
                where[what].append(round((getattr(came, what) - getattr(total, what))
                                         / (high - low) * 2, 2))
            # What the probe bought is found by the run: nothing is asked twice.
            assert server.requests < came.calls + 5
            assert draws
    print("of 10 runs inside the intervals:", inside, "\nin half widths from the figure:", where)
    assert all(hits >= 7 for hits in inside.values()), inside
    assert sum(inside.values()) >= 43, inside


def interval_of(plan: Plan, what: str) -> tuple[float, float]:
    from mathmill.planning.estimate import interval

    total, draws = plan.total
    return interval(draws, what, total)


def test_replies_of_the_probe_are_found_by_the_run_and_a_second_plan_asks_nothing(
        tmp_path: Path, writer: str) -> None:
    seed_of["seed"] = 1
    with HostileServer(decide=lambda call: writer) as server:
        place = Place(tmp_path, server)
        out, last = tmp_path / "runs" / "r", place.recipe(60)
        first = make_plan(last, out, place.terms, Choices(20))
        bought = server.requests
        assert first.spent.calls == bought > 0
        assert first.spent.cost > 0
        again = make_plan(last, out, place.terms, Choices(20))
        assert server.requests == bought, "the second plan finds all"
        assert again.spent.calls == 0
        assert again.spent_before.calls == bought
        assert again.total[0] == first.total[0]
        assert "paid for it just now: 0 calls" in again.text()
        run_steps(last, out, place.terms)
        facts = Store(out).manifest(asking_steps(last)[0])["tally"]["facts"]  # type: ignore[index]
        found = sum(method["found"] for method in facts["methods"].values())
        assert found >= 20
        assert max(server.sent.values()) == 1, "nothing was bought twice"
        done = make_plan(last, out, place.terms, Choices(20)).text()
        assert done.count("done already; it came to") == 2


def test_a_run_through_batches_is_probed_at_once_and_reckoned_at_their_price(
        tmp_path: Path, writer: str) -> None:
    with HostileServer(decide=lambda call: writer) as server:
        place = Place(tmp_path, server)
        problems = seeds("symbolic:count=60,seed=0")
        plans = [make_plan(synthesize(problems, METAMATH, 60, f"{kind}:tiny@{server.url}"),
                           tmp_path / "runs" / "r", place.terms, Choices(20))
                 for kind in ("openai", "batch")]
        assert plans[1].spent.calls == 0, "their replies are the same"
        assert plans[1].total[0].calls == plans[0].total[0].calls
        assert plans[1].total[0].cost == pytest.approx(plans[0].total[0].cost / 2)
        assert "each batch waits for its provider" in plans[1].text()
        assert check_products(plans[1].text()) == 4 + 2


def test_the_caps_hold_for_the_probe_too(tmp_path: Path, writer: str) -> None:
    with HostileServer(decide=lambda call: writer) as server:
        place = Place(tmp_path, server)
        terms = Terms(prices=place.terms.prices, max_calls=5)
        with pytest.raises(BudgetSpent, match="higher --max-calls"):
            make_plan(place.recipe(60), tmp_path / "runs" / "r", terms, Choices(20))
        assert server.requests <= 5


def test_without_a_server_a_plan_is_a_guess_and_says_so(tmp_path: Path) -> None:
    last = verify(synthesize(seeds("symbolic:count=20,seed=1"), METAMATH, 100,
                             "openai:tiny@http://127.0.0.1:9/v1"), by=("majority(3)",))
    (tmp_path / "prices.toml").write_text(PRICES)
    plan = make_plan(last, tmp_path / "runs" / "r", Terms(prices=tmp_path / "prices.toml"),
                     Choices(10))
    text = plan.text()
    assert "THIS IS A GUESS: openai:tiny@http://127.0.0.1:9/v1 was not asked" in text
    assert "cannot be reached" in text
    assert check_products(text) == 4 + 1 + 2 + 2
    assert all(step.guess for step in plan.steps)
    low, high = interval_of(plan, "written")
    assert high / low > 8, "wide, as it says"
    assert plan.total[0].cost > 0
    assert "through the batch interface x 0.5" in text
    assert not (tmp_path / "runs" / "journal").exists(), "nothing is bought, nothing is kept there"


def test_seeds_that_the_symbolic_teacher_cannot_read_are_stood_in_for(tmp_path: Path) -> None:
    own = [{"question": f"Prove or compute: the {n}th odd prime's order mod {n + 7}?",
            "answer": f"It is so.\n#### {n}"} for n in range(30)]
    (tmp_path / "train.jsonl").write_text("\n".join(json.dumps(row) for row in own))
    drafts = synthesize(seeds(str(tmp_path / "train.jsonl")), METAMATH, 100,
                        "openai:tiny@http://127.0.0.1:9/v1", include_seeds=True)
    last = verify(drafts, by=("majority(3)",))
    plan = make_plan(last, tmp_path / "runs" / "r", Terms(), Choices(10))
    assert "about 200 problems of its own, for it cannot read your seeds" in plan.text()
    assert plan.steps[0].totals.rows == 100
    assert plan.steps[1].totals.rows == 100 + 30, "their number is that of the seeds"
    assert plan.steps[0].totals.attempts < 250


def test_a_price_that_nobody_knows_is_asked_for_or_left_out(tmp_path: Path) -> None:
    last = synthesize(seeds("symbolic:count=20,seed=1"), METAMATH, 10, "openai:tiny@http://x.y/v1")
    with pytest.raises(UsageError, match=r"no price is known for tiny at x\.y"):
        make_plan(last, tmp_path / "r", Terms(), Choices(4, "symbolic:"))
    text = make_plan(last, tmp_path / "r", Terms(no_cost=True), Choices(4, "symbolic:")).text()
    assert "money: no price is known (--no-cost)" in text
    assert "unknown" in text
    assert "--probe-teacher symbolic: was asked instead" in text


@pytest.mark.slow
def test_a_model_that_is_yet_to_be_trained_is_stood_in_for(tmp_path: Path) -> None:
    problems = seeds("symbolic:count=20,seed=1")
    model = pretrain()
    last = synthesize(problems, METAMATH, 50, model)
    plan = make_plan(last, tmp_path / "r", Terms(), Choices(8))
    text = plan.text()
    assert "A model of this recipe was not asked (it is yet to be trained" in text
    assert plan.total[0].cost == 0
    assert plan.total[0].rows == 50


def test_rows_that_are_rated_are_counted_by_the_rows_that_come(tmp_path: Path) -> None:
    problems = seeds("symbolic:count=200,seed=1")
    rated = select(synthesize(problems, METAMATH, 80), rater="symbolic:", count=10)
    plan = make_plan(rated, tmp_path / "r", Terms(), Choices(16))
    came = run_steps(rated, tmp_path / "r", Terms())
    assert plan.steps[1].lines[0].name == "ratings"
    assert plan.steps[1].totals.rows == 80
    low, high = interval_of(plan, "calls")
    assert low <= came.calls <= high


def test_a_recipe_that_asks_nobody_has_nothing_to_plan(tmp_path: Path) -> None:
    last = select(seeds("symbolic:count=20,seed=1"), count=5, how="random")
    text = make_plan(last, tmp_path / "r", Terms(), Choices()).text()
    assert text == "none of the 2 steps asks a teacher: nothing to plan, nothing to pay"


@pytest.mark.slow
def test_skywork_math_is_planned_with_no_key_and_no_network(tmp_path: Path) -> None:
    code = "from mathmill.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "plan", "skywork_math", "--teacher", "openai:gpt-5-mini"],
        capture_output=True, text=True, cwd=tmp_path, timeout=60,
        env={**{k: v for k, v in os.environ.items() if k != "OPENAI_API_KEY"}})
    assert done.returncode == 0, done.stderr
    assert "3 of 18 steps ask a teacher" in done.stdout
    assert "THIS IS A GUESS" in done.stdout
    assert "there is no key for api.openai.com" in done.stdout
    assert check_products(done.stdout) == 3 * (6 + 1 + 1)
