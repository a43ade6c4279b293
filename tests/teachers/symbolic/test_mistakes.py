from __future__ import annotations

import asyncio
import math
import re
from collections import Counter

import pytest

from mathmill.identity import draw
from mathmill.teachers.symbolic import SymbolicTeacher, truth
from mathmill.teachers.symbolic.mistakes import DROPPED, KINDS, OPERATION, SLIP, draw_mistake
from mathmill.teachers.symbolic.quantities import compute
from mathmill.teachers.symbolic.solution import carry_out, make_plan
from mathmill.teachers.symbolic.writer import draw_story
from mathmill.types import Problem

SOLVE = "Solve the problem step by step."
UNKNOWN = "Find the value of the unknown variable."


def _answer(text: str) -> str:
    last = text.splitlines()[-1]
    assert re.fullmatch(r"The answer is \d+(\.\d+)?(/\d+)?", last), text
    return last.removeprefix("The answer is ")


def test_a_mistake_always_changes_the_answer_and_every_kind_occurs() -> None:
    kinds: Counter[str] = Counter()
    for number in range(1500):
        story = draw_story(number % 5 + 1, "en", draw("wrong", number))
        plan = make_plan(story)
        right = carry_out(plan)[1]
        wrong = draw_mistake(plan, right, story, draw("mistake", number))
        kinds[wrong.kind] += 1
        assert wrong.final != right
        assert wrong.final >= 0
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) > 150


def test_a_mistake_is_made_once_and_carried_through() -> None:
    for number in range(300):
        story = draw_story(4, "en", draw("carry", number))
        plan = make_plan(story)
        right, final = carry_out(plan)
        wrong = draw_mistake(plan, final, story, draw("mistake", number))
        false = [step for _, steps in wrong.done for step in steps if step.value != compute(
            step.left, step.sign, step.right / 100 if step.percent else step.right)]
        counts = [sum(len(steps) for _, steps in done) for done in (right, wrong.done)]
        assert len(false) == (1 if wrong.kind == SLIP else 0)
        assert (counts[1] < counts[0]) == (wrong.kind == DROPPED)
        signs = [[step.sign for _, steps in done for step in steps]
                 for done in (right, wrong.done)]
        if wrong.kind == OPERATION:
            assert sum(a != b for a, b in zip(*signs, strict=True)) == 1
        if wrong.kind == SLIP:
            assert signs[0] == signs[1]


@pytest.mark.parametrize("rate", [pytest.param(0.2, marks=pytest.mark.slow), 0.3])
def test_replies_are_wrong_at_the_rate_and_exactly_where_the_teacher_says(
        rate: float, problems: list[Problem], make_prompt) -> None:  # type: ignore[no-untyped-def]
    teacher = SymbolicTeacher(f"symbolic:error_rate={rate}", rate)
    wrong = 0
    for problem in problems[:1000]:
        request = make_prompt(SOLVE, Problem=problem.question)
        answer = _answer(asyncio.run(teacher.answer(request)).text)
        said = teacher.mistake(request)
        assert (answer != problem.answer) == (said is not None)
        assert said is None or said in KINDS
        wrong += said is not None
    spread = 4 * math.sqrt(rate * (1 - rate) / 1000)
    assert abs(wrong / 1000 - rate) < spread


def test_backward_questions_go_wrong_too(problems: list[Problem],
                                         make_prompt) -> None:  # type: ignore[no-untyped-def]
    teacher = SymbolicTeacher(error_rate=1.0)
    seen = 0
    for problem in problems[:300]:
        if problem.language != "en":
            continue
        hidden = re.sub(r"(?<![\d./])\d+(?![\d./%]*[/\d])", "x", problem.question, count=1)
        hidden += (f" If we know the answer to the above question is {problem.answer}, "
                   "what is the value of unknown variable x?")
        right = truth(hidden)
        if right is None:
            continue
        request = make_prompt(UNKNOWN, Problem=hidden)
        assert _answer(asyncio.run(teacher.answer(request)).text) != right
        assert teacher.mistake(request) in KINDS
        seen += 1
    assert seen > 80


def test_samples_err_independently_so_that_a_majority_helps(
        problems: list[Problem], make_prompt) -> None:  # type: ignore[no-untyped-def]
    teacher = SymbolicTeacher(error_rate=0.3)
    single = majority = 0
    for problem in problems[:300]:
        answers = [_answer(asyncio.run(teacher.answer(make_prompt(
            SOLVE, Problem=problem.question, sample=sample))).text) for sample in range(5)]
        single += answers[0] == problem.answer
        majority += Counter(answers).most_common(1)[0][0] == problem.answer
    assert majority > single + 30
    assert majority > 0.9 * 300


def test_a_teacher_without_errors_never_errs(problems: list[Problem],
                                             make_prompt) -> None:  # type: ignore[no-untyped-def]
    teacher = SymbolicTeacher()
    assert all(teacher.mistake(make_prompt(SOLVE, Problem=p.question)) is None
               for p in problems[:100])
