"""What may go to the algebra system, and how it is written for it."""

from __future__ import annotations

import pytest

from mathmill.grading.symbolic import settle
from mathmill.grading.symbolic.screen import pieces, refusal, written


@pytest.mark.parametrize(("text", "reason"), [
    ("1" * 501, "too long"), ("1" * 401, "too many digits"), ("9^{9^{9^9}}", "a tower"),
    ("((9!)!)!", "a factorial"), ("1000000000!", "a factorial"), ("(" * 40, "nesting"),
    ("1011_2", "number base"), (r"1,2,\ldots,n", "dots"), ("a\x00b", "characters"),
    ("\ud800", "characters"), ("٣", "characters"), ("10 weeks", "words"), ("", "empty"),
    (r"\sin 30^\circ", "degrees in a function"), (r"\text{odd}", "text"), (r"\pm 1 \pm 2",
                                                                          "several ±"),
])
def test_what_algebra_must_not_see_is_refused_with_its_reason(text: str, reason: str) -> None:
    assert refusal(text) == reason
    assert settle(text, "1").how.startswith("pre-screened: ")


@pytest.mark.parametrize(("text", "brackets", "parts"), [
    ("(1, 2]", "(]", ["1", "2"]), (r"\{1, (2, 3)\}", "{}", ["1", "(2, 3)"]),
    ("1, 2", "", ["1", "2"]),
    ("10,000", "", ["10,000"]), ("(10,000)", "()", ["10", "000"]), ("f(x,y)", "", ["f(x,y)"]),
    ("(1,2)\\cup(3,4)", "", ["(1,2)\\cup(3,4)"]), ("x=1 or x=2", "", ["x=1", "x=2"]),
    ("(x)", "", ["(x)"]),
])
def test_lists_are_split_at_their_own_commas(text: str, brackets: str, parts: list[str]) -> None:
    opening, closing, found = pieces(text)
    assert (opening + closing, found) == (brackets, parts)


def test_a_text_is_written_without_dollars_and_with_powers_of_ten() -> None:
    assert written(r"$3.54e-07$") == r"3.54 \times 10^{-07}"
    assert written(r"$x \in \left(1, 2\right)$") == "(1, 2)"
