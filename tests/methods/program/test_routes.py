"""TinyGSM's routes: ten rows of one call, lineage, and what becomes of replies that fail."""

from __future__ import annotations

import json
import pickle
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.identity import canonical
from mathmill.methods import BY_NAME, PROGRAM, PROGRAM_TEN, PROGRAM_TWO, program
from mathmill.methods.irrelevant import draw_switches, insert_sentence
from mathmill.programs import split_function
from mathmill.types import Drop, Reply, Sample, make_problem, problem_id

BODY = "clips = 48 * 2\nresult = clips + 3"


def question(number: int) -> str:
    return f"A shop has {number + 2} boxes with 6 pens each. It sells 4 pens. How many are left?"


def ten_items(count: int = 10) -> str:
    return "\n".join(f"Problem {n}:\n{question(n)}\n<end of problem>\nProgram {n}:\n{BODY}\n"
                     "<end of program>" for n in range(1, count + 1))


def ten_questions(count: int = 10) -> str:
    return "\n".join(f"Problem {n}:\n{question(n)}\n<end of problem>"
                     for n in range(1, count + 1))


def script(questions: str, code: str = BODY):
    return lambda request: code if request.prompt.startswith("program/write") else questions


def test_one_call_makes_ten_rows_with_their_lineage(play, seed):
    rows, teacher = play(program.ten, seed, [ten_items()], number=4)
    [request] = teacher.asked
    assert len(rows) == 10
    for number, row in enumerate(rows, 1):
        assert isinstance(row, Sample)
        assert split_function(row.solution) == (question(number), BODY)
        assert row.question == question(number)
        assert (row.answer, row.expected, row.level, row.signature) == (None, None, None, None)
        assert (row.method, row.seed, row.parent) == ("program.ten", seed.id, seed.id)
        assert (row.prompts, row.requests) == (("program/ten@1",), (request.id,))
        assert row.teacher == teacher.name
    assert len({row.id for row in rows}) == 10
    assert (request.sample, request.temperature, request.max_tokens) == (4, 1.0, 4096)
    assert request.stop == ("\nProblem 11:",)
    assert request.messages[-1].content.endswith(seed.question)


def test_two_calls_make_the_problems_first_and_then_each_its_program(play, seed):
    rows, teacher = play(program.two, seed, script(ten_questions()))
    first, *others = teacher.asked
    assert len(others) == 10
    assert (first.temperature, others[0].temperature) == (1.0, 0.2)
    assert others[0].stop == ("<end of program>",)
    for row, request in zip(rows, others, strict=True):
        assert row.prompts == ("program/questions@1", "program/write@1")
        assert row.requests == (first.id, request.id)
        assert row.question in request.messages[-1].content


def test_a_distracted_seed_tells_its_switches_in_every_row(play, seed):
    for number in range(4):
        rows, teacher = play(program.two_distractor, seed, script(ten_questions()), number=number)
        switches = draw_switches(seed, number)
        text, _ = insert_sentence(seed, switches, number)
        assert text in teacher.asked[0].messages[-1].content
        assert {row.prompts for row in rows} == {
            (switches.label, "program/questions_distractor@1", "program/write@1")}
        assert {row.parent for row in rows} == {problem_id(text)}


def test_a_chinese_seed_is_asked_in_chinese(play, chinese):
    for method in PROGRAM:
        rows, teacher = play(method, chinese, script(ten_questions(), BODY)
                             if method in PROGRAM_TWO else [ten_items()])
        assert "请" in teacher.asked[0].messages[-1].content
        assert {row.language for row in rows} == {"zh"}
        assert teacher.asked[0].prompt.endswith(".zh@1")


def reasons(rows) -> Counter:
    return Counter(row.reason for row in rows if isinstance(row, Drop))


