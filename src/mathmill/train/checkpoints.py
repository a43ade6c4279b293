"""Models kept on the way: after given shares of all steps, beside the one at the end.

Why: a verifier learns from candidates of several states of its generator (TinyGSM: after 1,000,
6,000 and 12,000 steps), and a curve over the steps wants more than the last point. What is
kept is an ordinary model folder, so that everything that opens a model opens it.

Used as: `keeper = Keeper(bench.out, (0.25, 0.5, 1.0), [steps of each stage])`, by `train.sft`;
it leaves `model-025/` and `model-050/` beside `model/`, which is the share 1. Where only LoRA
factors are trained, only they are kept: `adapter-025/` and the like.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mathmill.decoding.models import quiet
from mathmill.errors import UsageError
from mathmill.train.lora import kept_state, save_adapter


def checked(shares: Sequence[float]) -> tuple[float, ...]:
    """Return shares in order, each once; raises UsageError for one not within 0.01 and 1."""
    for share in shares:
        if not 0.01 <= share <= 1:
            raise UsageError(f"checkpoints holds {share}; give shares of the steps from 0.01 to 1")
    return tuple(sorted({round(float(share), 2) for share in shares}))


def folder_name(share: float, what: str = "model") -> str:
    """Return the name of the folder of a share: `model-025`; `model` for the whole."""
    return what if share >= 1 else f"{what}-{round(100 * share):03d}"


class Keeper:
    """Knows after which steps the weights are kept, and keeps them."""

    def __init__(self, out: Path, shares: Sequence[float], steps: Sequence[int],
                 adapters: bool = False, moments: bool = False) -> None:
        """Take the step's folder, the shares, how many steps each stage has.

        `adapters`: whether LoRA factors are kept in place of models; `moments`: Adam's beside.
        """
        self.adapters, self.moments = adapters, moments
        self.out, self.before = out, [sum(steps[:stage]) for stage in range(len(steps))]
        what = "adapter" if adapters else "model"
        self.at = {folder_name(share, what): max(1, round(share * sum(steps)))
                   for share in shares if share < 1}

    def keep(self, stage: int, step: int, model: Any, tokenizer: Any, trainer: Any) -> None:
        """Save the model if it is to be kept after so many steps of a stage (from 1).

        A resumed training may pass a step again; the weights are then the very same.
        """
        for name, at in self.at.items():
            if at != self.before[stage - 1] + step:
                continue
            state = trainer.whole_state()  # all processes take part
            if not trainer.writes:
                continue
            if self.adapters:
                self.keep_adapter(self.out / name, stage, step, model, trainer)
            else:
                side, tokenizer.padding_side = tokenizer.padding_side, "left"
                save_model(model, tokenizer, self.out / name, state)
                tokenizer.padding_side = side

    def keep_adapter(self, folder: Path, stage: int, step: int, model: Any, trainer: Any) -> None:
        """Save the factors after so many steps of a stage, with what LESS wants beside them."""
        begun = self.before[stage - 1]
        since = max([at - begun for at in self.at.values() if begun < at < begun + step],
                    default=0)
        facts, moments = kept_state(model, trainer, since, step, self.moments)
        save_adapter(model, folder, {**facts, "stage": stage}, moments)

    def cards(self, card: str) -> None:
        """Write the model's card into the folders, with a line on which step each is from."""
        for name, at in self.at.items():
            line = f"\nThese are the weights after {at:,} of the training's steps.\n"
            (self.out / name / "CARD.md").write_text(card + line, encoding="utf-8")


def save_model(model: Any, tokenizer: Any, folder: Path, state: Any = None) -> None:
    """Save weights and tokenizer so that the folder is there whole or not at all.

    `state`: the weights by name, where those of the model are split over processes.
    """
    aside = folder.with_name(f"{folder.name}.writing")
    shutil.rmtree(aside, ignore_errors=True)
    quiet()
    model.save_pretrained(str(aside), state_dict=state)
    tokenizer.save_pretrained(str(aside))
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(aside, folder)
