"""What each process of a launched evaluation runs: it answers every n-th batch that it is told.

Used as: `torchrun --standalone --nproc-per-node 8 -m mathmill.evaluate.rank ranks.json`, started
by `evaluate.writers`, which hands out the batches.
"""

from __future__ import annotations

import json
import time
from dataclasses import astuple
from pathlib import Path
from typing import Any

from mathmill.decoding.generation import Ask
from mathmill.decoding.models import open_model
from mathmill.evaluate.writers import END, Here, answers_file, tasks_file
from mathmill.io import append_line
from mathmill.ranks.rank import Rank, serve

PAUSE = 0.02  # seconds between two looks for more to do


def work(settings: dict[str, Any], rank: Rank) -> None:
    """Answer until there is nothing more to come."""
    rank.take_device()
    folder, number = Path(settings["folder"]), 0
    here = Here(*open_model(settings["model"]))
    while True:
        tasks = tasks_file(folder, number)
        if tasks.exists():
            _answer(here, tasks, answers_file(folder, number, rank.number), rank)
            number += 1
        elif (folder / END).exists():
            return
        else:
            time.sleep(PAUSE)


def _answer(here: Here, tasks: Path, answers: Path, rank: Rank) -> None:
    with tasks.open("rb") as lines, answers.open("w", encoding="utf-8") as file:
        for place, line in enumerate(lines):
            if place % rank.of != rank.number:
                continue
            kind, told = json.loads(line)
            outs: list[Any] = (
                next(here.generate([tuple(told)])) if kind == "generate" else
                next(here.decode([[Ask(**{**ask, "stops": tuple(ask["stops"])})
                                   for ask in told]])))
            append_line(file, json.dumps([astuple(out) for out in outs]))


if __name__ == "__main__":
    serve(work)
