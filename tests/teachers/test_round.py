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
