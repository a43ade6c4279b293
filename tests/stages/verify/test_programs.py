"""Tests of the checks that execute programs: every way to end has its reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import pytest
from stage_makers import ShuffledTeacher, row, solve_request

from mathmill.errors import UsageError
from mathmill.grading.sandbox.outcome import Limits, Outcome
from mathmill.io import read_rows, write_rows
from mathmill.programs import make_function
from mathmill.stages import verify
from mathmill.stages.verify.programs import judged
from mathmill.stages.verify.questions import HasDigits, LongEnough
from mathmill.types import CORRECT, UNDECIDED, Sample
from mathmill.workbench import Workbench

CASES = [json.loads(line) for line in (
    Path(__file__).resolve().parents[2] / "cases" / "program_outcomes.jsonl"
).read_text(encoding="utf-8").splitlines()]


class Scripted:
    """A sandbox that looks up what a program's text says of itself."""

    ran: ClassVar[list[str]] = []

    def __init__(self, limits: Limits) -> None:
        self.limits, self.turn = limits, 0

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, programs):
        for program in programs:
            self.ran.append(program.code)
            said = program.code.split("result = ")[1].split("\n")[0]
            self.turn += 1
            if said.startswith("boom"):
                yield Outcome("error", error="ZeroDivisionError")
            else:
                yield Outcome("value", str(self.turn) if said == "clock" else said, "int")


def program(question: str, value: str, **more) -> Sample:
    return row(question, None, make_function(question, f"result = {value}"), **more)


def run(folder, rows, teacher=None, truth=None, **literals):
    Scripted.ran = []
    write_rows(folder / "in" / "rows.parquet", rows, Sample)
    tools = {"open_teacher": lambda name, home, terms: teacher, "solve_request": solve_request,
             "program_request": solve_request, "sandbox": Scripted}
    if truth is not None:
        tools["truth"] = truth
    bench = Workbench(folder / "out", inputs={"rows": folder / "in"}, tools=tools)
    verify.run(bench, **literals)
    return list(read_rows(folder / "out" / "rows.parquet", Sample)), bench.drops, bench.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['kind']} {case.get('value')}")
def test_every_way_to_end_has_a_verdict_and_a_plain_reason(case):
    outcome = Outcome(case["kind"], case.get("value"), case.get("type", ""),
                      case.get("error", ""))
    ran = judged(outcome, 1e-9)
    assert (ran.answer, ran.fault, ran.verdict.value) == (
        case["answer"], case["fault"], case["verdict"])
    assert ran.verdict.how


def test_a_text_without_a_program_is_wrong():
    assert judged(None, 0.0).fault == "no program"


def test_a_program_row_gets_its_answer_and_goes_on_to_the_other_checks(tmp_path):
    rows = [program("How many of the 4?", "4", expected="4.0"),
            program("Two", "5", expected="6"), program("Three", "boom"), row("Four", "4")]
    kept, drops, tally = run(tmp_path, rows, by=["runs", "answer_agrees"])
    assert [(r.answer, r.verdict, r.checks, r.verdict_by) for r in kept] == [
        ("4", CORRECT, ("runs", "answer_agrees"), "answer_agrees: number")]
    assert [(d.id, d.reason) for d in drops] == [
        (rows[1].id, "wrong answer"), (rows[2].id, "program raises an error"),
        (rows[3].id, "no program")]
    assert tally["facts"]["checks"] == {
        "runs": {"rows": 4, "faults": {"no program": 1, "program raises an error": 1}},
        "answer_agrees": {"rows": 2, "faults": {}}}
    assert tally["facts"]["programs"] == {"error: ZeroDivisionError": 1, "no program": 1,
                                          "value: int": 2}


def test_each_check_is_a_switch_and_label_keeps_what_is_unfit(tmp_path):
    rows = [program("So few 4?", "4"), program("no number in this one but it is long", "5"),
            program("it is long enough and has 1 number, I think", "6")]
    for by, faults in [(["long_enough(6)"], ["question under 6 words"]),
                       (["has_digits"], ["question without digits"]),
                       (["has_digits", "long_enough(6)"], ["question under 6 words",
                                                           "question without digits"]),
                       (["runs"], [])]:
        folder = tmp_path / "-".join(by)
        _, drops, _ = run(folder, rows, by=by)
        assert sorted(d.reason for d in drops) == faults
        kept, drops, _ = run(folder / "all", rows, by=by, keep="label")
        assert (len(kept), len(drops)) == (3, 0)
        assert {r.verdict for r in kept} == {UNDECIDED}
    assert kept[0].checks == ("runs",)


@pytest.mark.parametrize(("question", "short", "digits"), [
    ("One two three four five 6?", False, True), ("One, two; three - four?", True, False),
    ("小明有3个苹果", False, True), ("३ apples and ४ pears, please now", False, True),
    ("", True, False), ("½ of six apples and pears", False, False)])
