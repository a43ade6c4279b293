"""A synthesizer that misbehaves in every way: no row of it, and each way counted by itself."""

from __future__ import annotations

import pytest

from mathmill.io import read_rows, write_rows
from mathmill.methods import FROM_TEXT_SHORT, FROM_TEXT_TOOL_SHORT
from mathmill.methods.from_text import any_of, written
from mathmill.stages import synthesize
from mathmill.teachers.scripted import ScriptedTeacher
from mathmill.texts import Text, make_text
from mathmill.types import Drop, Reply, Request, Sample
from mathmill.workbench import Workbench

PROBLEM = "A hall has 7 shelves with 30 books each. 12 books are out. How many are there?"
GOOD = written(PROBLEM, "7 * 30 - 12 = 198\nThe answer is 198")


def prompt_of(request: Request) -> str:
    return request.messages[-1].content


def text_of(request: Request) -> str:
    return prompt_of(request).split("\n\nText:\n", 1)[1]


HOSTILE = {
    "prompt repeated": lambda request: f"{prompt_of(request)}\n\n{GOOD}",
    "text copied": lambda request: written(text_of(request), "30 * 7 = 210\nThe answer is 210"),
    "cut off": lambda request: Reply("", f"{GOOD}\n" + "and so on " * 900, "", finish="length"),
    "empty reply": lambda request: " \n\n ",
    "two problems": lambda request: f"{GOOD}\n\n{GOOD}",
    "solution is the problem": lambda request: written(PROBLEM, f"{PROBLEM}\nThe answer is 12"),
    "sections reversed": lambda request: "Solution: 7 * 30 = 210\nThe answer is 210\nProblem: "
                                         + PROBLEM,
    "empty problem": lambda request: "Problem:\nSolution: 7 * 30 = 210\nThe answer is 210",
    "empty solution": lambda request: f"Problem: {PROBLEM}\nSolution:",
    "sections missing": lambda request: "books " * 500,
    "no solution section": lambda request: f"Problem: {PROBLEM}",
    "no problem section": lambda request: "Solution: 7 * 30 = 210\nThe answer is 210",
    "no working": lambda request: written(PROBLEM, "The answer is 198"),
    "no answer": lambda request: written(PROBLEM, "We count and count and count."),
    "too long": lambda request: written(PROBLEM, "7 * 30 = 210\n" * 6_000),
}
TOOL = {
    "no Python": lambda request: GOOD,
    "no output": lambda request: written(PROBLEM, "```python\nprint(198)\n```\n\\boxed{198}"),
    "fence not closed": lambda request: written(PROBLEM, "```python\nprint(198)\n" * 300),
}


def run(folder, method, write) -> Workbench:
    texts = [make_text(f"In hall {n} of the old library each of its seven shelves holds thirty "
                       "books, and the librarian counts them.") for n in range(12)]
    write_rows(folder / "texts" / "rows.parquet", texts, Text)
    teacher = ScriptedTeacher(write)
    bench = Workbench(folder / "out", {"seeds": folder / "texts"}, {
        "methods": [method], "open_teacher": lambda name, home, terms: teacher})
    synthesize.run(bench, methods=[{"method": method.name}], teacher="scripted:", samples=6,
                   budget={"attempts": 12})
    bench.close()
    return bench


@pytest.mark.parametrize(("reason", "method", "write"), [
    *((reason, any_of(FROM_TEXT_SHORT), write) for reason, write in HOSTILE.items()),
    *((reason, any_of(FROM_TEXT_TOOL_SHORT), write) for reason, write in TOOL.items())])
def test_every_misbehaviour_is_a_drop_with_its_reason(reason, method, write, tmp_path):
    good = GOOD if reason not in TOOL else written(
        PROBLEM, "```python\nprint(198)\n```\n```output\n198\n```\nIt is \\boxed{198}.")
    turn = iter(range(100))

    def answer(request: Request):
        number = next(turn)
        return good.replace("7 shelves", f"{number} shelves") if number % 2 else write(request)

    bench = run(tmp_path, method, answer)
    assert bench.drops.reasons == {reason: 6}
    assert bench.facts["methods"]["from_text.any"]["dropped"] == {reason: 6}
    rows = list(read_rows(tmp_path / "out" / "rows.parquet", Sample))
    assert [row.answer for row in rows] == ["198"] * 6
    drops = list(read_rows(tmp_path / "out" / "drops.parquet", Drop))
    assert {drop.method for drop in drops} == {"from_text.any"}
    assert all(len(drop.detail) <= 600 for drop in drops)
