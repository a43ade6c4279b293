"""Answers by two processes are those of one, batch by batch, and nobody is left behind."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from mathmill.candidates import Candidate
from mathmill.errors import StepFailed
from mathmill.evaluate import pool, run
from mathmill.io import read_rows, write_rows
from mathmill.types import Problem, Score, make_problem
from mathmill.workbench import Devices, Workbench

pytest.importorskip("torch")
pytest.importorskip("transformers")
PROBLEMS = [make_problem(f"What is {a} + {'1' * (a % 7)}{a}?", answer=str(a)) for a in range(24)]


def bench(out: Path, suite: Path, processes: int, said: list[str] | None = None) -> Workbench:
    from mathmill.decoding.models import open_model

    write_rows(suite / "rows.parquet", PROBLEMS, Problem)
    return Workbench(out, {"suite.mine": suite}, {"open_model": open_model},
                     devices=Devices(processes), say=[].append if said is None else said.append)


@pytest.fixture(scope="module")
def saved(letters: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model over letters, whose answers differ, in a folder."""
    folder = tmp_path_factory.mktemp("letters")
    for one in letters:
        one.save_pretrained(str(folder))
    return folder


@pytest.mark.slow
def test_two_processes_give_the_scores_of_one(tmp_path: Path, saved: Path) -> None:
    scores, responses, said = [], [], list[str]()
    for processes in (1, 2):
        place = bench(tmp_path / f"score-{processes}", tmp_path / "suite", processes, said)
        run.run(place, suites=["mine"], base=str(saved), max_new_tokens=24, batch=3)
        place.close()
        scores.append(list(read_rows(place.out / "rows.parquet", Score)))
        responses.append((place.out / "responses.jsonl").read_text("utf-8"))
        assert not (place.out / "ranks").exists()
    assert len(scores[0]) == 24
    assert len({row.response for row in scores[0]}) > 5, "the test needs different answers"
    assert scores[0] == scores[1]
    assert responses[0] == responses[1]
    assert re.search(r"2 processes answer:\n  torchrun --standalone --nproc-per-node 2 -m "
                     r"mathmill\.evaluate\.rank \S+ranks\.json", said[0])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_a_process_that_dies_is_named_the_others_end_and_one_goes_on_from_what_two_wrote(
        tmp_path: Path, saved: Path) -> None:
    pytest.importorskip("pydantic_monty")
    settings: dict[str, Any] = {"models": {"a": {"base": str(saved)}}, "suites": ["mine"],
                                "n": 8, "max_new_tokens": 40, "batch": 9}
    place, pids = bench(tmp_path / "out", tmp_path / "suite", 2), list[int]()

    def show(done: int, total: int | None, words: str) -> None:
        if done >= 90 and not pids:  # of 216: the ten batches before are there
            pids.extend(int(one.name) for one in (place.out / "ranks" / "pids").iterdir())
            os.kill(pids[0], signal.SIGKILL)

    place.show = show
    with pytest.raises(StepFailed, match=r"rank [01] of 2 was killed by SIGKILL \(often: out of "
                                         r"memory\), and the others were stopped; its last lines"):
        pool.run(place, **settings)
    assert len(pids) == 2
    assert not any(map(alive, pids))
    made = len((place.out / "responses.jsonl").read_text("utf-8").splitlines())
    assert 10 <= made < 24
    again = bench(tmp_path / "out", tmp_path / "suite", 1)
    whole = bench(tmp_path / "whole", tmp_path / "suite", 1)
    for one in (again, whole):
        pool.run(one, **settings)
        one.close()
    rows = [list(read_rows(one.out / "rows.parquet", Candidate)) for one in (again, whole)]
    assert rows[0] == rows[1]
