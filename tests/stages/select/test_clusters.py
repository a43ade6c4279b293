"""Tests of clusters of near duplicates: what is joined is alike, and crowds stay cheap."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from near_makers import drawn, pair

from mathmill.stages.select import clusters
from mathmill.stages.select.clusters import clustered
from mathmill.stages.select.minhash import Near, Sketches


def found(folder, texts, near=Near(), pieces=1):  # noqa: B008
    column = pa.array(texts, pa.string())
    parts = [column.slice(start, -(-len(column) // pieces))
             for start in range(0, len(column), -(-len(column) // pieces) or 1)]
    sketches = Sketches(near)
    for part in parts:
        sketches.add(part)
    return clustered(sketches, lambda: iter(parts), folder)


def test_planted_pairs_are_found_as_often_as_theory_says_and_nothing_else(tmp_path):
    rng = random.Random(5)
    pairs = [pair(rng, jaccard) for jaccard in (0.85,) * 400 + (0.5,) * 400]
    texts = [text for one, other, _ in pairs for text in (one, other)]
    firsts = found(tmp_path, texts, pieces=3).firsts
    joined = firsts[1::2] == np.arange(0, len(texts), 2)
    assert (firsts[::2] == np.arange(0, len(texts), 2)).all()
    assert abs(joined[:400].mean() - Near().recall(pairs[0][2])) < 0.03
    assert not joined[400:].any()  # some share a band; their Jaccard is below the threshold


def test_the_threshold_is_that_of_the_jaccard_itself(tmp_path):
    one, other, jaccard = pair(random.Random(0), 0.9)
    for threshold, joined in ((jaccard, True), (jaccard + 1e-9, False)):
        firsts = found(tmp_path, [one, other], Near(threshold, bands=100, rows=1)).firsts
        assert (firsts.tolist() == [0, 0]) == joined


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(0, 40), small=st.booleans())
def test_clusters_are_those_of_comparing_each_with_each(tmp_path_factory, seed, size, small):
    # One hash a band and many bands: pairs at the threshold share one all but surely.
    rng, near = random.Random(seed), Near(0.5, words=2, bands=100, rows=1)
    words = drawn(rng, 12)
    texts = [" ".join(rng.choice(words) for _ in range(rng.choice([0, 1, 2, 9, 14])))
             for _ in range(size)]
    texts = [" ".join(rng.sample(words, 3) + rng.choice(texts).split()) if small and rng.random()
             < 0.7 else text for text in texts]
    sets = [{tuple(text.split()[at:at + 2]) for at in range(max(1, len(text.split()) - 1))}
            if text else set() for text in texts]
    first = list(range(size))
    for row in range(size):
        for other in range(row):
            both = sets[row] | sets[other]
            if both and len(sets[row] & sets[other]) >= 0.5 * len(both):
                low, high = sorted((first[row], first[other]))
                first = [low if place == high else place for place in first]
    work = found(tmp_path_factory.getbasetemp(), texts, near, pieces=2)
    if not work.uncompared:
        assert work.firsts.tolist() == first


def test_a_row_repeated_everywhere_is_one_row(tmp_path):
    rng = random.Random(1)
    texts = ["Ten pens cost 4 dollars. What does one pen cost?"] * 50_000
    texts[::50] = [" ".join(drawn(rng, 20)) for _ in texts[::50]]
    work = found(tmp_path, texts)
    assert work.compared == 0
    assert work.identical == 50_000 - 1_000 - 1
    assert set(work.firsts[np.arange(50_000) % 50 != 0]) == {1}


def test_a_crowd_of_rows_that_differ_in_a_word_is_compared_in_linear_time(tmp_path):
    base = drawn(random.Random(2), 64)
    counts = {}
    for size in (1_000, 4_000):
        texts = [" ".join([*base[:30], f"n{row}", *base[31:]]) for row in range(size)]
        work = found(tmp_path, texts)
        counts[size] = work.compared
        assert np.bincount(work.firsts).max() > 0.95 * size
    assert counts[4_000] < 5 * counts[1_000] < 5 * 1_000 * clusters.CROWD


def test_a_crowd_that_shares_a_key_and_nothing_else_ends(tmp_path):
    start = drawn(random.Random(3), 6)
    rng = random.Random(4)
    texts = [" ".join(start + drawn(rng, 3)) for _ in range(500)]
    work = found(tmp_path, texts, Near(0.9, bands=50, rows=1))
    assert (work.firsts == np.arange(500)).all()
    assert work.uncompared > 0
    assert work.compared < 50 * 500 * clusters.CROWD


def test_nothing_and_empty_rows_are_no_cluster(tmp_path):
    assert found(tmp_path, []).firsts.tolist() == []
    assert found(tmp_path, ["", None, "", "one", "one", "two"]).firsts.tolist() == [
        0, 1, 2, 3, 3, 5]
    assert list(tmp_path.iterdir()) == []
