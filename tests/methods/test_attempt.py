"""What holds for every method: any reply ends in a row or a counted drop, never in an error."""

from __future__ import annotations

import asyncio
import json
import pickle
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.grading.equal import equal
from mathmill.identity import canonical
from mathmill.io import write_rows
from mathmill.methods import (
    BY_NAME,
    DISTRACTORS,
    EVOLVE,
    GSM_IC,
    METAMATH,
    OPERATORS,
    PROGRAM,
    XWIN,
)
from mathmill.teachers.registry import open_teacher
from mathmill.teachers.symbolic import make_problems
from mathmill.types import Drop, Reply, Sample, make_problem

LABELS = ("", "Rephrased problem: ", "Rewritten problem: ", "Statement: ", "Final problem: ",
          "Problem with distractor: A cat is 9. Natalia sold 48 in 2 months. ",
          "The answer is ", "**Created problem:** a\nCheck: fine, no changes\n", "\\boxed{")
SEEDS = [
    make_problem("Natalia sold 48 in 2 months. How many a month?", answer="24"),
    make_problem("小明有12支铅笔，又买了5支。现在有多少支？", answer="17", language="zh"),
    make_problem("", answer="", language="fr"),
]
NAMES = sorted(  # the others have tests of their own: test_irrelevant, program/test_routes
    set(BY_NAME) - {method.name for method in (*GSM_IC, *PROGRAM)})


def drive(method, seed, number, replies):
    """Drive one attempt; replies are given in turn, and again from the first."""
    attempt = method.attempt(seed, number)
    turn = 0
    try:
        request = next(attempt)
        while turn < 30:
            reply = replies[turn % len(replies)]
            if isinstance(reply, str):
                reply = Reply(request.id, reply, "t")
            request = attempt.send(reply)
            turn += 1
    except StopIteration as end:
        return end.value
    raise AssertionError("an attempt asked more than 30 times")


@given(st.sampled_from(NAMES), st.sampled_from(SEEDS), st.integers(0, 9),
       st.lists(st.tuples(st.sampled_from(LABELS), st.text(max_size=60)), min_size=1,
                max_size=4))
def test_no_text_whatever_makes_a_method_raise(name, seed, number, parts):
    row = drive(BY_NAME[name], seed, number, [label + text for label, text in parts])
    assert isinstance(row, Sample | Drop)
    canonical(row.method)
    if isinstance(row, Sample):
        assert row.solution.endswith(f"The answer is {row.answer}")
        row.question.encode()
        row.solution.encode()
    else:
        assert 0 < len(row.reason) < 40
        row.detail.encode()


@pytest.mark.parametrize("name", [*NAMES, *(method.name for method in PROGRAM)])
@pytest.mark.parametrize(("reply", "reason"), [
    (Reply("r", "", "t", finish="error", error="no route"), "teacher failed"),
    (Reply("r", "Rewritten prob", "t", finish="length"), "cut off"),
    (Reply("r", "I am sorry, but I cannot read this problem.", "t"), "declined"),
    (Reply("r", " \n ", "t"), "empty reply"),
])
def test_a_failed_call_is_dropped_with_its_reason(name, reply, reason):
    row = drive(BY_NAME[name], SEEDS[0], 3, [reply])
    assert isinstance(row, Drop)
    assert (row.reason, row.method) == (reason, name)
    assert json.loads(row.row) == {"seed": SEEDS[0].id, "number": 3}
    assert row.detail == (reply.error or reply.text).strip()


@pytest.mark.parametrize("nonsense", [
    "\nProblem: 5? " * 8000, "The answer is 5. " * 6000, "\\boxed{" * 15000, "**" * 50000,
    " \n" * 50000 + "x", "Final problem:\n" * 7000, "9" * 100_000, "no change " * 10000,
    "Created problem: a b?\nCheck: " + "not wrong, must be changed " * 4000, "#" * 100_000,
    "Rewritten problem: " + "a, " * 6000, "Statement: " + '"' * 90_000])
def test_a_hundred_thousand_characters_of_nonsense_cost_no_time(nonsense):
    began = time.process_time()
    for method in (*METAMATH, *EVOLVE, *XWIN, *DISTRACTORS[:1]):
        assert isinstance(drive(method, SEEDS[0], 0, [nonsense]), Sample | Drop)
    assert time.process_time() - began < 2


def test_every_attempt_has_a_drop_id_of_its_own():
    failed = Reply("r", "", "t", finish="error")
    ids = {drive(method, seed, number, [failed]).id for method in BY_NAME.values()
           for seed in SEEDS[:2] for number in range(3)}
    assert len(ids) == len(BY_NAME) * 2 * 3


def test_a_lone_surrogate_reaches_no_file(tmp_path):
    row = drive(BY_NAME["metamath.answer_augmentation"], SEEDS[0], 0,
                ["a\ud800\nThe answer is 24"])
    assert write_rows(tmp_path / "rows.parquet", [row], Sample) == 1


@pytest.mark.parametrize("name", [*NAMES, *(method.name for method in GSM_IC)])
def test_a_method_travels_and_names_what_it_is(name):
    method = BY_NAME[name]
    assert method.name == name
    assert pickle.loads(pickle.dumps(method)) == method
    literals = json.loads(canonical(method.identity()))
    assert literals["name"] == name
    assert any(each.startswith("solve") and "#" in each for each in literals["prompts"])
    assert hash(method) == hash(pickle.loads(pickle.dumps(method)))


def test_the_groups_are_those_of_the_papers():
    assert [method.name for method in METAMATH] == [
        "metamath.answer_augmentation", "metamath.rephrase", "metamath.fobar",
        "metamath.self_verification"]
    assert [method.name for method in (*EVOLVE, *XWIN)] == ["evolve.trajectory", "xwin.create"]
    assert len(OPERATORS) == 7
    assert [method.name for method in DISTRACTORS][-1] == "distractor.insert_5"
    assert len(BY_NAME) == 29


@pytest.mark.parametrize("name", NAMES)
def test_the_symbolic_teacher_understands_what_a_method_asks(name):
    teacher = open_teacher("symbolic:")
    rows = []
    for seed in make_problems(6, 1, languages=("en", "zh")):
        attempt = BY_NAME[name].attempt(seed, 0)
        try:
            request = next(attempt)
            while True:
                request = attempt.send(asyncio.run(teacher.answer(request)))
        except StopIteration as end:
            rows.append(end.value)
    # A story may be too small for an operator; what a teacher that never errs does not
    # decline must agree with what is known.
    samples = [row for row in rows if isinstance(row, Sample)]
    assert len(samples) >= 4, rows
    for row in samples:
        assert row.answer is not None
        assert row.expected is None or equal(row.expected, row.answer).value == "correct"
