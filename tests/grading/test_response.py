"""One response: worked solutions and bare answers, and what a gold field may hold."""

from __future__ import annotations

import pytest

from mathmill.grading.files.response import field_text, gold_text, judge
from mathmill.grading.policy import STRICT, TOLERANT
from mathmill.types import CORRECT, UNDECIDED, WRONG


@pytest.mark.parametrize(("response", "gold", "value"), [
    ("So 2 + 3 = 5.\nThe answer is 5.", "5", CORRECT), ("5", "5", CORRECT), ("6", "5", WRONG),
    (r"\frac{1}{2}", "0.5", CORRECT), (r"\frac{1}{2}", "2", WRONG), ("[1, 2)", "[1,2)", CORRECT),
    ("[1, 2)", "2", WRONG), ("We get 7 apples and 5 pears", "5", CORRECT), ("", "5", WRONG),
    ("  B ", "B", CORRECT), ("odd", r"\text{odd}", CORRECT), ("x", "", UNDECIDED),
    ("1, 2", "2,1", CORRECT), ("1, 2", "2", WRONG), ("The answer is 5", " ", UNDECIDED),
])
def test_a_bare_answer_is_graded_whole_and_a_solution_by_its_end(
        response: str, gold: str, value: str) -> None:
    assert judge(response, gold, TOLERANT).verdict.value == value


def test_the_papers_policy_takes_no_bare_answer() -> None:
    assert judge("5", "5", STRICT).verdict.value == WRONG


@pytest.mark.parametrize(("value", "text"), [
    (["A", "C"], "A, C"), (["5"], "5"), ("So.\n#### 1,000", "1,000"), (18, "18"), (18.0, "18.0"),
    (None, ""), (float("nan"), ""), (float("inf"), r"\infty"), (float("-inf"), r"-\infty"),
    ([1, 2.5], "1, 2.5"), ([], ""), (True, "True"),
])
def test_gold_fields_of_every_kind_are_one_text(value: object, text: str) -> None:
    assert gold_text(value) == text


@pytest.mark.parametrize(("value", "text"), [
    (None, ""), ([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "a"),
    ([{"role": "assistant", "content": [{"type": "text", "text": "a"}]}], "a"), (["a"], "a"),
    ([{"role": "assistant", "content": None}], ""), (b"a", "a"), ([], ""),
])
def test_responses_of_every_kind_are_one_text(value: object, text: str) -> None:
    assert field_text(value) == text


@pytest.mark.parametrize(("value", "words"), [
    ({"text": "a", "n": 1}, "object (text, n)"), (["a", "b"], "list of 2")])
def test_what_is_no_single_response_is_refused(value: object, words: str) -> None:
    with pytest.raises(ValueError, match="holds a") as error:
        field_text(value)
    assert words in str(error.value)
