"""Cells run one after another, and what the last one shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mathmill.grading.sandbox.cells import BOUND, Cells

pytest.importorskip("pydantic_monty")

SHOWN = {
    "prints": (["x = 2\nprint(x + 1)"], "3", "value"),
    "only the last cell's output": (["x = 2\nprint(x)", "print(x + 1)"], "3", "value"),
    "a last expression, as in a notebook": (["x = 2", "x * 21"], "42", "value"),
    "nothing": (["x = 2"], "", "value"),
    "an error is its last line": (["1/0"], "ZeroDivisionError: division by zero", "error"),
    "what was printed before it stays": (
        ["print('a', end='')\nprint(b)"], "a\nNameError: name 'b' is not defined", "error"),
    "an earlier error is over": (["x = 2\nx / 0", "print(x)"], "2", "value"),
    "Python's own words, not an engine's": (
        ["'a'.foo"], "AttributeError: 'str' object has no attribute 'foo'", "error"),
    "what the first engine lacks is no error": (["print(pow(3, -1, 7))"], "5", "value"),
    "no Python": (["def f(:\n  pass"], "SyntaxError: invalid syntax", "error"),
    "no Python, then some": (["def f(:", "print(1)"], "1", "value"),
    "leaves": (["exit()"], "", "value"),
    "an error of many lines is one": (["raise ValueError('a\\nb')"], "ValueError: a b", "error"),
    "a text over lines is left alone": (["s = '''a\n  b'''\nprint(s)\n1/0"],
                                        "a\n  b\nZeroDivisionError: division by zero", "error"),
}


@pytest.fixture(scope="module")
def cells() -> Iterator[Cells]:
    with Cells(jobs=1) as cells:
        yield cells


def test_a_cell_shows_what_a_notebook_would_show(cells: Cells) -> None:
    found = cells.run([code for code, *_ in SHOWN.values()])
    assert {name: (one.text, one.kind) for name, one in zip(SHOWN, found, strict=True)} == {
        name: tuple(rest) for name, (_, *rest) in SHOWN.items()}
    assert found[4].error == "ZeroDivisionError"
    assert found[0].error == ""


def test_equal_lists_of_cells_run_once(cells: Cells) -> None:
    before = cells.runs
    assert len(cells.run([["print(7)"], ["print(7)"], ["print(7)", "print(8)"]])) == 3
    assert cells.runs == before + 2


def test_a_long_output_is_cut_in_its_middle_whether_it_ends_well_or_not(cells: Cells) -> None:
    for end in ("print('end')", "1/0"):
        (one,) = cells.run([[f"for i in range(9999): print(i)\n{end}"]])
        assert len(one.text) <= BOUND
        assert one.text.startswith("0\n1\n2\n")
        assert "\n...\n" in one.text
        assert one.text.endswith("end" if "end" in end else "division by zero")


@pytest.mark.slow
def test_code_that_never_ends_or_takes_all_memory_says_so(cells: Cells) -> None:
    endless, greedy = cells.run([["while True: pass"],
                                 ["x = []\nwhile True: x.append('a' * 10 ** 6)"]])
    assert (endless.text, endless.kind) == ("TimeoutError: the code took too long", "timeout")
    assert greedy.text == "MemoryError"
