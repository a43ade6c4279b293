"""Masking is the same everywhere, hides what is a number, and leaves all else alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.methods.masking import free_letter, hide, masks, split_question


@pytest.mark.parametrize(("text", "golds"), [
    ("Tom has 5 pens and buys 3.", ["5", "3"]),
    ("It costs $1,200.50, or $15?", ["1200.50", "15"]),
    ("He pays 20%, then 3/4 of it; $5$ more!", ["20", "3/4", "5"]),
    ("ten of sixteen, half a fifth of one", ["10", "16", "0.5", "0.2", "1"]),
    ("on the fifth day", ["5"]),
    ("Half an hour, Two days", ["0.5", "2"]),
    (".5 of 0.25", [".5", "0.25"]),
    ("a 120-page book at 4:30 costs 3*4 +5 -6 10ml \"7\" '8' [9] (10) x2 1.2.3 12,34", []),
    ("twenty tens someone halfway", []),
    ("", []),
])
def test_the_numbers_of_an_english_text(text, golds):
    assert [mask.gold for mask in masks(text)] == golds


@pytest.mark.parametrize(("text", "golds"), [
    ("小明有12支铅笔，又买了5支。", ["12", "5"]),
    ("原价1,200元，打了3/4，涨20%。", ["1200", "3/4", "20"]),
    ("长3.5米。", ["3.5"]),
    ("已知x2和3x，比4:5，120m", []),
])
def test_the_numbers_of_a_chinese_text(text, golds):
    assert [mask.gold for mask in masks(text, "zh")] == golds


def test_sign_percent_and_punctuation_stay():
    text = "It costs $1,200, then 20%. Half?"
    assert [hide(text, mask, "x") for mask in masks(text)] == [
        "It costs $x, then 20%. Half?", "It costs $1,200, then x%. Half?",
        "It costs $1,200, then 20%. x?"]


def test_a_letter_that_is_taken_is_not_used_again():
    assert free_letter("Tom has 5 boxes") == "x"
    assert free_letter("Solve 2 x 3") == "X"
    assert free_letter("Let x be 5") == "X"
    assert free_letter("Let x and X be 5") is None


@pytest.mark.parametrize(("text", "told", "asked"), [
    ("Tom has 5. How many?", "Tom has 5.", "How many?"),
    ("If Tom has 5 and buys 3, how many has he?", "If Tom has 5 and buys 3,",
     "how many has he?"),
    ("Tom has 5. How many did he sell in April, and May?", "Tom has 5.",
     "How many did he sell in April, and May?"),
    ("Tom has 3.5 kg. Find the rest.", "Tom has 3.5 kg.", "Find the rest."),
    ("How many are 5 and 3?", "", "How many are 5 and 3?"),
])
def test_the_question_is_cut_from_what_is_told(text, told, asked):
    assert split_question(text) == (told, asked)


def test_a_chinese_question_is_cut_at_its_own_marks():
    assert split_question("小明有12支铅笔，又买了5支。现在有多少支？", "zh") == (
        "小明有12支铅笔，又买了5支。", "现在有多少支？")


@given(st.text(max_size=200), st.sampled_from(["en", "zh"]))
def test_hiding_changes_nothing_but_the_number(text, language):
    for mask in masks(text, language):
        hidden = hide(text, mask, "x")
        assert hidden[:mask.start] == text[:mask.start]
        assert hidden[mask.start + 1:] == text[mask.end:]
        assert mask.gold[0] in "0123456789."
    told, asked = split_question(text, language)
    assert told + asked or not text.strip()


def test_real_problems_have_numbers_to_hide(shared_data):
    lines = (shared_data / "gsm8k" / "train.jsonl").read_text("utf-8").splitlines()
    questions = [json.loads(line)["question"] for line in lines]
    counts = [len(masks(question)) for question in questions]
    assert len(questions) == 7473
    assert sum(map(bool, counts)) == 7455
    assert sum(counts) == 28185
    assert sum(bool(masks(split_question(question)[0])) for question in questions) == 7431
