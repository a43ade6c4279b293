"""Batches: what is asked comes back, whatever becomes of the batch that it is in."""

from __future__ import annotations

import asyncio
import json
import logging
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from batch_server import BatchServer, Plan, failed, usual
from mathmill.errors import BudgetSpent, InputError, TeacherError, UsageError
from mathmill.stages.asking import Asking
from mathmill.teachers.batch import Bounds
from mathmill.teachers.money.ledger import Account
from mathmill.teachers.money.prices import PICO
from mathmill.teachers.registry import identity, open_teacher, understand
from mathmill.types import Message, Reply, Request
from mathmill.workbench import Terms

QUICK = "quiet=0.05,first=0.01,last=0.03,seen=0.1"
PRICES = '[prices.tiny]\ninput = 2\noutput = 10\nbatch = 0.5\n'
FREE = Terms(no_cost=True)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATHMILL_BATCH", QUICK)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("MATHMILL_JOURNAL", raising=False)


def questions(number: int, first: int = 0) -> list[Request]:
    return [Request((Message("user", f"question {place}"),), max_tokens=50)
            for place in range(first, first + number)]


def ask(server: BatchServer, home: Path | None, requests: list[Request],
        terms: Terms = FREE) -> list[Reply]:
    teacher: Any = open_teacher(f"batch:tiny@{server.url}", home, terms)
    with Asking(teacher, teacher.in_flight) as asking:
        return asking.all(requests)


def priced(tmp_path: Path, **caps: Any) -> Terms:
    (tmp_path / "prices.toml").write_text(PRICES)
    return Terms(prices=tmp_path / "prices.toml", **caps)


def texts(replies: list[Reply]) -> list[str]:
    return [reply.text for reply in replies]


def expected(number: int) -> list[str]:
    return [f"re: question {place}" for place in range(number)]


def test_the_replies_are_those_of_the_model_however_it_is_asked() -> None:
    assert identity("batch:tiny@http://h/v1") == identity("openai:tiny@http://h/v1")
    assert understand("batch:tiny").batch
    with pytest.raises(UsageError, match="the address holds a key"):
        understand("batch:tiny@http://h/v1?api_key=1")


def test_requests_that_come_together_go_in_one_file_and_come_back_in_order(tmp_path: Path
                                                                           ) -> None:
    with BatchServer() as server:
        assert texts(ask(server, tmp_path / "run", questions(30))) == expected(30)
        assert len(server.batches) == 1
        # Again: all is found in the journal, and the provider hears nothing.
        calls = len(server.paths)
        again = ask(server, tmp_path / "run", questions(30))
        assert texts(again) == expected(30)
        assert all(reply.found for reply in again)
        assert len(server.paths) == calls
    notes = (tmp_path / "journal" / "batches.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in notes] == [
        "sending", "creating", "created", "settled", "over"]


def test_it_works_without_a_folder_too() -> None:
    with BatchServer() as server:
        assert texts(ask(server, None, questions(3))) == expected(3)


