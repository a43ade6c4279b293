"""Tests of `stages.overlap`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.stages.overlap import Overlap, words_of

ITEM = " ".join(f"w{i}" for i in range(40))
LETTERS = "Tom has red apples and Ann has green pears today"


def test_words_are_letters_and_digits_or_what_stands_between_blanks():
    assert words_of("She's 5², 小明有3个!") == ["she", "s", "52", "小", "明", "有", "3", "个"]
    assert words_of("She's 5², 小明!", fold="none") == ["She's", "5²,", "小", "明", "!"]
    assert words_of("She's 5, ok", fold="none") == ["She's", "5,", "ok"]


@pytest.mark.parametrize(("length", "found"), [(30, True), (29, False), (40, True)])
def test_a_run_of_n_words_is_a_hit_and_one_word_less_is_not(length, found):
    overlap = Overlap(30)
    assert overlap.add("gsm8k", "t:1", ITEM) == "runs"
    text = "before " + " ".join(ITEM.upper().split()[:length]) + ", after"
    hit = overlap.find(text)
    assert (hit is not None) == found
    if hit:
        assert (hit.suite, hit.place, hit.kind, len(hit.text.split())) == (
            "gsm8k", "t:1", "ngram", 30)


def test_case_and_punctuation_hide_a_copy_only_where_they_are_kept():
    for fold in ("words", "letters", "none"):
        overlap = Overlap(8, fold)
        overlap.add("s", "1", LETTERS)
        assert (overlap.find(LETTERS.upper().replace(" ", ", ")) is not None) == (fold != "none")
        assert overlap.find(LETTERS) is not None


def test_a_text_shorter_than_n_counts_where_it_stands_whole():
    overlap = Overlap(30)
    assert overlap.add("s", "1", "one two three four five six seven eight nine") == "whole"
    assert overlap.find("Well: one two three four five six seven eight nine, no?").kind == (
        "whole text")
    assert overlap.find("one two three four five six seven eight ten") is None
    overlap.add("s", "2", "What is 2 + 2?")
    assert overlap.find("what is 2 2").place == "2"
    assert overlap.find("Tell me at last then: What is 2 + 2? And more") is None
    assert overlap.add("s", "3", "4 = 2 + 2", whole=False) == ""
    assert overlap.add("s", "4", "?!") == ""


words = st.lists(st.sampled_from("abc"), max_size=30)


@given(words, words, st.integers(8, 12))
def test_a_hit_is_exactly_a_shared_run(item, text, n):
    overlap = Overlap(n)
    overlap.add("s", "1", " ".join(item), whole=False)
    runs = {tuple(item[i:i + n]) for i in range(len(item) - n + 1)}
    shared = any(tuple(text[i:i + n]) in runs for i in range(len(text) - n + 1))
    assert (overlap.find(" ".join(text)) is not None) == shared
