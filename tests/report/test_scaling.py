"""The fits: the right law is found, intervals hold the truth, golden slopes, refusals."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from mathmill.errors import StepFailed
from mathmill.identity import draw
from mathmill.report.scaling import Fits, Point, as_json, fit

SIZES = (250, 500, 1000, 2000, 4000, 8000)
ITEMS = 1000
TRUTHS: dict[str, Callable[[float], float]] = {
    "log-linear": lambda n: -0.45 + 0.25 * math.log10(n),
    "power law of error": lambda n: 1 - (0.25 + 9.0 * n**-0.5),
    "sigmoid in log N": lambda n: 0.85 / (1 + math.exp(-4.0 * (math.log10(n) - 3.1))),
}

# Skywork-Math, accuracy on MATH in per cent of 5,000 items: the one row of each size that the
# published fits rest on (360K with diversity selection, 1.0M at length 512, 2.1M and 2.5M at 2048).
PUBLISHED = {
    "LLaMA2": ({7_500: 5.12, 60_000: 15.16, 360_000: 29.36, 1_000_000: 37.72, 1_500_000: 40.52,
                2_100_000: 45.56, 2_500_000: 47.66}, 16.9, 0.983),
    "Mistral": ({7_500: 13.96, 60_000: 27.84, 360_000: 39.68, 1_000_000: 44.78, 1_500_000: 45.86,
                 2_100_000: 49.10, 2_500_000: 51.22}, 14.3, 0.996),
    "DeepSeekMath": ({7_500: 31.34, 60_000: 39.86, 360_000: 43.68, 1_000_000: 45.50,
                      2_100_000: 48.64, 2_500_000: 49.88}, 6.8, 0.980),
}


def simulate(law: str, number: int, noise: float = 0.01) -> list[Point]:
    dice = np.random.default_rng(draw("scaling test", law, number).getrandbits(60))
    return [Point(n, seed, int(dice.binomial(ITEMS, min(1.0, max(
        0.0, TRUTHS[law](n) + noise * dice.standard_normal())))), ITEMS)
        for seed in range(3) for n in SIZES]


@pytest.fixture(scope="module")
def many() -> dict[str, list[Fits]]:
    return {law: [fit(simulate(law, i), draws=100) for i in range(14)] for law in TRUTHS}


@pytest.mark.parametrize("law", TRUTHS)
def test_the_law_that_made_the_points_is_chosen_in_most_draws(
        law: str, many: dict[str, list[Fits]]) -> None:
    assert sum(found.chosen.name == law for found in many[law]) >= 10


@pytest.mark.parametrize("law", TRUTHS)
def test_the_interval_of_the_next_size_holds_what_it_then_measures(
        law: str, many: dict[str, list[Fits]]) -> None:
    dice, held = np.random.default_rng(5), 0
    for found in many[law]:
        for ahead in found.next:
            share = TRUTHS[law](ahead.rows) + 0.01 * dice.standard_normal()
            held += ahead.low <= dice.binomial(ITEMS, share) / ITEMS <= ahead.high
    assert held >= 23  # of 28; 26.6 expected at 95 %
    width = np.mean([found.next[0].high - found.next[0].low for found in many[law]])
    assert width < 0.25  # an interval that holds everything would say nothing


@pytest.mark.parametrize("model", PUBLISHED)
def test_published_slopes_come_out_of_the_published_rows(model: str) -> None:
    rows, slope, r2 = PUBLISHED[model]
    fits = fit([Point(n, 0, round(share * 50), 5000) for n, share in rows.items()])
    line = next(law for law in fits.laws if law.name == "log-linear")
    assert round(100 * line.parameters["b"], 1) == slope
    assert round(line.r2, 3) == r2
    low, high = line.intervals["b"]
    assert low < line.parameters["b"] < high


def test_predictions_are_for_twice_and_four_times_the_largest_size() -> None:
    found = fit(simulate("log-linear", 0), draws=50)
    assert [p.rows for p in found.next] == [16_000, 32_000]
    assert all(0 <= p.low <= p.accuracy <= p.high <= 1 for p in (*found.next, *found.curve))
    assert as_json(found)["chosen"] == found.chosen.name


def test_the_same_points_in_any_order_give_the_same_fits() -> None:
    points = simulate("sigmoid in log N", 1)
    assert fit(points, draws=50) == fit(points[::-1], draws=50)


def test_a_hole_in_the_grid_is_refused_with_its_place() -> None:
    points = [p for p in simulate("log-linear", 0) if (p.rows, p.seed) != (500, 1)]
    with pytest.raises(StepFailed, match="lacks 500 rows with seed 1"):
        fit(points)


def test_a_cell_named_twice_is_refused() -> None:
    points = simulate("log-linear", 0)
    with pytest.raises(StepFailed, match="250 rows with seed 0 more than once"):
        fit([*points, points[0]])


def test_three_sizes_are_too_few() -> None:
    with pytest.raises(StepFailed, match="has 3 sizes"):
        fit([p for p in simulate("log-linear", 0) if p.rows <= 1000])


def test_a_cell_without_items_is_refused() -> None:
    points = simulate("log-linear", 0)
    with pytest.raises(StepFailed, match="counts 0 of 0 items"):
        fit([Point(p.rows, p.seed, 0, 0) if p == points[3] else p for p in points])


def test_one_seed_still_gets_intervals_and_a_flat_curve_stays_flat() -> None:
    found = fit([Point(n, 0, 400, ITEMS) for n in SIZES])
    assert found.next[0].low < 0.4 < found.next[0].high
    assert abs(found.next[0].accuracy - 0.4) < 0.01
