"""A model that writes, has its code run, is shown the output and goes on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mathmill.decoding.generation import Written
from mathmill.errors import UsageError
from mathmill.evaluate import rounds, writers
from mathmill.evaluate.rounds import Told, output_block
from mathmill.evaluate.run import run
from mathmill.grading.sandbox.cells import Shown
from mathmill.io import read_rows, write_rows
from mathmill.train.data import render
from mathmill.types import Problem, Sample, Score, make_problem
from mathmill.workbench import Workbench

pytest.importorskip("torch")
pytest.importorskip("pydantic_monty")

PROBLEMS = [make_problem(f"Item {number}: how many?", answer=answer)
            for number, answer in enumerate(["7", "12", "5", "3", "9", "1"])]
CODE = "```python\nx = 3\nprint(x + 4)\n```\n"
# What the model writes on an item, round by round.
SAYS = {
    0: [CODE, "There are \\boxed{7}."],
    1: ["First:\n```python\nx = 5\n```\n", "```python\nprint(y)\n```\n",
        "```python\nprint(x + 7)\n```\n", "So \\boxed{12}."],  # the code of all rounds together
    2: ["It is \\boxed{5}."],
    3: ["```python\nprint(3)\n```\n"] * 9,  # never ends
    4: ["```python\nprint('9' * 3000)", "Too long. The answer is 9."],  # its fence is not closed
    5: ["```python\n1/0\n```"],  # cut off by its length
}


def scripted(seen: list[str]) -> Any:
    def decode(_: Any, tokenizer: Any, asks: Any) -> list[Written]:
        outs = []
        for ask in asks:
            text = tokenizer.decode(ask.ids, skip_special_tokens=True)
            seen.append(text)
            number = int(re.search(r"Item (\d)", text)[1])
            count = text.count("```output\n")
            long = number == 5
            outs.append(Written(SAYS[number][count], 4, "length" if long else "stop", None))
            assert rounds.ASKS in ask.stops
        return outs

    return decode


@pytest.fixture
def asked(monkeypatch: Any) -> list[str]:
    seen: list[str] = []
    monkeypatch.setattr(writers, "decode", scripted(seen))
    return seen


def bench(folder: Path, opened: tuple[Any, Any]) -> Workbench:
    write_rows(folder / "suite" / "rows.parquet", PROBLEMS, Problem)
    return Workbench(folder / "out", {"suite.mine": folder / "suite"},
                     {"open_model": lambda name: opened})


@pytest.fixture
def student(base_folder: Path) -> tuple[Any, Any]:
    from mathmill.decoding.models import open_model

    return open_model(str(base_folder), device="cpu")


def evaluate(folder: Path, student: tuple[Any, Any], **changes: Any) -> Workbench:
    place = bench(folder, student)
    run(place, suites=["mine"], base="x", max_new_tokens=9, batch=2, form="tool", **changes)
    place.close()
    return place


def test_each_item_is_written_on_run_and_graded_as_it_asks(
        tmp_path: Path, student: tuple[Any, Any], asked: list[str]) -> None:
    place = evaluate(tmp_path, student)
    scores = list(read_rows(place.out / "rows.parquet", Score))
    assert [one.finish for one in scores] == ["stop", "stop", "stop", "rounds", "stop", "length"]
    assert [one.answer for one in scores] == ["7", "12", "5", None, "9", None]
    assert [one.tolerant for one in scores] == ["correct"] * 3 + ["wrong", "correct", "wrong"]
    assert scores[0].response == f"{CODE}```output\n7\n```\nThere are \\boxed{{7}}."
    assert "```output\nNameError: name 'y' is not defined\n```" in scores[1].response
    assert "```output\n12\n```\nSo" in scores[1].response
    assert scores[3].response.count("```output\n3\n") == 3, "run after each round but the last"
    assert "print('9' * 3000)\n```\n```output\n999" in scores[4].response
    assert len(scores[4].response) < 1200, "an output is cut"
    assert [one.tokens for one in scores] == [8, 16, 4, 16, 8, 4]
    facts = place.facts
    table = facts["suites"]["mine"]
    assert table["rounds"] == {"1": 2, "2": 2, "4": 2}
    assert (table["wanted_more"], table["no_program"], table["truncated"]) == (1, 2, 1)
    assert table["kinds"] == {"value": 7, "error": 1}
    assert table["errors"] == {"NameError": 1}
    assert (facts["form"], facts["tokens"]) == ("tool", 56)
    assert all("Solve it with Python." in text for text in asked)


def test_fewer_rounds_end_sooner(tmp_path: Path, student: tuple[Any, Any],
                                 asked: list[str]) -> None:
    place = evaluate(tmp_path, student, rounds=2)
    scores = list(read_rows(place.out / "rows.parquet", Score))
    assert [one.finish for one in scores] == ["stop", "rounds", "stop", "rounds", "stop", "length"]
    with pytest.raises(UsageError, match="rounds of at least 1"):
        evaluate(tmp_path / "none", student, rounds=0)


@pytest.mark.slow
def test_a_killed_evaluation_makes_nothing_twice(tmp_path: Path, student: tuple[Any, Any],
                                                 asked: list[str], monkeypatch: Any) -> None:
    whole = evaluate(tmp_path, student)
    journal = whole.out / "responses.jsonl"
    lines = journal.read_text("utf-8").splitlines(keepends=True)
    assert len(lines) == (3 + 1) + (2 + 1) + (1 + 1) + 1  # batches and runs of four rounds
    for kept in (2, 3, 6):  # torn: a batch, the first runs, the second ones
        journal.write_text("".join(lines[:kept]) + lines[kept][:5], encoding="utf-8")
        asked.clear()
        again = evaluate(tmp_path, student)
        assert list(read_rows(again.out / "rows.parquet", Score)) == list(
            read_rows(whole.out / "rows.parquet", Score))
        assert journal.read_text("utf-8").splitlines(keepends=True) == lines
        batches = [line for line in lines[kept:] if isinstance(json.loads(line)[0][1], int)]
        assert len(asked) == sum(len(json.loads(line)) for line in batches)
    assert again.facts["suites"] == whole.facts["suites"]


def test_what_a_model_goes_on_from_has_the_tokens_that_it_was_trained_on(
        tmp_path: Path, student: tuple[Any, Any], monkeypatch: Any) -> None:
    _, tokenizer = student
    given: list[list[int]] = []

    def decode(_: Any, __: Any, asks: Any) -> list[Written]:
        given.extend(list(ask.ids) for ask in asks)
        return [Written(CODE if len(given) <= len(PROBLEMS) else "Done.", 4, "stop", None)
                for _ in asks]

    monkeypatch.setattr(writers, "decode", decode)
    evaluate(tmp_path, student)
    solution = f"{CODE}{output_block('7')}There are \\boxed{{7}}."
    row = Sample(id="x", question=PROBLEMS[0].question, solution=solution, answer="7",
                 expected=None, seed="x", parent="x", method="x")
    ((trained,), (prompt,)) = (lambda made: (made.tokens, made.prompts))(
        render([row], tokenizer, 999, form="tool")[0])
    first = [ids for ids in given if ids == trained[:prompt]]
    second = [ids for ids in given if len(ids) > prompt and ids == trained[:len(ids)]]
    assert (len(first), len(second)) == (1, 1)
    assert tokenizer.decode(trained[len(second[0]):]).startswith("There are")


@pytest.mark.parametrize(("written", "finish", "asks"), [
    (CODE, "stop", True),
    (CODE + "\n\n", "stop", True),
    ("Words.\n" + CODE, "stop", True),
    ("```python\nprint(1)", "stop", True),
    (CODE + "That is 7.", "stop", False),
    (CODE, "length", False),
    ("", "stop", False),
    ("```\nprint(1)\n```", "stop", False),  # no code: nobody said that it is Python
])
def test_a_response_that_ends_with_its_code_asks_for_a_run(
        written: str, finish: str, asks: bool) -> None:
    told = Told()
    told.take(written, 3, finish)
    assert (told.finish == "") is asks
    assert len(told.cells) == asks


@pytest.mark.parametrize(("text", "kind", "said"), [
    ("It is 7.", None, "It is 7."),
    (f"Let x be 2.\n{CODE}{output_block('7')}So 7.", "value", "7\nSo 7."),
    (f"Let x be 2.\n{CODE}{output_block('7')}", "value", "7"),
    (f"Let x be 2.\n{CODE}{output_block('NameError: name x3')}", "error", ""),
    (f"So \\boxed{{7}}. A check:\n{CODE}{output_block('8')}", "value",
     "So \\boxed{7}. A check:"),
    (f"So \\boxed{{7}}?\n{CODE}{output_block('8')}No, \\boxed{{8}}.", "value",
     "8\nNo, \\boxed{8}."),
])
def test_no_answer_is_read_out_of_code_or_of_an_error(
        text: str, kind: str | None, said: str) -> None:
    told = Told(text, shown=[Shown("", kind)] if kind else [])
    assert told.said() == said


def test_a_fence_that_code_prints_does_not_close_the_output() -> None:
    assert output_block("```\nx") == "```output\n'''\nx\n```\n"
