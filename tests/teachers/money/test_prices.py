"""A price is the model's own at that host, in whole picodollars, or it is asked for."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.dollars import PICO, dollars
from mathmill.errors import InputError
from mathmill.teachers.money.prices import FREE, Price, Prices

OPENAI = "https://api.openai.com/v1"
TOKENS = st.integers(0, 10**9)


def table(tmp_path: Path, text: str) -> Prices:
    path = tmp_path / "prices.toml"
    path.write_text(text)
    return Prices.load(path)


def test_every_shipped_price_is_dated_and_says_where_it_was_read() -> None:
    shipped = Prices.load().shipped
    assert len(shipped) > 10
    for key, price in shipped.items():
        assert "@" in key, "a shipped price holds at one host only"
        assert date.fromisoformat(price.date) <= date(2030, 1, 1)
        assert price.source.startswith("https://")
        assert 0 < price.cached <= price.input <= price.output
        assert Decimal("0.5") <= price.batch <= 1


def test_a_price_holds_at_its_host_and_for_its_very_name() -> None:
    prices = Prices.load()
    price = prices.price("gpt-5-mini", OPENAI)
    assert price is not None
    assert price.cost(read=1_000_000, written=0) == PICO // 4
    assert price.cost(read=0, written=1_000_000) == 2 * PICO
    assert price.cost(read=1_000_000, written=0, cached=1_000_000) == PICO // 40
    assert prices.price("gpt-5-mini-2025-08-07", OPENAI) == price
    assert prices.price("gpt-5-mini-large", OPENAI) is None
    assert prices.price("gpt-5-mini", "https://openrouter.ai/api/v1") is None


def test_ones_own_servers_are_free_unless_one_says_otherwise(tmp_path: Path) -> None:
    for url in ("http://localhost:8000/v1", "http://127.0.0.1:1/v1", "http://10.1.2.3/v1"):
        assert Prices.load().price("anything", url) == FREE
    own = table(tmp_path, '[prices.tiny]\ninput = 1\noutput = 2\n')
    assert own.price("tiny", "http://localhost:8000/v1") == Price(10**6, 10**6, 2 * 10**6)
    assert own.price("other", "http://localhost:8000/v1") == FREE


def test_the_users_table_goes_first_and_the_closest_name_in_it(tmp_path: Path) -> None:
    own = table(tmp_path, """
[prices."gpt-5-mini@api.openai.com"]
input = 9
output = 9
[prices."big*"]
input = 1
output = 1
[prices."big-and*"]
input = 2
output = 2
[prices."big*@api.here.com"]
input = 3
output = 3
[prices.big-one]
input = 4
output = 4
also = ["uno"]
""")
    there, here = "https://api.there.com/v1", "https://api.here.com/v1"
    found = {(model, url): price.input // 10**6 for model, url in [
        ("gpt-5-mini", OPENAI), ("big", there), ("big-and-wide", there), ("big-and-wide", here),
        ("big-one", here), ("uno", there)] if (price := own.price(model, url))}
    assert list(found.values()) == [9, 1, 2, 3, 4, 4]
    assert own.price("small", there) is None


def test_the_variable_names_a_table_and_the_option_goes_before_it(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text('[prices.tiny]\ninput = 1\noutput = 1\n')
    monkeypatch.setenv("MATHMILL_PRICES", str(tmp_path / "mine.toml"))
    assert Prices.load().price("tiny", OPENAI) is not None
    (tmp_path / "other.toml").write_text('[prices.huge]\ninput = 1\noutput = 1\n')
    assert Prices.load(tmp_path / "other.toml").price("tiny", OPENAI) is None


@pytest.mark.parametrize(("text", "says"), [
    ("prices = 3", "no table [prices]"),
    ("[prices.x]\ninput = 1", "needs input and output"),
    ("[prices]\nx = 1", "needs input and output"),
    ("[prices.x]\ninput = -1\noutput = 1", "is no price"),
    ('[prices.x]\ninput = "a lot"\noutput = 1', "is no price"),
    ("[prices.x]\ninput = nan\noutput = 1", "is no price"),
    ("[prices.x]\ninput = true\noutput = 1", "is no price"),
    ("[prices.x]\ninput = 1\noutput = 1\noutptu = 1", "no field 'outptu'"),
    ("[prices.x]\ninput = 1\noutput = 1\nalso = 5", "no list of names"),
    ("[prices.x\n", "no TOML"),
    ("\x00", "no TOML"),
])
def test_a_table_that_cannot_be_right_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        table(tmp_path, text)
    assert says in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "prices.toml"))


def test_a_table_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--prices"):
        Prices.load(tmp_path / "none.toml")


def test_input_that_may_be_stored_is_reckoned_at_what_storing_costs(tmp_path: Path) -> None:
    own = table(tmp_path, "[prices.x]\ninput = 2\ncached = 0.2\noutput = 12\ncache_write = 2.5\n"
                          "up_to = 1000\nabove = 2\n")
    price = own.price("x", OPENAI)
    assert price is not None
    assert price.cost(read=1000, written=0) == 2_500_000_000
    assert price.cost(read=1000, written=0, cached=1000) == 200_000_000
    assert price.cost(read=1001, written=0) == 2 * 1001 * 2_500_000


@given(st.decimals(0, 10_000, places=7), st.decimals(0, 10_000, places=7),
       st.tuples(TOKENS, TOKENS, TOKENS, TOKENS))
def test_costs_add_up_to_the_picodollar(read_price: Decimal, write_price: Decimal,
                                        counts: tuple[int, int, int, int]) -> None:
    price = Prices().with_table({"m": {"input": read_price, "output": write_price}},
                                Path("here")).price("m", OPENAI)
    assert price is not None
    first, second = counts[:2], counts[2:]
    together = price.cost(first[0] + second[0], first[1] + second[1])
    assert price.cost(*first) + price.cost(*second) == together
    exact = (read_price * (first[0] + second[0]) + write_price * (first[1] + second[1])) / 10**6
    assert 0 <= dollars(together) - exact <= Decimal(sum(counts)) / PICO, "rounded up, if at all"


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.decimals(0, 1, places=2))
def test_a_batch_is_never_reckoned_below_its_factor(read: int, written: int, factor: Decimal
                                                    ) -> None:
    price = Price(333_333, 33_333, 1_000_001, batch=factor)
    whole, half = price.cost(read, written), price.batched().cost(read, written)
    assert whole * factor <= half <= whole * factor + read + written
