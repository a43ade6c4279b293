"""Tests of what rows of a corpus say."""

from __future__ import annotations

import pytest

from mathmill.stages.texts.fields import document_of


def of(row, **more):
    return document_of(row, "a:1", **more)


@pytest.mark.parametrize("row", [
    {"text": "Some maths."}, {"content": "Some maths.", "id": 3}, {"body": "Some maths."},
    {"text": None, "markdown": "Some maths."}, {"prompt": "write", "text": "Some maths."},
    {"paragraphs": 1, "document": ["Some maths."]}, {"question": "Some maths."},
])
def test_the_usual_fields_hold_the_text(row):
    found = of(row)
    assert found.text == "Some maths."
    assert found.answer is None


@pytest.mark.parametrize("row", [
    {"question": "Why?", "answer": "So."}, {"body": "Why?", "answers": ["So.", "Or so."]},
    {"question": "Why?", "answers": [{"text": "No", "score": 1}, {"text": "So.", "score": 5}]},
    {"question": "Why?", "answers": [{"text": "So.", "score": float("nan")}]},
    {"instruction": "Why?", "output": "So."}, {"Question": "Why?", "Answer": "So."},
])
def test_a_question_with_an_answer_is_a_thread(row):
    found = of(row)
    assert (found.text, found.answer, found.kind) == ("Why?", "So.", "qa")


def test_the_title_of_a_thread_is_a_part_of_its_question():
    assert of({"title": "On limits", "body": "Why?", "answer": "So."}).text == "On limits\n\nWhy?"


@pytest.mark.parametrize("row", [{}, {"id": 1}, {"text": ""}, {"text": "  "}, {"text": 5},
                                 {"text": {"a": 1}}, {"answer": "So."}])
def test_a_row_without_text_has_no_document(row):
    assert of(row) is None


def test_a_field_map_goes_before_every_name_and_reaches_into_rows():
    row = {"text": "wrong", "page": {"body": "right"}, "terms": "CC0"}
    found = of(row, fields={"text": "page.body", "licence": "terms"})
    assert (found.text, found.licence) == ("right", "CC0")
    assert of({"text": "wrong"}, fields={"text": "page.body"}) is None


def test_the_kind_is_the_recipes_then_the_rows_then_the_files():
    row = {"text": "Some maths.", "kind": "web"}
    assert of(row, kind="book", hint="paper").kind == "book"
    assert of(row, hint="paper").kind == "web"
    assert of({**row, "kind": "blog"}, hint="paper").kind == "paper"
    assert of({**row, "kind": None}).kind == "other"


def test_licence_and_language_are_kept_and_found_among_the_metadata():
    found = of({"text": "Some maths.", "meta": {"license": "CC BY  4.0", "language": "English"}})
    assert (found.licence, found.language) == ("CC BY 4.0", "en")
    assert of({"text": "Some maths."}, licence="MIT").licence == "MIT"
    assert of({"text": "x", "license": "GPL"}, licence="MIT").licence == "GPL"
    assert of({"text": "x", "licenses": ["MIT", "GPL"]}).licence == "MIT, GPL"
