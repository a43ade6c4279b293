"""Tests of `stages.budget`: plain counting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.errors import UsageError
from mathmill.stages.budget import PROBE, Budget, Ledger, shares


@given(st.integers(0, 10_000), st.lists(st.floats(0.01, 100), min_size=1, max_size=8))
def test_shares_are_whole_add_up_and_are_off_by_less_than_one(total, weights):
    named = {f"m{i}": w for i, w in enumerate(weights)}
    parts = shares(total, named)
    assert sum(parts.values()) == total
    for name, part in parts.items():
        assert abs(part - total * named[name] / sum(weights)) < 1 + 1e-6


def test_equal_weights_give_what_is_over_to_the_earlier_names():
    assert shares(8, {"b": 1, "a": 1, "c": 1}) == {"b": 3, "a": 3, "c": 2}


def play(ledger, rates, most=100, refill=True):
    """Let methods succeed at exact rates; return the waves."""
    waves = []
    while True:
        wave = ledger.wave(most)
        if not wave:
            if refill and ledger.refill():
                continue
            return waves
        waves.append(wave)
        for name, n in wave.items():
            account = ledger.accounts[name]
            for _ in range(n):
                account.made += 1
                if account.missing > 0 and int(account.made * rates[name]) > int(
                        (account.made - 1) * rates[name]):
                    account.accepted += 1


def test_rows_come_out_exactly_and_the_first_waves_are_a_probe():
    ledger = Ledger.split(1000, 4000, {"a": 3, "b": 1})
    waves = play(ledger, {"a": 1.0, "b": 0.5})
    assert (ledger.accounts["a"].accepted, ledger.accounts["b"].accepted) == (750, 250)
    assert sum(waves[0].values()) == PROBE
    assert max(sum(wave.values()) for wave in waves) <= 100


def test_few_attempts_are_wasted_on_surplus():
    ledger = Ledger.split(1000, 4000, {"a": 1})
    play(ledger, {"a": 0.5})
    assert ledger.accounts["a"].made <= 2000 * 1.02


def test_what_one_method_cannot_give_is_asked_of_the_others_where_allowed():
    for refill, rows in ((True, 100), (False, 50)):
        ledger = Ledger.split(100, 300, {"a": 1, "b": 1})
        play(ledger, {"a": 1.0, "b": 0.0}, refill=refill)
        assert sum(a.accepted for a in ledger.accounts.values()) == rows
        assert ledger.accounts["b"].made == 150
        assert ledger.refilled == (50 if refill else 0)


def test_no_method_exceeds_its_attempts():
    ledger = Ledger.split(100, 120, {"a": 1, "b": 1})
    play(ledger, {"a": 0.6, "b": 0.1})
    assert all(account.made <= account.most for account in ledger.accounts.values())
    assert sum(account.made for account in ledger.accounts.values()) == 120


@pytest.mark.parametrize("most", [1, 3, 1000])
def test_a_wave_never_exceeds_its_limit(most):
    ledger = Ledger.split(500, 5000, {"a": 1, "b": 2, "c": 5})
    assert all(sum(w.values()) <= most for w in play(ledger, dict.fromkeys("abc", 0.7), most))


def test_a_budget_names_what_it_knows():
    assert Budget.read({"refill": False}, 3) == Budget(refill=False)
    with pytest.raises(UsageError, match="no 'tries'; it has attempts"):
        Budget.read({"tries": 3}, 3)
