"""A lesson is the very prompt and a reply that is read back as its row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mathmill.methods import FROM_TEXT, FROM_TEXT_SHORT, FROM_TEXT_TOOL, FROM_TEXT_TOOL_SHORT
from mathmill.methods.from_text import any_of, lesson, written
from mathmill.texts import Text, make_text
from mathmill.types import CORRECT, Drop, Sample, sample_id

QUESTION = "A hall has 7 shelves with 30 books each. 12 books are out. How many are there?"
WORDS = "7 * 30 - 12 = 198\nThe answer is 198"
CODE = "```python\nprint(7 * 30 - 12)\n```\n```output\n198\n```\nThere are \\boxed{198}."


@pytest.fixture
def text() -> Text:
    return make_text("In the old hall books are kept on shelves.")


@pytest.fixture
def make(play, text):
    def made(method, question=QUESTION):
        row, _ = play(method, text, [written(question, CODE if method.tool else WORDS)])
        return row

    return made


@pytest.mark.parametrize(("method", "other"), [
    *zip(FROM_TEXT, FROM_TEXT_SHORT, strict=True),
    *zip(FROM_TEXT_TOOL, FROM_TEXT_TOOL_SHORT, strict=True)], ids=lambda m: m.name)
def test_a_lesson_asks_what_the_synthesizer_will_be_asked_and_keeps_the_lineage(
        method, other, make, text):
    row = replace(make(method), verdict=CORRECT, verdict_by="majority", checks=("majority",))
    made = lesson(row, text, methods=(*FROM_TEXT_SHORT, *FROM_TEXT_TOOL_SHORT))
    assert isinstance(made, Sample)
    assert made.question == next(other.attempt(text, 5)).messages[-1].content
    assert other.read(made.solution, text) == other.read(written(row.question, row.solution), text)
    assert made.id == sample_id(made.question, made.solution)
    assert made.parent == row.problem
    kept = ("seed", "answer", "method", "prompts", "requests", "teacher", "level", "subject",
            "language", "verdict", "verdict_by", "checks")
    assert [getattr(made, name) for name in kept] == [getattr(row, name) for name in kept]


def test_rows_of_any_kind_and_of_a_synthesizer_itself_become_lessons(make, text):
    for method in (any_of(FROM_TEXT), FROM_TEXT_SHORT[3]):
        row = make(method) if method is FROM_TEXT_SHORT[3] else replace(
            make(FROM_TEXT[3]), method=method.name)
        made = lesson(row, text, methods=[any_of(FROM_TEXT_SHORT)])
        assert made.question == FROM_TEXT_SHORT[3].question(text)


def test_a_row_of_another_kind_or_another_method_has_no_lesson(make, text):
    row = make(FROM_TEXT_TOOL[0])
    for one in (row, replace(row, prompts=("metamath/rephrase@1", "solve@1"))):
        drop = lesson(one, text, methods=FROM_TEXT_SHORT)
        assert isinstance(drop, Drop)
        assert (drop.reason, drop.id) == ("no prompt of its kind", row.id)


@pytest.mark.parametrize("change", [
    {"question": f"{QUESTION}\nSolution: is asked for"},
    {"question": f"{QUESTION}\nProblem: another"}, {"question": "Short?"},
    {"solution": "Answer follows.\n\nThe answer is 198\n\nProblem: next one"},
    {"solution": "We count them all."}, {"solution": WORDS.replace("The answer is", "It is")}])
def test_a_row_that_would_not_be_read_back_has_no_lesson(change, make, text):
    drop = lesson(replace(make(FROM_TEXT[0]), **change), text, methods=FROM_TEXT_SHORT)
    assert isinstance(drop, Drop)
    assert drop.reason == "not read back"
