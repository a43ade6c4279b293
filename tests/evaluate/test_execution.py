"""From a response to its program, its end, its answer and its verdict."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mathmill.evaluate.execution import Executor, program_in, tolerant_verdicts, verdict
from mathmill.programs import function_body, make_function

pytest.importorskip("pydantic_monty")

ASK = "Tom has 3 pens and buys 4 more. How many pens?"
RESPONSES = {
    "body": ("result = 3 + 4", "value", "7", "correct"),
    "an own return": ("pens = 3 + 4\nreturn pens", "value", "7", "correct"),
    "a float near a whole number": ("result = 0.1 * 3 / 0.1 + 4.0", "value", "7", "correct"),
    "wrong": ("result = 3 - 4", "value", "-1", "wrong"),
    "nothing assigned": ("pens = 3 + 4", "error", None, "wrong"),
    "no value": ("result = None", "value", None, "wrong"),
    "no Python": ("3 + 4 makes seven pens, so Tom has", "error", None, "wrong"),
    "empty": (" \n", "no program", None, "wrong"),
    "a fence": ("Sure:\n```python\nresult = 3 + 4\n```\nDone.", "value", "7", "correct"),
    "a whole function": (make_function("q", "result = 7"), "value", "7", "correct"),
    "a helper": ("def add(a, b):\n    return a + b\nresult = add(3, 4)", "value", "7", "correct"),
    "a cut end": ("pens = 3\nresult = pens + (", "error", None, "wrong"),
}


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with Executor("program", jobs=1) as executor:
        yield executor


def test_each_kind_of_response_ends_as_it_should(executor: Executor) -> None:
    ended = executor.run([(ASK, response) for response, *_ in RESPONSES.values()])
    found = {name: (done.outcome.kind, done.answer,
                    verdict(ASK, "7", done, "tolerant").value)
             for name, done in zip(RESPONSES, ended, strict=True)}
    assert found == {name: tuple(rest) for name, (_, *rest) in RESPONSES.items()}
    errors = {name: done.error for name, done in zip(RESPONSES, ended, strict=True) if done.error}
    assert errors.pop("no Python") == errors.pop("a cut end") == "SyntaxError"
    assert errors.pop("nothing assigned") == "NameError"
    assert errors == {"no value": "no answer (NoneType)"}


@pytest.mark.slow
def test_a_program_that_does_not_end_is_undecided(executor: Executor) -> None:
    (done,) = executor.run([(ASK, "while True:\n    pass\nresult = 7")])
    assert (done.outcome.kind, done.answer) == ("timeout", None)
    assert verdict(ASK, "7", done, "tolerant").value == "undecided"


def test_equal_programs_run_once_whatever_the_question(executor: Executor) -> None:
    before = executor.programs
    ended = executor.run([(ASK, "result = 41"), ("Another?", "result = 41"), (ASK, "result = 42")])
    assert executor.programs == before + 2
    assert [done.answer for done in ended] == ["41", "41", "42"]
    assert "Another?" in ended[1].program
    assert tolerant_verdicts(("mine", ASK, "41", done) for done in ended)[2].value == "wrong"


def test_the_papers_rule_reads_the_value_as_a_declared_answer(executor: Executor) -> None:
    (half,) = executor.run([(ASK, "result = 3.5")])
    assert verdict(ASK, "4", half, "strict").value == "correct"  # rounded, as in the papers
    assert verdict(ASK, "4", half, "tolerant").value == "wrong"


def test_a_value_may_name_an_option(executor: Executor) -> None:
    question = "How many?\n(A) 5\n(B) 7"
    (done,) = executor.run([(question, "result = 3 + 4")])
    assert verdict(question, "B", done, "tolerant").value == "correct"


@pytest.mark.parametrize("body", [
    "pens = 3\nresult = pens + 4", "if 3 > 2:\n    pens = 3\n\nresult = pens + 4"])
@pytest.mark.parametrize("margin", ["    ", "  ", "\t"])
def test_an_indented_body_is_one_program_with_the_spaces_before_it_or_without(
        body: str, margin: str) -> None:
    indented = "\n".join(margin + line if line else line for line in body.split("\n"))
    wanted = program_in(ASK, body, "program")
    assert wanted[1] is not None
    assert program_in(ASK, indented, "program") == wanted  # as `sample` reads it
    assert program_in(ASK, indented.strip(), "program") == wanted  # as `evaluate` does


@pytest.mark.parametrize("response", [
    "    pens = 3 + 4\n    return pens", "pens = 3 + 4\n    return pens",
    "    pens = 3 + 4\n    return pens\n\nprint(5)\ndef more():", "    return 3 + 4"])
def test_in_the_form_function_the_body_ends_with_its_indentation(
        executor: Executor, response: str) -> None:
    text, program = program_in(ASK, response, "function")
    assert program is not None
    scope: dict[str, object] = {}
    exec(program.code, scope)  # our own text
    assert scope["simple_math_problem"]() == 7  # type: ignore[operator]
    assert text == make_function(ASK, "pens = 3 + 4\nreturn pens" if "pens" in response
                                 else "return 3 + 4")
    assert function_body("return 3 + 4") in program.code or "pens" in response
