"""The rate on a machine whose timers are late, and after a cut that was too deep."""

from __future__ import annotations

import pytest

from mathmill.teachers.rate import Rate
from test_pace import Bucket, Places, simulate


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "late", "least"), [
    (20, 0.005, 0.85), (20, 0.01, 0.8), (100, 0.005, 0.95), (100, 0.02, 0.93), (500, 0.02, 0.95)])
def test_late_timers_cost_little_of_what_a_server_allows(
        rate: int, late: float, least: float) -> None:
    server = [Bucket(rate, max(2.0, rate / 10)) for _ in range(6)]
    courses = [simulate(each, 30, 0.2, 0.01, 0.4, seed, late=late)
               for seed, each in enumerate(server)]
    reached = [course.rate(10, 30) / rate for course in courses]
    assert min(reached) >= least
    assert sum(reached) / len(reached) >= 0.9
    assert max(course.share(10) for course in courses) < 0.05


def test_a_thousand_are_in_flight_after_two_rounds() -> None:
    course = simulate(Places(1e9, 0), 5, latency=2.0)
    assert course.rate(4, 5) * 1.0 > 1000


def test_a_rate_that_was_halved_is_back_near_its_level_in_seconds() -> None:
    rate, now = Rate(0.0), 0.0
    rate.set(100.0, 0.0, 0.0)
    rate.learning = False
    rate.set(50.0, 0.0, 0.0)
    rate.mark(0.0)
    while now < 6.0:
        now += max(rate.delay(now), 0.001)
        if rate.delay(now) == 0:
            rate.spend(now)
    assert 85 < (rate.value or 0) < 100


def test_a_timer_that_was_late_is_made_up_for() -> None:
    rate = Rate(0.0)
    rate.learning = False
    rate.set(100.0, 0.0, 0.0)
    for now, calls in ((1.0, 8), (1.04, 4)):
        sent = 0
        while rate.delay(now) == 0:
            rate.spend(now)
            sent += 1
        assert calls - 1 <= sent <= calls + 1
