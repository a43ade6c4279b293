"""The symbolic teacher answers TinyGSM's prompts as a model would, and knows what is wrong."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from mathmill.grading.equal import equal
from mathmill.grading.sandbox.value import WHOLE, number_text
from mathmill.methods import PROGRAM, program
from mathmill.methods.metamath import fobar
from mathmill.methods.prompt import load
from mathmill.programs import split_function
from mathmill.teachers.symbolic import SymbolicTeacher, make_problems, signature, truth
from mathmill.teachers.symbolic.teacher import DECLINE
from mathmill.types import Sample, make_problem

SEEDS = list(make_problems(12, 5, languages=("en", "zh")))


def rows_of(method, seed, teacher, number=0):
    attempt = method.attempt(seed, number)
    try:
        request = next(attempt)
        while True:
            request = attempt.send(asyncio.run(teacher.answer(request)))
    except StopIteration as end:
        return end.value


def right(row: Sample) -> bool:
    names: dict[str, float] = {}
    exec(split_function(row.solution)[1], {"__builtins__": {"round": round}}, names)
    gold = truth(row.question)
    assert gold is not None, row.question
    return equal(gold, number_text(float(names["result"]), WHOLE) or "").value == "correct"


@pytest.mark.parametrize("method", PROGRAM, ids=lambda method: method.name)
def test_every_row_of_a_teacher_that_never_errs_is_right(method):
    marks: Counter[str] = Counter()
    for seed in SEEDS[:4]:
        rows = rows_of(method, seed, SymbolicTeacher())
        assert len(rows) == 10
        for row in rows:
            assert isinstance(row, Sample), row
            assert right(row), row.solution
            marks[signature(row.question)] += 1
        assert signature(seed.question) not in {signature(row.question) for row in rows}
    assert len(marks) > 35
    assert len({mark.split("/")[0] for mark in marks}) > 6


def test_ten_samples_of_one_seed_cover_more_than_its_family():
    rows = [row for number in range(10) for row in
            rows_of(program.ten, SEEDS[0], SymbolicTeacher(), number)]
    named = Counter(signature(row.question).split("/")[0] for row in rows)
    own = signature(SEEDS[0].question).split("/")[0]
    assert named.most_common(1)[0][0] == own
    assert len(named) > 8
    assert len({row.question for row in rows}) == 100


def test_distracted_problems_hold_a_sentence_that_does_not_matter():
    rows = rows_of(program.two_distractor, SEEDS[2], SymbolicTeacher())
    plain = rows_of(program.two, SEEDS[2], SymbolicTeacher())
    assert sum(len(row.question) for row in rows) > sum(len(row.question) for row in plain)


def test_programs_go_wrong_at_the_rate_that_was_asked_for_and_the_teacher_can_tell():
    teacher = SymbolicTeacher(error_rate=0.3)
    rows = [row for seed in SEEDS for row in rows_of(program.ten, seed, teacher)]
    wrong = sum(not right(row) for row in rows)
    assert 0.2 * len(rows) < wrong < 0.4 * len(rows)
    told = 0
    for seed in SEEDS:
        kinds = teacher.mistake(next(program.ten.attempt(seed, 0)))
        told += len(kinds.split(", ")) if kinds else 0
    assert told == wrong


def test_a_backward_problem_gets_a_program_but_no_likeness():
    attempt = fobar.attempt(SEEDS[4], 0)
    asked = next(attempt).messages[-1].content.split("Problem:\n")[-1]
    teacher = SymbolicTeacher()
    one = load("program/write").request({"problem": asked})
    assert asyncio.run(teacher.answer(one)).text.endswith("<end of program>")
    ten = load("program/ten").request({"problem": asked})
    assert asyncio.run(teacher.answer(ten)).text == DECLINE


def test_what_it_cannot_read_it_declines():
    row = rows_of(program.ten, make_problem("How many legs have 3 cows?"), SymbolicTeacher())
    assert row.reason == "declined"
