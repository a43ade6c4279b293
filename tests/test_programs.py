"""A problem and its program: one function and back, one chat and back, nothing lost."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.errors import UsageError
from mathmill.programs import (
    from_chat,
    function_body,
    function_head,
    make_function,
    split_function,
    tidy,
    to_chat,
)

RIDE = "A ride has 8 cars.\nHow many riders?"
BODY = "riders = 8 * 2\nresult = riders + 23"
BODIES = [
    BODY, "result = 5", "import math\nresult = math.ceil(7 / 2)",
    "# all of them\ntotal = 0\nfor n in range(3):\n    total += n\n\n    # next\nresult = total",
    'note = """two\n  lines\n"""\nresult = len(note)', "text = 'a\\\n  b'\nresult = len(text)",
    "if 1 > 2:\n    return 7\nresult = 3", 'name = f"""{1}\n   {2}"""\nresult = name',
    'result = """a\nreturn"""', "result = (3 +\n4)", "", "x = 'é\u2028'\nresult = x",
]


@given(st.text())
def test_any_question_survives_the_docstring(question: str) -> None:
    function = make_function(question, BODY)
    assert split_function(function) == (question, BODY)
    assert question in (ast.get_docstring(ast.parse(function).body[0], clean=False) or "").replace(
        "\n    ", "\n")


@pytest.mark.parametrize("question", [
    '"', '""', '"""', '""""', 'He said "go"', "'''", "\\", "\\n", 'C:\\"""',
    "a\r\nb", "\0", "\ud800", "  spaces  ", "\n\n", "\t", "    deep\n  not", "\x0c\x1c\u2028",
    "三个苹果?"])
def test_questions_full_of_quotes_and_backslashes_come_back(question: str) -> None:
    assert split_function(make_function(question, BODY)) == (question, BODY)


@pytest.mark.parametrize("body", BODIES)
def test_a_body_comes_back_as_it_was(body: str) -> None:
    assert split_function(make_function(RIDE, body)) == (RIDE, body)


@pytest.mark.parametrize("body", [body for body in BODIES if "result =" in body])
def test_the_function_returns_what_the_body_assigns(body: str) -> None:
    spaces: list[dict[str, object]] = [{}, {}]
    exec(make_function(RIDE, body), spaces[0])  # our own text
    flat = body.replace("    return 7", "    pass")
    exec(flat, spaces[1])
    assert spaces[0]["simple_math_problem"]() == spaces[1]["result"]  # type: ignore[operator]


@given(st.lists(st.sampled_from(["a = 1", "    b = 2", "", "  ", "if a:", "'''", "return 3", "\tc",
                                 "# d", "result = a", "\\", "  '''x"]), max_size=7).map("\n".join))
def test_bodies_settle_after_one_round(body: str) -> None:
    function = make_function(RIDE, body)
    try:
        question, first = split_function(function)
    except UsageError:
        return
    assert question == RIDE
    assert split_function(make_function(RIDE, first)) == (RIDE, first)


def test_the_function_looks_as_in_the_paper() -> None:
    assert make_function("How many?", BODY) == (
        'def simple_math_problem() -> int|float:\n    """\n    How many?\n    """\n'
        "    riders = 8 * 2\n    result = riders + 23\n    return result")
    assert make_function(RIDE, BODY) == function_head(RIDE) + function_body(BODY)


def test_indented_bodies_and_other_line_ends_are_set_to_the_margin() -> None:
    assert tidy("\n    a = 1\r\n    if a:\r        b = 2  \n\n") == "a = 1\nif a:\n    b = 2"
    assert make_function(RIDE, "  a = 1\n  result = a") == make_function(
        RIDE, "a = 1\nresult = a")


@pytest.mark.parametrize(("text", "question", "body"), [
    ('def f():\n  "Why?"\n  return 2 + 3', "Why?", "result = 2 + 3"),
    ("def f():\n    x = 1\n    return x", "", "x = 1\nresult = x"),
    ('import math\n\ndef simple_math_problem():\n    """Q\n    more"""\n    return math.pi\n\n'
     "def other(): return 1\nprint(simple_math_problem())", "Q\nmore",
     "import math\nresult = math.pi"),
    ("def f():\n    x = 1; return x", "", "x = 1; result = x"),
    ("def f():\n    # first\n    x = 1\n    return", "", "# first\nx = 1\nreturn"),
    ('def f():\n    "only a question"', "only a question", ""),
])
def test_functions_in_other_layouts_are_read(text: str, question: str, body: str) -> None:
    assert split_function(text) == (question, body)


@pytest.mark.parametrize("text", ["", "x = 1", "def f(:", "def f(): return 1", "\0", "(" * 1_000])
def test_what_is_no_function_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        split_function(text)
    assert "\n" not in str(refused.value)


def test_a_row_becomes_a_chat_and_comes_back() -> None:
    chat = [{"role": "user", "content": RIDE}, {"role": "assistant", "content": BODY}]
    row = from_chat(chat)
    assert to_chat(row) == chat
    assert (row.solution, row.answer) == (make_function(RIDE, BODY), None)
    fenced = f"Sure:\n```python\n{row.solution}\n```\n."
    assert from_chat([chat[0], {"role": "assistant", "content": fenced}]) == row
    with pytest.raises(UsageError):
        from_chat(chat[:1])
