"""Rates where one call makes several attempts: they vary as their calls do."""

from __future__ import annotations

import math
import random

from mathmill.planning.rates import Rates


def test_attempts_that_share_a_call_vary_as_their_calls_do():
    rng = random.Random(3)
    written = [rng.gauss(1500, 300) for _ in range(2000)]
    calls = len(written)
    rates = Rates("program.ten", True, 10 * calls, 10 * calls, 10 * calls,
                  (calls, 0.0, sum(written), 0.0),
                  (calls, 0.0, sum(value * value for value in written), 0.0), units=calls)
    assert rates.calls_an_attempt == 0.1
    assert rates.spread(0) == 0.0
    # A hundred thousand attempts are ten thousand calls.
    assert math.isclose(math.sqrt(100_000) * rates.spread(2), math.sqrt(10_000) * 300, rel_tol=0.1)


def test_where_each_attempt_has_its_calls_nothing_is_different():
    same = {"name": "m", "makes": True, "tried": 4, "hits": 3, "attempts": 4,
            "sums": (4.0, 8.0, 12.0, 1.0), "squares": (4.0, 24.0, 46.0, 1.0)}
    one, other = Rates(**same), Rates(**same, units=4)
    assert [one.spread(place) for place in range(4)] == [other.spread(place) for place in range(4)]
    assert one.spread(1) > 0
