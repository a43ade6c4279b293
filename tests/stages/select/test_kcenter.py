"""Tests of `stages.select.kcenter` against the plain loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.stages.select import kcenter
from mathmill.stages.select.embed import squared
from mathmill.stages.select.kcenter import k_center, nearest


def plain_loop(points, k, first, centres=None):
    chosen = [] if centres is not None else [first]
    near = nearest(points, centres) if centres is not None else squared(
        points, points[[first]])[:, 0]
    near[chosen] = -1
    while len(chosen) < k:
        chosen.append(int(near.argmax()))
        near = np.minimum(near, squared(points, points[[chosen[-1]]])[:, 0])
        near[chosen] = -1
    return chosen, max(0.0, float(near.max()))


def sphere(n, dims, seed, grid=2000.0):
    points = np.random.default_rng(seed).standard_normal((n, dims))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return np.rint(points * grid).astype(np.float32)


@pytest.mark.parametrize(("n", "dims", "k", "grid"), [
    (40, 16, 40, 2000), (2500, 16, 2000, 2000), (2500, 32, 400, 2000),
    (2500, 16, 2400, 4),  # a coarse grid: ties everywhere
])
@pytest.mark.parametrize("given_centres", [False, True])
def test_the_choices_and_radius_are_those_of_the_plain_loop(n, dims, k, grid, given_centres):
    points = sphere(n, dims, n + k, grid)
    centres = sphere(9, dims, 1, grid) if given_centres else None
    assert k_center(points, k, 3, centres) == plain_loop(points, k, 3, centres)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_small_batches_and_ties_change_no_choice(data):
    n = data.draw(st.integers(1, 40))
    values = data.draw(st.lists(st.integers(-2, 2), min_size=2 * n, max_size=2 * n))
    points = np.array(values, np.float32).reshape(n, 2)
    k, first = data.draw(st.integers(1, n)), data.draw(st.integers(0, n - 1))
    whole, kcenter.BATCH = kcenter.BATCH, data.draw(st.integers(1, 5))
    try:
        assert k_center(points, k, first) == plain_loop(points, k, first)
    finally:
        kcenter.BATCH = whole


def test_points_that_are_all_the_same_are_chosen_once_each():
    chosen, radius = k_center(np.ones((5, 16), np.float32), 4, 2)
    assert (sorted(chosen), len(set(chosen)), radius) == (sorted({2, 0, 1, 3}), 4, 0.0)
