"""Solutions of words, code and outputs fall into their pieces, whatever the text is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.transcripts import OUTPUT, PYTHON, WORDS, code, fenced, parts

WHOLE = ("First:\n```python\nx = 2\nprint(x)\n```\n```output\n2\n```\n\nNow more.\n"
         "```py\nprint(x + 1)\n```\n\n```output\n3\n```\nIt is \\boxed{3}.")


def test_a_solution_falls_into_words_code_and_outputs_in_their_order():
    found = [(part.kind, part.text) for part in parts(WHOLE)]
    assert found == [(WORDS, "First:"), (PYTHON, "x = 2\nprint(x)"), (OUTPUT, "2"),
                     (WORDS, "Now more."), (PYTHON, "print(x + 1)"), (OUTPUT, "3"),
                     (WORDS, "It is \\boxed{3}.")]
    assert code(WHOLE) == ["x = 2\nprint(x)", "print(x + 1)"]


@pytest.mark.parametrize(("text", "kinds"), [
    ("", [WORDS]),
    ("No code at all.", [WORDS]),
    ("```python\nprint(1)\n```", [PYTHON]),
    ("\n\n```python\nprint(1)\n```\n\n", [PYTHON]),
    ("```\nplain\n```", [WORDS]),
    ("```json\n{}\n```\n```output\n1\n```", [WORDS, OUTPUT]),
    ("~~~python\na = '```'\n~~~\n", [PYTHON]),
    ("````python\n```\n````", [PYTHON]),
    ("Use `x` and ```y``` in a line.", [WORDS]),
])
def test_only_fences_of_python_and_of_output_are_pieces(text, kinds):
    assert [part.kind for part in parts(text)] == kinds


def test_a_fence_that_is_never_closed_runs_to_the_end_and_says_so():
    *_, last = parts("Look:\n```python\nprint(1)\nprint(2)")
    assert (last.kind, last.text, last.closed) == (PYTHON, "print(1)\nprint(2)", False)


PIECE = st.sampled_from(["```python\n", "```output\n", "```\n", "~~~\n", "```", "\n", "x = 1\n",
                         "words ", "\n\n", "````\n", "  ```py  \n", "\x0c", "\u2028"])


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECE, max_size=30).map("".join))
def test_the_pieces_are_all_of_the_text_and_none_is_empty_of_place(text):
    found = parts(text)
    assert "".join(text[part.start:part.end] for part in found) == text
    assert [part.start for part in found[1:]] == [part.end for part in found[:-1]]


def test_a_long_text_of_fences_is_read_in_linear_time():
    text = "```python\nprint(1)\n```\n" * 10_000
    began = time.process_time()
    assert len(parts(text)) == 10_000
    assert time.process_time() - began < 1


def test_the_tags_of_openmathinstruct_1_are_written_as_fences():
    text = ("So:\n<llm-code>\nprint(1)\n</llm-code>\n<llm-code-output>\n1\n"
            "</llm-code-output>\nIt is \\boxed{1}.")
    assert fenced(text) == ("So:\n```python\nprint(1)\n```\n```output\n1\n```\n"
                            "It is \\boxed{1}.")
    assert [part.kind for part in parts(fenced("So:<llm-code>print(1)</llm-code>Done."))] == [
        WORDS, PYTHON, WORDS]
    assert fenced("a < b and `<code>`") == "a < b and `<code>`"
