"""The step that values rows: candidates, target sets and a reference in, `Valued` rows out.

Why one step for all ways: a study compares gradients with chance, perplexity, a verifier and help
in one shot, and what is compared must be asked of the same rows in the same place.

Used as: the runner calls `run(bench, by="gradient", targets=["train"], base="embedded:")` with
inputs `rows`, `reference` (a training with `lora`), `target.train`, and `base` where a step made
the base model. It leaves `rows.parquet` (Valued) and, by gradient, `features/` in `bench.out`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathmill.decoding.models import open_model, open_tokenizer
from mathmill.errors import InputError, StepFailed, UsageError
from mathmill.identity import content_id
from mathmill.io import read_json
from mathmill.texts import Valued
from mathmill.train.influence.features import begun
from mathmill.train.influence.gradients import Reader
from mathmill.train.influence.header import ADAM, GRADIENT
from mathmill.train.influence.projection import Projection
from mathmill.train.influence.reading import Lens, read, rows_of
from mathmill.train.influence.settings import ALL, Settings
from mathmill.train.influence.values import valued
from mathmill.train.lora import open_adapter, read_kept, read_moments
from mathmill.types import Drop
from mathmill.workbench import Workbench

if TYPE_CHECKING:
    from torch import Tensor

    from mathmill.train.influence.features import Features


def run(bench: Workbench, *, targets: Sequence[str] = (), base: str = "", **literals: Any) -> None:
    """Give every row a value, or a drop that says why it has none.

    `targets`: names of the target sets, inputs `target.NAME`. `base`: the model that the
    reference was trained from (or that a baseline asks), by name; empty where an input holds it.
    `literals`: those of `Settings`. Facts: `rows_a_second` (without those that a killed run had
    read), `targets` and how many of their rows are left out, `checkpoints` and their weights. A
    reading that was killed goes on. Raises UsageError, InputError, StepFailed, MissingExtra.
    """
    settings = Settings.of(literals)
    bench.facts["rows_in"] = bench.count("rows")
    if settings.by == GRADIENT:
        found, drops = _by_gradient(bench, targets, base, settings)
    else:
        from mathmill.train.influence.comparing import by_baseline

        found, drops = by_baseline(bench, targets, base, settings)
    without = {drop.id for drop in drops}
    bench.keep((row for row in found if row.id not in without), Valued)
    for drop in drops:
        bench.drop(drop)
    if not bench.kept["rows"]:
        raise StepFailed(f"none of {bench.facts['rows_in']} rows has a value "
                         f"({', '.join(bench.drops.reasons)}); look at the drops of this step")


def _by_gradient(bench: Workbench, targets: Sequence[str], base: str, settings: Settings
                 ) -> tuple[Iterator[Valued], list[Drop]]:
    """Read all sets through every checkpoint; return the values, and the rows without one."""
    if not targets:
        raise UsageError("there is no target set to value rows for; give targets={name: rows}")
    states = _states(bench.inputs["reference"], settings)
    tokenizer = open_tokenizer(str(bench.inputs["reference"]))
    candidates: list[Features] = []
    aims: dict[str, list[Features]] = {name: [] for name in targets}
    drops: list[Drop] = []
    began, before = time.time(), 0
    for folder, _ in states:
        lens = _lens(folder, base or str(bench.inputs["base"]), tokenizer, settings)
        place = bench.out / "features" / "rows" / folder.name
        before += begun(place)
        known, left = read(place, rows_of(bench, "rows"), lens, settings, settings.direction,
                           bench.show, bench.facts["rows_in"])
        candidates.append(known)
        drops += _new(left, drops)
        for name in targets:
            place = bench.out / "features" / f"target.{name}" / folder.name
            before += begun(place)
            aim, _ = read(place, rows_of(bench, f"target.{name}"), lens, settings,
                          show=bench.show)
            aims[name].append(aim)
    drops += _new(_still(candidates), drops)
    used = {name: min(int((aim.norms > 0).sum()) for aim in each) for name, each in aims.items()}
    total = sum(weight for _, weight in states)
    weights = [weight / total for _, weight in states]
    there = sum(map(len, [*candidates, *(aim for each in aims.values() for aim in each)]))
    bench.facts.update(
        dimension=settings.dimension, reference=lens.model, weights=lens.reader.size,
        checkpoints={folder.name: round(weight, 4)
                     for (folder, _), weight in zip(states, weights, strict=True)},
        targets=used, targets_left_out={
            name: bench.count(f"target.{name}") - count for name, count in used.items()},
        rows_a_second=round((there - before) / max(time.time() - began, 1e-9), 1))
    return valued(candidates, aims, weights, settings.over, settings.mean), drops


def _states(reference: Path, settings: Settings) -> list[tuple[Path, float]]:
    """Return the folders of the adapters that are looked through, and their rates as weights."""
    last = reference / "adapter"
    if not last.is_dir():
        raise InputError(reference, "holds no adapter", "train the reference with lora={...}")
    if settings.checkpoints != ALL:
        return [(last, 1.0)]
    kept = [*sorted(reference.glob("adapter-???")), last]
    return [(folder, float(read_kept(folder)["rate"])) for folder in kept]


def _lens(folder: Path, base: str, tokenizer: Any, settings: Settings) -> Lens:
    """Return the reference model in one of its states, ready to read rows."""
    model, _ = open_model(base, dtype=settings.precision)
    reader = Reader(open_adapter(model, folder))
    projection = Projection(reader.size, settings.dimension, settings.seed, settings.block,
                            str(model.device))
    moments, betas = None, (0.9, 0.999)
    if settings.direction == ADAM:
        moments = _moments(folder, reader)
        first, second = read_kept(folder)["betas"]
        betas = (float(first), float(second))
    return Lens(reader, projection, tokenizer, model_id(folder), moments, betas)


def _moments(folder: Path, reader: Reader) -> tuple[Tensor, Tensor]:
    """Return Adam's moments (weights,) in the order of a gradient."""
    import torch

    held = read_moments(folder)
    device = reader.model.device
    mean, square = (torch.cat([held[f"{which}.{name}"].flatten() for name, _ in reader.parameters])
                    for which in ("mean", "square"))
    return mean.float().to(device), square.float().to(device)


def model_id(folder: Path) -> str:
    """Return the id of a reference in one state: the content of its adapter.

    The factors were trained on one base and on no other, so their bytes stand for it too.
    """
    told = read_json(folder / "adapter_config.json")
    digest = hashlib.blake2b((folder / "adapter_model.safetensors").read_bytes(), digest_size=16)
    return content_id("reference", digest.hexdigest(), told["r"], told["lora_alpha"],
                      sorted(told["target_modules"]))


def _new(found: Iterable[Drop], known: Sequence[Drop]) -> list[Drop]:
    """Return the drops of rows that are not known to be dropped; a row may be there twice."""
    ids = {drop.id for drop in known}
    return [drop for drop in found if drop.id not in ids]


def _still(candidates: Sequence[Features]) -> Iterator[Drop]:
    """Yield a drop for every row whose gradient is zero at every checkpoint."""
    import numpy as np

    zero = np.all([each.norms == 0 for each in candidates], axis=0)
    for place in np.flatnonzero(zero).tolist():
        yield Drop(candidates[0].ids[place].decode(), "no gradient",
                   "there is no token in its answer to learn")
