"""Tests of `stages.seeds.formats`: each shape on a row written here in that shape."""

from __future__ import annotations

import pytest

from mathmill.stages.seeds.formats import level_of, plain, read, read_mapped

ROWS = {
    "GSM8K": ({"question": "How many?", "answer": "48/2 = <<48/2=24>>24 clips.\n#### 1,024"},
              "How many?", "1024", "48/2 = 24 clips."),
    "MATH": ({"problem": "Find x.", "level": "Level 5", "type": "Algebra",
              "solution": r"So $x=\boxed{\frac{1}{2}}$."},
             "Find x.", r"\frac{1}{2}", r"So $x=\boxed{\frac{1}{2}}$."),
    "AGIEval": ({"passage": None, "question": "Which?", "options": ["(A)1", "(B)2"], "label": "B",
                 "answer": None, "other": {"solution": "As said."}},
                "Which?\n(A)1\n(B)2", "B", "As said."),
    "SciBench": ({"problem_text": "Predict the pressure.", "answer_number": "50.7",
                  "unit": r"$\mathrm{atm}$ ", "source": "atkins"},
                 "Predict the pressure.\nGive the answer in $\\mathrm{atm}$.", "50.7", None),
    "JEEBench": ({"question": "Which are true?", "gold": "ABD", "type": "MCQ(multiple)",
                  "subject": "math"}, "Which are true?", "ABD", None),
    "OlympiadBench": ({"question": "Find n.", "context": "Let n be odd.", "unit": None,
                       "final_answer": ["$2n-2$"], "answer_type": "Expression",
                       "is_multiple_answer": False, "solution": ["First.", "Second."]},
                      "Let n be odd.\nFind n.", "2n-2", "First.\n\nSecond."),
    "SVAMP": ({"Body": "Dan had $ 3 left. If he had $ 4 at the start", "Answer": 1.0,
               "Question": "How much did the bar cost?", "Type": "Subtraction"},
              "Dan had $ 3 left. If he had $ 4 at the start, how much did the bar cost?", "1",
              None),
    "CMATH": ({"grade": 3, "input": "还剩多少页？", "golden": "9"}, "还剩多少页？", "9", None),
    "AQuA": ({"question": "How old?", "options": ["A)5", "B)6"], "correct": "A",
              "rationale": "5 fits."}, "How old?\nA)5\nB)6", "A", "5 fits."),
    "text": ({"text": "Question: How many bolts?\nAnswer: \n#### 3"}, "How many bolts?", "3",
             None),
    "plain": ({"problem": "Solve.", "generated_solution": "y = 2", "expected_answer": "$2$"},
              "Solve.", "2", "y = 2"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_known_by_its_fields(name):
    row, question, answer, solution = ROWS[name]
    found = read(row)
    assert found is not None
    shape, parts = found
    assert (shape, parts.question, parts.answer, parts.solution) == (
        name, question, answer, solution)


def test_level_and_subject_of_math_are_read():
    _, parts = read(ROWS["MATH"][0])
    assert (parts.level, parts.subject) == (5, "Algebra")


def test_a_question_without_any_answer_is_still_a_question():
    assert read({"question": "How many?"})[1].answer is None


@pytest.mark.parametrize("row", [
    {"id": 3}, {"question": ""}, {"question": None, "answer": "4"}, {"question": "  "},
    {"problem": " ", "solution": "x"}, {"question": "", "options": ["(A)1"], "label": "A"},
    {"text": "Question:"}, {},
])
def test_a_row_without_a_question_is_none(row):
    assert read(row) is None


def test_a_worked_solution_in_the_answers_place_is_taken_apart():
    _, parts = read({"question": "How many?", "ground_truth": "9 * 2 = <<9*2=18>>18\nA: 18"})
    assert (parts.answer, parts.solution) == ("18", "9 * 2 = 18\nA: 18")


def test_a_field_map_reaches_into_nested_rows():
    row = {"body": "How many?", "meta": {"result": 4.0, "hard": "Level 2"}, "a.b": "x"}
    found = read_mapped(row, {"question": "body", "answer": "meta.result", "level": "meta.hard",
                              "subject": "a.b"})
    assert found is not None
    parts = found[1]
    assert (parts.question, parts.answer, parts.level, parts.subject) == ("How many?", "4", 2, "x")


def test_a_field_map_to_fields_that_are_not_there_finds_no_question():
    assert read_mapped({"question": "How many?"}, {"question": "body.text"}) is None


@pytest.mark.parametrize(("value", "text"), [
    (51.0, "51"), (0.5, "0.5"), (1e20, "1e+20"), (float("nan"), None), (True, "yes"), (7, "7"),
    (["1", None, 2.0], "1, 2"), ({"a": 1}, None), ("  ", None), (-3.0, "-3"),
])
def test_a_cell_becomes_the_text_a_person_would_write(value, text):
    assert plain(value) == text


@pytest.mark.parametrize(("value", "level"), [
    ("Level 5", 5), (3, 3), ("Level ?", None), (None, None), ("grade 12 of school 3", None),
    (7, None), ("level-2", 2), ("难度3", 3), (12, None), (8.5, None), ("0.3", None), ("-3", None),
    (".5", None), (15, None), ("level_4", 4), ("3", 3), (4.0, 4),
])
def test_only_levels_one_to_five_are_levels(value, level):
    assert level_of(value) == level


def test_commas_of_thousands_go_but_lists_stay():
    assert read({"question": "q", "answer": "80,000"})[1].answer == "80000"
    assert read({"question": "q", "answer": "1, 3, 5"})[1].answer == "1, 3, 5"
    assert read({"question": "q", "answer": "1,3,5"})[1].answer == "1,3,5"
