"""A pool of samples from a tiny random Llama: the same whatever the batch, resumed, accounted."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mathmill import evaluate
from mathmill.candidates import Candidate
from mathmill.errors import InputError, StepFailed, UsageError
from mathmill.evaluate.drawing import Draw, Plan, draws
from mathmill.evaluate.pool import model_place, run
from mathmill.io import read_rows, write_rows
from mathmill.types import Problem, make_problem
from mathmill.workbench import Workbench

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("pydantic_monty")

PROBLEMS = [make_problem(f"What is {a} + {'1' * (a % 5)}?", level=1 + a % 2,
                         answer=None if a == 3 else str(a)) for a in range(7)]
TWO = {"first": {"base": "a"}, "second": {"step": "made", "checkpoint": "model-050"}}
SETTINGS: dict[str, Any] = {"models": TWO, "suites": ["mine"], "n": 5, "max_new_tokens": 6}


def bench(folder: Path, opened: tuple[Any, Any], problems: list[Problem] = PROBLEMS) -> Workbench:
    write_rows(folder / "suite" / "rows.parquet", problems, Problem)
    (folder / "made" / "model-050").mkdir(parents=True, exist_ok=True)
    return Workbench(folder / "out", {"suite.mine": folder / "suite", "made": folder / "made"},
                     {"open_model": lambda name: opened})


def rows_of(place: Workbench) -> list[Candidate]:
    return list(read_rows(place.out / "rows.parquet", Candidate))


@pytest.fixture(scope="module")
def whole(letters: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory
          ) -> tuple[Workbench, dict[str, Any]]:
    place = bench(tmp_path_factory.mktemp("whole"), letters)
    run(place, batch=15, **SETTINGS)
    return place, place.close()


def test_each_problem_gets_its_samples_from_each_model_and_one_greedy_one(
        whole: tuple[Workbench, dict[str, Any]]) -> None:
    rows = rows_of(whole[0])
    assert len(rows) == 2 * 6 * (5 + 1) == len({row.id for row in rows})
    assert Counter((row.model, row.temperature) for row in rows) == {
        (label, heat): 6 * count for label in TWO for heat, count in ((0, 1), (0.5, 3), (0.7, 2))}
    one = [row for row in rows if row.item == rows[0].item and row.model == "first"]
    assert {(row.temperature, row.sample) for row in one} == {
        (0, 0), (0.5, 0), (0.5, 1), (0.5, 2), (0.7, 0), (0.7, 1)}
    assert len({row.response for row in one}) > 3, "a stream of its own for each"
    assert all(row.logprob is not None and row.logprob <= 0 for row in rows)


def test_the_facts_say_how_it_went_and_what_it_took(
        whole: tuple[Workbench, dict[str, Any]]) -> None:
    place, tally = whole
    rows, facts = rows_of(place), tally["facts"]
    assert tally["dropped"] == {"no gold answer": 1}
    assert (facts["samples"], facts["problems"]) == (72, 6)
    assert facts["tokens"] == sum(row.tokens for row in rows)
    assert set(facts["seconds_per_1000"]) == {"generation", "execution", "grading"}
    table = next(each for each in facts["measured"] if each["model"] == "first")
    assert [each["k"] for each in table["pass"]] == [1, 2, 4, 5]
    assert sum(table["kinds"].values()) == 36
    assert table["kinds"] == Counter(row.kind for row in rows if row.model == "first")
    assert table["greedy"]["n"] == 6
    warm = table["by_temperature"]
    assert {heat: one["n"] for heat, one in warm.items()} == {"0.5": 18, "0.7": 12}
    assert not any("low" in one for one in warm.values()), "samples of a problem are not apart"
    assert facts["generation"]["first"]["cut"] == sum(
        row.finish == "length" for row in rows if row.model == "first")


@pytest.mark.parametrize("batch", [3, 200])
def test_a_sample_does_not_depend_on_its_batch(
        tmp_path: Path, letters: tuple[Any, Any], whole: tuple[Workbench, dict[str, Any]],
        batch: int) -> None:
    place = bench(tmp_path, letters)
    run(place, batch=batch, **SETTINGS)
    keyed = {row.id: dataclasses.replace(row, logprob=round(row.logprob or 0, 3))
             for row in rows_of(place)}
    assert keyed == {row.id: dataclasses.replace(row, logprob=round(row.logprob or 0, 3))
                     for row in rows_of(whole[0])}


def test_a_killed_pool_goes_on_where_it_stopped_with_the_same_rows(
        tmp_path: Path, letters: tuple[Any, Any], whole: tuple[Workbench, dict[str, Any]]) -> None:
    place = bench(tmp_path, letters)
    lines = (whole[0].out / "responses.jsonl").read_text("utf-8").splitlines(keepends=True)
    assert len(lines) == 6
    journal = place.out / "responses.jsonl"
    journal.write_text("".join(lines[:4]) + lines[4][:30], encoding="utf-8")  # torn by a kill
    shown: list[int] = []
    place.show = lambda done, total, words: shown.append(done)
    run(place, batch=15, **SETTINGS)
    assert rows_of(place) == rows_of(whole[0])
    assert [json.loads(line)[:2] for line in journal.read_text("utf-8").splitlines()] == [
        json.loads(line)[:2] for line in lines]
    assert shown[0] == 60, "four batches were there; the fifth was the first to be made"


PROGRAM = """
import json, sys
from pathlib import Path
import tiny_models
from mathmill.evaluate import pool
from mathmill.workbench import Workbench
if __name__ == "__main__":
    folder, opened = Path(sys.argv[1]), tiny_models.letters()
    inputs = {"suite.mine": folder / "suite", "made": folder / "made"}
    bench = Workbench(folder / "out", inputs, {"open_model": lambda name: opened})
    pool.run(bench, batch=3, **json.loads(sys.argv[2]))
    bench.close()
