"""LoRA: small factors beside frozen matrices, trained, kept, merged, opened again.

Why: the reference model of the value by gradients is a LoRA model (JiuZhang3.0, LESS; papers: 2.3,
4.5), and the gradients are taken at its factors; a 7B is tuned so on one card. All that knows peft
lies here. An adapter's folder also holds `kept.json` (after which step, at which mean rate) and,
where asked, `moments.safetensors`: Adam's two moments, which LESS wants.

Used as: `model = attach(model, Lora.of({"rank": 8}), seed=0)`, `save_adapter(model, folder)`,
`open_adapter(base_model, folder)`, by `train.sft` and `train.influence`.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathmill.errors import InputError, MissingExtra, UsageError
from mathmill.io import read_json, write_json
from mathmill.train.literals import known

if TYPE_CHECKING:
    from torch import Tensor

KEPT, MOMENTS = "kept.json", "moments.safetensors"
CURE = "give the folder of a training with lora={...}, or its adapter/"


@dataclass(frozen=True, slots=True)
class Lora:
    """Which factors are trained in place of the weights."""

    rank: int = 8
    "Columns of a factor."
    alpha: float = 16.0
    "The factors' product counts alpha / rank."
    dropout: float = 0.0
    "Chance that a coordinate is left out before the factors, in training."
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")
    "Names (or ends of names) of the matrices that get factors."

    @classmethod
    def of(cls, literals: Mapping[str, Any]) -> Lora:
        """Return the choice for a recipe's literals; raises UsageError, MissingExtra."""
        known(cls, literals, "lora has no")
        made = cls(**{**literals, "targets": tuple(literals.get("targets", cls().targets))})
        if made.rank < 1 or made.alpha <= 0 or not 0 <= made.dropout < 1 or not made.targets:
            raise UsageError("lora wants a rank of at least 1, an alpha above 0, a dropout below "
                             "1 and at least one target")
        if find_spec("peft") is None:
            raise MissingExtra("peft", "train")
        return made


def attach(model: Any, lora: Lora, seed: int, adapter: Path | None = None) -> Any:
    """Return the model with factors beside its targets, everything else frozen.

    The factors are drawn by the seed (their product is 0), or those of `adapter` go on.
    Raises UsageError where the model has none of the targets.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    if adapter is not None:
        return open_adapter(model, adapter, train=True)
    torch.manual_seed(seed)
    config = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout,  # type: ignore[arg-type]
                        target_modules=list(lora.targets), bias="none", task_type="CAUSAL_LM")
    try:
        with warnings.catch_warnings():  # of a name that transformers will change
            warnings.simplefilter("ignore", FutureWarning)
            return get_peft_model(model, config)
    except ValueError as error:
        raise UsageError(f"this model has no {', '.join(lora.targets)} ({str(error)[:100]}); "
                         "name its matrices in lora={'targets': ...}") from error


def is_adapted(model: Any) -> bool:
    """Say whether a model carries factors."""
    return hasattr(model, "peft_config")


def inner(model: Any) -> Any:
    """Return the language model within (factors stay in place), or the model itself."""
    return model.get_base_model() if is_adapted(model) else model


def save_adapter(model: Any, folder: Path, kept: Mapping[str, Any],
                 moments: Mapping[str, Tensor] | None = None) -> None:
    """Save the factors, what is known of them, and moments, whole or not at all."""
    from safetensors.torch import save_file

    aside = folder.with_name(f"{folder.name}.writing")
    shutil.rmtree(aside, ignore_errors=True)
    model.save_pretrained(str(aside), save_embedding_layers=False)
    (aside / "README.md").unlink(missing_ok=True)  # peft's blank card
    config = aside / "adapter_config.json"  # names a folder of this machine as its base
    write_json(config, {**read_json(config), "base_model_name_or_path": None})
    write_json(aside / KEPT, dict(kept))
    if moments is not None:
        save_file({name: tensor.contiguous().cpu() for name, tensor in moments.items()},
                  aside / MOMENTS)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(aside, folder)


def open_adapter(model: Any, folder: Path, train: bool = False) -> Any:
    """Return the base `model` with the factors of an adapter's folder in place.

    Raises InputError for a folder that holds no adapter, or one of another model.
    """
    try:
        from peft import PeftModel
    except ImportError as error:
        raise MissingExtra("peft", "train") from error
    from safetensors import SafetensorError

    if not (folder / "adapter_config.json").is_file():
        raise InputError(folder, "holds no adapter", CURE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("error", UserWarning)  # keys are missing: another model's
            made = PeftModel.from_pretrained(model, str(folder), is_trainable=train,
                                             local_files_only=True)
    except (OSError, ValueError, RuntimeError, KeyError, UserWarning, SafetensorError) as error:
        cause = " ".join(str(error).split())[:120]
        raise InputError(folder, f"cannot be laid on this model ({cause})", CURE) from error
    return made if train else made.eval()


def merged(model: Any) -> Any:
    """Return the language model with the factors added to its weights; the adapter is gone."""
    return model.merge_and_unload()


def kept_state(model: Any, trainer: Any, since: int, step: int, moments: bool
               ) -> tuple[dict[str, Any], dict[str, Tensor] | None]:
    """Return what is kept beside an adapter after `step` steps: facts, and Adam's moments.

    `rate` is the mean rate of the steps after `since`: the weight LESS gives the checkpoint.
    """
    scheduler = getattr(trainer.lr_scheduler, "scheduler", trainer.lr_scheduler)
    optimizer = getattr(trainer.optimizer, "optimizer", trainer.optimizer)
    rates = [scheduler.base_lrs[0] * scheduler.lr_lambdas[0](at) for at in range(since, step)]
    facts = {"step": step, "rate": sum(rates) / max(len(rates), 1),
             "betas": list(optimizer.param_groups[0]["betas"])}
    if not moments:
        return facts, None
    held = {}
    for name, weight in inner(model).named_parameters():
        if weight.requires_grad:
            plain = factor_name(name)
            held[f"mean.{plain}"] = optimizer.state[weight]["exp_avg"]
            held[f"square.{plain}"] = optimizer.state[weight]["exp_avg_sq"]
    return facts, held


def factor_name(name: str) -> str:
    """Return a factor's name without peft's words: `model.layers.0.self_attn.q_proj.A`."""
    matrix, _, rest = name.partition(".lora_")
    return f"{matrix}.{rest[0]}"


def read_kept(folder: Path) -> dict[str, Any]:
    """Return what `save_adapter` wrote beside the factors."""
    return dict(read_json(folder / KEPT))


def read_moments(folder: Path) -> dict[str, Tensor]:
    """Return Adam's moments by `mean.NAME` and `square.NAME`; raises InputError without any."""
    from safetensors.torch import load_file

    if not (folder / MOMENTS).is_file():
        raise InputError(folder, "holds no moments of Adam",
                         "train the reference with keep_optimizer=True")
    return load_file(folder / MOMENTS)
