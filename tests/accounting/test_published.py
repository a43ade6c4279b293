"""What the paper told comes to its own sums, and what it did not tell is told to be so."""

from __future__ import annotations

import pytest

from mathmill.accounting import (
    NOT_TOLD,
    PUBLISHED,
    SELECTION,
    SYNTHESIS,
    SYNTHESIZER,
    TRAINING,
)
from mathmill.accounting.lines import Calls, Line, Money, Time, added
from mathmill.accounting.published import JIUZHANG, at_prices
from mathmill.dollars import PICO, in_words
from mathmill.teachers.money.sheet import Sheet


def test_jiuzhangs_row_is_that_of_its_appendix() -> None:
    calls, bill, hours, price, money = JIUZHANG.line.cells
    assert calls == ("9,335 calls: 2,800,500 tokens in (300 a call), 8,186,795 tokens out "
                     "(877 a call)")
    assert bill == f"price: {NOT_TOLD}"
    assert "1,536 h of A100" in hours
    assert {line.part: [time.hours for time in line.times] for line in JIUZHANG.lines[1:]} == {
        SYNTHESIZER: [None], SELECTION: [256], SYNTHESIS: [640], TRAINING: [640]}
    assert JIUZHANG.lines[2].times[0].words == "4 h x 64 A100 = 256 h"
    assert set(price.split("; ")) == {f"price of an hour: {NOT_TOLD}", NOT_TOLD}
    assert money == NOT_TOLD
    assert JIUZHANG.said == "about $8,480 (a secondary source)"
    assert JIUZHANG.rows == 5_984_584


def test_the_compared_models_have_their_lines() -> None:
    _, deepseek, kpmath = PUBLISHED
    assert deepseek.line.times[0].hours == 10_240
    assert deepseek.lines[0].name.endswith("RL not counted")
    assert kpmath.line.calls is not None
    assert kpmath.line.calls.words == f"calls: {NOT_TOLD}"
    assert all("above $40,000" in each.said for each in (deepseek, kpmath))


def test_at_the_prices_of_today_the_papers_figures_come_to_what_anyone_may_multiply() -> None:
    sheet = Sheet.load()
    gpt4, turbo, hour = (sheet.tokens("openai:gpt-4"), sheet.tokens("openai:gpt-4-turbo"),
                         sheet.hour("A100"))
    assert gpt4 is not None
    assert turbo is not None
    mine, everything = at_prices(gpt4, hour)
    assert mine.cells[1:] == (
        "2,800,500 x $30/M + 8,186,795 x $60/M = $575.22", "24 h x 64 A100 = 1,536 h",
        "1,536 h x $3.4309 = $5,269.86", "$5,845.09")
    assert everything.calls is not None
    assert everything.calls.bill == (
        "1,795,375,200 x $30/M + 5,248,480,168 x $60/M = $368,770.07")
    assert at_prices(turbo, None)[0].cells[1] == (
        "2,800,500 x $10/M + 8,186,795 x $30/M = $273.61")
    assert at_prices(None, None)[0].money().words == NOT_TOLD


def test_a_sum_with_a_part_that_nobody_told_says_so() -> None:
    assert Money().words == "$0.00"
    assert (Money(PICO) + Money(0, whole=False)).words == "$1.00 and what is not told"
    assert Money(0, whole=False).words == NOT_TOLD
    told, untold = Time.held("H200", 0.5, 2, 8 * PICO), Time("H200", None)
    whole = added([Line("a", SYNTHESIS, times=(told,)), Line("b", SYNTHESIS, times=(untold,))],
                  "both")
    assert whole.cells[2:] == ("1 h of H200; hours: not told",
                               "1 h x $8 = $8.00; not told",
                               "$8.00 and what is not told")


@pytest.mark.parametrize("own", [True, False])
def test_a_model_of_ones_own_is_asked_for_nothing_but_time(own: bool) -> None:
    bought = Calls(2, 20, 4, 3 * PICO)
    asked = added([Line("a", "", bought), Line("b", "", Calls(1, 10, 2, own=True))], "both").calls
    assert asked is not None
    assert (asked.number, asked.read, asked.written, asked.pico) == (3, 30, 6, 3 * PICO)
    only = added([Line("b", "", Calls(1, 10, 2, None, own=own))], "one")
    assert only.money().words == (in_words(0) if own else NOT_TOLD)
