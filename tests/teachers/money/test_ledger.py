"""What a run spent is in its file at any moment, whoever is killed and however many write."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.errors import InputError, StepFailed
from mathmill.io import read_json_rows
from mathmill.teachers.money.amount import NOTHING, Amount, Caps
from mathmill.teachers.money.ledger import LINE, Account, Entry

ONE = Amount(10**9, 1, 100, 50)
COUNTS = st.integers(0, 10**18)
AMOUNTS = st.builds(Amount, COUNTS, COUNTS, COUNTS, COUNTS)


def test_nothing_is_written_before_the_first_call(tmp_path: Path) -> None:
    Account(tmp_path / "spent.jsonl", "openai:x").close()
    assert not (tmp_path / "spent.jsonl").exists()


def test_what_earlier_invocations_spent_counts(tmp_path: Path) -> None:
    path, caps = tmp_path / "spent.jsonl", Caps(cost=3 * 10**9)
    first = Account(path, "openai:x")
    assert first.hold(ONE, caps) == ""
    first.settle(ONE, ONE, assumed=False)
    assert first.hold(ONE, caps) == ""
    first.close()  # as if killed: one is still held
    later = Account(path, "openai:x")
    assert later.hold(ONE, caps) == ""
    assert later.hold(ONE, caps) == "cost"
    assert later.total() == Amount(3 * 10**9, 3, 300, 150)


def test_an_account_that_was_closed_goes_on_in_its_own_line(tmp_path: Path) -> None:
    account = Account(tmp_path / "spent.jsonl", "openai:x")
    for _ in range(3):
        account.hold(ONE, Caps(cost=10**12))
        account.settle(ONE, ONE, assumed=False)
        account.close()
    assert account.total() == Amount(3 * 10**9, 3, 300, 150)
    assert (tmp_path / "spent.jsonl").stat().st_size == LINE


def test_the_file_can_be_read_as_json_lines(tmp_path: Path) -> None:
    account = Account(tmp_path / "spent.jsonl", 'openai:é"x\n')
    account.hold(ONE, Caps())
    account.settle(ONE, ONE, assumed=True)
    rows = [row for _, row in read_json_rows(tmp_path / "spent.jsonl")]
    assert [row["spent"]["dollars"] for row in rows] == ["0.001000000000"]
    assert rows[0]["assumed"]["calls"] == 1
    assert rows[0]["teacher"] == 'openai:?"x\n'


@given(AMOUNTS, AMOUNTS, AMOUNTS, st.text(), st.text())
def test_a_line_holds_any_amount_exactly(spent: Amount, held: Amount, assumed: Amount,
                                         teacher: str, process: str) -> None:
    line = Entry(teacher, spent, held, assumed, process, 1.5).line()
    assert len(line) == LINE
    again = Entry.of(line)
    assert (again.spent, again.held, again.assumed) == (spent, held, assumed)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_cap_is_ever_passed_by_accounts_that_share_a_file(
        tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("ledger") / "spent.jsonl"
    caps = Caps(cost=data.draw(st.integers(1, 1000)), calls=data.draw(st.integers(1, 20)),
                tokens=data.draw(st.integers(1, 1000)))
    accounts = [Account(path, f"t{n}") for n in range(3)]
    onlooker = Account(path, "onlooker")  # one for all steps: it reads the file anew at each
    held: list[tuple[Account, Amount]] = []
    bills = NOTHING
    for _ in range(data.draw(st.integers(1, 30))):
        if held and data.draw(st.booleans()):
            account, worst = held.pop(data.draw(st.integers(0, len(held) - 1)))
            bill = Amount(*(data.draw(st.integers(0, most)) for most in (
                worst.cost, worst.calls, worst.read, worst.written)))
            account.settle(worst, bill, data.draw(st.booleans()))
            bills += bill
        else:
            account = data.draw(st.sampled_from(accounts))
            worst = Amount(data.draw(st.integers(0, 300)), 1, data.draw(st.integers(0, 300)),
                           data.draw(st.integers(0, 300)))
            passed = account.hold(worst, caps)
            fits = not caps.passed(account.total() + worst) if passed else True
            assert not (passed and fits), "refused, though it fits"
            if not passed:
                held.append((account, worst))
        whole = onlooker.total()
        assert whole == sum((worst for _, worst in held), bills)
        assert not caps.passed(whole)
    assert Account(path, "latecomer").total() == whole
    for account in (*accounts, onlooker):
        account.close()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_without_caps_the_file_never_says_less_than_is_held_and_spent(
        tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("ledger") / "spent.jsonl"
    account, held, spent = Account(path, "openai:x"), [], NOTHING
    onlooker = Account(path, "onlooker")  # one for all steps: it reads the file anew at each
    for _ in range(data.draw(st.integers(1, 80))):
        if held and data.draw(st.integers(0, 2)) == 0:
            worst = held.pop()
            bill = Amount(*(data.draw(st.integers(0, 2 * most)) for most in (
                worst.cost, worst.calls, worst.read, worst.written)))
            account.settle(worst, bill, data.draw(st.booleans()))
            spent += bill
        else:
            worst = Amount(data.draw(st.integers(0, 300)), 1, data.draw(st.integers(0, 300)), 7)
            assert account.hold(worst, Caps()) == ""
            held.append(worst)
        there, truth = onlooker.total(), sum(held, spent)
        assert there.covers(truth)
        assert held or there == truth, "with nothing in flight it is exact"
        assert account.total() == truth
    assert Account(path, "latecomer").total() == there
    account.close()
    onlooker.close()


def test_without_caps_most_calls_write_nothing(tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mathmill.teachers.money.ledger.LATE", 60.0)
    account, writes, write = Account(tmp_path / "spent.jsonl", "openai:x"), [], os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda *args: writes.append(1) or write(*args))
    for _ in range(400):
        account.hold(ONE, Caps())
    for _ in range(1000):
        account.settle(ONE, ONE, False)
        account.hold(ONE, Caps())
    assert len(writes) < 100
    account.close()


SPENDER = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from mathmill.teachers.money.amount import Amount, Caps
    from mathmill.teachers.money.ledger import Account

    account = Account(Path(sys.argv[1]), "openai:x")
    worst, caps = Amount(3, 1, 2, 1), Caps(cost=int(sys.argv[2]))
    sent = open(sys.argv[3], "a", buffering=1)
    while not account.hold(worst, caps):
        sent.write("3\\n")  # the truth: what may have been billed
        account.settle(worst, Amount(int(sys.argv[4]), 1, 1, 1), False)
""")


