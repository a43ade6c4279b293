"""Programs in every form that models write, brought to the body that is stored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.methods.program import body_of
from mathmill.methods.replies import Unusable
from mathmill.programs import make_function, split_function

CASES = [json.loads(line) for line in
         (Path(__file__).parents[2] / "cases/program_code.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_a_program_becomes_a_body_or_says_why_not(case):
    try:
        found = body_of(case["text"])
    except Unusable as why:
        found = why.reason
    assert found == case["body"]


@pytest.mark.parametrize("case", [case for case in CASES if "\n" in case["body"]],
                         ids=lambda case: case["why"])
def test_a_body_is_brought_to_itself_and_stands_in_a_function(case):
    assert body_of(case["body"]) == case["body"]
    assert split_function(make_function("How many?", case["body"])) == ("How many?", case["body"])


LINES = st.lists(st.sampled_from(["a = 3 * 4", "result = a", "print(a)", "return a", "def f():",
                                  "    return 3 + 4", "```", "Answer: 4", "import math", "# a + b",
                                  "for n in range(3):", "    a += n", "ans = 5 - 2", "'''"]),
                 max_size=9)


@settings(max_examples=50)
@given(LINES)
def test_whatever_it_is_given_it_returns_python_or_a_countable_reason(lines):
    reason, body = "", "result = 0"
    try:
        body = body_of("\n".join(lines))
    except Unusable as why:
        reason = why.reason
    assert reason in {"", "no program", "not Python", "no result", "nothing computed"}
    assert split_function(make_function("How many?", body))
    assert "result" in body
