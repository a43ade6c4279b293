"""Tests of `stages.seeds.text`."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.stages.seeds.text import asks_for_proof, clean, language_of


def test_blanks_line_ends_and_invisible_signs_are_folded():
    assert clean("\ufeff A\u00a0 robe\ttakes \r\n2 bolts.\u200b\r\n\r\n\r\nHow many? ") == (
        "A robe takes\n2 bolts.\n\nHow many?")


def test_powers_stay_powers():
    assert clean("5² + e\u0301") == "5² + é"


def test_half_a_sign_becomes_a_question_mark_that_a_file_can_hold():
    assert clean("a \ud800 b").encode("utf-8") == b"a ? b"


@given(st.text())
def test_cleaning_twice_changes_nothing_and_the_result_is_nfc(text):
    once = clean(text)
    assert clean(once) == once
    assert unicodedata.is_normalized("NFC", once)


@pytest.mark.parametrize(("question", "language"), [
    ("How many apples are there?", "en"),
    ("小明有3个苹果，吃了1个，还剩几个？", "zh"),
    (r"设集合 $A=\{x \mid x \geq 1\}, B=\{x \mid -1<x<2\}$, 则 $A \cap B=$", "zh"),
    ("The sign 数 is written how many times?", "en"),
    ("2 + 2 = ?", "en"),
])
def test_language_is_told_by_the_words_outside_formulas(question, language):
    assert language_of(question) == language


@pytest.mark.parametrize("question", [
    "Prove that the sum of two even numbers is even.",
    "Let n be odd. Show that n^2 is odd... ", "Let n be odd. Show that $n^2$ is odd.",
    "(a) Show that f is even.", "Given that a > b, prove that a^2 > ab.",
    "证明：两个偶数之和是偶数。", "求证 $a>b$。",
])
def test_an_order_to_prove_is_a_proof(question):
    assert asks_for_proof(question, answered=False)


@pytest.mark.parametrize("question", [
    "Their results show that the colony doubled. How many penguins are there now?",
    "If records show that the home team has won three matches, how many did it lose?",
    "He watched a show that was 30 minutes long. How long were two?",
    "已知多项式，求 $a_1$。",
])
def test_a_report_that_something_shows_is_no_proof(question):
    assert not asks_for_proof(question, answered=True)


def test_a_proof_that_also_asks_for_a_value_stays_where_the_value_is_known():
    question = "Show that the triangle is right-angled. Find its area."
    assert not asks_for_proof(question, answered=True)
    assert asks_for_proof(question, answered=False)
