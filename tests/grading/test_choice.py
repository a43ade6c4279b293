"""Multiple choice: the letters that a text names, options by content, and the suites' formats."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.grading import choice
from mathmill.grading.equal import equal, grade
from mathmill.grading.policy import BY_NAME, TOLERANT, for_suite

TABLE = Path(__file__).resolve().parents[1] / "cases" / "answers_suites.jsonl"
CASES = [json.loads(line) for line in TABLE.read_text("utf-8").splitlines()]
ALWAYS = for_suite("jeebench")


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['suite']}-{c['response'][:30]}")
def test_a_suites_answers_are_graded_in_its_own_format(case: dict[str, str]) -> None:
    policy = BY_NAME.get(case["suite"]) or for_suite(case["suite"])
    verdict = grade(case["response"], case["gold"], policy, tuple(case.get("options", ())))
    assert verdict.value == case["verdict"], verdict.how


@pytest.mark.parametrize(("text", "found"), [
    ("A", "A"), ("(A)", "A"), ("A.", "A"), (r"\text{A}", "A"), (r"\textbf{(C)}", "C"), ("$B$", "B"),
    ("A. 5 apples", "A"), ("(B) 42.86%", "B"), ("B: 3", "B"), ("A, C", "AC"), ("A and C", "AC"),
    ("AC", "AC"), ("A、C", "AC"), ("A B D", "ABD"), ("(A)(C)", "AC"), ("(A), (C)", "AC"),
    ("option C", "C"), ("both A and C", "AC"), ("选项C", "C"), ("故选C", "C"), ("【A】", "A"),
    ("b", "B"), ("ＡＣ", "AC"), ("(b)", "B"), ("b) 4", "B"), ("A, B, and D", "ABD"),
    (r"\mathrm{A, C}", "AC"),
    (r"\{A, C\}", "AC"), ("[A, C]", "AC"), ("['A', 'C']", "AC"), ("C, A", "AC"), ("C only", "C"),
    ("(A) 5, (C) 7", "AC"), ("The correct answer is (D).", "D"), ("E)None of these", "E"),
    ("A or B", None), ("Apple", None), ("42", None), ("ABBA", None), ("", None), ("K", None),
    ("f(A)", None), ("D=4", None), ("x" * 700, None), ("As we saw", None), ("①③", None),
])
def test_the_letters_that_a_text_names(text: str, found: str | None) -> None:
    assert choice.letters(text) == found


@given(st.sets(st.sampled_from("ABCDEFGHIJ"), min_size=1).map(sorted))
def test_every_dress_of_a_set_of_letters_names_that_set(chosen: list[str]) -> None:
    right = "".join(chosen)
    for text in (right, ", ".join(chosen), " and ".join(chosen), "、".join(reversed(chosen)),
                 " ".join(f"({letter})" for letter in chosen), rf"\text{{{right}}}",
                 "options " + ", ".join(f"({letter})" for letter in chosen), f"${right}$"):
        assert choice.letters(text) == right, text
        assert equal(right, text, ALWAYS).value == "correct", text
        assert grade(f"Thus the answer is {text}.", right, ALWAYS).value == "correct", text


@given(*[st.sets(st.sampled_from("ABCD"), min_size=1)] * 2)
def test_two_sets_of_letters_are_equal_when_they_are_the_same(a: set[str], b: set[str]) -> None:
    for one, other in itertools.product((sorted(a),), (sorted(b), sorted(b, reverse=True))):
        verdict = equal("".join(one), ", ".join(other), ALWAYS)
        assert verdict.value == ("correct" if a == b else "wrong")


def test_a_policy_says_whether_letters_are_choices() -> None:
    never = replace(TOLERANT, name="n", choice="never")
    assert equal("A", "(A) 42").value == "correct"
    assert equal("A", "(A) 42", never).value != "correct"
    assert equal("AC", "A, C").value == "correct"
    assert equal("AC", "CA", never).value != "correct"
    assert equal("AC", "CA", ALWAYS).value == "correct"
    assert choice.compare("AB", "A", TOLERANT) is None


def test_a_content_for_a_gold_answer_is_chosen_by_its_letter() -> None:
    options = ("(A) 12", "(B) 15", "(C) 18")
    assert grade("The answer is (B).", "15", TOLERANT, options).value == "correct"
    assert grade("The answer is (C).", "15", TOLERANT, options).value == "wrong"
    assert grade("The answer is 15.", "15", TOLERANT, options).value == "correct"
    assert grade("The answer is 15.", "B", ALWAYS, ("12", "15", "18")).value == "correct"


@pytest.mark.parametrize(("question", "options"), [
    ("Which?\n(A)1\n(B)2\n(C)3", ("(A)1", "(B)2", "(C)3")), ("Q\nA. 1\nB. 2", ("A. 1", "B. 2")),
    ("Q\nA) 1\nB) 2\nC) 3\n", ("A) 1", "B) 2", "C) 3")), ("no options", ()), ("", ()),
    ("x\nA) 1\nC) 2", ()), ("(A) only one", ()),
])
def test_the_options_that_a_question_lists(question: str, options: tuple[str, ...]) -> None:
    assert choice.options_of(question) == options
