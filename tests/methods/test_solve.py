"""Solutions end in the one line that training and strict grading look for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.grading.answers import extract
from mathmill.methods.solve import find_answer, finish_solution, solve_request


@pytest.mark.parametrize(("reply", "solution", "answer"), [
    ("2+3=5\nThe answer is 5", "2+3=5\nThe answer is 5", "5"),
    ("2+3=5\nThe answer is: 5.", "2+3=5\nThe answer is 5", "5"),
    ("2+3=5. The answer is 5.", "2+3=5.\nThe answer is 5", "5"),
    ("2+3=5\n**The answer is 5.**\n\nHope that helps!", "2+3=5\nThe answer is 5", "5"),
    ("2+3=5\nSo the final answer is $5$.", "2+3=5\nThe answer is 5", "5"),
    ("so \\boxed{\\frac{1}{2}}", "so \\boxed{\\frac{1}{2}}\nThe answer is \\frac{1}{2}",
     "\\frac{1}{2}"),
    ("2+3=<<2+3=5>>5\n#### 5", "2+3=<<2+3=5>>5\nThe answer is 5", "5"),
    ("2+3=5\n答案是5。", "2+3=5\n答案是5。\nThe answer is 5", "5"),
    ("The answer is 5\n\nProblem: And 3+4?\nThe answer is 7", "The answer is 5", "5"),
    ("2+3=5\r\nThe answer is 1,200", "2+3=5\nThe answer is 1,200", "1,200"),
])
def test_every_form_of_ending_becomes_the_same(reply, solution, answer):
    assert finish_solution(reply) == (solution, answer)


@pytest.mark.parametrize("reply", [
    "", "   ", "I think it has 5 steps and 7 pens.", "The answer is", "The answer is X",
    "no numbers here"])
def test_a_reply_that_states_no_answer_gives_none(reply):
    assert finish_solution(reply) is None


def test_the_request_carries_the_problem_the_sample_and_the_label():
    request = solve_request("How many?", "zh", sample=3, temperature=0.2)
    assert request.messages[0].content.endswith("Problem:\nHow many?")
    assert (request.sample, request.temperature) == (3, 0.2)
    assert request.prompt == "solve.zh@1"
    assert request.id != solve_request("How many?", "zh", sample=4, temperature=0.2).id


@given(st.text(max_size=200))
def test_whatever_is_finished_ends_in_a_line_that_the_grader_reads_back(text):
    for reply in (text, f"{text}\nThe answer is {text}", f"\\boxed{{{text}}}"):
        finished = finish_solution(reply)
        if finished is not None:
            solution, answer = finished
            assert solution.endswith(f"The answer is {answer}")
            assert "\n" not in answer


def test_all_real_gsm8k_solutions_keep_their_answer(shared_data):
    lines = (shared_data / "gsm8k" / "test.jsonl").read_text("utf-8").splitlines()
    for line in lines:
        answer = json.loads(line)["answer"]
        gold = answer.rpartition("#### ")[2].strip()
        finished = finish_solution(answer)
        assert finished is not None
        assert finished[1] == gold
        assert finished[0].endswith(f"\nThe answer is {gold}")
        assert "####" not in finished[0]
        assert extract(finished[0]).text == gold
    assert len(lines) == 1319


def test_a_number_that_nobody_calls_the_answer_is_not_taken_for_it():
    assert find_answer("First 3, then 4.") is None
    assert extract("First 3, then 4.").text is not None
