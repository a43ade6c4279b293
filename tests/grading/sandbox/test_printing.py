"""What each block of a program prints is handed over, block by block."""

from __future__ import annotations

import pytest

from mathmill.grading.sandbox.outcome import ERROR, REFUSED, VALUE, Outcome
from mathmill.grading.sandbox.printing import answer_in, printed, printing
from mathmill.grading.sandbox.run import Sandbox

pytest.importorskip("pydantic_monty")


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(jobs=1) as opened:
        yield opened


def test_every_block_keeps_its_own_output_in_one_space_of_names(sandbox):
    outcome = sandbox.one(printing(["x = 2", "print(x + 1)\nprint('end')", "print(x)"]))
    assert printed(outcome) == ["", "3\nend", "2"]


@pytest.mark.parametrize(("block", "shown"), [
    ("print(1, 2, sep='-', end='')\nprint('x')", "1-2x"),
    ("print(*[1, 2], sep=', ')", "1, 2"),
    ("for i in range(3): print(i)", "0\n1\n2"),
    ("print()", ""),
    ("from fractions import Fraction\nprint(Fraction(1, 3))", "1/3"),
    ("def f(n):\n    print('in')\n    return n\nprint(f(4))", "in\n4"),
    ("print('é ∑', None, 1.5)", "é ∑ None 1.5"),
    ("3 + 4", "7"),
    ("x = 3\nx * 2  # six", "6"),
])
def test_print_keeps_what_python_would_have_written(sandbox, block, shown):
    assert printed(sandbox.one(printing([block]))) == [shown]


@pytest.mark.parametrize(("block", "kind"), [("print(1 / 0)", ERROR), ("print(x", ERROR),
                                         ("print('a' * 20000)", REFUSED)])
def test_a_block_that_fails_has_no_output(sandbox, block, kind):
    outcome = sandbox.one(printing(["print(1)", block]))
    assert (outcome.kind, printed(outcome)) == (kind, None)


@pytest.mark.parametrize(("value", "kind"), [("[1, 2]", "list"), ("'a'", "str"), ("[", "list"),
                                         ("x", "list")])
def test_a_value_that_is_no_list_of_texts_is_no_output(value, kind):
    assert printed(Outcome(VALUE, value, kind)) is None


@pytest.mark.parametrize(("output", "answer"), [
    ("198", "198"), ("1\n2\n3", "3"), ("books: 198\n\n", "198"), ("so 198", "198"),
    ("x = 5", "5"), ("There are 12 pens.", "12"), ("[-2, 2]", "-2, 2"), ("18.0", "18"),
    ("0.30000000000000004", "0.3"), ("3/4", "3/4"), ("", None), ("None", None), ("nan", None)])
def test_the_answer_in_an_output_is_that_of_its_last_line(output, answer):
    assert answer_in(output) == answer
