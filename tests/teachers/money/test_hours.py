"""An hour of a GPU has a dated price by its name; one of a core only the user's."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mathmill.dollars import dollars
from mathmill.errors import InputError
from mathmill.teachers.money.hours import Hours
from mathmill.teachers.money.prices import Prices


def test_every_shipped_price_is_dated_and_the_longest_part_of_a_name_decides() -> None:
    hours = Hours.load()
    assert hours.core is None, "nobody's core has a price that we know"
    for price in hours.tables[-1].values():
        assert date.fromisoformat(price.date) <= date(2030, 1, 1)
        assert price.source.startswith("https://")
    for name, asked in (("NVIDIA A100-SXM4-80GB", "3.4309"), ("NVIDIA A100-SXM4-40GB", "2.7447"),
                        ("A100", "3.4309"), ("NVIDIA H100 80GB HBM3", "6.88"),
                        ("NVIDIA H200", "7.912")):
        found = hours.gpu(name)
        assert found is not None
        assert str(dollars(found.pico)) == asked
    assert hours.gpu("NVIDIA GeForce RTX 4090") is None


def test_the_users_table_goes_first_and_need_hold_no_prices_of_tokens(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[gpu-hour.a100]\ndollars = 2\n[core-hour]\ndollars = 0.05\n')
    hours = Hours.load(path)
    mine = hours.gpu("NVIDIA A100-SXM4-80GB")
    assert mine is not None
    assert (dollars(mine.pico), mine.date) == (2, "")
    assert hours.gpu("NVIDIA H200") is not None, "what one's own table lacks is in ours"
    assert hours.core is not None
    assert str(dollars(hours.core.pico)) == "0.05"
    assert Prices.load(path).price("gpt-4", "https://api.openai.com/v1") is not None


@pytest.mark.parametrize(("text", "words"), [
    ('[gpu-hour.a100]\nprice = 2\n', "needs dollars"),
    ('[gpu-hour.a100]\ndollars = -1\n', "is no price"),
    ('[gpu-hour.a100]\ndollars = "cheap"\n', "is no price"),
    ('[gpu-hour.a100]\ndollars = nan\n', "is no price"),
    ('[gpu-hour.a100]\ndollars = 1\neuros = 1\n', "no field 'euros'"),
    ('gpu-hour = 3\n', "is no table"), ('[core-hour]\n', "needs dollars"),
])
def test_what_cannot_be_a_price_is_said_in_one_line(tmp_path: Path, text: str,
                                                    words: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        Hours.load(path)
