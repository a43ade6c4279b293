"""Supervised fine-tuning in stages: each stage starts from the model that the last one left.

Why: Skywork-Math trains on normal rows and then on hard ones; a scaling curve trains on
subsets that lie inside each other; a 7B and the embedded base go the same way, through TRL.

Used as: `run(bench, base="embedded:", stages=[{"epochs": 3}], seed=0, optimizer="muon+adamw",
learning_rate=0.01)`; rows come from `bench.inputs`. It leaves `model/` (fp32 safetensors,
tokenizer with its chat template, card), those kept on the way and `metrics.jsonl` in `bench.out`;
with `lora={"rank": 8}` also `adapter/`, the factors that `model/` has merged into it.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mathmill.decoding.models import open_model, open_tokenizer, quiet
from mathmill.decoding.template import chat_template
from mathmill.errors import StepFailed, UsageError
from mathmill.io import read_json, write_json
from mathmill.train.cards import tuned_card
from mathmill.train.checkpoints import Keeper, save_model
from mathmill.train.data import StagePlan, choose, pack, plan, render
from mathmill.train.lora import attach, is_adapted, merged
from mathmill.train.sft.recipe import Recipe, defaults
from mathmill.train.trainer import MEASURES_FILE, Measure, Recorder, items, make_trainer
from mathmill.types import Drop, Sample
from mathmill.workbench import Workbench

SAVE_SECONDS = 60.0  # between checkpoints; a shorter training leaves none


def run(bench: Workbench, *, base: str, stages: Sequence[Mapping[str, Any]], seed: int = 0,
        **settings: Any) -> None:
    """Fine-tune `base` through all stages and save the last one's model.

    `base`: `embedded:`, a folder, a hub id, or empty where the input `base` holds a model.
    `stages`: literals of `train.data.StagePlan`. `settings`: those of `Recipe`; where none is
    given, the embedded base takes `SMALL`. Tool `save_seconds`: pause between checkpoints. A
    stage that was finished is not done again, one that was killed goes on from its last
    checkpoint; on one thread the weights are those of an undisturbed run, bit for bit.
    Raises UsageError, InputError, StepFailed, MissingExtra.
    """
    if not base and "base" not in bench.inputs:
        raise UsageError("there is no base model to train; name one, or give a step that made one")
    start = base or str(bench.inputs["base"])
    recipe = Recipe.of({**defaults(start, settings), **settings, "seed": seed})
    plans = [StagePlan.of(stage) for stage in stages]
    if not plans:
        raise UsageError("there is no stage to train; give at least one")
    done: list[dict[str, Any]] = []
    keeper = Keeper(bench.out, recipe.checkpoints, _all_steps(bench, recipe, plans, start),
                    moments=recipe.keep_optimizer)
    for number, stage in enumerate(plans, 1):
        folder = bench.out / f"stage-{number}"
        if not (folder / "stage.json").exists():
            _train_stage(bench, recipe, stage, start, number, keeper)
        done.append(read_json(folder / "stage.json"))
        if recipe.lora is None:  # else the next stage goes on with this one's factors
            start = str(folder / "model")
    _finish(bench, done, base or "an earlier step's model", keeper)


def _all_steps(bench: Workbench, recipe: Recipe, plans: Sequence[StagePlan], start: str
               ) -> list[int]:
    """Return how many steps each stage has, where models are kept at shares of them all."""
    if all(share >= 1 for share in recipe.checkpoints):
        return [0] * len(plans)
    tokenizer = _with_template(open_tokenizer(start), recipe)
    return [_rows(bench, recipe, stage, tokenizer)[1]["steps"] for stage in plans]


def _with_template(tokenizer: Any, recipe: Recipe) -> Any:
    if recipe.template == "alpaca":
        tokenizer.chat_template = chat_template()
    return tokenizer


def _train_stage(bench: Workbench, recipe: Recipe, stage: StagePlan, start: str, number: int,
                 keeper: Keeper) -> None:
    """Train one stage and leave its model, measures and facts in `stage-N/`."""
    quiet()
    began = time.time()
    model, tokenizer = open_model(start, dtype="float32")
    _with_template(tokenizer, recipe)
    if recipe.lora is not None:
        before = bench.out / f"stage-{number - 1}" / "adapter"
        model = attach(model, recipe.lora, recipe.seed, before if number > 1 else None)
    rows, facts, drops = _rows(bench, recipe, stage, tokenizer)
    lengths = [len(row["input_ids"]) for row in rows]
    batches = plan(lengths, recipe.batch_size // recipe.accumulate,
                   facts["steps"] * recipe.accumulate, recipe.seed)
    read = [sum(lengths[row] for part in batches[at:at + recipe.accumulate] for row in part)
            for at in range(0, len(batches), recipe.accumulate)]
    recorder = Recorder(number, read, len(rows) / recipe.batch_size, bench.show,
                        bench.tools.get("save_seconds", SAVE_SECONDS),
                        lambda step: keeper.keep(number, step, model, tokenizer, trainer))
    folder = bench.out / f"stage-{number}"
    if stage.learning_rate:
        recipe = Recipe.of({**asdict(recipe), "learning_rate": stage.learning_rate})
    trainer = make_trainer(model, tokenizer, rows, batches, recipe, folder, recorder)
    begun = time.time()
    trainer.train(resume_from_checkpoint=_last_checkpoint(folder, recorder))
    if not recorder.measures or recorder.measures[-1].loss != recorder.measures[-1].loss:
        raise StepFailed(f"stage {number} ended without a loss; lower the learning rate")
    if is_adapted(model):
        keeper.keep_adapter(folder / "adapter", number, facts["steps"], model, trainer)
        model = merged(model)
    tokenizer.padding_side = "left"  # as generation wants it
    save_model(model, tokenizer, folder / "model")
    pace = sum(read) / max(time.time() - begun, 1e-9)
    write_json(folder / "stage.json", {
        **facts, "tokens": sum(read), "loss": round(recorder.measures[-1].loss, 4),
        "tokens_per_second": round(pace), "seconds": round(time.time() - began, 1),
        "measures": [asdict(measure) for measure in recorder.measures],
        "drops": [asdict(drop) for drop in drops], "device": model.device.type})
    for left in folder.glob("checkpoint-*"):
        shutil.rmtree(left)


def _rows(bench: Workbench, recipe: Recipe, stage: StagePlan, tokenizer: Any
          ) -> tuple[list[dict[str, list[int]]], dict[str, Any], list[Drop]]:
    """Return a stage's rows (or bins of them) as token numbers, its counts, and what dropped."""
    if stage.rows not in bench.inputs:
        raise UsageError(f"a stage wants rows of {stage.rows!r}, but the step was given "
                         f"{', '.join(sorted(bench.inputs)) or 'nothing'}")
    chosen = choose(bench.rows(stage.rows, Sample), stage, recipe.seed)
    rendered, drops = render(chosen, tokenizer, recipe.max_length, recipe.too_long, recipe.form)
    if not rendered.tokens:
        raise StepFailed(
            f"none of {len(chosen)} rows is a function; form={recipe.form!r} wants rows made by "
            "methods that write programs" if drops[0].reason == "no program" else
            f"all {len(chosen)} rows are longer than {recipe.max_length} tokens; "
            "raise max_length or cut them (too_long)")
    rows = items(rendered, pack(rendered.lengths, recipe.max_length) if recipe.packing else None)
    steps = stage.steps or max(1, round(stage.epochs * len(rows) / recipe.batch_size))
    too_long = sum(drop.reason == "longer than max_length" for drop in drops)
    facts = {"rows": len(rendered.tokens), "too_long": too_long, "cut": rendered.cut,
             "steps": steps}
    return rows, facts | ({"no_program": len(drops) - too_long} if len(drops) > too_long else {}
                          ), drops


