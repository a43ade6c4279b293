"""The counts between two cuts."""

from __future__ import annotations

import pytest

from mathmill.teachers.call import Call
from mathmill.teachers.round import Round


def test_a_call_refused_in_a_later_round_is_not_counted_there():
    counts = Round(0.0)
    counts.send(0.1)
    counts.begin(1.0)
    counts.send(1.5)
    counts.refuse(Call(0.1, 0, 1))
    assert (counts.number, counts.sent, counts.refused, counts.taken) == (1, 1, 0, 1)


def test_the_peak_is_of_whole_seconds_and_less_what_was_refused_in_them():
    counts = Round(0.0)
    for at in (0.1, 0.2, 0.3, 1.1, 1.2):
        counts.send(at)
    assert counts.peak == 3
    for at in (2.1, 2.2, 2.3, 2.4):
        counts.send(at)
    assert counts.peak == 4
    counts.refuse(Call(2.4, 0, 9))
    assert counts.peak == 3


def test_a_pause_is_no_time_in_which_calls_could_go():
    counts = Round(10.0)
    assert counts.open(12.0) == pytest.approx(2.0)
    counts.pause(12.0, 13.0)
    counts.pause(12.5, 13.5)  # overlaps the first
    counts.pause(12.6, 13.0)  # says nothing new
    assert counts.open(12.5) == pytest.approx(2.0)
    assert counts.open(13.5) == pytest.approx(2.0)
    assert counts.open(14.0) == pytest.approx(2.5)
    assert counts.silent(13.0) == pytest.approx(1.0)
    assert counts.silent(14.0) == pytest.approx(1.5)


def test_a_pause_goes_on_in_the_next_round_and_counts_for_it_as_far_as_it_is_left():
    counts = Round(0.0)
    counts.pause(1.0, 3.0)
    counts.begin(2.0)
    assert counts.open(2.5) == pytest.approx(0.0)
    assert counts.open(4.0) == pytest.approx(1.0)


def test_a_pause_that_is_broken_off_ends_there():
    counts = Round(0.0)
    counts.pause(1.0, 5.0)
    counts.resume(2.0)
    assert counts.paused_until == 2.0
    assert counts.open(4.0) == pytest.approx(3.0)


def least(rate: float, held: float, silence: float, sent: tuple[float, float]) -> float:
    """Return the least rate of a bucket that was emptied, left alone and emptied again.

    Calls go out at so many a second, the second time fewer, until one finds it empty.
    """
    counts, level, now = Round(0.0), held, 0.0
    for turn, speed in enumerate(sent):
        while level >= 1:
            counts.send(now)
            level, now = min(held, level - 1 + rate / speed), now + 1 / speed
        if turn == 0:
            counts.empty(now)
            counts.begin(now)
            counts.pause(now, now + silence)
            level, now = min(held, level + rate * silence), now + silence
    return counts.least(now)


def test_a_small_bucket_that_filled_in_silence_tells_its_rate_all_the_same():
    # Over all the time it took 200 a second, over that in which calls could go 600.
    assert least(500, 50, 1.0, (1000, 600)) == pytest.approx(500, rel=0.03)


def test_a_large_bucket_that_did_not_fill_in_silence_is_not_taken_for_a_fast_server():
    # Over the time in which calls could go it took 20 a second.
    assert least(10, 50, 1.0, (100, 20)) == pytest.approx(10, rel=0.15)


def test_without_silence_the_least_is_what_was_taken_over_the_time():
    counts = Round(0.0)
    for at in range(40):
        counts.send(at / 20)
    assert counts.least(2.0) == pytest.approx(20.0)
