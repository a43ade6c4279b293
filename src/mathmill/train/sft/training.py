"""One training of a fine-tuning, with one optimiser: in this process, or as one of several.

Why: what a single process does and what each rank of a launch does is the same but for who
writes and which rows of a step it takes; it stands once.

Used as: `train_one(bench, recipe, stages, start, number, keeper)`, by `train.sft.run` and
`train.sft.rank`.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mathmill.decoding.models import open_model, quiet
from mathmill.decoding.template import chat_template
from mathmill.errors import StepFailed
from mathmill.io import read_json, write_json
from mathmill.ranks.rank import ALONE, Rank
from mathmill.train.checkpoints import Keeper, save_model
from mathmill.train.lora import attach, is_adapted, merged
from mathmill.train.recording import MEASURES_FILE, Measure, Recorder, Span
from mathmill.train.sft.material import Material, joined
from mathmill.train.sft.recipe import Recipe
from mathmill.train.split import in_turn
from mathmill.train.together import from_first
from mathmill.train.trainer import make_trainer
from mathmill.workbench import Workbench

SAVE_SECONDS = 60.0  # between checkpoints; a shorter training leaves none


def with_template(tokenizer: Any, recipe: Recipe) -> Any:
    """Return the tokenizer with the chat template that the recipe names."""
    if recipe.template == "alpaca":
        tokenizer.chat_template = chat_template()
    return tokenizer


def grouped(ready: Sequence[Material], recipe: Recipe) -> list[list[Material]]:
    """Return the stages of each training: all of one that is continuous, else one each."""
    return [list(ready)] if recipe.continuous else [[one] for one in ready]


def keeper_of(out: Path, recipe: Recipe, trainings: Sequence[Sequence[Material]]) -> Keeper:
    """Return what keeps models on the way through all trainings."""
    return Keeper(out, recipe.checkpoints,
                  [-(-sum(len(one.batches) for one in training) // recipe.accumulate)
                   for training in trainings], recipe.lora is not None, recipe.keep_optimizer)


def train_one(bench: Workbench, recipe: Recipe, stages: Sequence[Material], start: str,
              number: int, keeper: Keeper, rank: Rank = ALONE) -> None:
    """Train with one optimiser through stages; leave model, measures and facts in `stage-N/`.

    Of several ranks the first one alone writes.
    """
    quiet()
    began = time.time()
    model, tokenizer = (in_turn(lambda: open_model(start, "cpu", "float32")) if rank.split
                        else open_model(start, dtype="float32"))
    with_template(tokenizer, recipe)
    if recipe.lora is not None:
        before = bench.out / f"stage-{number - 1}" / "adapter"
        model = attach(model, recipe.lora, recipe.seed, before if number > 1 else None)
    rows, batches, spans = joined(stages, recipe.accumulate)
    recorder = Recorder(spans, bench.show, bench.tools.get("save_seconds", SAVE_SECONDS),
                        lambda step: keeper.keep(number, step, model, tokenizer, trainer))
    folder = bench.out / f"stage-{number}"
    trainer = make_trainer(model, tokenizer, rows, batches, recipe, folder, recorder, rank)
    begun = time.time()
    step = _last_step(folder)
    if rank.of > 1:
        step = from_first(step)  # on another machine a folder may be seen as it was a minute ago
    trainer.train(resume_from_checkpoint=_checkpoint(folder, step, recorder) if step else None)
    if not recorder.measures or recorder.measures[-1].loss != recorder.measures[-1].loss:
        raise StepFailed(f"stage {stages[-1].number} ended without a loss; lower the learning "
                         "rate")
    state = trainer.whole_state()  # all ranks take part
    if rank.number:
        return
    if is_adapted(model):
        keeper.keep_adapter(folder / "adapter", number, recorder.ends[-1], model, trainer)
        model = merged(model)
    tokenizer.padding_side = "left"  # as generation wants it
    save_model(model, tokenizer, folder / "model", state)
    pace = recorder.total[-1] / max(time.time() - begun, 1e-9)
    more = {} if rank.of == 1 else {"processes": rank.of, "split": rank.split}
    write_json(folder / "stage.json", {"stages": [
        _facts(stage.facts, span, recorder, pace, time.time() - began) | {
            "device": model.device.type} | more
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


def _last_step(folder: Path) -> int:
    """Return the step of the newest whole checkpoint, 0 where there is none."""
    return max((int(place.name.split("-")[-1]) for place in folder.glob("checkpoint-*")
                if (place / MEASURES_FILE).exists()), default=0)


def _checkpoint(folder: Path, step: int, recorder: Recorder) -> str:
    """Return a step's checkpoint and give the recorder its measures back."""
    place = folder / f"checkpoint-{step}"
    recorder.resume([Measure(**line) for line in read_json(place / MEASURES_FILE)], step)
    return str(place)
