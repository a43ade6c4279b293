"""A training by several processes: the line that starts them, and the watch over them.

Why: torchrun starts ranks, on this machine or on several; what each is to do lies in a file
beside the step's data, so that the line can be copied, and given again by hand.

Used as: `train_together(bench, recipe, stages, start, number, processes)`, by `train.sft.run`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mathmill.errors import InputError, StepFailed, UsageError
from mathmill.io import read_json, write_json
from mathmill.ranks import devices
from mathmill.ranks.launch import Launch, line
from mathmill.train.data import StagePlan
from mathmill.train.sft.recipe import Recipe
from mathmill.train.sft.training import SAVE_SECONDS
from mathmill.workbench import Workbench

MODULE = "mathmill.train.sft.rank"
SMALL = 100_000_000  # weights below which several GPUs are taken only where they are asked for
SETTINGS, WORK, PROGRESS = "ranks.json", "ranks", "progress.json"


def processes_of(bench: Workbench, start: str) -> int:
    """Return how many processes of a machine are to train the model: as asked, or one a GPU.

    A small model that nobody asked several for gets one: starting them would take longer.
    """
    found = devices.wanted(bench.devices)
    if found > 1 and bench.devices.processes is None and bench.devices.nodes == 1:
        return found if _weights(start) >= SMALL else 1
    return found


def train_together(bench: Workbench, recipe: Recipe, wanted: Sequence[StagePlan], start: str,
                   number: int, processes: int) -> None:
    """Have ranks do training `number` (from 1) and wait for them.

    `wanted`: all stages, whose rows lie in the step's folder already. Raises what a rank raised;
    StepFailed where one died, and where several machines are wanted: the user starts those.
    """
    folder, nodes = bench.out / f"stage-{number}", bench.devices.nodes
    split = _is_split(bench, recipe, start, processes * nodes)
    folder.mkdir(parents=True, exist_ok=True)
    settings = (folder / SETTINGS).absolute()
    place = Path(start)
    write_json(settings, {
        "out": str(bench.out.absolute()), "recipe": asdict(recipe),
        "stages": [asdict(stage) for stage in wanted], "training": number, "split": split,
        "start": str(place.absolute()) if place.exists() else start,
        "save_seconds": bench.tools.get("save_seconds", SAVE_SECONDS)})
    how = "split over them (FSDP)" if split else "whole in each (DDP)"
    if nodes > 1:
        told = line(MODULE, settings, processes, nodes, f"{bench.out.name}-{number}")
        raise StepFailed(
            f"stage {number} is ready to be trained on {nodes} machines, the model {how}; start "
            "this on each of them, where all see the same folder, with the first one's name for "
            f"HOST, and give the same command again once it has ended:\n{told}")
    with Launch(MODULE, settings, processes, folder / WORK) as ranks:
        bench.say(f"stage {number} trains in {processes} processes, the model {how}:\n"
                  f"  {ranks.line}")
        seen: Any = None
        while not ranks.ended():
            now = _progress(folder)
            if now is not None and now != seen:
                seen = now
                bench.show(*now)
            ranks.wait()


def _is_split(bench: Workbench, recipe: Recipe, start: str, processes: int) -> bool:
    """Decide whether the model is split; raises UsageError where it cannot be."""
    asked = bench.devices.shard
    if recipe.lora is not None:
        if asked:
            raise UsageError("--shard splits a model that is trained whole; take lora={...} away, "
                             "or leave --shard out")
        return False  # frozen weights have neither gradients nor moments
    weights = 0 if asked is not None or devices.memory() is None else _weights(start)
    return devices.split(bench.devices, weights, processes, devices.memory())


def _weights(start: str) -> int:
    """Return how many weights a model has, from its configuration alone."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from mathmill.decoding.models import place

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
            AutoConfig.from_pretrained(str(place(start))))
    return sum(weight.numel() for weight in model.parameters())


def _progress(folder: Path) -> list[Any] | None:
    try:
        found: list[Any] = read_json(folder / WORK / PROGRESS)
    except (OSError, InputError):
        return None  # not yet
    return found
