"""Tests of a student's pass rate."""

from __future__ import annotations

import pytest
from stage_makers import ShuffledTeacher, failing, row, solve_request

from mathmill.errors import StepFailed
from mathmill.grading.wilson import wilson
from mathmill.stages.asking import Asking
from mathmill.stages.rate.pupil import Pupil, known_answer, rated
from mathmill.types import Reply, make_problem


def request(question, language, sample=0, temperature=0.7, max_tokens=1024):
    return solve_request(question, language, sample, temperature)


def rate(rows, write, samples=4):
    teacher = ShuffledTeacher(write)
    with Asking(teacher) as asking:
        pupil = Pupil(asking, request, samples, 0.7, 1024, "tolerant")
        return list(pupil.rate(rows)), pupil, teacher


def said(request):
    """Answer the first `n` samples rightly, where the question names n."""
    right = int(request.messages[0].content.split()[-1])
    return f"The answer is {7 if request.sample % 1_000_000 < right else 8}"


def test_the_share_of_right_samples_stands_with_its_interval_and_level():
    rows = [make_problem(f"Right so often: {n}", answer="7.0") for n in range(5)]
    found, pupil, _ = rate(rows, said)
    assert [(one.right, one.samples, one.rate, one.level) for one in found] == [
        (0, 4, 0.0, 5), (1, 4, 0.25, 4), (2, 4, 0.5, 3), (3, 4, 0.75, 2), (4, 4, 1.0, 1)]
    assert (found[1].low, found[1].high) == tuple(round(end, 4) for end in wilson(1, 4))
    assert [one.id for one in found] == [one.id for one in rows]
    assert {one.by for one in found} == {"scripted:test"}
    assert (pupil.usage.requests, pupil.usage.units) == (20, 5)


def test_a_question_that_several_rows_have_is_asked_once_and_rows_without_answer_not_at_all():
    rows = [row("Right so often: 2", answer="7"), row("Right so often: 2", answer="8"),
            row("Right so often: 3", answer="5", expected="7"), row("Never: 0", answer=None)]
    found, _, teacher = rate(rows, said)
    assert [one.rate for one in found] == [0.5, 0.5, 0.75, None]
    assert len(teacher.asked) == 8
    assert [known_answer(one) for one in rows] == ["7", "8", "7", None]
    assert found[3].level is None


def test_a_cut_off_reply_is_not_right_and_a_failed_call_no_sample():
    def some(request):
        if request.sample % 4 == 1:
            return failing(request)
        return Reply(request.id, "The answer is 7", "t",
                     finish="length" if request.sample % 4 == 2 else "stop")

    [found], pupil, _ = rate([make_problem("How many?", answer="7")], some)
    assert (found.right, found.samples) == (2, 3)
    assert pupil.counts["cut_off"] == 1
    with pytest.raises(StepFailed, match=r"failed on all 4 questions \(last: 503 over"):
        rate([make_problem("How many?", answer="7")], failing)


def test_no_sample_is_no_rate():
    assert rated("a", 0, 0, "s").rate is None
    assert rated("a", 0, 0, "s").level is None
