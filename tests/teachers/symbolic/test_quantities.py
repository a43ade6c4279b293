from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.teachers.symbolic.quantities import (
    Impossible,
    Move,
    compute,
    is_natural,
    is_possible,
    parse_number,
    read_moves,
    run_moves,
    sample_number,
    write_number,
    write_share,
)


@given(st.integers(0, 10**6), st.sampled_from([1, 2, 4, 5, 10, 20, 25, 50, 100, 3, 7, 12]))
def test_a_written_number_is_read_back_exactly(above: int, below: int) -> None:
    value = Fraction(above, below)
    assert parse_number(write_number(value)) == value
    assert parse_number(write_share(value)) == value


@pytest.mark.parametrize(("value", "text"), [
    (Fraction(19), "19"), (Fraction(7, 2), "3.5"), (Fraction(1, 20), "0.05"),
    (Fraction(2, 3), "2/3"), (Fraction(100), "100"), (Fraction(11, 100), "0.11")])
def test_numbers_are_written_in_their_canonical_form(value: Fraction, text: str) -> None:
    assert write_number(value) == text


def test_thousands_commas_are_read() -> None:
    assert parse_number("1,200") == 1200


@pytest.mark.parametrize("text", ["", "x", "1/0", "twelve", "1..2"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises((ValueError, ZeroDivisionError)):
        parse_number(text)


def test_moves_are_read_as_tables_write_them() -> None:
    assert read_moves("v*a%;v-_") == (Move("v", "*", "a", True), Move("v", "-", "_"))
    assert read_moves("a") == ()


def test_a_percentage_is_taken_of_the_running_value() -> None:
    steps, value = run_moves(read_moves("v*a%;v-_"), {"a": Fraction(25)}, Fraction(80))
    assert [step.value for step in steps] == [20, 60]
    assert value == 60


def test_division_by_nothing_is_impossible() -> None:
    with pytest.raises(Impossible):
        compute(Fraction(3), "/", Fraction(0))


@pytest.mark.parametrize(("value", "rule", "natural"), [
    (Fraction(3), "count", True), (Fraction(1, 2), "count", False), (Fraction(0), "count", False),
    (Fraction(-2), "money", False), (Fraction(1, 20), "money", True),
    (Fraction(1, 3), "money", False), (Fraction(5, 12), "share", True),
    (Fraction(1, 13), "share", False), (Fraction(999), "count", False)])
def test_natural_values_are_those_of_a_school_book(
        value: Fraction, rule: str, natural: bool) -> None:
    assert is_natural(value, rule, 500) is natural


def test_possible_values_are_neither_negative_nor_cut_up_counts() -> None:
    assert is_possible(Fraction(0), "count")
    assert not is_possible(Fraction(-1), "money")
    assert not is_possible(Fraction(1, 2), "count")
    assert is_possible(Fraction(1, 2), "decimal")


@pytest.mark.parametrize("kind", ["i2-9", "m1-15", "d1-9", "f", "p", "p5-50", "t", "n", "g",
                                  "q", "h2-6"])
def test_every_kind_of_number_is_positive_and_within_its_span(kind: str) -> None:
    rng = random.Random(0)
    drawn = [sample_number(kind, rng) for _ in range(300)]
    assert min(drawn) > 0
    assert len(set(drawn)) > 4
    if "-" in kind:
        low, high = (int(part) for part in kind[1:].split("-"))
        assert low <= min(drawn)
        assert max(drawn) < high + 1


def test_a_goal_lies_above_the_running_value() -> None:
    rng = random.Random(0)
    assert all(sample_number("g", rng, Fraction(137)) > 137 for _ in range(100))
