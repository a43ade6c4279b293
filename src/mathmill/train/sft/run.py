"""Supervised fine-tuning in stages: each starts from the model that the last one left, or all
are gone through with one optimiser.

Why: Skywork-Math trains on normal rows and then on hard ones; JiuZhang3.0 goes through synthetic
rows and then the SFT set in one pass; a 7B and the embedded base go the same way, through TRL.

Used as: `run(bench, base="embedded:", stages=[{"epochs": 3}], seed=0, optimizer="muon+adamw",
learning_rate=0.01)`; rows come from `bench.inputs`. It leaves `model/` (fp32 safetensors,
tokenizer with its chat template, card), those kept on the way and `metrics.jsonl` in `bench.out`;
with `lora={"rank": 8}` also `adapter/`, the factors that `model/` has merged into it.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from mathmill.decoding.models import open_tokenizer
from mathmill.errors import UsageError
from mathmill.io import read_json
from mathmill.ranks import devices
from mathmill.train.cards import tuned_card
from mathmill.train.checkpoints import Keeper
from mathmill.train.recording import Measure
from mathmill.train.sft.launching import SETTINGS, WORK, processes_of, train_together
from mathmill.train.sft.material import FOLDER, drops, prepare
from mathmill.train.sft.recipe import Recipe, defaults, plans
from mathmill.train.sft.training import grouped, keeper_of, train_one, with_template
from mathmill.workbench import Workbench


def run(bench: Workbench, *, base: str, stages: Sequence[Mapping[str, Any]], seed: int = 0,
        **settings: Any) -> None:
    """Fine-tune `base` through all stages and save the last one's model.

    `base`: `embedded:`, a folder, a hub id, or empty where the input `base` holds a model.
    `stages`: literals of `train.data.StagePlan`. `settings`: those of `Recipe`; where none is
    given, the embedded base takes `SMALL`. Tool `save_seconds`: pause between checkpoints. A
    stage that was finished is not done again, one that was killed goes on from its last
    checkpoint; on one thread the weights are those of an undisturbed run, bit for bit. Several
    processes (`bench.devices`) learn the same rows a step; the weights then agree to rounding.
    Raises UsageError, InputError, StepFailed, MissingExtra.
    """
    if not base and "base" not in bench.inputs:
        raise UsageError("there is no base model to train; name one, or give a step that made one")
    start = base or str(bench.inputs["base"])
    recipe = Recipe.of({**defaults(start, settings), **settings, "seed": seed})
    wanted = plans(recipe, stages)
    tokenizer = with_template(open_tokenizer(start), recipe)
    ready = [prepare(bench, recipe, stage, number, tokenizer)
             for number, stage in enumerate(wanted, 1)]
    trainings = grouped(ready, recipe)
    done: list[dict[str, Any]] = []
    keeper = keeper_of(bench.out, recipe, trainings)
    processes = processes_of(bench, start)
    for number, training in enumerate(trainings, 1):
        folder = bench.out / f"stage-{number}"
        if not (folder / "stage.json").exists():
            rate = wanted[number - 1].learning_rate or recipe.learning_rate
            own = replace(recipe, learning_rate=rate)
            if processes * bench.devices.nodes > 1:
                train_together(bench, own, wanted, start, number, processes)
            else:
                train_one(bench, own, training, start, number, keeper)
                if devices.gpus():
                    gc.collect()  # trainer and model hold each other; the next one needs the room
        done += read_json(folder / "stage.json")["stages"]
        if recipe.lora is None:  # else the next stage goes on with this one's factors
            start = str(folder / "model")
    _finish(bench, done, len(trainings), base or "an earlier step's model", keeper)


def _finish(bench: Workbench, done: list[dict[str, Any]], trainings: int, base: str,
            keeper: Keeper) -> None:
    """Hand over: the last model, all measures in one typed file, drops and facts."""
    folder, aside = bench.out / "model", bench.out / "model.writing"
    with (bench.out / "metrics.jsonl").open("w", encoding="utf-8") as file:
        for stage in done:
            for line in stage.pop("measures"):
                file.write(json.dumps(asdict(Measure(**line))) + "\n")
    for drop in drops(bench.out, len(done)):
        bench.drop(drop)
    bench.facts.update(stages=done, base=base, loss=done[-1]["loss"],
                       tokens=sum(stage["tokens"] for stage in done),
                       steps=sum(stage["steps"] for stage in done))
    if keeper.at:
        bench.facts["checkpoints"] = keeper.at
        keeper.cards(tuned_card(bench.facts, base))
    adapter = bench.out / f"stage-{trainings}" / "adapter"
    if adapter.exists() and not (bench.out / "adapter").exists():
        shutil.copytree(adapter, bench.out / "adapter.writing", dirs_exist_ok=True)
        os.replace(bench.out / "adapter.writing", bench.out / "adapter")
    if not folder.exists():  # it does where an attempt was killed while it cleared up below
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(bench.out / f"stage-{trainings}" / "model", aside)
        (aside / "CARD.md").write_text(tuned_card(bench.facts, base), encoding="utf-8")
        os.replace(aside, folder)
    for number in range(1, trainings + 1):
        for name in ("model", "adapter", WORK):
            shutil.rmtree(bench.out / f"stage-{number}" / name, ignore_errors=True)
        (bench.out / f"stage-{number}" / SETTINGS).unlink(missing_ok=True)
    shutil.rmtree(bench.out / FOLDER, ignore_errors=True)
