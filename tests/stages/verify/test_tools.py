"""Code in a solution must run and print what the solution says; each failing has its reason."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from stage_makers import row

from mathmill.grading.sandbox.outcome import Limits
from mathmill.grading.sandbox.run import Sandbox
from mathmill.io import read_rows, write_rows
from mathmill.stages import verify
from mathmill.stages.verify.programs import Runner
from mathmill.stages.verify.tools import ToolRuns, claim_of, same_output
from mathmill.types import UNDECIDED, WRONG, Sample
from mathmill.workbench import Workbench

pytest.importorskip("pydantic_monty")


def solution(code: str, output: str | None, last: str = "There are \\boxed{198}.") -> str:
    told = "" if output is None else f"```output\n{output}\n```\n"
    return f"First we count.\n```python\n{code}\n```\n{told}{last}"


@pytest.fixture(scope="module")
def check():
    with Sandbox(Limits(seconds=0.4), jobs=1) as sandbox:
        yield ToolRuns(Runner(sandbox, whole=1e-9))


GOOD = {
    "one block": solution("print(7 * 30 - 12)", "198"),
    "another layout": solution("print('a', 198)", "  a   198 "),
    "the last expression shown": solution("x = 198\nx", "198"),
    "noise of a float": solution("print(0.1 + 0.2 + 197.7)", "198.0"),
    "a list of floats": solution("print([0.1 + 0.2, 198])", "[0.3, 198]"),
    "rounded in words": solution("print(594.3 / 3)", "198.1"),
    "whole as a float": solution("print(594 / 3)", "198.0"),
    "two blocks in one space": solution("x = 210\nprint(x)", "210", solution(
        "print(x - 12)", "198")),
    "a block that says nothing": solution("x = 210", None, solution("print(x - 12)", "198")),
    "labelled output": solution("print('books:', 198)", "books: 198"),
    "another form in words": solution("print(0.25)", "0.25", "It is \\boxed{25\\%}."),
    "a decimal of a fraction": solution("print(1.6)", "1.6", "It is \\boxed{8/5}."),
    "several lines": solution("for n in range(3): print(n)\nprint(198)", "0\n1\n2\n198"),
}
BAD = {
    "no program": ["No code at all. \\boxed{198}", "```\nprint(198)\n```\n```output\n198\n```"],
    "no output told": [solution("print(198)", None)],
    "prints something else": [
        solution("print(198)", "197"), solution("print(198)", ""), solution("x = 198", "198"),
        solution("print('198 books')", "198"), solution("print(1.98)", "1.99"),
        solution("print(10 ** 20 + 1)", str(10 ** 20)),
        solution("x = 1\nprint(x)", "2", solution("print(198)", "198"))],
    "answer is not what is printed": [solution("print(210)", "210"), solution("print(199)", "199"),
                                      solution("print('3/2')", "3/2")],
    "program raises an error": [solution("print(1 / 0)", "198"), solution("print(y)", "198"),
                                solution("print(198", "198")],
    "program takes too long": [solution("while True: pass", "198")],
    "program refused": [solution("print('a' * 20000)", "a" * 20000)],
}


@pytest.mark.parametrize("name", GOOD)
def test_code_that_prints_what_is_said_is_fit(check, name):
    [found] = check.find([row("How many?", "198" if "\\boxed{198}" in GOOD[name] else None,
                              GOOD[name])])
    assert (found.fault, found.verdict.value) == ("", UNDECIDED)


@pytest.mark.parametrize(("fault", "text"), [
    (fault, text) for fault, texts in BAD.items() for text in texts])
def test_every_way_to_fail_has_its_reason(check, fault, text):
    [found] = check.find([row("How many?", "198", text)])
    assert found.fault == fault
    stopped = fault in ("program takes too long", "program refused")
    assert found.verdict.value == (UNDECIDED if stopped else WRONG)


def test_a_row_without_an_answer_gets_what_is_printed_last(check):
    [found] = check.find([row("How many?", None, solution("print('so', 198)", "so 198", "Done."))])
    assert found.row.answer == "198"


def test_an_answer_of_monstrous_size_is_compared_in_no_time(check):
    [found] = check.find([row("How many?", "1e999999999", GOOD["one block"])])
    assert found.fault == ""


def test_each_block_claims_the_first_output_after_it():
    claim = claim_of("```output\n0\n```\n```python\na\n```\n```output\n1\n```\n```output\n2\n```\n"
                     "```python\nb\n```\n```python\nc\n```\n```output\n3\n```")
    assert claim.blocks == ("a", "b", "c")
    assert claim.outputs == ("1", None, "3")


@pytest.mark.parametrize(("one", "other", "alike"), [
    ("1 2", "1\n2", True), ("1.0", "1", True), ("0.30000000000000004", "0.3", True),
    ("1e-3", "0.001", True), ("(1.5, 2)", "(1.50, 2)", True), ("nan", "nan", True),
    ("1", "2", False), ("1 2", "12", False), ("1.5x", "1.5y", False), ("", "1", False),
    ("1e5", "one", False), ("100000000000000001", "100000000000000002", False)])
def test_outputs_are_alike_but_for_white_space_and_noise(one, other, alike):
    assert same_output(one, other) is alike


def test_the_stage_keeps_rows_that_print_what_they_say(tmp_path, check):
    rows = [row("How many?", "198", GOOD["one block"]),
            row("How many?", "198", BAD["prints something else"][0])]
    write_rows(tmp_path / "in" / "rows.parquet", rows, Sample)
    bench = Workbench(tmp_path / "out", {"rows": tmp_path / "in"},
                      {"sandbox": lambda limits: nullcontext(check.runner.sandbox)})
    verify.run(bench, by=["tool_runs"])
    bench.close()
    [kept] = read_rows(tmp_path / "out" / "rows.parquet", Sample)
    assert (kept.id, kept.checks, kept.verdict) == (rows[0].id, ("tool_runs",), UNDECIDED)
    assert bench.drops.reasons == {"prints something else": 1}
    assert bench.facts["checks"]["tool_runs"] == {
        "rows": 2, "faults": {"prints something else": 1}}
