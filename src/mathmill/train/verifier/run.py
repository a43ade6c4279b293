"""The step that trains a verifier: pools of candidates in, `verifier/` out.

Why a loop of its own: a step is a mean over problems whose programs lie behind one prompt,
which trainers for plain rows do not know. Orders are drawn by the seed, and a checkpoint holds
all that moves, so that a training that was killed ends with the very same weights.

Used as: the runner calls `run(bench, pools=["pool"], init="generator", epochs=4)` with inputs
`pool` (Candidate rows) and `generator` (a training), and the tools `pair_accuracy` and
`pooled_auc` of `evaluate.ranking`. It leaves `verifier/` and metrics.jsonl in `bench.out`.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from mathmill.candidates import Candidate
from mathmill.decoding.bundles import Bundle
from mathmill.decoding.generation import window
from mathmill.decoding.models import open_model
from mathmill.decoding.verifier import (
    FOLDER,
    encode_bodies,
    encode_prompts,
    new_verifier,
    save_verifier,
    score,
)
from mathmill.errors import StepFailed, UsageError
from mathmill.train.cards import verifier_card
from mathmill.train.data import plan
from mathmill.train.schedule import factor
from mathmill.train.verifier.data import Group, gather, hold_out, weigh
from mathmill.train.verifier.objective import Task, objective, parts
from mathmill.train.verifier.settings import BASE, SCRATCH, Settings
from mathmill.workbench import Workbench

SAVE_SECONDS = 60.0  # between checkpoints; a shorter training leaves none
TOGETHER = 16_384  # tokens that go through the model at once; a larger step goes in parts
CHECKPOINT = "checkpoint.pt"


@dataclass
class _Training:
    """A training under way: all that a checkpoint holds."""

    verifier: Any
    optimizer: Any
    step: int = 0
    losses: list[float] = field(default_factory=list)
    "Of each step, a mean over its problems."
    passes: list[dict[str, Any]] = field(default_factory=list)
    "What was measured after each pass."
    seconds: float = 0.0


def run(bench: Workbench, *, pools: Sequence[str] = ("pool",), base: str = "",
        **literals: Any) -> None:
    """Train a verifier on pools of candidates and save it.

    `base`: the model to start from by name; empty where the input `generator` holds it.
    `literals`: those of `Settings`. Facts: `data` (what became of the candidates), `passes`
    (loss and, on held-out problems, pair accuracy and pooled AUC), `tokens_per_second`.
    Raises UsageError, InputError, StepFailed (nothing to learn from), MissingExtra.
    """
    import torch

    settings = Settings.of(literals)
    if not base and "generator" not in bench.inputs:
        raise UsageError("there is no model to make a verifier of; name one, or give a training")
    if settings.init == BASE and not base:
        raise UsageError("init='base' was given a training, whose weights are the generator's; "
                         "give the base model's name in its place")
    model, tokenizer = open_model(base or str(bench.inputs["generator"]), dtype="float32")
    torch.manual_seed(settings.seed)
    if settings.init == SCRATCH:
        model = type(model)(model.config).to(model.device)
    groups, counted = gather(chain(*(bench.rows(name, Candidate) for name in pools)), settings)
    learned, checked = hold_out(groups, settings.held_out, settings.seed)
    tasks, long = _tasks(learned, tokenizer, settings, min(window(model), settings.max_length))
    bench.facts["data"] = {**counted, "too_long": long, "held_out": len(checked),
                           "learned": len(tasks),
                           "learned_programs": sum(len(task.right) for task in tasks)}
    if not tasks:
        raise StepFailed(
            f"of {counted.get('problems', 0)} problems none has both right and wrong programs "
            f"({long} are longer than max_length); sample more programs a problem, at a higher "
            "temperature, or from an earlier checkpoint of the generator")
    training = _begin(model, settings)
    _loop(bench, training, tasks, settings, tokenizer, checked)
    _finish(bench, training, tokenizer, settings, base or "an earlier step's model")


def _tasks(groups: Sequence[Group], tokenizer: Any, settings: Settings, most: int
           ) -> tuple[list[Task], int]:
    """Return the groups as token ids, and the programs that were left out for their length."""
    prompts = encode_prompts(tokenizer, [group.question for group in groups], settings.form)
    tasks, long = [], 0
    for group, prompt in zip(groups, prompts, strict=True):
        bodies = encode_bodies(tokenizer, group.programs, most + 1)
        fit = [len(prompt) + len(body) <= most for body in bodies]
        long += len(fit) - sum(fit)
        right = tuple(label for label, ok in zip(group.right, fit, strict=True) if ok)
        if not right or (settings.balance and len(set(right)) < 2):
            continue
        tasks.append(Task(Bundle(prompt, [b for b, ok in zip(bodies, fit, strict=True) if ok]),
                          right, weigh(right, settings.balance)))
    return tasks, long


def _begin(model: Any, settings: Settings) -> _Training:
    """Return a training with a new head; whatever is not to be trained is frozen."""
    from mathmill.train.optimizer import build_optimizer

    verifier = new_verifier(model, settings.confidence)
    if settings.head_only:
        model.requires_grad_(False)
    elif (not settings.lm and not settings.confidence
          and not model.config.get_text_config().tie_word_embeddings):
        model.get_output_embeddings().requires_grad_(False)  # it has no part in the score
    if sum(p.numel() for p in model.parameters()) > 1e9 and not settings.head_only:
        model.gradient_checkpointing_enable()
    optimizer = build_optimizer(verifier, settings.optimizer, settings.learning_rate,
                                settings.adam_rate, settings.weight_decay)
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    return _Training(verifier, optimizer)


def _loop(bench: Workbench, training: _Training, tasks: list[Task], settings: Settings,
          tokenizer: Any, checked: Sequence[Group]) -> None:
    """Take all steps, measuring after each pass, from where an earlier attempt saved."""
    a_pass = max(1, -(-len(tasks) // settings.batch_size))
    steps = max(1, round(settings.epochs * a_pass))
    lengths = [task.bundle.length for task in tasks]
    batches = plan(lengths, settings.batch_size, steps, settings.seed)
    _load(training, bench.out / CHECKPOINT)
    pause = bench.tools.get("save_seconds", SAVE_SECONDS)
    begun, first, saved = time.time(), training.step, time.time()
    before = training.seconds
    while training.step < steps:
        share = factor(settings.schedule, (training.step + 0.5) / steps, settings.warmup,
                       settings.decay)
        loss = _step(training, [tasks[row] for row in batches[training.step]], settings, share,
                     tokenizer.pad_token_id)
        training.losses.append(loss)
        training.step += 1
        training.seconds = before + time.time() - begun
        if training.step % a_pass == 0 or training.step == steps:
            training.passes.append(_measure(bench, training, tokenizer, settings, checked,
                                            a_pass))
        if time.time() - saved >= pause and training.step < steps:
            _save(training, bench.out / CHECKPOINT)
            saved = time.time()
        bench.show(training.step, steps, f"steps of the verifier, loss {loss:.3f}")
    read = sum(lengths[row] for batch in batches[first:] for row in batch)
    bench.facts.update(steps=steps, tokens=sum(lengths[r] for b in batches for r in b),
                       tokens_per_second=round(read / max(time.time() - begun, 1e-9)))


def _step(training: _Training, tasks: list[Task], settings: Settings, share: float,
          pad: int) -> float:
    """Take one step; return its loss."""
    import torch

    verifier, device = training.verifier.train(), training.verifier.head.weight.device.type
    torch.manual_seed(settings.seed * 1_000_003 + training.step)  # dropout, the same if resumed
    total = 0.0
    for part in parts(tasks, TOGETHER):
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            loss = objective(verifier, part, settings, pad) / len(tasks)
        loss.backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
    if total != total:
        raise StepFailed(f"the loss is {total} at step {training.step}; lower the rate")
    torch.nn.utils.clip_grad_norm_([p for p in verifier.parameters() if p.requires_grad], 1.0)
    for group in training.optimizer.param_groups:
        group["lr"] = group["initial_lr"] * share
    training.optimizer.step()
    training.optimizer.zero_grad(set_to_none=True)
    return total


def _measure(bench: Workbench, training: _Training, tokenizer: Any, settings: Settings,
             checked: Sequence[Group], a_pass: int) -> dict[str, Any]:
    """Return the mean loss of the pass and how the held-out problems' programs are ranked."""
    recent = training.losses[-a_pass:]
    line: dict[str, Any] = {"pass": round(training.step / a_pass, 3), "step": training.step,
                            "loss": round(sum(recent) / len(recent), 4),
                            "seconds": round(training.seconds, 1)}
    pairs: Callable[..., float | None] | None = bench.tools.get("pair_accuracy")
    if not checked or pairs is None:
        return line
    rows = [row for group in checked for row in group.programs]
    said = iter(score(training.verifier.eval(), tokenizer, settings.form, rows))
    values = [[next(said) for _ in group.programs] for group in checked]
    for name, number in (("pair_accuracy", False), ("pair_accuracy_numbers", True)):
        shares = []
        for group, each in zip(checked, values, strict=True):
            fit = [not number or row.answer is not None for row in group.programs]
            shares.append(pairs([v for v, ok in zip(each, fit, strict=True) if ok],
                                [r for r, ok in zip(group.right, fit, strict=True) if ok]))
        known = [share for share in shares if share is not None]
        line[name] = round(sum(known) / len(known), 4) if known else None
    area = bench.tools["pooled_auc"](
        [v for each in values for v in each], [r for group in checked for r in group.right],
        [place for place, group in enumerate(checked) for _ in group.programs])
    line["auc"] = None if area is None else round(area.value, 4)
    return line


