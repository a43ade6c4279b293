"""Replies that hold several problems: whatever their dress, the good items are kept."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.methods.program import body_of, read_items, read_questions
from mathmill.methods.program.items import Item
from mathmill.methods.program.routes import checked
from mathmill.methods.replies import Unusable, clean
from mathmill.types import make_problem

FILE = Path(__file__).parents[2] / "cases/program_replies.jsonl"
CASES = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
SEED = make_problem("What else is there?", answer="1")
WORDS = st.lists(st.sampled_from(["Ann", "has", "12", "pears", "and", "gives", "half", "away"]),
                 min_size=5, max_size=30).map(lambda words: " ".join(words) + "?")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_a_reply_is_read_item_by_item(case):
    found, seen = [], []
    for item in read_items(clean(case["text"]), case["cut"]):
        try:
            found.append([checked(item, SEED, seen), body_of(item.code)])
        except Unusable as why:
            found.append(why.reason)
    assert found == case["items"]


@pytest.mark.parametrize(("text", "questions"), [
    ("Problem 1:\nHow many are 2 and 3?\n<end of problem>\nProblem 2:\nHow many are 4?\n"
     "<end of problem>", ["How many are 2 and 3?", "How many are 4?"]),
    ("1. How many are 2 and 3?\n2. How many are 4?\n", ["How many are 2 and 3?",
                                                        "How many are 4?"]),
    ("**Problem 1:** How many are 2 and 3?\n\n**Problem 2:** How many are 4?",
     ["How many are 2 and 3?", "How many are 4?"]),
    ("Here are some:\n\nHow many are 2 and 3?\n\nHow many are 4?", ["How many are 2 and 3?",
                                                                 "How many are 4?"]),
    ("How many are 2 and 3? <end of problem>\nHow many are 4? <end of problem>",
     ["How many are 2 and 3?", "How many are 4?"]),
    ("Words only", []),
])
def test_a_list_of_problems_is_read_in_its_usual_forms(text, questions):
    assert [item.question for item in read_questions(text)] == questions


def test_of_a_list_that_broke_off_only_the_last_problem_is_torn():
    items = read_questions("1. How many are 2?\n2. How many are 3?\n3. How ma", cut=True)
    assert [item.torn for item in items] == [False, False, True]
    whole = read_questions("Problem 1: How many are 2? <end of problem>", cut=True)
    assert [item.torn for item in whole] == [False]


@settings(max_examples=25)
@given(st.lists(WORDS, min_size=1, max_size=10, unique=True), st.booleans())
def test_what_is_written_as_asked_for_comes_back_whole(questions, fenced):
    code = "pears = 12 * 3\nresult = pears - 4"
    shown = f"```python\n{code}\n```" if fenced else code
    text = "\n".join(f"Problem {n}:\n{question}\n<end of problem>\nProgram {n}:\n{shown}\n"
                     "<end of program>" for n, question in enumerate(questions, 1))
    items = read_items(text)
    assert [item.question for item in items] == questions
    assert {body_of(item.code) for item in items} == {code}


@settings(max_examples=50)
@given(st.lists(st.sampled_from(["Problem 1:", "Program 2:", "```", "```python", "<end of problem>",
                                 "<end of program>", "1. ", "How many?", "result = 3 * 4", "",
                                 "# Problem 3", "x = (", "第2题", "    ", "\t"]), max_size=25),
       st.booleans())
def test_no_order_of_lines_is_too_much(lines, cut):
    text = "\n".join(lines)
    for item in [*read_items(text, cut), *read_questions(text, cut)]:
        assert isinstance(item, Item)
        assert "<end of" not in item.question


@pytest.mark.parametrize("filler", ["Problem 1" + " " * 60_000 + "x", "*" * 60_000,
                                    "1. a\n" * 12_000, "```\n" * 15_000, "<end of " * 7_000,
                                    "[[[" * 20_000, "Program" + "\t" * 60_000,
                                    "Question " * 6_000])
def test_long_replies_are_read_in_linear_time(filler):
    started = time.process_time()
    read_items(filler)
    read_questions(filler)
    assert time.process_time() - started < 1.5