def test_a_full_file_is_sent_and_the_rest_goes_in_others(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("MATHMILL_BATCH", QUICK + ",lines=7")
    with BatchServer() as server:
        assert texts(ask(server, tmp_path / "run", questions(20))) == expected(20)
        assert [batch["request_counts"]["total"] for batch in server.batches] == [7, 7, 6]
    monkeypatch.setenv("MATHMILL_BATCH", QUICK + ",bytes=700")
    with BatchServer() as server:
        assert texts(ask(server, tmp_path / "other", questions(10))) == expected(10)
        assert max(len(server.files[b["input_file_id"]]) for b in server.batches) <= 700


@pytest.mark.parametrize("end", ["expired", "cancelled"])
def test_what_an_ended_batch_has_is_kept_and_the_rest_goes_again(tmp_path: Path, end: str) -> None:
    with BatchServer() as server:
        server.plans[1] = Plan(end=end, done=lambda place: place % 3 > 0)
        assert texts(ask(server, tmp_path / "run", questions(9))) == expected(9)
        assert [batch["request_counts"]["total"] for batch in server.batches] == [9, 3]
        assert len(server.answered) == 9, "nothing was bought twice"


def test_what_no_batch_ever_does_is_a_failed_reply(tmp_path: Path) -> None:
    with BatchServer() as server:
        server.default = Plan(end="expired", done=lambda place: False)
        [reply] = ask(server, tmp_path / "run", questions(1))
        assert reply.finish == "error"
        assert "batch_expired" in reply.error
        assert "4 batches" in reply.error
        assert len(server.batches) == 4
        # Failed replies are not kept, so the same command asks again.
        server.default = Plan()
        assert texts(ask(server, tmp_path / "run", questions(1))) == expected(1)


def test_a_line_that_failed_for_good_fails_alone_and_one_that_may_come_right_goes_again(
        tmp_path: Path) -> None:
    def line(place: int, row: dict[str, Any]) -> Any:
        return {0: failed(400, "context_length_exceeded", "too long"),
                1: failed(429, "rate_limit_exceeded", "slow down"),
                2: failed(500, "server_error", "oops"),
                3: {"response": None, "error": {"code": "request_timeout", "message": "late"}},
                4: "no JSON at all"}.get(place)

    with BatchServer() as server:
        server.plans[1] = Plan(line=line)
        replies = ask(server, tmp_path / "run", questions(6))
        assert replies[0].finish == "error"
        assert "too long" in replies[0].error
        assert texts(replies)[1:] == expected(6)[1:]
        assert server.batches[1]["request_counts"]["total"] == 4


def test_lines_may_stand_twice_or_belong_to_nobody(tmp_path: Path) -> None:
    def line(place: int, row: dict[str, Any]) -> Any:
        if place == 1:
            return json.dumps({"custom_id": "nobody's", **usual(row)})
        return None

    with BatchServer() as server:
        server.plans[1] = Plan(line=line, twice=True)
        assert texts(ask(server, tmp_path / "run", questions(4))) == expected(4)
        assert server.batches[1]["request_counts"]["total"] == 1


def test_a_parameter_that_every_line_refuses_is_not_sent_again(tmp_path: Path) -> None:
    def line(place: int, row: dict[str, Any]) -> Any:
        if "max_tokens" in row["body"]:
            return failed(400, "unsupported_parameter", "Unsupported parameter: 'max_tokens' is "
                          "not supported with this model. Use 'max_completion_tokens' instead.")
        return None

    with BatchServer() as server:
        server.default = Plan(line=line)
        assert texts(ask(server, tmp_path / "run", questions(5))) == expected(5)
        assert len(server.batches) == 2


def test_a_batch_that_fails_validation_stops_the_run_with_its_message(tmp_path: Path) -> None:
    with BatchServer() as server:
        server.plans[1] = Plan(end="failed", errors=[
            {"code": "invalid_json_line", "message": "not parseable", "line": 3}])
        with pytest.raises(TeacherError, match=r"line 3: not parseable.*nothing of it was charged"):
            ask(server, tmp_path / "run", questions(5))
        # The next command does not meet the same batch again.
        assert texts(ask(server, tmp_path / "run", questions(5))) == expected(5)


def test_a_full_queue_is_waited_for_with_smaller_files(tmp_path: Path) -> None:
    full = Plan(end="failed", errors=[{"code": "token_limit_exceeded", "message":
                                       "Enqueued token limit reached"}])
    with BatchServer() as server:
        server.plans = {1: full, 2: full}
        assert texts(ask(server, tmp_path / "run", questions(8))) == expected(8)
        sizes = [batch["request_counts"]["total"] for batch in server.batches]
        assert sizes[:2] == [8, 4]
        assert max(sizes[2:]) <= 4
        assert len(server.answered) == 8


def test_a_batch_that_the_provider_forgot_is_made_again(tmp_path: Path) -> None:
    with BatchServer() as server:
        server.plans[1] = Plan(forgotten=True)
        assert texts(ask(server, tmp_path / "run", questions(4))) == expected(4)
        assert len(server.batches) == 2


def test_an_answer_that_was_lost_makes_no_second_batch(tmp_path: Path) -> None:
    with BatchServer() as server:
        server.plans[1] = Plan(lose_create=True)
        assert texts(ask(server, tmp_path / "run", questions(4))) == expected(4)
        assert len(server.batches) == 1


def test_where_nobody_can_tell_whether_there_is_one_none_is_made(tmp_path: Path) -> None:
    with BatchServer(lists=False) as server:
        server.plans[1] = Plan(lose_create=True)
        for _ in range(2):
            with pytest.raises(TeacherError, match="nobody knows whether a batch of file-in0"):
                ask(server, tmp_path / "run", questions(4))
        assert len(server.batches) == 1


def test_trouble_on_the_way_is_borne(tmp_path: Path) -> None:
    with BatchServer() as server:
        server.fail_next = [500, 503, 429]
        assert texts(ask(server, tmp_path / "run", questions(4))) == expected(4)
        assert len(server.batches) == 1


def test_two_processes_worth_of_teachers_make_one_batch(tmp_path: Path) -> None:
    with BatchServer() as server:
        server.default = Plan(looks=20)

        async def both() -> list[Reply]:
            teachers: list[Any] = [open_teacher(f"batch:tiny@{server.url}", tmp_path / name, FREE)
                                   for name in ("one", "two")]
            replies = await asyncio.gather(*(teacher.answer(request) for request in questions(5)
                                             for teacher in teachers))
            for teacher in teachers:
                await teacher.aclose()
            return list(replies)

        assert len(asyncio.run(both())) == 10
        assert len(server.batches) == 1


def test_half_the_price_is_paid_and_told(tmp_path: Path) -> None:
    with BatchServer() as server:
        replies = ask(server, tmp_path / "run", questions(4), priced(tmp_path))
        each = (10 * 2 + 5 * 10) / 2 / 1e6
        assert [reply.cost for reply in replies] == pytest.approx([each] * 4)
        total = Account(tmp_path / "run" / "spent.jsonl", "onlooker").total()
        assert total.cost == round(4 * each * PICO)


def test_a_cap_sends_what_it_covers_then_what_is_left_and_stops(tmp_path: Path) -> None:
    request = questions(1)[0]
    with BatchServer() as server:
        # A call may take some 300 tokens read and 50 written: $0.00057; its bill is $0.000035.
        terms = priced(tmp_path, max_cost=Decimal("0.0015"))
        replies = ask(server, tmp_path / "run", questions(6), terms)
        assert texts(replies) == expected(6)
        assert len(server.batches) > 1
        assert server.batches[0]["request_counts"]["total"] == 2
        with pytest.raises(BudgetSpent, match="too small for a single call"):
            ask(server, tmp_path / "poor", questions(6, 10),
                priced(tmp_path, max_cost=Decimal("0.0001")))
        with pytest.raises(BudgetSpent, match="the budget is met"):
            ask(server, tmp_path / "run", questions(60, 20), terms)
        assert Account(tmp_path / "run" / "spent.jsonl", "onlooker").total().cost <= PICO * 0.0015
    assert request.max_tokens == 50


def test_progress_names_the_batch_its_state_and_its_count(
        tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with BatchServer() as server, caplog.at_level(logging.WARNING):
        ask(server, tmp_path / "run", questions(4))
    assert "batch_1 made of 4 requests" in caplog.text
    assert "batch_1: in_progress, 0 of 4 done, 0 s old" in caplog.text
    assert "batch_1: completed, 4 of 4 done" in caplog.text


def test_a_key_is_nowhere_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                  caplog: pytest.LogCaptureFixture) -> None:
    key = "sk-very-secret-0123456789"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with BatchServer(key=key) as server, caplog.at_level(logging.DEBUG):
        server.plans[1] = Plan(line=lambda place, row: failed(400, "bad", f"you sent {key}")
                               if place == 0 else None)
        replies = ask(server, tmp_path / "run", questions(3))
        assert replies[0].finish == "error"
        assert key not in str(replies)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-key-0123456789")
        with pytest.raises(TeacherError, match="refused the key") as caught:
            ask(server, tmp_path / "run", questions(3, 5))
        assert "0123456789" not in str(caught.value)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert key.encode() not in path.read_bytes(), path
    assert key not in caplog.text


def test_a_server_without_batches_says_so(tmp_path: Path) -> None:
    with BatchServer() as server:
        teacher: Any = open_teacher(f"batch:tiny@{server.url}/elsewhere", tmp_path / "run", FREE)
        with Asking(teacher, 5) as asking, pytest.raises(TeacherError, match="has no batches"):
            asking.all(questions(2))


def test_bounds_that_are_none_are_one_line() -> None:
    assert Bounds.of("quiet=1, lines=10").lines == 10
    for wrong in ("speed=1", "lines=0", "lines=1.5", "quiet=soon", "lines"):
        with pytest.raises(UsageError, match="is no bound of batches"):
            Bounds.of(wrong)


def test_a_configuration_may_ask_for_batches(tmp_path: Path) -> None:
    file = tmp_path / "teachers.toml"
    with BatchServer() as server:
        file.write_text(f'[teachers.slow]\nmodel = "tiny"\nurl = "{server.url}"\n'
                        "batch = { quiet = 0.05, first = 0.01, lines = 4 }\n")
        teacher: Any = open_teacher(f"config:{file}#slow", tmp_path / "run", FREE)
        assert understand(f"config:{file}#slow").batch
        with Asking(teacher, teacher.in_flight) as asking:
            assert texts(asking.all(questions(6))) == expected(6)
        assert len(server.batches) == 2
    for wrong in ("batch = 3", "batch = { speed = 2 }", "batch = true\nstream = true"):
        file.write_text(f'[teachers.slow]\nmodel = "tiny"\nurl = "http://h/v1"\n{wrong}\n')
        with pytest.raises(InputError):
            understand(f"config:{file}#slow")
