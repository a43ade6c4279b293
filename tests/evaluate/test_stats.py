"""The statistics against independent computations of the same quantities."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import pytest

from mathmill.evaluate.stats import (
    mcnemar,
    mean_interval,
    newcombe,
    paired_bootstrap,
    sign_flip,
    t975,
    wilson,
)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (5, 10), (10, 10), (950, 1319), (3, 5000)])
def test_the_ends_of_wilsons_interval_are_the_shares_whose_score_test_just_rejects(
        k: int, n: int) -> None:
    for end in wilson(k, n):
        if 0 < end < 1:
            assert abs(k / n - end) / math.sqrt(end * (1 - end) / n) == pytest.approx(1.959963985)
        else:
            assert end == k / n


def test_no_trials_say_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("a", "b"), [(0, 0), (0, 5), (3, 3), (1, 9), (2, 8), (7, 4)])
def test_mcnemar_counts_the_coin_throws_at_least_as_uneven(a: int, b: int) -> None:
    throws = list(product((0, 1), repeat=a + b))
    uneven = sum(abs(2 * sum(throw) - a - b) >= abs(a - b) for throw in throws)
    assert mcnemar(a, b) == pytest.approx(float(Fraction(uneven, len(throws))))


def test_mcnemar_holds_for_thousands_of_items() -> None:
    assert mcnemar(1500, 1500) == 1.0
    assert 0 < mcnemar(1400, 1600) < 0.001


def test_newcombes_interval_is_that_of_his_paper() -> None:
    found = newcombe(48, 80, 56, 70)  # Newcombe 1998, table II: 56/70 - 48/80
    assert (found.low, found.high) == (pytest.approx(0.0524, abs=1e-4),
                                       pytest.approx(0.3339, abs=1e-4))


def test_the_t_quantiles_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for freedom in (1, 2, 5, 29, 30, 31, 50, 200):
        assert t975(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=1e-4)


def test_a_mean_over_seeds_has_students_interval_and_one_seed_has_none() -> None:
    found = mean_interval([1.0, 2.0, 3.0])
    assert (found.value, found.high) == (2.0, pytest.approx(2 + 4.3027 / math.sqrt(3)))
    assert mean_interval([0.4]).high == math.inf


def test_the_bootstrap_is_repeatable_and_near_the_normal_interval() -> None:
    gains = [1] * 60 + [-1] * 40 + [0] * 300
    found = paired_bootstrap(gains, seed=1)
    assert found == paired_bootstrap(gains, seed=1)
    assert found != paired_bootstrap(gains, seed=2)
    spread = math.sqrt((100 / 400 - 0.05**2) / 400)
    assert found.value == pytest.approx(0.05)
    assert found.low == pytest.approx(0.05 - 1.96 * spread, abs=0.006)
    assert found.high == pytest.approx(0.05 + 1.96 * spread, abs=0.006)


@pytest.mark.parametrize(("gaps", "of"), [
    ([1, 1, 1, -1, 1, 1, 0], 6), ([0.5, 0.25, -0.125, 1.0], 4), ([0.3, 0.3, 0.3, 0.3, 0.3], 5)])
def test_the_permutation_test_is_the_share_of_all_signs_at_least_as_uneven(
        gaps: list[float], of: int) -> None:
    some = [gap for gap in gaps if gap]
    assert len(some) == of
    signs = list(product((-1, 1), repeat=of))
    far = sum(abs(sum(s * g for s, g in zip(sign, some, strict=True))) >= abs(sum(some)) - 1e-9
              for sign in signs)
    assert sign_flip(gaps) == pytest.approx(far / len(signs), abs=0.015)
    assert sign_flip(gaps) == sign_flip(gaps)


def test_the_permutation_test_of_no_difference_and_of_a_great_one() -> None:
    assert sign_flip([0.0] * 20) == sign_flip([]) == 1.0
    assert sign_flip([1.0] * 40) == 1 / 10_001


def test_a_bootstrap_of_many_values_is_that_of_few_but_for_its_draws() -> None:
    """More than 16 values go another way: resamples that all measures share."""
    many = [i / 999 for i in range(1_000)]
    found = paired_bootstrap(many)
    spread = math.sqrt(1 / 12 / 1_000)
    assert found.value == pytest.approx(0.5)
    assert found.low == pytest.approx(0.5 - 1.96 * spread, abs=0.002)
    assert found.high == pytest.approx(0.5 + 1.96 * spread, abs=0.002)
    assert found == paired_bootstrap(many)
    assert found != paired_bootstrap(many, seed=1)
