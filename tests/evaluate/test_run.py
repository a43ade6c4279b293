"""Evaluation of a tiny random Llama: exact greedy tokens, batches, drops and resume."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mathmill.decoding.generation import Generated, generate
from mathmill.decoding.prompts import encode
from mathmill.errors import StepFailed, UsageError
from mathmill.evaluate.run import run
from mathmill.io import read_rows, write_rows
from mathmill.types import Problem, Score, make_problem
from mathmill.workbench import Workbench

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

QUESTIONS = [f"What is {a} + {'1' * (a % 7)}{a}?" for a in range(24)]


def test_the_tokens_are_those_of_generate_and_do_not_depend_on_the_batch(
        letters: tuple[Any, Any]) -> None:
    model, tokenizer = letters
    prompts = encode(tokenizer, QUESTIONS)
    together = generate(model, tokenizer, prompts, 40)
    assert {out.finish for out in together} == {"stop", "length"}, "the test needs both"
    for place in range(0, len(prompts), 3):
        assert generate(model, tokenizer, prompts[place:place + 1], 40) == [together[place]]
        whole = model.generate(torch.tensor([prompts[place]]), max_new_tokens=40,
                               do_sample=False)[0, len(prompts[place]):].tolist()
        written = [token for token in whole if token not in (0, 1)]
        text = tokenizer.decode(written, skip_special_tokens=True).strip()
        assert together[place].text == text


def test_a_prompt_that_fills_the_window_is_cut_off_not_an_error(
        letters: tuple[Any, Any]) -> None:
    model, tokenizer = letters
    outs = generate(model, tokenizer, [[5] * 300, [5] * 250, [5, 6]], 20)
    assert (outs[0].tokens, outs[0].finish) == (0, "length")
    assert outs[1].tokens <= 6


def bench(folder: Path, opened: tuple[Any, Any], problems: list[Problem]) -> Workbench:
    write_rows(folder / "suite" / "rows.parquet", problems, Problem)
    return Workbench(folder / "out", {"suite.mine": folder / "suite"},
                     {"open_model": lambda name: opened})


PROBLEMS = [make_problem(q, answer=None if i == 3 else str(i), level=1 + i % 2, subject="sum")
            for i, q in enumerate(QUESTIONS)]


def test_every_item_is_scored_or_dropped_with_its_reason(
        tmp_path: Path, letters: tuple[Any, Any]) -> None:
    place = bench(tmp_path, letters, PROBLEMS)
    run(place, suites=["mine"], base="tiny", max_new_tokens=12, batch=5)
    tally = place.close()
    assert tally["dropped"] == {"no gold answer": 1}
    scores = list(read_rows(place.out / "rows.parquet", Score))
    assert [score.item for score in scores] == [p.id for p in PROBLEMS if p.answer is not None]
    table = tally["facts"]["suites"]["mine"]
    assert table["n"] == 23
    assert table["truncated"] == sum(score.finish == "length" for score in scores) > 0
    assert set(table["by_level"]) == {"1", "2"}
    assert tally["facts"]["tokens"] == sum(score.tokens for score in scores)


def test_programs_are_scored_by_what_they_return(
        tmp_path: Path, letters: tuple[Any, Any], monkeypatch: Any) -> None:
    asked: list[str] = []

    def wrote(_: Any, tokenizer: Any, prompts: Any, __: int) -> list[Generated]:
        asked.extend(tokenizer.decode(ids).replace(" ", "") for ids in prompts)
        numbers = [int(re.search(r"is(\d+)\+", text).group(1)) for text in asked[-len(prompts):]]
        return [Generated({0: "result = 0 / 0", 1: "no", 2: "", 4: "result = 3.6"}.get(
            number, f"result = {number}"), 3, "stop") for number in numbers]

    monkeypatch.setattr("mathmill.evaluate.writers.generate", wrote)
    place = bench(tmp_path, letters, PROBLEMS)
    run(place, suites=["mine"], base="tiny", max_new_tokens=12, batch=5, form="program")
    facts = place.close()["facts"]
    table = facts["suites"]["mine"]
    assert table["kinds"] == {"value": 20, "error": 2, "no program": 1}
    assert set(table["errors"]) == {"ZeroDivisionError", "NameError"}
    assert table["tolerant"]["correct"] == 19
    assert table["strict"]["correct"] == 20  # the papers round 3.6 for 4
    assert (table["no_answer"], facts["programs"]) == (3, 22)
    with pytest.raises(UsageError, match="form is 'code'"):
        run(place, suites=["mine"], base="tiny", form="code")


def test_a_killed_evaluation_goes_on_where_it_stopped_with_the_same_rows(
        tmp_path: Path, letters: tuple[Any, Any]) -> None:
    place = bench(tmp_path, letters, PROBLEMS)
    run(place, suites=["mine"], base="tiny", max_new_tokens=12, batch=5)
    whole = list(read_rows(place.out / "rows.parquet", Score))
    journal = place.out / "responses.jsonl"
    lines = journal.read_text("utf-8").splitlines(keepends=True)
    journal.write_text("".join(lines[:2]) + lines[2][:9], encoding="utf-8")  # torn by a kill
    again = bench(tmp_path, letters, PROBLEMS)
    run(again, suites=["mine"], base="tiny", max_new_tokens=12, batch=5)
    assert list(read_rows(again.out / "rows.parquet", Score)) == whole
    done = [json.loads(line)[0] for line in journal.read_text("utf-8").splitlines()]
    assert done == list(range(5)), "the two finished batches were not made again"


def test_what_is_missing_is_said_in_one_line(
        tmp_path: Path, letters: tuple[Any, Any]) -> None:
    place = bench(tmp_path, letters, [PROBLEMS[3]])
    with pytest.raises(StepFailed, match="no item with an answer"):
        run(place, suites=["mine"], base="tiny")
    with pytest.raises(UsageError, match="no rows for the suite 'other'"):
        run(place, suites=["other"], base="tiny")
    with pytest.raises(UsageError, match="at least one suite"):
        run(place, suites=[], base="tiny")
    with pytest.raises(UsageError, match="needs a model"):
        run(bench(tmp_path, letters, PROBLEMS), suites=["mine"])
