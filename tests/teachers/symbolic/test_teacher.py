from __future__ import annotations

import asyncio
import json
import pickle
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.errors import UsageError
from mathmill.identity import draw
from mathmill.teachers.symbolic import SymbolicTeacher, signature, truth
from mathmill.teachers.symbolic.teacher import DECLINE, count_tokens
from mathmill.teachers.symbolic.writer import draw_story, tell
from mathmill.types import Message, Problem, Request

PROMPTS = Path(__file__).resolve().parents[3] / "src/mathmill/methods/prompts"
SOLVE = "Solve the problem step by step."
UNKNOWN = "Find the value of the unknown variable."
REPHRASE = "Rephrase the problem without changing its meaning or its answer."
DECLARE = "Turn the question and its answer into one statement."
CREATE = ("Create a new problem from the reference, check it by solving it, "
          "and correct it if needed.")
INSERT = "Insert one irrelevant fact that does not change the answer."
RATE = "Rate the difficulty of the problem from 1 to 5."
MIA = ("Mia has 12 apples. Mia buys 7 more apples. Mia eats 4 apples. "
       "How many apples does Mia have now?")
TASKS = [SOLVE, UNKNOWN, REPHRASE, CREATE, INSERT, RATE, *(
    f"Rewrite the problem: {what}." for what in (
        "write a brand-new problem of similar length and difficulty",
        "add one more constraint or requirement", "increase its depth and breadth",
        "replace general concepts by more specific ones",
        "make it ask explicitly for more steps of reasoning", "make it easier",
        "write an easier problem on another topic"))]


def test_it_solves_step_by_step(ask) -> None:  # type: ignore[no-untyped-def]
    reply = ask(SOLVE, Problem=MIA, temperature=0.0)
    assert reply.text == ("Mia has 12 + 7 = 19 apples.\nMia has 19 - 4 = 15 apples.\n"
                          "The answer is 15")
    assert (reply.finish, reply.error, reply.teacher) == ("stop", "", "symbolic:")


def test_greedy_replies_are_plain_and_samples_differ_in_style(
        ask) -> None:  # type: ignore[no-untyped-def]
    assert len({ask(SOLVE, Problem=MIA, temperature=0.0, sample=n).text for n in range(6)}) == 1
    assert len({ask(SOLVE, Problem=MIA, sample=n).text for n in range(20)}) == 4


def test_the_same_request_has_the_same_reply(ask) -> None:  # type: ignore[no-untyped-def]
    for task in TASKS:
        assert ask(task, Problem=MIA).text == ask(task, Problem=MIA).text


def test_chinese_problems_are_solved_in_chinese(ask) -> None:  # type: ignore[no-untyped-def]
    reply = ask(SOLVE, temperature=0.0,
                Problem="小明有12个苹果。小红给了小明7个苹果。小明现在有多少个苹果？")
    assert reply.text == "小明有12 + 7 = 19个苹果。\nThe answer is 19"


def test_it_finds_the_unknown(ask) -> None:  # type: ignore[no-untyped-def]
    question = MIA.replace("7", "x") + (" If we know the answer to the above question is 15, "
                                        "what is the value of unknown variable x?")
    reply = ask(UNKNOWN, Problem=question, temperature=0.0)
    assert reply.text == ("Before that it was 15 + 4 = 19.\nSo x is 19 - 12 = 7.\n"
                          "The answer is 7")


def test_every_question_becomes_a_statement_that_reads_back(
        problems: list[Problem], ask) -> None:  # type: ignore[no-untyped-def]
    for problem in problems[:300]:
        gap = r"(?<=。)" if problem.language == "zh" else r"(?<=\.)\s+"
        *told, question = re.split(gap, problem.question)
        reply = ask(DECLARE, Question=question, Answer=problem.answer)
        statement = reply.text.removeprefix("Statement: ")
        assert problem.answer in statement
        joint = "" if problem.language == "zh" else " "
        hidden = joint.join([re.sub(r"(?<![\d./])\d+(?:\.\d+)?(?:/\d+)?", "x", told[0], count=1),
                             *told[1:], statement])
        hidden += "未知数x的值是多少？" if joint == "" else (
            " What is the value of unknown variable x?")
        assert truth(hidden) is not None, hidden
        assert signature(hidden) == problem.signature


@pytest.mark.parametrize(("question", "answer"), [
    (MIA, "fifteen"), ("How are you?", "15"), ("", "15"), (MIA, "")])
def test_what_makes_no_statement_is_declined(question: str, answer: str,
                                             ask) -> None:  # type: ignore[no-untyped-def]
    assert ask(DECLARE, Question=question, Answer=answer).text == DECLINE


def test_difficulty_is_the_number_of_steps(problems: list[Problem],
                                           ask) -> None:  # type: ignore[no-untyped-def]
    for problem in problems[:50]:
        assert ask(RATE, Problem=problem.question).text == f"Level: {problem.level}"


def test_creation_has_three_sections_and_mends_impossible_drafts(
        problems: list[Problem], ask) -> None:  # type: ignore[no-untyped-def]
    mended = 0
    for problem in problems[:300]:
        text = ask(CREATE, Reference_problem=problem.question, temperature=1.0).text
        found = re.fullmatch(r"Created problem: (.+?)\n\nCheck:\n(.+?)\n\nFinal problem: (.+)",
                             text, re.S)
        assert found, text
        created, check, final = found.groups()
        assert truth(final) is not None
        assert signature(final) != problem.signature
        if created == final:
            assert f"The answer is {truth(final)}" in check
            assert check.endswith(("Nothing needs to change.", "无需修改。"))
        else:
            mended += 1
            assert truth(created) is None
            assert re.search(r"= -\d", check)
            assert "The answer is" not in check
    assert 10 < mended < 80


