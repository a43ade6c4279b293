"""What each process of a launched training runs.

Used as: `torchrun --standalone --nproc-per-node 8 -m mathmill.train.sft.rank stage-1/ranks.json`,
the line that `train.sft.launching` prints.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from mathmill.decoding.models import open_tokenizer
from mathmill.io import write_json
from mathmill.ranks.rank import Rank, serve
from mathmill.train.sft.launching import PROGRESS, WORK
from mathmill.train.sft.material import prepare
from mathmill.train.sft.recipe import Recipe, plans
from mathmill.train.sft.training import grouped, keeper_of, train_one, with_template
from mathmill.train.split import join_group
from mathmill.workbench import Workbench, silent


def work(settings: dict[str, Any], rank: Rank) -> None:
    """Train as one of `rank.of` processes; the rows lie in the step's folder already."""
    rank.take_device()
    join_group()
    out, number, start = Path(settings["out"]), int(settings["training"]), settings["start"]
    place = out / f"stage-{number}" / WORK
    place.mkdir(parents=True, exist_ok=True)

    def show(done: int, total: int | None, words: str = "") -> None:
        write_json(place / PROGRESS, [done, total, words])

    bench = Workbench(out, tools={"save_seconds": settings["save_seconds"]},
                      show=silent if rank.number else show)
    recipe = Recipe.of(settings["recipe"])
    tokenizer = with_template(open_tokenizer(start), recipe)
    trainings = grouped([prepare(bench, recipe, stage, at, tokenizer) for at, stage
                         in enumerate(plans(recipe, settings["stages"]), 1)], recipe)
    train_one(bench, recipe, trainings[number - 1], start, number,
              keeper_of(out, recipe, trainings), replace(rank, split=settings["split"]))


if __name__ == "__main__":
    serve(work)
