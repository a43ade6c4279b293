"""Tests of `stages.decontaminate.likeness`, `neighbours` and `encoders`."""

from __future__ import annotations

import math
import random
import sys
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from mathmill.errors import MissingExtra, UsageError
from mathmill.stages.decontaminate import likeness, neighbours
from mathmill.stages.decontaminate.encoders import open_encoder
from mathmill.stages.decontaminate.features import OTHERS
from mathmill.stages.decontaminate.likeness import Likeness
from mathmill.stages.decontaminate.neighbours import Neighbours

ITEMS = [
    "Nora keeps 14 hens and each lays 3 eggs a day. She sells the eggs for $2 apiece. How much "
    "does she earn in a day?",
    "A tank holds 250 litres. It leaks 12 litres an hour. How much water is left after 6 hours?",
    "A baker has 14 trays with 3 loaves. He gives 2 to Ruth. How many loaves are left?",
    "Who is taller, a giraffe or a rhinoceros?",
]
REPHRASED = ("Each day, every one of Nora's fourteen hens produces 3 eggs, and an egg is sold "
             "at two dollars. What are her daily earnings?")
CLEAN = "A train with 7 cars carries 80 people in each. 19 step off. How many stay?"


def index(items=ITEMS):
    found = Likeness()
    found.add(items)
    found.close()
    return found


def test_a_rephrased_question_is_laid_at_the_door_of_its_item():
    places, scores = index().nearest([REPHRASED, CLEAN, "", ITEMS[1]], 0.16)
    assert list(places) == [0, -1, -1, 1]
    assert 0.3 < scores[0] < 0.9
    assert scores[3] == pytest.approx(1, abs=1e-5)


def test_numbers_alone_or_words_alone_are_not_enough():
    only_numbers = "Each of 14 pupils reads 3 books and 2 papers. How many texts is that?"
    only_words = ITEMS[0].replace("14", "9").replace("3", "51").replace("2", "7")
    places, _ = index().nearest([only_numbers, only_words], 0.16)
    assert list(places) == [-1, -1]


def test_the_order_of_the_numbers_counts():
    turned = ITEMS[1].replace("250", "6 xx").replace("after 6", "after 250")
    straight, crossed = index().nearest([ITEMS[1], turned.replace("xx ", "")], 0.05)[1]
    assert straight > crossed > 0


def test_a_translated_question_is_found_by_numbers_and_glossary():
    chinese = ["诺拉有14只母鸡，每只鸡每天下3个鸡蛋。她每个鸡蛋卖2美元。她一天能赚多少钱？",
               "小明有7支铅笔，又买了80支，还剩多少支铅笔？"]
    assert list(index().nearest(chinese, 0.16, 0.23)[0]) == [0, -1]
    assert list(index().nearest(chinese, 0.16)[0]) == [-1, -1]


def test_no_item_and_no_row_are_no_trouble():
    assert list(index([]).nearest(["a 5"], 0.1)[0]) == [-1]
    assert list(index([""]).nearest(["a 5", ""], 0.1)[0]) == [-1, -1]
    assert len(index().nearest([], 0.1)[0]) == 0


def by_hand(items, row):
    """Return the best item and score, as the head of the file says, in plain Python."""
    def parts(text):
        tokens = text.split()
        words, seen, numbers = {t for t in tokens if t.isalpha()}, Counter(), []
        stated = [t for t in tokens if t.isdecimal()]
        for t in stated:
            seen[t] += 1
            numbers.append(f"{t}#{seen[t]}")
        order = {f"{a}>{b}" for gap in (1, 2) for a, b in zip(stated, stated[gap:], strict=False)}
        return words, set(numbers), order, len(stated)

    all_ = [parts(item) for item in items]
    rarity = [Counter(f for p in all_ for f in p[kind]) for kind in range(3)]

    def square(kind, f):
        return math.log((len(items) + OTHERS) / (rarity[kind][f] + 0.5)) ** 2

    def cosine(kind, one, other):
        below = math.sqrt(sum(square(kind, f) for f in one) * sum(square(kind, f) for f in other))
        return sum(square(kind, f) for f in one & other) / below if below else 0.0

    own, best = parts(row), (-1, 0.0)
    for place, item in enumerate(all_):
        w, n, s = (cosine(kind, own[kind], item[kind]) for kind in range(3))
        most = max(own[3], item[3])
        told = likeness.NO_NUMBERS if most == 0 else n if most == 1 else (n + s) / 2
        if w * told > best[1] + 1e-9:
            best = (place, w * told)
    return best


def test_arrays_say_what_plain_python_says(monkeypatch):
    rng = random.Random(0)
    vocabulary = [f"{a}{b}xyz" for a in "bcdfg" for b in "klmnp"]

    def text():
        return " ".join(rng.choice(vocabulary) if rng.random() < 0.7 else str(rng.randint(2, 9))
                        for _ in range(rng.randint(1, 14)))

    items, rows = [text() for _ in range(40)], [text() for _ in range(150)]
    wanted = [by_hand(items, row) for row in rows]
    for tile, block in ((256, 1_000), (7, 20)):
        monkeypatch.setattr(likeness, "TILE", tile)
        monkeypatch.setattr(likeness, "BLOCK", block)
        places, scores = index(items).nearest(rows, 0.1)
        for place, score, (best, value) in zip(places, scores, wanted, strict=True):
            assert (place >= 0) == (value >= 0.1)
            if place >= 0:
                assert score == pytest.approx(value, abs=1e-4)
                assert place == best


@pytest.mark.parametrize("name", ["svd", "words"])
def test_neighbours_find_the_same_question_in_other_words_or_numbers(name, monkeypatch):
    near = Neighbours(open_encoder(name))
    near.add(ITEMS)
    near.close()
    changed = ITEMS[1].replace("250", "975").replace("12", "31")
    places, scores = near.nearest([changed, ITEMS[2], CLEAN, ""], 0.9)
    assert list(places[1:]) == [2, -1, -1]
    assert places[0] == (1 if name == "words" else places[0])
    monkeypatch.setattr(neighbours, "ROWS", 1)
    monkeypatch.setattr(neighbours, "ITEMS", 2)
    again = near.nearest([changed, ITEMS[2], CLEAN, ""], 0.9)
    assert list(again[0]) == list(places)
    assert again[1] == pytest.approx(scores, abs=2e-4)


def test_a_space_of_nothing_finds_nothing():
    for items in ([], [""], ["the a"]):
        near = Neighbours(open_encoder("svd"))
        near.add(items)
        near.close()
        assert list(near.nearest(["some 5 pears"], 0.5)[0]) == [-1]


def test_an_encoder_that_is_not_there_is_said(monkeypatch):
    with pytest.raises(UsageError, match="say svd, words or sentence-transformers:NAME"):
        open_encoder("bert")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtra, match="sentence-transformers"):
        open_encoder("sentence-transformers:small")


def test_a_model_of_sentence_transformers_is_asked_for_its_points(monkeypatch):
    class SentenceTransformer:
        def __init__(self, name):
            assert name == "small"

        def encode(self, texts, batch_size, show_progress_bar):
            assert (batch_size, show_progress_bar) == (2, False)
            return [[float(len(text)), 1.0] for text in texts]

    monkeypatch.setitem(sys.modules, "sentence_transformers",
                        SimpleNamespace(SentenceTransformer=SentenceTransformer))
    points = open_encoder("sentence-transformers:small").encode(["abc", ""])
    assert np.linalg.norm(points, axis=1) == pytest.approx([1, 1])
