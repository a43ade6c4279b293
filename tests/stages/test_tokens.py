"""Tests of `stages.tokens` and `stages.screen`: arrays say what Python's own words say."""

from __future__ import annotations

import re
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mathmill.stages.overlap import FOLDS, Overlap, words_of
from mathmill.stages.screen import Screen
from mathmill.stages.tokens import (
    OPERATORS,
    SIGNS,
    row_digests,
    runs,
    shingles,
    signed_words,
    words_of_all,
    words_of_lists,
)

TEXTS = st.lists(st.text(alphabet=st.one_of(
    st.sampled_from("abAB12 \n\t.,+-*/=' é明Kİ²½_\x00\x1c"), st.characters(codec="utf-8")),
    max_size=60), max_size=6)
FEW = st.lists(st.lists(st.sampled_from(["ann", "has", "7", "red", "pears", "Café"]),
                        max_size=25).map(" ".join), min_size=1, max_size=5)


@settings(max_examples=60)
@given(TEXTS, st.sampled_from(FOLDS))
@example(["x" * 9, "x" * 8, "x" * 16 + "y", "x" * 300, "", " a "], "words")
def test_the_words_of_all_are_the_words_of_each(texts, fold):
    words = words_of_all(pa.array(texts, pa.string()), fold)
    each = [words_of(text, fold) for text in texts]
    assert words.bounds.tolist() == [sum(map(len, each[:n])) for n in range(len(texts) + 1)]
    flat = [word for one in each for word in one]
    numbers = words.hashes.tolist()
    assert len(set(zip(flat, numbers, strict=True))) == len(set(flat)) == len(set(numbers))
    assert words_of_lists(each).hashes.tolist() == numbers


def test_a_slice_and_a_null_are_read_as_they_stand():
    column = pa.array(["left out", "one two", None, "größer three"]).slice(1)
    words = words_of_all(column, "words")
    assert words.bounds.tolist() == [0, 2, 2, 4]


@settings(max_examples=60)
@given(FEW, st.integers(2, 6))
def test_equal_runs_have_equal_numbers_wherever_they_stand(texts, n):
    words = words_of_all(pa.array(texts, pa.string()))
    flat = [word for text in texts for word in words_of(text)]
    spans = [tuple(flat[start:start + n]) for start in range(len(flat) - n + 1)]
    numbers = runs(words, n).tolist()
    assert len(set(zip(spans, numbers, strict=True))) == len(set(spans)) == len(set(numbers))


def key(text):
    signs = SIGNS.decode()
    return tuple(words_of(text)), tuple(sign for sign in text if sign in signs)


@settings(max_examples=60)
@given(TEXTS)
@example(["5 + 3", "5 - 3", "5  + 3!", "1.5", "15", "a b", "ab", "b a", "A, b", "a b,"])
def test_digests_are_equal_where_words_and_signs_are(texts):
    digests = [tuple(row) for row in row_digests(pa.array(texts, pa.string())).tolist()]
    keys = [key(text) for text in texts]
    assert len(set(zip(keys, digests, strict=True))) == len(set(keys)) == len(set(digests))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["", " a", "a ", "A, b", "é+", "x"]),
                          st.sampled_from(["", "b", " B+", "\n", "+é", "1", None])), max_size=8))
def test_columns_make_one_text_and_a_null_says_nothing(rows):
    parts = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)] or [
        pa.array([], pa.string())] * 2
    whole = pa.array([None if None in row else "\n".join(row) for row in rows], pa.string())
    digests = row_digests(*parts)
    assert digests.tolist() == row_digests(whole).tolist()
    assert [not row.any() for row in digests] == [
        None in row or key(" ".join(row)) == ((), ()) for row in rows]


@settings(max_examples=60)
@given(FEW, FEW, st.integers(8, 12), st.sampled_from(FOLDS))
def test_the_screen_misses_nothing_and_the_rest_is_compared_word_by_word(items, rows, n, fold):
    overlap = Overlap(n, fold)
    for place, item in enumerate(items):
        overlap.add("s", str(place), item)
    suspects = set(Screen(overlap).suspects(words_of_all(pa.array(rows, pa.string()), fold)))
    assert {place for place, row in enumerate(rows) if overlap.find(row)} <= suspects


@pytest.mark.parametrize("fold", FOLDS)
def test_no_run_of_the_screen_spans_two_texts(fold):
    overlap = Overlap(8, fold)
    overlap.add("s", "1", "a b c d e f g h")
    screen = Screen(overlap)
    assert not len(screen.suspects(words_of_all(pa.array(["a b c d", "e f g h"] * 3), fold)))
    assert screen.suspects(words_of_all(pa.array(["x", "a b c d e f g h"]), fold)).tolist() == [1]


def signed(text):
    """Return words with the operators right before them, in Python's own words."""
    found, before = [], Counter()
    for part in re.split(f"([{re.escape(OPERATORS.decode())}])", text):
        if part and part in OPERATORS.decode():
            before[part] += 1
        for word in words_of(part):
            found.append((word, frozenset(before.items())))
            before = Counter()
    return found


@settings(max_examples=60, deadline=None)
@given(TEXTS)
@example(["5 + 3", "5 - 3", "5+3 =", "= 7", "x^2 -+ 4", "x²+ 4", "", "*"])
def test_words_are_told_apart_by_the_operators_before_them(texts):
    words = signed_words(pa.array(texts, pa.string()))
    each = [signed(text) for text in texts]
    assert words.bounds.tolist() == [sum(map(len, each[:n])) for n in range(len(texts) + 1)]
    flat = [word for one in each for word in one]
    assert len(set(zip(flat, words.hashes.tolist(), strict=True))) == len(set(flat)) == len(
        set(words.hashes.tolist()))


@settings(max_examples=60, deadline=None)
@given(FEW, st.integers(1, 6))
@example(["", "ann", "has 7", ""], 5)
def test_shingles_are_the_runs_inside_a_text_or_the_whole_of_a_short_one(texts, n):
    found = shingles(words_of_all(pa.array(texts, pa.string())), n)
    each = []
    for text in texts:
        words = words_of(text)
        each.append([tuple(words[at:at + n]) for at in range(len(words) - n + 1)]
                    or ([tuple(words)] if words else []))
    assert found.bounds.tolist() == [sum(map(len, each[:k])) for k in range(len(texts) + 1)]
    flat = [run for one in each for run in one]
    assert len(set(zip(flat, found.hashes.tolist(), strict=True))) == len(set(flat)) == len(
        set(found.hashes.tolist()))
