"""Solved problems become rows, or replies to prompts on texts; the others drop and are counted."""

from __future__ import annotations

import pytest

from mathmill.errors import StepFailed, UsageError
from mathmill.io import read_rows, write_rows
from mathmill.methods import FROM_TEXT_SHORT
from mathmill.methods.from_text import Asking, any_of, written
from mathmill.pipeline import seeds, texts
from mathmill.pipeline import solved as verb
from mathmill.stages import solved
from mathmill.texts import Text, make_text
from mathmill.types import Problem, Sample, make_problem
from mathmill.workbench import Workbench

SOLVED = [make_problem(f"What is {n} + 1, pens?", answer=str(n + 1), solution=f"{n} + 1 = {n + 1}")
          for n in range(4)]
BARE = [make_problem("What is it?"), make_problem("And this?", solution="  ")]
TEXTS = [make_text(f"In hall {n} books are kept.") for n in range(4)]


def run(folder, problems, given=None) -> Workbench:
    inputs = {}
    for place, part in enumerate(problems):
        inputs[f"problems.{place}"] = folder / f"p{place}"
        write_rows(folder / f"p{place}" / "rows.parquet", part, Problem)
    if given is not None:
        inputs["texts"] = folder / "texts"
        write_rows(folder / "texts" / "rows.parquet", given, Text)
    bench = Workbench(folder / "out", inputs, {
        "question": Asking((any_of(FROM_TEXT_SHORT),)), "reply": written})
    solved.run(bench)
    bench.close(rows_in=sum(map(len, problems)))
    return bench


def rows_of(bench: Workbench) -> list[Sample]:
    return list(read_rows(bench.out / "rows.parquet", Sample))


def test_each_solved_problem_is_a_row_and_each_other_a_drop(tmp_path):
    bench = run(tmp_path, [SOLVED[:2], [*BARE, *SOLVED[2:]]])
    assert [(row.question, row.solution, row.answer) for row in rows_of(bench)] == [
        (one.question, one.solution, one.answer) for one in SOLVED]
    assert bench.drops.reasons == {"no solution": 2}


def test_code_tags_become_fences(tmp_path):
    one = make_problem("What is 1 + 1?", answer="2",
                       solution="<llm-code>\nprint(1 + 1)\n</llm-code>\nIt is 2.")
    assert rows_of(run(tmp_path, [[one]]))[0].solution == "```python\nprint(1 + 1)\n```\nIt is 2."


def test_with_texts_a_row_is_the_reply_to_a_prompt_on_the_next_text(tmp_path):
    found = rows_of(run(tmp_path, [[SOLVED[0], BARE[0], *SOLVED[1:]]], TEXTS))
    assert [row.question.rpartition("Text:\n")[2] for row in found] == [t.text for t in TEXTS]
    assert [row.solution for row in found] == [
        written(one.question, one.solution) for one in SOLVED]
    assert len({row.question.partition("\n")[0] for row in found}) == 4, "the kinds take turns"


def test_too_few_texts_and_problems_without_solutions_are_told(tmp_path):
    with pytest.raises(StepFailed, match="there are 2 texts, and more problems that are solved"):
        run(tmp_path / "one", [[*BARE, *SOLVED]], TEXTS[:2])
    with pytest.raises(StepFailed, match="none of the problems has a solution"):
        run(tmp_path / "two", [BARE])
    with pytest.raises(UsageError, match="name some"):
        verb(seeds("symbolic:count=2"), texts("shipped:"))
