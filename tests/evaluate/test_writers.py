"""Answers by two processes are those of one, batch by batch, and nobody is left behind."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from mathmill.decoding.generation import Ask
from mathmill.errors import StepFailed
from mathmill.evaluate import run
from mathmill.evaluate.writers import Several, open_writers
from mathmill.io import read_rows, write_rows
from mathmill.ranks.launch import Launch
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
def test_two_processes_give_the_scores_and_the_samples_of_one(
        tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asks = [[Ask([5 + place, 6, 7], 12, temperature=0.8, seed=place * 7 + row, stops=("#",),
                 logprobs=True) for row in range(3)] for place in range(21)]
    answers, sampled = run._answers, []

    def more(bench: Workbench, writers: Any, *words: Any) -> Any:
        """Answer, and draw samples from the same processes."""
        found = answers(bench, writers, *words)
        sampled.append(list(writers.decode(asks)))
        return found

    monkeypatch.setattr(run, "_answers", more)
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
    assert len({out.text for outs in sampled[0] for out in outs}) > 20
    assert sampled[0] == sampled[1]
    assert re.fullmatch(r"2 processes answer:\n  torchrun --standalone --nproc-per-node 2 -m "
                        r"mathmill\.evaluate\.rank \S+ranks\.json", "".join(said))


@pytest.mark.slow
def test_whoever_waits_for_a_process_that_died_is_told(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(
        [str(Path(__file__).parents[1] / "ranks"), str(Path(run.__file__).parents[2])]))
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"signs": str(tmp_path), "do": "die"}), encoding="utf-8")
    with (Launch("stub_rank", settings, 2, tmp_path / "ranks") as ranks,
          pytest.raises(StepFailed, match=r"rank 1 of 2 was killed by SIGKILL \(often: out of "
                                          r"memory\), and the others were stopped; its last "
                                          r"lines: one last word; give the same command again")):
        list(Several(ranks, tmp_path / "ranks", 2, None).decode([[Ask([1], 1)]] * 3))


def test_what_an_attempt_with_more_processes_left_does_not_stay(
        tmp_path: Path, letters: tuple[Any, Any]) -> None:
    place = Workbench(tmp_path, tools={"open_model": lambda name: letters}, devices=Devices(1))
    (tmp_path / "ranks" / "logs").mkdir(parents=True)
    (tmp_path / "ranks.json").touch()
    with open_writers(place, "letters", 9) as writers:
        assert writers.tokenizer is letters[1]
    assert list(tmp_path.iterdir()) == []
    assert place.facts == {}
