"""How to train a verifier: every choice of TinyGSM's, its controls, and two of our own.

Used as: `settings = Settings.of({"supervision": "last", "epochs": 4})`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mathmill.decoding.forms import FUNCTION, PROGRAM, PROSE
from mathmill.errors import UsageError
from mathmill.train.literals import known, one_of
from mathmill.train.schedule import OPTIMIZERS, SCHEDULES

TOKENS, LAST = "tokens", "last"
GENERATOR, BASE, SCRATCH = "generator", "base", "scratch"
CHOICES: dict[str, tuple[str, ...]] = {
    "supervision": (TOKENS, LAST), "init": (GENERATOR, BASE, SCRATCH),
    "form": (PROSE, PROGRAM, FUNCTION),
    "optimizer": OPTIMIZERS, "schedule": SCHEDULES}


@dataclass(frozen=True, slots=True)
class Settings:
    """The defaults are measured ones for the embedded base; see docs/verifier.md."""

    seed: int = 0
    "Decides which programs of a problem are taken, the order, and new weights."
    supervision: str = TOKENS
    "`tokens`: every token of a program learns its label (the paper's); `last`: the last alone."
    head_only: bool = False
    "Train the new head alone and leave the language model as it is (a control)."
    init: str = GENERATOR
    "Weights to start from: the `generator`'s (the paper's), the `base` model's, or `scratch`."
    balance: bool = True
    "Only problems with right and wrong programs, half of each problem's weight on either side."
    most: int = 4
    "Most right, and most wrong, programs that are taken of a problem."
    confidence: bool = False
    "Tell the head the running log-probability of the program too: a choice of our own."
    pairwise: float = 0.0
    "Weight of a term of our own: -log sigmoid(right - wrong) over a problem's pairs, last tokens."
    lm: float = 0.0
    "Weight of the language model's loss on the right programs (Cobbe et al. 2021)."
    epochs: float = 4.0
    "Passes over the groups."
    batch_size: int = 8
    "Problems an optimiser step."
    optimizer: str = "muon+adamw"
    "`adamw`, or `muon+adamw` (Muon on the layers' matrices, AdamW on the rest)."
    learning_rate: float = 0.01
    "Peak rate (Muon's, where there is Muon)."
    adam_rate: float = 3e-3
    "Peak rate of the AdamW half beside Muon."
    weight_decay: float = 0.0
    "Decoupled weight decay."
    dropout: float = 0.0
    "Chance that a coordinate before the head is left out, in training."
    schedule: str = "wsd"
    "`cosine`, `linear`, `constant` or `wsd` (warm up, stay, decay)."
    warmup: float = 0.05
    "Share of the steps over which the rate rises."
    decay: float = 0.6
    "Share of a `wsd` schedule that decays."
    held_out: float = 0.05
    "Share of the problems that is kept from training and measured after each pass."
    form: str = PROGRAM
    "What the candidates are written in: that of their pool."
    max_length: int = 512
    "Most tokens of a prompt with one program; a program that has more is left out."

    @classmethod
    def of(cls, literals: Mapping[str, Any]) -> Settings:
        """Return the settings for a step's literals; raises UsageError for what cannot be."""
        known(cls, literals, "a verifier has no setting")
        made = cls(**literals)
        one_of(made, CHOICES)
        for name in ("most", "epochs", "batch_size", "learning_rate", "max_length"):
            if getattr(made, name) <= 0:
                raise UsageError(f"{name} is {getattr(made, name)}; it must be above 0")
        for name in ("pairwise", "lm", "weight_decay"):
            if getattr(made, name) < 0:
                raise UsageError(f"{name} is {getattr(made, name)}; it must be 0 or more")
        for name in ("held_out", "dropout"):
            if not 0 <= getattr(made, name) < 1:
                raise UsageError(f"{name} is {getattr(made, name)}; it is a share below 1")
        if made.confidence and made.dropout:
            raise UsageError("confidence is read off the hidden states; dropout must be 0 then")
        if made.head_only and made.lm:
            raise UsageError("head_only leaves the language model as it is; lm must be 0 then")
        return made