"""


@pytest.mark.slow
def test_a_pool_killed_with_sigkill_goes_on_to_the_same_rows(
        tmp_path: Path, letters: tuple[Any, Any]) -> None:
    settings = {**SETTINGS, "max_new_tokens": 40}
    whole = bench(tmp_path / "whole", letters)
    run(whole, batch=3, **settings)
    killed = bench(tmp_path / "killed", letters)
    script, journal = tmp_path / "program.py", killed.out / "responses.jsonl"
    script.write_text(PROGRAM, encoding="utf-8")
    places = [str(Path(__file__).parents[1]), str(Path(evaluate.__file__).parents[2])]
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "killed"), json.dumps(settings)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places)})
    until = time.time() + 300  # on a machine that others keep busy, loading alone takes a minute
    while process.poll() is None and time.time() < until:
        if journal.exists() and journal.read_bytes().count(b"\n") >= 5:
            break
        time.sleep(0.002)
    assert process.poll() is None, "it ended before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = journal.read_bytes()
    assert not (killed.out / "rows.parquet").exists()
    run(killed, batch=3, **settings)
    assert rows_of(killed) == rows_of(whole)
    finished = before[:before.rfind(b"\n") + 1]
    assert journal.read_bytes().startswith(finished), "what was there was not made again"


def test_prompts_of_like_length_go_together_and_a_large_n_is_cut() -> None:
    wanted = draws(3, [0.5], True)
    assert wanted == [Draw(0, 0), Draw(0.5, 0), Draw(0.5, 1), Draw(0.5, 2)]
    plan = list(Plan([5, 9, 7], wanted, 8))
    assert [[place for place, _ in rows] for rows in plan] == [[1] * 4 + [2] * 4, [0] * 4]
    assert [len(rows) for rows in Plan([5, 9], wanted, 3)] == [3, 1, 3, 1]
    assert len(draws(2, [0.2, 0.4, 0.6], False)) == 2


def test_what_cannot_be_is_said_in_one_line(tmp_path: Path, letters: tuple[Any, Any]) -> None:
    place = bench(tmp_path, letters, [PROBLEMS[3], PROBLEMS[3]])
    for change, words in (({"temperatures": [0.0]}, "above 0"), ({"models": {}}, "one model"),
                          ({"form": "prose"}, "runs programs"), ({"n": 0}, "at least 1"),
                          ({"models": {"x": {"stop": "y"}}}, "name a `step`")):
        with pytest.raises(UsageError, match=words):
            run(place, **{**SETTINGS, **change})
    with pytest.raises(StepFailed, match="no problem with an answer"):
        run(place, **SETTINGS)
    with pytest.raises(InputError, match=r"it has: model-050.*checkpoints"):
        model_place(place, {"step": "made", "checkpoint": "model-025"})
