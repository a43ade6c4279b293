"""Tests of `stages.decontaminate.reading`, `numerals` and `glossary`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.stages.decontaminate import numerals
from mathmill.stages.decontaminate.glossary import glossary
from mathmill.stages.decontaminate.reading import Reader, plain


def numbers_of(text):
    """Return the keys of the numbers that a text states, in order."""
    reader = Reader()
    read = reader.read([text])
    names = list(reader._values)
    return [names[number] for number in read.numbers]


def words_of(text):
    reader = Reader()
    read = reader.read([text])
    return [list(reader._words)[word] for word in read.words]


@pytest.mark.parametrize(("text", "numbers"), [
    ("16 eggs, 3 for $2.50", ["16", "3", "5/2"]),
    ("1,080 and 1080 and one thousand and eighty", ["1080"] * 3),
    ("1,2,3", ["1", "2", "3"]),
    ("half, 1/2, 0.5, .50 and \\frac{1}{2}", ["1/2"] * 5),
    ("2 1/2, 2½ and 2.5", ["5/2"] * 3),
    ("twice as many; 2 times; double; a pair", ["2"] * 4),
    ("twenty-five or 25 or twenty five", ["25"] * 3),
    ("two hundred and five of three hundred forty", ["205", "340"]),
    ("$1.5 million or 1500000", ["1500000"] * 2),
    ("half a dozen of thirty", ["1/2", "12", "30"]),
    ("30% or 30 percent or thirty per cent", ["30"] * 3),
    ("the 100-meter dash, 16th of 1/10th", ["100", "16", "1/10"]),
    ("１６ eggs", ["16"]),
    ("1/0 and 7", ["1/0", "7"]),
    ("每天下16颗蛋，吃三颗", ["16", "3"]),
    ("两百零五、十二、一万二千、3万、80,000", ["205", "12", "12000", "30000", "80000"]),
    ("三分之一，百分之二十，一半", ["1/3", "20", "1", "1/2"]),
    ("", []), ("no number", []),
])
def test_a_number_is_one_key_however_it_is_written(text, numbers):
    assert numbers_of(text) == numbers


def test_words_are_told_by_their_first_letters_and_common_ones_not_at_all():
    assert words_of("How many trees does she cultivate? Cultivated TREES.") == [
        "trees", "culti", "culti", "trees"]
    assert words_of("The price in dollars") == ["price"]


def test_chinese_is_read_by_pairs_of_signs_and_by_the_glossary():
    assert set(words_of("买苹果")) == {"买苹", "苹果", "buy", "apple"}
    assert set(words_of("Tom有苹果")) >= {"tom", "apple"}
    assert all(word for words in glossary().values() for word in words)


def test_what_the_benchmark_has_not_is_a_stranger_and_nothing_grows():
    reader = Reader()
    reader.read(["apples 5"])
    reader.close()
    before = reader.sizes
    read = reader.read(["apples 5 pears 6", None or ""])
    assert reader.sizes == before == (1, 1)
    assert [word < 1 for word in read.words] == [True, False]
    assert [number < 1 for number in read.numbers] == [True, False]


@pytest.mark.parametrize("text", ["two " + "million " * 2_000, "9" * 9_000, "九" * 9_000,
                                  "百分之" + "9" * 9_000, "3" * 50 + "万", "9" * 9_000 + " twenty",
                                  "1/" * 5_000, "万" * 9_000])
def test_numbers_without_end_are_read_all_the_same(text):
    assert sum(map(len, numbers_of(text))) <= 2 * len(text)


@given(st.text(max_size=80))
def test_any_text_is_read(text):
    reader = Reader()
    read = reader.read([text, text])
    half = len(read.words) // 2
    assert list(read.words[:half]) == list(read.words[half:])
    assert plain(text) == plain(text)


@given(st.integers(0, 99_999_999))
def test_chinese_numbers_say_what_their_digits_say(number):
    digits, units = "零一二三四五六七八九", ["", "十", "百", "千"]

    def below(n):
        text, gap = "", False
        for place in (3, 2, 1, 0):
            digit = n // 10**place % 10
            text += ("零" if gap and digit and text else "") + (
                digits[digit] + units[place] if digit else "")
            gap = not digit
        return text

    high, low = divmod(number, 10_000)
    between = "零" if high and 0 < low < 1000 else ""
    text = (below(high) + "万" + between if high else "") + below(low)
    assert numerals.chinese(text or "零") == number
