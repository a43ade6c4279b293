"""Distractors: as many as asked, each on top of the last, the problem's facts untouched."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from mathmill.methods.distractor import Insert, insert, keeps_facts
from mathmill.types import Drop, Sample, problem_id


def adding(request):
    """Insert one more numbered cat; solve with the seed's answer."""
    text = request.messages[0].content
    if "Task: Solve" in text:
        return "The answer is 72"
    problem = text.rpartition("Problem:\n")[2]
    return f"Problem with distractor: A cat is {problem.count('A cat')} years old. {problem}"


@pytest.mark.parametrize("count", [1, 2, 5])
def test_so_many_facts_are_put_in_one_after_another(count, seed, play):
    row, teacher = play(Insert(count=count), seed, adding)
    assert isinstance(row, Sample)
    assert row.question.count("A cat is") == count
    assert row.question.endswith(seed.question)
    assert (row.expected, row.level, len(teacher.asked)) == ("72", 2, count + 1)
    assert row.method == ("distractor.insert" if count == 1 else f"distractor.insert_{count}")
    before = row.question.partition("old. ")[2]
    assert row.parent == (seed.id if count == 1 else problem_id(before))


@pytest.mark.parametrize(("text", "reason"), [
    ("Natalia sold 47 clips in April, 20 on day 1. She sold half as many in May. How many "
     "clips did Natalia sell altogether?", "facts changed"),
    ("Natalia sold 48 clips. How many?", "nothing inserted"),
    ("Natalia sold 48 clips in April. She sold half as many in May. How many clips did Natalia "
     "sell altogether?", "unchanged")])
def test_a_change_of_the_problem_itself_is_dropped(text, reason, seed, play):
    row, _ = play(insert, seed, [f"Problem with distractor: {text}"])
    assert isinstance(row, Drop)
    assert row.reason == reason


def test_facts_are_kept_as_often_as_they_stood():
    assert keeps_facts("5 and 5 and 3", "5 and 5")
    assert not keeps_facts("5 and 3", "5 and 5")
    assert not keeps_facts("1200", "1,200")


@pytest.mark.parametrize("count", [0, 6])
def test_a_count_that_no_benchmark_has_is_refused(count):
    with pytest.raises(AssertionError, match="1 to 5"):
        Insert(count=count)


def test_it_can_be_sent_to_a_worker_and_changed():
    assert pickle.loads(pickle.dumps(Insert(count=3))) == Insert(count=3)
    assert replace(insert, count=3).name == "distractor.insert_3"