def test_what_of_a_reply_cannot_be_used_is_dropped_and_the_rest_kept(play, seed):
    text = ten_items(3) + "\nProblem 4:\n" + question(4) + "\n<end of problem>\nProgram 4:\nclips ="
    rows, _ = play(program.ten, seed, [Reply("", text, "", finish="length")])
    assert [isinstance(row, Sample) for row in rows] == [True, True, True, False, False]
    assert reasons(rows) == {"cut off": 1, "fewer problems than asked": 1}
    drops = [row for row in rows if isinstance(row, Drop)]
    assert len({drop.id for drop in drops}) == 2
    assert json.loads(drops[0].row) == {"seed": seed.id, "number": 0}
    rows, _ = play(program.ten, seed, [ten_items(13)])
    assert len(rows) == 10


@pytest.mark.parametrize(("code", "reason"), [
    ("", "empty reply"), ("I am sorry, but I cannot read this problem.", "declined"),
    ("result = 7", "nothing computed"), ("x = (", "not Python"),
    (Reply("", "result = 3 *", "", finish="length"), "cut off"),
])
def test_a_program_that_fails_costs_its_row_only(play, seed, code, reason):
    replies = iter([code, *[BODY] * 9])
    rows, teacher = play(program.two, seed, lambda request: next(replies)
                         if request.prompt.startswith("program/write") else ten_questions())
    assert len(teacher.asked) == 11
    assert [isinstance(row, Sample) for row in rows] == [False] + [True] * 9
    assert reasons(rows) == {reason: 1}


@pytest.mark.parametrize(("text", "reason"), [
    ("Here you are.", "no problem in the reply"), (json.dumps({"problem": "x"}), "no problem in "
                                                                               "the reply"),
])
@pytest.mark.parametrize("method", PROGRAM, ids=lambda method: method.name)
def test_a_reply_without_problems_is_one_drop(play, seed, method, text, reason):
    row, teacher = play(method, seed, [text])
    assert (row.reason, row.method, len(teacher.asked)) == (reason, method.name, 1)


def test_the_seed_itself_is_no_new_problem(play, seed):
    text = (f"Problem 1:\n{seed.question}\n<end of problem>\nProgram 1:\n{BODY}\n<end of program>"
            f"\nProblem 2:\nHm?\n<end of problem>\nProgram 2:\n{BODY}\n<end of program>")
    rows, _ = play(program.ten, seed, [text])
    assert reasons(rows) == {"unchanged": 1, "too short": 1, "fewer problems than asked": 1}


def test_a_seed_without_a_number_gets_no_distractor_and_costs_nothing(play):
    row, teacher = play(program.two_distractor, make_problem("How many legs has a cow?"), [])
    assert (row.reason, teacher.asked) == ("no number in the seed", [])


def test_the_groups_and_their_literals():
    assert [method.name for method in PROGRAM] == [
        "program.ten", "program.two", "program.two_distractor"]
    assert PROGRAM_TEN + PROGRAM_TWO == PROGRAM
    for method in PROGRAM:
        assert BY_NAME[method.name] is method
        assert pickle.loads(pickle.dumps(method)) == method
        assert method.together == 10
        literals = json.loads(canonical(method.identity()))
        assert all("#" in prompt for prompt in literals["prompts"])


@settings(max_examples=30)
@given(st.sampled_from(PROGRAM), st.lists(st.text(max_size=200) | st.sampled_from(
    [ten_items(2), ten_questions(2), BODY, "```python\n", "Problem 1:\n"]), min_size=1, max_size=4))
def test_no_reply_whatever_makes_a_route_raise(method, replies):
    seed = make_problem("Natalia sold 48 clips. How many a month?", answer="24")
    attempt, turn = method.attempt(seed, 0), 0
    try:
        request = next(attempt)
        while True:
            request = attempt.send(Reply(request.id, replies[turn % len(replies)], "t"))
            turn += 1
    except StopIteration as end:
        rows = end.value if isinstance(end.value, tuple) else (end.value,)
    assert rows
    for row in rows:
        assert isinstance(row, Sample | Drop)
        assert not isinstance(row, Sample) or split_function(row.solution)