def test_a_check_can_go_wrong_too(problems: list[Problem],
                                  make_prompt) -> None:  # type: ignore[no-untyped-def]
    teacher = SymbolicTeacher(error_rate=1.0)
    said = Counter(teacher.mistake(make_prompt(CREATE, Reference_problem=p.question))
                   for p in problems[:200])
    assert len(said) == 4
    assert said[None] < 60


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("text", [
    "What is the sum of the roots of $x^2 - 5x + 6 = 0$?", "", "你好。", "Task: nothing"])
def test_it_declines_what_it_cannot_read(task: str, text: str,
                                         ask) -> None:  # type: ignore[no-untyped-def]
    reply = ask(task, Problem=text)
    assert (reply.text, reply.finish) == (DECLINE, "stop")


@pytest.mark.parametrize("task", ["Write a poem.", "", "Rewrite the problem: sing it.",
                                  "Rewrite the problem:"])
def test_it_declines_a_task_it_does_not_know(task: str, ask) -> None:  # type: ignore[no-untyped-def]
    assert ask(task, Problem=MIA).text == DECLINE


def test_the_last_task_and_problem_of_the_last_turn_count() -> None:
    shown = ("Here is an example.\nTask: Make it easier.\nProblem:\nTom has 3 pears.\n"
             "Rephrased problem: none\n\n")
    turns = (Message("system", "You are a teacher."), Message("user", "Task: Sing.\nProblem: x"),
             Message("assistant", "No."),
             Message("user", f"{shown}Task: {SOLVE}\r\n\r\nProblem:\r\n{MIA}\r\n\r\nThank you."))
    reply = asyncio.run(SymbolicTeacher().answer(Request(turns)))
    assert reply.text.endswith("The answer is 15")


def test_messages_without_a_user_are_declined() -> None:
    assert asyncio.run(SymbolicTeacher().answer(Request(()))).text == DECLINE


def test_a_reply_stops_at_most_tokens_and_at_stop_words(make_prompt) -> None:  # type: ignore[no-untyped-def]
    whole = make_prompt(SOLVE, Problem=MIA, temperature=0.0)
    cut = asyncio.run(SymbolicTeacher().answer(make_prompt(
        SOLVE, Problem=MIA, temperature=0.0, max_tokens=9)))
    assert (cut.finish, cut.completion_tokens) == ("length", 9)
    assert cut.text == "Mia has 12 + 7 = 19 apples.\nMia"
    reply = asyncio.run(SymbolicTeacher().answer(Request(
        whole.messages, temperature=0.0, stop=("The answer",))))
    assert reply.text.endswith("15 apples.")


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(TASKS), st.integers(0, 5), st.booleans())
def test_problems_with_a_sentence_or_a_number_missing_never_raise(
        seed: int, task: str, lost: int, chinese: bool) -> None:
    rng = draw("broken", seed)
    text = tell(draw_story(seed % 3 + 1, "zh" if chinese else "en", rng), rng)
    sentences = re.split(r"(?<=。)" if chinese else r"(?<=\.)\s+", text)
    if lost < len(sentences):
        del sentences[lost]
    body = ("" if chinese else " ").join(sentences)
    if seed % 4 == 0:
        body = re.sub(r"\d+", "0", body, count=1)
    request = Request((Message("user", f"Task: {task}\n\nProblem:\n{body}"),), sample=seed)
    teacher = SymbolicTeacher(error_rate=0.5)
    reply = asyncio.run(teacher.answer(request))
    assert reply.finish == "stop"
    assert reply.text
    assert teacher.mistake(request) is None or reply.text != DECLINE


def test_tokens_are_words_and_chinese_letters() -> None:
    assert count_tokens("Mia has 12 apples.") == 4
    assert count_tokens("小明有12个苹果。") == 8


def test_a_teacher_survives_pickling_and_refuses_a_rate_that_is_no_share(
        make_prompt) -> None:  # type: ignore[no-untyped-def]
    teacher = SymbolicTeacher("symbolic:error_rate=0.5", 0.5)
    twin = pickle.loads(pickle.dumps(teacher))
    assert twin == teacher
    requests = [make_prompt(SOLVE, Problem=MIA, sample=n) for n in range(20)]
    assert [twin.mistake(r) for r in requests] == [teacher.mistake(r) for r in requests]
    with pytest.raises(UsageError, match="between 0 and 1"):
        SymbolicTeacher(error_rate=1.5)


@pytest.mark.skipif(not PROMPTS.is_dir(), reason="the methods' prompts are not here")
@pytest.mark.parametrize("file", sorted(PROMPTS.glob("*.md")), ids=lambda f: f.stem)
def test_every_prompt_of_the_methods_is_understood(file: Path) -> None:
    body = file.read_text(encoding="utf-8").split("---\n", 2)[2]
    chinese = file.stem.endswith(".zh")
    text = "小明有12个苹果。小明吃了4个苹果。小明现在有多少个苹果？" if chinese else MIA
    if "unknown" in file.stem:
        text = text.replace("12", "x") + (
            "如果我们知道上述问题的答案是8，未知数x的值是多少？" if chinese else
            " If we know the answer to the above question is 15, what is the value of "
            "unknown variable x?")
    question = text[-len("小明现在有多少个苹果？"):] if chinese else (
        "How many apples does Mia have now?")
    values = {"problem": text, "question": question, "answer": "8", "variable": "x",
              "text": text, "first": text, "second": text}
    filled = re.sub(r"\{\{(\w+)\}\}", lambda m: values[m[1]], body)
    reply = asyncio.run(SymbolicTeacher().answer(Request((Message("user", filled),))))
    assert reply.text != DECLINE, json.dumps(filled, ensure_ascii=False)
