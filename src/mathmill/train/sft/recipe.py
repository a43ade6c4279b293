"""The settings of a fine-tuning: what a recipe may say, and what cannot be.

Why: a training that is refused is refused when its step is made, not hours later, and without
loading PyTorch.

Used as: `recipe = Recipe.of({"packing": "consecutive", "schedule": "wsd"})`; `plans(recipe,
[{"epochs": 1}])`; `check("embedded:")`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

from mathmill.decoding.forms import BY_ROW, FORMS, PROSE
from mathmill.decoding.models import EMBEDDED, place
from mathmill.errors import MissingExtra, UsageError
from mathmill.train.checkpoints import checked
from mathmill.train.data import StagePlan
from mathmill.train.literals import known, one_of
from mathmill.train.lora import Lora
from mathmill.train.schedule import OPTIMIZERS, SCHEDULES

CONSECUTIVE = "consecutive"
CHOICES: dict[str, tuple[Any, ...]] = {
    "optimizer": OPTIMIZERS, "schedule": SCHEDULES, "too_long": ("drop", "cut"),
    "template": ("alpaca", "own"), "form": (*FORMS, BY_ROW),
    "packing": (False, True, CONSECUTIVE)}
# For the embedded base on a CPU; measured in docs/train.md.
SMALL = {"optimizer": "muon+adamw", "learning_rate": 0.01, "adam_rate": 3e-3, "batch_size": 16,
         "schedule": "wsd", "warmup": 0.05, "decay": 0.6, "max_length": 512}
# What differs where only LoRA factors are trained: Adam, whose moments LESS wants.
SMALL_LORA = {"optimizer": "adamw", "learning_rate": 0.02}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train; the defaults are Skywork-Math's for LLaMA-2-7B (papers: 1.5)."""

    seed: int = 0
    "Decides the subsets, the order of the rows and the trainer's own draws."
    optimizer: str = "adamw"
    "`adamw`, or `muon+adamw` (Muon on the layers' matrices, AdamW on the rest)."
    learning_rate: float = 2e-5
    "Peak rate (Muon's, where there is Muon)."
    adam_rate: float = 3e-3
    "Peak rate of the AdamW half beside Muon."
    batch_size: int = 32
    "Rows (or packed sequences) an optimiser step."
    accumulate: int = 1
    "Parts in which a batch is worked through, where memory is short."
    max_length: int = 2048
    "Most tokens of a row, prompt and answer together."
    too_long: str = "drop"
    "`drop` rows over max_length, or `cut` them."
    packing: bool | str = False
    "Lay several rows into one sequence of max_length; `consecutive`: as they follow each other."
    schedule: str = "cosine"
    "`cosine`, `linear`, `constant` or `wsd` (warm up, stay, decay)."
    warmup: float = 0.03
    "Share of the steps over which the rate rises."
    decay: float = 0.4
    "Share of a `wsd` schedule that decays."
    floor: float = 0.0
    "Share of the peak rate below which no schedule falls."
    continuous: bool = False
    "Go through all stages with one optimiser and one schedule; each row as often as epochs say."
    weight_decay: float = 0.0
    "Decoupled weight decay."
    template: str = "alpaca"
    "`alpaca` (papers: 5.1), or `own` to keep the base model's chat template."
    form: str = PROSE
    "`prose`, `tool`, `program` or `function` (`decoding.forms`); `by_row`: `tool` or `prose`."
    learn_output: bool = True
    "Whether a tool row's outputs carry loss, as in the paper; evaluation writes them itself."
    checkpoints: tuple[float, ...] = ()
    "Shares of all steps after which the model is kept, in `model-025/` and the like."
    lora: Lora | None = None
    "Train factors only (`train.lora.Lora`); kept in `adapter/`, merged in `model/`."
    keep_optimizer: bool = False
    "Keep Adam's moments beside each adapter, as LESS wants them."

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Recipe:
        """Return the recipe for a step's literals; raises UsageError for what cannot be."""
        known(cls, settings, "training has no setting")
        recipe = cls(**{**settings, "checkpoints": checked(settings.get("checkpoints", ()))})
        if isinstance(recipe.lora, Mapping):
            recipe = replace(recipe, lora=Lora.of(recipe.lora))
        one_of(recipe, CHOICES)
        for name in ("warmup", "decay", "floor"):
            if not 0 <= getattr(recipe, name) <= 1:
                raise UsageError(f"{name} is {getattr(recipe, name)}; it is a share from 0 to 1")
        if recipe.batch_size < 1 or recipe.accumulate < 1 or recipe.max_length < 2:
            raise UsageError("batch_size and accumulate must be at least 1, max_length 2")
        if recipe.batch_size % recipe.accumulate:
            raise UsageError(f"batch_size {recipe.batch_size} is no multiple of "
                             f"accumulate {recipe.accumulate}; change one of them")
        if recipe.keep_optimizer and (recipe.lora is None or recipe.optimizer != "adamw"):
            raise UsageError("keep_optimizer keeps Adam's moments beside an adapter; it wants "
                             "lora={...} and optimizer='adamw'")
        return recipe


def plans(recipe: Recipe, stages: Sequence[Mapping[str, Any]]) -> list[StagePlan]:
    """Return the stages of a training, checked; raises UsageError for what cannot be."""
    made = [StagePlan.of(stage) for stage in stages]
    if not made:
        raise UsageError("there is no stage to train; give at least one")
    if recipe.continuous and any(stage.learning_rate for stage in made):
        raise UsageError("continuous=True has one schedule for all stages; take the stage's "
                         "learning_rate away")
    return made


def defaults(base: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what holds for a base where `settings` say nothing; they are for the embedded one."""
    if base != EMBEDDED:
        return {}
    return {**SMALL, **(SMALL_LORA if settings.get("lora") is not None else {})}


def check(base: str) -> None:
    """Refuse a training that cannot start, without loading PyTorch (two seconds).

    Why: what stands before it in a recipe takes minutes to days. `base`: as in `run`. Raises
    MissingExtra, UsageError, InputError.
    """
    if find_spec("torch") is None:
        raise MissingExtra("torch", "train")
    if base:
        place(base)