def _last_checkpoint(folder: Path, recorder: Recorder) -> str | None:
    """Return the newest whole checkpoint and give the recorder its measures back."""
    whole = [place for place in folder.glob("checkpoint-*") if (place / MEASURES_FILE).exists()]
    if not whole:
        return None
    newest = max(whole, key=lambda place: int(place.name.split("-")[-1]))
    recorder.measures = [Measure(**line) for line in read_json(newest / MEASURES_FILE)]
    recorder.said_step = recorder.measures[-1].step if recorder.measures else 0
    return str(newest)


def _finish(bench: Workbench, done: list[dict[str, Any]], base: str, keeper: Keeper) -> None:
    """Hand over: the last model, all measures in one typed file, drops and facts."""
    folder, aside = bench.out / "model", bench.out / "model.writing"
    seen = set()
    with (bench.out / "metrics.jsonl").open("w", encoding="utf-8") as file:
        for stage in done:
            for line in stage.pop("measures"):
                file.write(json.dumps(asdict(Measure(**line))) + "\n")
            for drop in stage.pop("drops"):
                if drop["id"] not in seen:
                    seen.add(drop["id"])
                    bench.drop(Drop(**drop))
    bench.facts.update(stages=done, base=base, loss=done[-1]["loss"],
                       tokens=sum(stage["tokens"] for stage in done),
                       steps=sum(stage["steps"] for stage in done))
    if keeper.at:
        bench.facts["checkpoints"] = keeper.at
        keeper.cards(tuned_card(bench.facts, base))
    adapter = bench.out / f"stage-{len(done)}" / "adapter"
    if adapter.exists() and not (bench.out / "adapter").exists():
        shutil.copytree(adapter, bench.out / "adapter.writing", dirs_exist_ok=True)
        os.replace(bench.out / "adapter.writing", bench.out / "adapter")
    if not folder.exists():  # it does where an attempt was killed while it cleared up below
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(bench.out / f"stage-{len(done)}" / "model", aside)
        (aside / "CARD.md").write_text(tuned_card(bench.facts, base), encoding="utf-8")
        os.replace(aside, folder)
    for number in range(1, len(done) + 1):
        for name in ("model", "adapter"):
            shutil.rmtree(bench.out / f"stage-{number}" / name, ignore_errors=True)
