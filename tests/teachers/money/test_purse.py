"""A call is held at its worst before it is sent, and settled at its bill; no cap is passed."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.dollars import PICO
from mathmill.errors import BudgetSpent, MathmillError, StepFailed, TeacherError, UsageError
from mathmill.teachers.money.amount import NOTHING, Amount, Caps
from mathmill.teachers.money.budget import Budgeted, budgeted
from mathmill.teachers.money.ledger import Account
from mathmill.teachers.money.prices import Price
from mathmill.teachers.money.purse import Purse, Ticket, worst_tokens
from mathmill.teachers.scripted import ScriptedTeacher
from mathmill.types import Message, Reply, Request
from mathmill.workbench import Terms

URL = "https://api.example.com/v1"
PRICE = Price(1_000_000, 100_000, 4_000_000)  # 1, 0.1 and 4 dollars per 1M tokens
ASK = Request((Message("user", "What is 2 + 3?"),), max_tokens=100)
READ, WRITTEN = worst_tokens(ASK)
WORST = PRICE.cost(READ, WRITTEN)


def purse(tmp_path: Path, caps: Caps, price: Price | None = PRICE) -> Purse:
    return Purse(Account(tmp_path / "spent.jsonl", "openai:x"), caps, {("x", URL): price})


def reply(read: int = 10, written: int = 5, **more: object) -> Reply:
    return Reply(request=ASK.id, text="5", teacher="openai:x", prompt_tokens=read,
                 completion_tokens=written, **more)  # type: ignore[arg-type]


async def ticket_of(bag: Purse, samples: int = 1) -> Ticket:
    return await bag.reserve("x", URL, ASK, samples)


@given(st.lists(st.text(), min_size=1, max_size=4), st.integers(1, 10**6), st.integers(1, 9))
def test_no_byte_level_tokenizer_makes_more_tokens_than_the_worst_case(
        texts: list[str], limit: int, samples: int) -> None:
    request = Request(tuple(Message("user", text) for text in texts), max_tokens=limit)
    read, written = worst_tokens(request, samples)
    assert read >= samples * sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    assert written == samples * limit


def test_a_bill_replaces_what_was_held_and_each_reply_says_its_cost(tmp_path: Path) -> None:
    bag = purse(tmp_path, Caps(cost=PICO))

    async def work() -> list[Reply]:
        ticket = await ticket_of(bag, 2)
        assert bag.account.own.held == Amount(2 * WORST, 2, 2 * READ, 2 * WRITTEN)
        return bag.settle(ticket, [reply(30, 7, cached_tokens=20), reply(0, 8)])

    paid = asyncio.run(work())
    assert bag.account.own.held == NOTHING
    assert bag.account.own.spent == Amount(10 * 10**6 + 20 * 10**5 + 15 * 4 * 10**6, 1, 30, 15)
    assert [each.cost for each in paid] == [40e-6, 32e-6]


@pytest.mark.parametrize(("replies", "billed", "spent"), [
    (None, False, NOTHING), (None, True, Amount(WORST, 1, READ, WRITTEN)),
    ([reply(0, 0)], True, Amount(WORST, 1, READ, WRITTEN)),
    ([reply(9, 0)], True, Amount(WORST, 1, READ, WRITTEN)),
    ([replace(reply(9, 0), text="")], True, Amount(9 * 10**6, 1, 9, 0)),
])
def test_what_nobody_tells_is_settled_at_its_worst(
        tmp_path: Path, caplog: pytest.LogCaptureFixture, replies: list[Reply] | None,
        billed: bool, spent: Amount) -> None:
    bag = purse(tmp_path, Caps(cost=PICO))

    async def work() -> None:
        bag.settle(await ticket_of(bag), replies, billed)

    with caplog.at_level(logging.WARNING):
        asyncio.run(work())
    assert bag.account.own.spent == spent
    assumed = spent.cost == WORST
    assert (bag.account.own.assumed == spent) is (assumed or spent == NOTHING)
    assert ("counted at the most" in caplog.text) is assumed


def test_a_cap_too_small_for_one_call_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    bag = purse(tmp_path, Caps(cost=WORST - 1))
    with pytest.raises(BudgetSpent, match=r"too small for a single call.*nothing was sent") as it:
        asyncio.run(ticket_of(bag))
    least = str(it.value).partition("give --max-cost ")[2].split()[0]
    asyncio.run(ticket_of(purse(tmp_path / "more", Caps(cost=int(Decimal(least) * PICO)))))


def test_a_call_that_does_not_fit_waits_for_those_in_flight(tmp_path: Path) -> None:
    bag = purse(tmp_path, Caps(cost=2 * WORST))
    order = []

    async def hand(number: int) -> None:
        ticket = await ticket_of(bag)
        order.append(number)
        await asyncio.sleep(0.01)
        bag.settle(ticket, [reply(1, 1)])

    async def work() -> None:
        await asyncio.gather(*(hand(number) for number in range(20)))

    asyncio.run(work())
    assert order == list(range(20)), "first come, first served"
    assert bag.account.own.spent.calls == 20


def test_at_the_cap_the_run_stops_with_what_was_spent_and_how_to_go_on(tmp_path: Path) -> None:
    bag = purse(tmp_path, Caps(cost=3 * WORST, calls=100))
    sent = []

    async def hand() -> None:
        ticket = await ticket_of(bag)
        sent.append(ticket)
        await asyncio.sleep(0.001)
        bag.settle(ticket, None)

    async def work() -> list[BaseException | None]:
        return await asyncio.gather(*(hand() for _ in range(9)), return_exceptions=True)

    outcomes = asyncio.run(work())
    assert len(sent) == 3
    stops = [str(outcome) for outcome in outcomes if isinstance(outcome, BudgetSpent)]
    assert len(stops) == 6
    assert "--max-cost" in stops[0]
    assert "3 calls" in stops[0]
    assert "of these 3 at their worst case" in stops[0]
    assert "higher --max-cost goes on from here" in stops[0]
    assert "\n" not in stops[0]


def test_a_run_that_is_stopped_sends_nothing_more_and_lets_calls_come_home(tmp_path: Path) -> None:
    bag = purse(tmp_path, Caps(cost=WORST))

    async def work() -> tuple[BaseException | Ticket, BaseException | Ticket]:
        ticket = await ticket_of(bag)
        waiting = asyncio.create_task(ticket_of(bag))
        await asyncio.sleep(0.01)
        bag.hold()
        bag.settle(ticket, [reply()])
        first, = await asyncio.gather(waiting, return_exceptions=True)
        second, = await asyncio.gather(ticket_of(bag), return_exceptions=True)
        return first, second

    assert [type(each) for each in asyncio.run(work())] == [TeacherError, TeacherError]
    assert bag.account.own.held == NOTHING
    assert bag.account.own.spent.calls == 1


@pytest.mark.parametrize(("caps", "option"), [
    (Caps(calls=2), "--max-calls 2"), (Caps(tokens=2 * (READ + WRITTEN)), "--max-tokens")])
def test_calls_and_tokens_are_capped_alike(tmp_path: Path, caps: Caps, option: str) -> None:
    bag = purse(tmp_path, caps, price=None)

    async def work() -> None:
        for _ in range(3):
            bag.settle(await ticket_of(bag), None)

    with pytest.raises(BudgetSpent, match=option):
        asyncio.run(work())
    assert bag.account.own.spent.calls == 2
    assert bag.account.own.spent.cost == 0


def test_a_bill_above_its_worst_case_is_said_and_reckoned_with(
        tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bag = purse(tmp_path, Caps(cost=PICO))

    async def work() -> Ticket:
        bag.settle(await ticket_of(bag), [reply(READ + 40, WRITTEN + 7)])
        return await ticket_of(bag)

    ticket = asyncio.run(work())
    assert (ticket.worst.read, ticket.worst.written) == (READ + 40, WRITTEN + 7)
    assert "higher than its worst case" in caplog.text


def test_a_teacher_without_attempts_of_its_own_pays_an_answer_at_a_time(tmp_path: Path) -> None:
    teacher = ScriptedTeacher(["one two", "three"], "openai:x")
    paid = Budgeted(teacher, purse(tmp_path, Caps(cost=PICO)))

    async def work() -> list[Reply]:
        return [await paid.answer(ASK) for _ in range(3)]

    replies = asyncio.run(work())
    assert [each.cost for each in replies] == [13e-6, 9e-6, 0.0]  # the third had no reply
    assert paid.purse.account.own.spent == Amount(22 * 10**6, 2, 10, 3)
    assert paid.name == "openai:x"
    assert paid.asked == teacher.asked, "what else the teacher has is found through it"


class Untold:
    name = "openai:x"

    async def answer(self, request: Request) -> Reply:
        return reply()


class Broken:
    name = "openai:x"

    async def answer(self, request: Request) -> Reply:
        raise MathmillError("no more")


def test_a_call_that_ends_in_an_exception_is_settled_at_its_worst(tmp_path: Path) -> None:
    paid = Budgeted(Broken(), purse(tmp_path, Caps(cost=PICO)))
    with pytest.raises(MathmillError, match="no more"):
        asyncio.run(paid.answer(ASK))
    assert paid.purse.account.own.held == NOTHING
    assert paid.purse.account.own.spent.cost == WORST


def test_a_price_that_nobody_knows_is_asked_for(tmp_path: Path) -> None:
    teacher = ScriptedTeacher(["one"], "openai:x")
    with pytest.raises(UsageError, match=r'\[prices\."x@api\.example\.com"\].*--no-cost'):
        budgeted(teacher, models=[("x", URL)], home=tmp_path, terms=Terms())
    paid = budgeted(Untold(), models=[("x", URL)], home=tmp_path, terms=Terms(no_cost=True))
    assert asyncio.run(paid.answer(ASK)).cost is None
    own = tmp_path / "prices.toml"
    own.write_text("[prices.x]\ninput = 1\noutput = 4\n")
    paid = budgeted(teacher, models=[("x", URL)], home=tmp_path, terms=Terms(prices=own))
    assert isinstance(paid, Budgeted)


def test_a_batch_is_held_at_its_own_price(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    own.write_text("[prices.x]\ninput = 1\noutput = 4\nbatch = 0.5\n")
    paid = budgeted(ScriptedTeacher(["one"], "batch:x"), models=[("x", URL)], home=tmp_path,
                    terms=Terms(prices=own), batch=True)
    reply_ = asyncio.run(paid.answer(ASK))
    assert reply_.cost == (5 * 1 + 1 * 4) / 2 / 1e6


def test_teachers_that_need_no_server_are_counted_only_where_calls_are_capped(
        tmp_path: Path) -> None:
    teacher = ScriptedTeacher(["one"] * 5, "scripted:x")
    assert budgeted(teacher, models=[], home=tmp_path,
                    terms=Terms(max_cost=Decimal(1))) is teacher
    capped = budgeted(teacher, models=[], home=tmp_path, terms=Terms(max_calls=2))

    async def work() -> None:
        for _ in range(3):
            assert (await capped.answer(ASK)).cost == 0.0

    with pytest.raises(BudgetSpent, match="--max-calls 2"):
        asyncio.run(work())
    assert len(teacher.asked) == 2


@pytest.mark.parametrize("terms", [
    {"max_cost": Decimal(0)}, {"max_cost": Decimal("nan")}, {"max_calls": -1}, {"max_tokens": 0},
    {"max_cost": Decimal(1), "no_cost": True}])
def test_terms_that_allow_nothing_or_cannot_be_kept_are_refused(terms: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="--max"):
        Terms(**terms)  # type: ignore[arg-type]


def test_a_reply_is_kept_where_its_bill_cannot_be_written(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bag = purse(tmp_path, Caps(cost=10**12))
    ticket = asyncio.run(ticket_of(bag))
    held = bag.account.own.held

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("os.pwrite", full)
        assert bag.settle(ticket, [reply()])[0].cost
    assert bag.account.own.held == held, "what nobody could note stays counted at its worst"
    with pytest.raises(StepFailed, match="No space left"):
        asyncio.run(ticket_of(bag))
