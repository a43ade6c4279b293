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

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mathmill.decoding.models import open_model, open_tokenizer, quiet
from mathmill.decoding.template import chat_template
from mathmill.errors import StepFailed, UsageError
from mathmill.io import read_json, write_json
from mathmill.train.cards import tuned_card
from mathmill.train.checkpoints import Keeper, save_model
from mathmill.train.lora import attach, is_adapted, merged
from mathmill.train.recording import MEASURES_FILE, Measure, Recorder, Span
from mathmill.train.sft.material import FOLDER, Material, drops, joined, prepare
from mathmill.train.sft.recipe import Recipe, defaults, plans
from mathmill.train.trainer import make_trainer
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
    wanted = plans(recipe, stages)
    tokenizer = _with_template(open_tokenizer(start), recipe)
    ready = [prepare(bench, recipe, stage, number, tokenizer)
             for number, stage in enumerate(wanted, 1)]
    trainings = [ready] if recipe.continuous else [[one] for one in ready]
    done: list[dict[str, Any]] = []
    keeper = Keeper(bench.out, recipe.checkpoints,
                    [-(-sum(len(one.batches) for one in training) // recipe.accumulate)
                     for training in trainings], recipe.lora is not None, recipe.keep_optimizer)
    for number, training in enumerate(trainings, 1):
        folder = bench.out / f"stage-{number}"
        if not (folder / "stage.json").exists():
            rate = wanted[number - 1].learning_rate or recipe.learning_rate
            _train(bench, replace(recipe, learning_rate=rate), training, start, number, keeper)
        done += read_json(folder / "stage.json")["stages"]
        if recipe.lora is None:  # else the next stage goes on with this one's factors
            start = str(folder / "model")
    _finish(bench, done, len(trainings), base or "an earlier step's model", keeper)


def _with_template(tokenizer: Any, recipe: Recipe) -> Any:
    if recipe.template == "alpaca":
        tokenizer.chat_template = chat_template()
    return tokenizer


def _train(bench: Workbench, recipe: Recipe, stages: Sequence[Material], start: str, number: int,
           keeper: Keeper) -> None:
    """Train with one optimiser through stages; leave model, measures and facts in `stage-N/`."""
    quiet()
    began = time.time()
    model, tokenizer = open_model(start, dtype="float32")
    _with_template(tokenizer, recipe)
    if recipe.lora is not None:
        before = bench.out / f"stage-{number - 1}" / "adapter"
        model = attach(model, recipe.lora, recipe.seed, before if number > 1 else None)
    rows, batches, spans = joined(stages, recipe.accumulate)
    recorder = Recorder(spans, bench.show, bench.tools.get("save_seconds", SAVE_SECONDS),
                        lambda step: keeper.keep(number, step, model, tokenizer, trainer))
    folder = bench.out / f"stage-{number}"
    trainer = make_trainer(model, tokenizer, rows, batches, recipe, folder, recorder)
    begun = time.time()
    trainer.train(resume_from_checkpoint=_last_checkpoint(folder, recorder))
    if not recorder.measures or recorder.measures[-1].loss != recorder.measures[-1].loss:
        raise StepFailed(f"stage {stages[-1].number} ended without a loss; lower the learning "
                         "rate")
    if is_adapted(model):
        keeper.keep_adapter(folder / "adapter", number, recorder.ends[-1], model, trainer)
        model = merged(model)
    tokenizer.padding_side = "left"  # as generation wants it
    save_model(model, tokenizer, folder / "model")
    pace = recorder.total[-1] / max(time.time() - begun, 1e-9)
    write_json(folder / "stage.json", {"stages": [
        _facts(stage.facts, span, recorder, pace, time.time() - began) | {
            "device": model.device.type}
        for stage, span in zip(stages, spans, strict=True)]})
    for left in folder.glob("checkpoint-*"):
        shutil.rmtree(left)


def _facts(facts: Mapping[str, Any], span: Span, recorder: Recorder, pace: float, seconds: float
           ) -> dict[str, Any]:
    """Return what is known of one stage; the time of a training is shared out by tokens."""
    tokens = sum(span.read)
    measures = [asdict(measure) for measure in recorder.measures if measure.stage == span.stage]
    return {**facts, "steps": len(span.read), "tokens": tokens,
            "loss": round(measures[-1]["loss"], 4) if measures else None,
            "tokens_per_second": round(pace),
            "seconds": round(seconds * tokens / recorder.total[-1], 1), "measures": measures}


def _last_checkpoint(folder: Path, recorder: Recorder) -> str | None:
    """Return the newest whole checkpoint and give the recorder its measures back."""
    whole = [place for place in folder.glob("checkpoint-*") if (place / MEASURES_FILE).exists()]
    if not whole:
        return None
    newest = max(whole, key=lambda place: int(place.name.split("-")[-1]))
    recorder.resume([Measure(**line) for line in read_json(newest / MEASURES_FILE)],
                    int(newest.name.split("-")[-1]))
    return str(newest)


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
        for name in ("model", "adapter"):
            shutil.rmtree(bench.out / f"stage-{number}" / name, ignore_errors=True)
    shutil.rmtree(bench.out / FOLDER, ignore_errors=True)
