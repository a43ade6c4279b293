from __future__ import annotations

from itertools import pairwise

import pytest

from mathmill.train.schedule import SCHEDULES, factor


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_warms_up_from_nothing_to_the_peak(schedule):
    assert factor(schedule, 0.0, warmup=0.1) == 0.0
    assert factor(schedule, 0.05, warmup=0.1) == pytest.approx(0.5)
    assert factor(schedule, 0.1, warmup=0.1) == pytest.approx(1.0)


@pytest.mark.parametrize("schedule", ["cosine", "linear", "wsd"])
def test_every_falling_schedule_ends_at_nothing_and_never_rises_again(schedule):
    values = [factor(schedule, place / 100, warmup=0.1) for place in range(10, 101)]
    assert values[-1] == pytest.approx(0.0, abs=1e-9)
    assert all(a >= b - 1e-12 for a, b in pairwise(values))


def test_cosine_is_half_way_down_in_the_middle_and_wsd_still_at_the_peak():
    assert factor("cosine", 0.5, warmup=0.0) == pytest.approx(0.5)
    assert factor("wsd", 0.5, warmup=0.0, decay=0.4) == 1.0
    assert factor("wsd", 0.8, warmup=0.0, decay=0.4) == pytest.approx(0.5)


def test_constant_stays_and_an_unknown_name_is_refused():
    assert factor("constant", 1.0) == 1.0
    with pytest.raises(ValueError, match="none of cosine"):
        factor("cosign", 0.5)


def test_jiuzhangs_schedule_warms_up_stays_to_85_percent_and_falls_to_a_tenth():
    def at(done):
        return factor("wsd", done, warmup=0.03, decay=0.15, floor=0.1)

    assert (at(0.015), at(0.03), at(0.85)) == (0.5, 1.0, pytest.approx(1.0))
    assert at(0.925) == pytest.approx(0.5)
    assert (at(0.99), at(1.0)) == (0.1, 0.1)
    for schedule in ("cosine", "linear"):
        assert factor(schedule, 1.0, floor=0.2) == 0.2
