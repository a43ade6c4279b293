"""Tests of `stages.select.embed`."""

from __future__ import annotations

import numpy as np

from mathmill.stages.select.embed import GRID, embed, features, squared

TEXTS = ["Tom has 3 apples and eats 1 apple.", "Tom has 4 apples and eats 2 apples.",
         "A train goes 60 km in 2 hours.", "小明有3个苹果，吃了1个。", ""]


def test_points_are_whole_numbers_of_about_unit_length_and_an_empty_text_is_the_origin():
    points = embed(TEXTS)
    assert points.shape == (5, 256)
    assert (points == np.rint(points)).all()
    lengths = np.linalg.norm(points, axis=1)
    assert np.allclose(lengths[:4], GRID, atol=8.1)
    assert lengths[4] == 0


def test_like_texts_are_near_and_others_far():
    distances = squared(embed(TEXTS), embed(TEXTS))
    assert distances[0, 1] < distances[0, 2]
    assert distances[0, 0] == 0


def test_distances_are_exact_whatever_the_order_of_summing():
    points = embed([f"{text} {n}" for n in range(50) for text in TEXTS])
    whole = points.astype(np.int64)
    exact = ((whole[:, None, :] - whole[None, :, :]) ** 2).sum(-1)
    assert (squared(points, points).astype(np.int64) == exact).all()
    assert exact.max() < 2 ** 24


def test_rare_words_weigh_more():
    common = [f"the same words again {n}" for n in range(50)]
    points = embed([*common, "the same words zebra", "the same words again"])
    assert squared(points[-1:], points[-2:-1]) > squared(points[-1:], points[:1])


def test_the_same_text_has_the_same_features_in_every_process():
    assert features("Tom ate").tolist() == [2111795987, 3235860768, 2196177465]