def _save(training: _Training, file: Path) -> None:
    import torch

    aside = file.with_suffix(".writing")
    torch.save({"verifier": training.verifier.state_dict(), "step": training.step,
                "optimizer": training.optimizer.state_dict(), "losses": training.losses,
                "passes": training.passes, "seconds": training.seconds}, aside)
    os.replace(aside, file)


def _load(training: _Training, file: Path) -> None:
    import torch

    if file.exists():
        state = torch.load(file, map_location=training.verifier.head.weight.device,
                           weights_only=True)
        training.verifier.load_state_dict(state["verifier"])
        training.optimizer.load_state_dict(state["optimizer"])
        training.step, training.losses = state["step"], state["losses"]
        training.passes, training.seconds = state["passes"], state["seconds"]


def _finish(bench: Workbench, training: _Training, tokenizer: Any, settings: Settings,
            base: str) -> None:
    """Save the verifier so that its folder is there whole or not at all; tell the facts."""
    bench.facts.update(passes=training.passes, loss=training.passes[-1]["loss"], base=base,
                       seconds=round(training.seconds, 1),
                       weights=sum(p.numel() for p in training.verifier.parameters()))
    with (bench.out / "metrics.jsonl").open("w", encoding="utf-8") as file:
        for line in training.passes:
            file.write(json.dumps(line) + "\n")
    folder, aside = bench.out / FOLDER, bench.out / f"{FOLDER}.writing"
    shutil.rmtree(aside, ignore_errors=True)
    tokenizer.padding_side = "left"
    save_verifier(training.verifier, tokenizer, aside, settings.form)
    (aside / "CARD.md").write_text(verifier_card(bench.facts), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(aside, folder)
    (bench.out / CHECKPOINT).unlink(missing_ok=True)
