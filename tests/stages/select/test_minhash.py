"""Tests of MinHash sketches: how often rows share a band is what theory says."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest
from near_makers import pair

from mathmill.errors import UsageError
from mathmill.stages.select import minhash
from mathmill.stages.select.minhash import Near, Sketches, near_literals


def sketched(texts, near=Near()):  # noqa: B008
    sketches = Sketches(near)
    sketches.add(pa.array(texts, pa.string()))
    return sketches


def keys(sketches):
    return np.array([sketches.keys(band) for band in range(sketches.near.bands)])


@pytest.mark.parametrize("jaccard", [0.85, 0.72, 0.45])
def test_pairs_share_a_band_as_often_as_theory_says(jaccard):
    rng = random.Random(jaccard)
    pairs = [pair(rng, jaccard) for _ in range(2_000)]
    found = keys(sketched([text for one, other, _ in pairs for text in (one, other)]))
    share = (found[:, ::2] == found[:, 1::2]).any(axis=0).mean()
    assert abs(share - Near().recall(pairs[0][2])) < 0.025  # two deviations of 2,000 draws at most


def test_single_hashes_agree_with_a_chance_of_the_jaccard():
    near, rng = Near(bands=112, rows=1), random.Random(1)
    pairs = [pair(rng, 0.5) for _ in range(300)]
    found = keys(sketched([text for one, other, _ in pairs for text in (one, other)], near))
    each = (found[:, ::2] == found[:, 1::2]).mean(axis=1)
    assert abs(each.mean() - pairs[0][2]) < 0.01
    assert each.min() > 0.35  # no multiplier is a bad one
    assert each.max() < 0.65


def test_keys_rest_on_the_row_alone(monkeypatch):
    rng = random.Random(2)
    texts = [pair(rng, 0.5)[0][:rng.randrange(2_000)] for _ in range(200)]
    whole = keys(sketched(texts))
    monkeypatch.setattr(minhash, "CELLS", 100)
    assert (keys(sketched(texts)) == whole).all()
    backwards = keys(sketched(texts[::-1]))[:, ::-1]
    assert (backwards == whole).all()


def test_case_punctuation_and_blanks_are_nothing_operators_are():
    texts = ["Add 5 + 3 to it, then stop here.", "add 5+3  to it then (stop) here",
             "Add 5 - 3 to it, then stop here.", "5 + 3", "5 - 3", "5+3!"]
    wholes = sketched(texts).wholes()
    assert wholes[0] == wholes[1] != wholes[2]
    assert wholes[3] == wholes[5] != wholes[4]
    assert (keys(sketched(texts))[:, 3] != keys(sketched(texts))[:, 4]).all()


def test_rows_without_words_have_no_number_and_one_word_is_a_text():
    sketches = sketched(["", None, "?!", "four", "Four", "五"])
    wholes = sketches.wholes()
    assert len(sketches) == 6
    assert not wholes[:3].any()
    assert wholes[3] == wholes[4]
    assert len({*wholes[3:].tolist()}) == 2
    assert len(Sketches(Near()).wholes()) == len(Sketches(Near()).keys(3)) == 0


@pytest.mark.parametrize("settings", [{"threshold": 0}, {"threshold": 1.2}, {"words": 0},
                                      {"bands": 2_000}, {"rows": -1},
                                      {"threshold": float("nan")}])
def test_settings_that_find_nothing_or_all_are_refused(settings):
    with pytest.raises(UsageError, match="give"):
        Near(**settings)


def test_settings_are_written_down_where_the_rule_is_named_only():
    assert near_literals(["text"]) == {}
    assert near_literals(["text", "near"], 0.8) == {
        "near": {"threshold": 0.8, "words": 5, "bands": 14, "rows": 8}}
    assert near_literals(["near"])["near"]["threshold"] == 0.7
    with pytest.raises(UsageError, match="name near"):
        near_literals(["text"], 0.8)