def test_two_processes_never_take_the_last_dollar_twice(tmp_path: Path) -> None:
    path = tmp_path / "spent.jsonl"
    spenders = [subprocess.Popen([sys.executable, "-c", SPENDER, path, "3000", tmp_path / f"{n}",
                                  "3"], env=dict(os.environ)) for n in range(2)]
    assert [spender.wait(60) for spender in spenders] == [0, 0]
    shares = [len((tmp_path / f"{n}").read_text().split()) for n in range(2)]
    assert sum(shares) == 1000
    assert Account(path, "onlooker").total().cost == 3000


def test_a_kill_at_any_moment_leaves_at_least_what_was_sent(tmp_path: Path) -> None:
    path, sent = tmp_path / "spent.jsonl", tmp_path / "sent"
    for delay in (0.003, 0.01, 0.02, 0.041):
        before = sent.stat().st_size if sent.exists() else 0
        spender = subprocess.Popen([sys.executable, "-c", SPENDER, path, str(10**9), sent, "3"],
                                   env=dict(os.environ))
        while not sent.exists() or sent.stat().st_size == before:
            assert spender.poll() is None, "it should spend until it is killed"
            time.sleep(0.002)
        time.sleep(delay)
        spender.send_signal(signal.SIGKILL)
        spender.wait()
    truth = 3 * len(sent.read_text().split())
    onlooker = Account(path, "onlooker")
    assert truth <= onlooker.total().cost <= truth + 4 * 3, "one call in flight at each kill"
    assert not onlooker.in_flight(), "what the dead hold is never given back"


def test_what_a_living_process_holds_may_still_be_given_back(tmp_path: Path) -> None:
    account = Account(tmp_path / "spent.jsonl", "openai:x")
    account.hold(ONE, Caps())
    onlooker = Account(tmp_path / "spent.jsonl", "onlooker")
    assert onlooker.in_flight()
    account.settle(ONE, NOTHING, assumed=False)
    assert not onlooker.in_flight()


@pytest.mark.parametrize("line", [b"no JSON", b"[]", b"{}", b'{"teacher": 5, "spent": 3}'])
def test_an_account_that_cannot_be_read_stops_the_run(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "spent.jsonl"
    path.write_bytes(Entry("a").line() + line.ljust(LINE - 1) + b"\n")
    with pytest.raises(InputError, match=r"spent\.jsonl:2: the account"):
        Account(path, "openai:x").hold(ONE, Caps(cost=10**12))


def test_an_account_that_cannot_be_written_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StepFailed, match="cannot be kept"):
        Account(tmp_path / "file" / "spent.jsonl", "openai:x").hold(ONE, Caps())
