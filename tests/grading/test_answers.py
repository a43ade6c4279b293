"""Finding the answer in a response, against a table of cases and at its limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mathmill.grading.answers import extract

TABLE = Path(__file__).resolve().parents[1] / "cases" / "grading_extract.jsonl"
CASES = [json.loads(line) for line in TABLE.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["text"][:30])
def test_the_answer_and_the_way_it_was_found(case: dict[str, str | None]) -> None:
    found = extract(str(case["text"]))
    assert (found.text, found.how) == (case["answer"], case["how"])


def test_only_the_tail_is_read() -> None:
    assert extract("\\boxed{1}" + " " * 20_000).text is None


def test_an_answer_longer_than_two_thousand_characters_is_not_one() -> None:
    assert extract("\\boxed{" + "1" * 2_001 + "}").how == "too long"


def test_a_guess_can_be_forbidden() -> None:
    assert extract("it makes 5", guess=False).text is None
    assert extract("it makes 5").text == "5"
