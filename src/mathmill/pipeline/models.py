"""The verbs that make models: train, pretrain, train_verifier.

Used as: `model = train("embedded:", rows, stages=[Stage(epochs=3)], seed=0)`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from mathmill.execution.step import Step
from mathmill.pipeline.building import EMBEDDED, step
from mathmill.train import data as training

Stage = training.StagePlan


def train(base: str | Step, rows: Step | Mapping[str, Step], stages: Sequence[Stage] = (Stage(),),
          *, seed: int = 0, label: str = "train", **settings: Any) -> Step:
    """Fine-tune a causal language model in stages; each starts from the one before.

    With `continuous=True` all stages are one training, with one optimiser and one schedule.
    `base` is `embedded:`, a folder, a Hugging Face id, or a step that trained a model.
    `settings` are those of `train.sft.Recipe`; raises UsageError for one that cannot be. Over a
    name the defaults are those of the base; over a step they are the 7B model's, whatever it
    goes back to, and a rate that is nothing to a small base is warned of.
    """
    from mathmill.train import sft

    inputs = dict(rows) if isinstance(rows, Mapping) else {"rows": rows}
    if isinstance(base, Step):
        inputs["base"] = base
    sft.check("" if isinstance(base, Step) else base)
    defaults = {} if isinstance(base, Step) else sft.defaults(base, settings)
    recipe = sft.Recipe.of({**defaults, **settings, "seed": seed})  # refused now, not in an hour
    if isinstance(base, Step) and "learning_rate" not in settings and not any(
            stage.learning_rate for stage in stages) and _small(base):
        warnings.warn(f"{label}: learning_rate is not given and is {recipe.learning_rate:g}, the "
                      f"7B model's; {base.title} comes of a small base, which wants {_rates()}",
                      stacklevel=2)
    literals = {"base": "" if isinstance(base, Step) else base, **asdict(recipe),
                "stages": [asdict(stage) for stage in sft.plans(recipe, [
                    asdict(stage) for stage in stages])]}
    return step("train", sft.run, literals, inputs, label=label, apart=True)


def _small(base: Step) -> bool:
    """Tell whether a model comes of the embedded base, or of one that was pre-trained here."""
    while "base" in base.inputs:
        base = base.inputs["base"]
    return base.name == "pretrain" or base.literals.get("base") == EMBEDDED


def _rates() -> str:
    from mathmill.train.sft.recipe import SMALL, SMALL_LORA

    return " or ".join(f"{each['learning_rate']} with {each['optimizer']}{where}" for each, where in
                       ((SMALL, ""), (SMALL_LORA, " for LoRA")))


def pretrain(label: str = "base_model", **settings: Any) -> Step:
    """Train a small Llama from nothing on plain text of the symbolic world (no questions)."""
    from mathmill.teachers import symbolic
    from mathmill.train import pretrain as work

    tools = {"passages": symbolic.passages,
             "problems": partial(symbolic.make_problems, 20_000, 0, ("en", "zh"))}
    return step("pretrain", work.run, settings, tools=tools, label=label, apart=True)


def train_verifier(generator: str | Step, pools: Step | Mapping[str, Step], *,
                   label: str = "train verifier", **settings: Any) -> Step:
    """Train a verifier, from a generator's weights, on pools of candidates that `sample` made.

    `settings` are those of `train.verifier.settings.Settings`: `supervision`, `init`, ...
    """
    from mathmill.evaluate import ranking
    from mathmill.train.verifier import run as training
    from mathmill.train.verifier.settings import Settings

    inputs = dict(pools) if isinstance(pools, Mapping) else {"pool": pools}
    literals = {"base": "" if isinstance(generator, Step) else generator,
                "pools": sorted(inputs), **asdict(Settings.of(settings))}  # refused now
    if isinstance(generator, Step):
        inputs["generator"] = generator
    tools = {"pair_accuracy": ranking.pair_accuracy, "pooled_auc": ranking.pooled_auc}
    return step("train_verifier", training.run, literals, inputs, tools, label, apart=True)
