"""How rows are valued: the paper's way, LESS's as switches, and what may be varied.

Used as: `settings = Settings.of({"dimension": 1024})`; `value(rows, targets, ref, **header.LESS)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mathmill.decoding.forms import BY_ROW, FORMS, PROSE
from mathmill.errors import UsageError
from mathmill.train.influence.baselines import BASELINES
from mathmill.train.influence.header import ADAM, GRADIENT
from mathmill.train.influence.projection import BLOCK
from mathmill.train.influence.values import COSINES, FEATURES, MAX, MEAN
from mathmill.train.literals import known, one_of

WAYS = (GRADIENT, *BASELINES)
LAST, ALL = "last", "all"
CHOICES: dict[str, tuple[str, ...]] = {
    "by": WAYS, "direction": (GRADIENT, ADAM), "checkpoints": (LAST, ALL), "over": (MEAN, MAX),
    "mean": (FEATURES, COSINES), "form": (*FORMS, BY_ROW), "precision": ("float32", "bfloat16")}


@dataclass(frozen=True, slots=True)
class Settings:
    """The defaults are JiuZhang3.0's; what it does not tell is LESS's (dimension) or ours."""

    by: str = GRADIENT
    "`gradient`, or a baseline: `random`, `perplexity`, `verifier`, `one_shot`."
    dimension: int = 8192
    "Numbers a projected gradient has (LESS: 8,192; a small model does with 1,024)."
    seed: int = 0
    "Seed of the projection's signs, and of a baseline's draws."
    block: int = BLOCK
    "Weights a block of signs covers."
    direction: str = GRADIENT
    "What a candidate's feature is: its `gradient`, or the step that `adam` would take (LESS)."
    checkpoints: str = LAST
    "The `last` state of the reference, or `all` that were kept, each by its rate (LESS)."
    over: str = MEAN
    "One target of all sets' rows (`mean`), or the `max` over the sets (LESS)."
    mean: str = FEATURES
    "Cosine to the mean of the target `features`, or the mean of the `cosines` (LESS)."
    form: str = PROSE
    "How rows are written for the model (`decoding.forms`): as the reference learned them."
    max_length: int = 2048
    "Most tokens of a row; a longer one has no value."
    learn_output: bool = True
    "Whether what code printed counts as part of a tool row's answer."
    precision: str = "float32"
    "In what the reference model is opened; factors and gradients are float32 in any case."
    shots: int = 16
    "For `one_shot`: target problems on which a row is tried."

    @classmethod
    def of(cls, literals: Mapping[str, Any]) -> Settings:
        """Return the settings for a step's literals; raises UsageError for what cannot be."""
        known(cls, literals, "a value has no setting")
        made = cls(**literals)
        one_of(made, CHOICES)
        for name in ("max_length", "block", "shots"):
            if getattr(made, name) < 1:
                raise UsageError(f"{name} is {getattr(made, name)}; it must be at least 1")
        if made.dimension < 8 or made.dimension % 8:
            raise UsageError(f"dimension is {made.dimension}; it must be a multiple of 8")
        if made.seed < 0:
            raise UsageError(f"seed is {made.seed}; it must be 0 or more")
        return made