def test_words_and_digits_are_counted_in_any_script(tmp_path, question, short, digits):
    found = [LongEnough(6), HasDigits()]
    faults = [check.find([row(question)])[0].fault for check in found]
    assert [bool(fault) for fault in faults] == [short, not digits]


def test_a_program_that_reads_the_clock_is_found_by_running_it_twice(tmp_path):
    rows = [program("a", "4"), program("b", "clock"), program("c", "boom")]
    kept, drops, _ = run(tmp_path, rows, by=["deterministic"])
    assert [r.question for r in kept] == ["a", "c"]
    assert drops[0].reason == "program not deterministic"
    assert "then" in drops[0].detail
    run(tmp_path / "both", rows, by=["runs", "deterministic"])
    assert len(Scripted.ran) == 3 + 2  # the first run counts for both; what failed goes no further


def test_programs_vote_by_what_they_return(tmp_path):
    said = {"a": ["4", "4.0", "5"], "b": ["7", "boom", "8"], "c": ["boom", "boom", "1"]}
    teacher = ShuffledTeacher(lambda r: "```python\nresult = "
                              + said[r.messages[0].content][r.sample % 4 % 3] + "\n```")
    rows = [program("a", "4"), program("a", "9"), program("b", "7"), program("c", "1")]
    kept, drops, tally = run(tmp_path, rows, teacher, by=["runs", "programs_agree(3)"])
    assert [(r.question, r.verdict) for r in kept] == [
        ("a", CORRECT), ("b", UNDECIDED), ("c", UNDECIDED)]
    assert [(d.reason, json.loads(d.row)["answer"]) for d in drops] == [("wrong answer", "9")]
    assert tally["facts"]["votes"]["by_check"]["programs_agree"]["unreadable"] == 3
    assert tally["facts"]["votes"]["asked"] == 9


def test_a_prose_solution_must_have_an_equal_answer(tmp_path):
    teacher = ShuffledTeacher(lambda r: "So.\nThe answer is "
                              + {"a": "4.0", "b": "5", "c": "?"}[r.messages[0].content])
    rows = [program(q, "4") for q in "abc"]
    kept, drops, tally = run(tmp_path, rows, teacher, by=["runs", "prose_agrees"])
    assert [(r.question, r.verdict) for r in kept] == [("a", CORRECT), ("c", UNDECIDED)]
    assert [d.reason for d in drops] == ["wrong answer"]
    assert tally["facts"]["votes"]["asked"] == 3
    assert [r.temperature for r in teacher.asked] == [0.7] * 3


def test_program_rows_are_held_against_the_truth(tmp_path):
    rows = [program("a", "4"), program("b", "5"), program("c", "boom")]
    *_, tally = run(tmp_path, rows, truth={"a": "4", "b": "4", "c": "4"}.get, by=["runs"])
    facts = tally["facts"]["truth"]
    assert (facts["kept_right"], facts["kept_wrong"], facts["dropped_wrong"]) == (1, 1, 1)
    assert facts["verdict_wrong"]["precision"] == 1.0


@pytest.mark.parametrize("by", [["long_enough(0)"], ["runs(2)"], ["programs_agree(0)"],
                                ["prose_agrees(3)"], ["has_digits(1)"], ["Runs"], ["runs "]])
def test_what_cannot_be_right_is_refused(tmp_path, by):
    with pytest.raises(UsageError, match=r"there are|decides nothing"):
        run(tmp_path, [program("a", "4")], by=by)


@pytest.mark.slow
def test_programs_in_the_real_sandbox_are_told_apart(tmp_path):
    pytest.importorskip("pydantic_monty", reason="the sandbox needs mathmill[sandbox]")
    said = {"result = 6 * 7": "", "result = None": "program returns None",
            "while True: pass": "program takes too long", "result = 1 / 0":
            "program raises an error", "import random\nresult = random.random()":
            "program not deterministic", "import time\nresult = time.time()":
            "program not deterministic", "import socket\nresult = 1": "program refused",
            "result = 17.999999999999996": "", "result = 'x' * 10**7": "program refused"}
    rows = [row(f"q{n}", None, make_function(f"q{n}", body)) for n, body in enumerate(said)]
    write_rows(tmp_path / "in" / "rows.parquet", rows, Sample)
    bench = Workbench(tmp_path / "out", inputs={"rows": tmp_path / "in"})
    verify.run(bench, by=["runs", "deterministic"], seconds=1.0)
    found = {drop.id: drop.reason for drop in bench.drops}
    assert {body: found.get(row.id, "") for body, row in zip(said, rows, strict=True)} == said
    kept = read_rows(tmp_path / "out" / "rows.parquet", Sample)
    assert [one.answer for one in kept] == ["42", "18"]
