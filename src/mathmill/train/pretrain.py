"""The embedded base model, from nothing: a small Llama that reads plain text of the world.

Why: fine-tuning can only show the effect of its data if it starts from a model that already
knows the language and some arithmetic, and a laptop user should not have to download one.
The loop is plain PyTorch: it needs no trainer library, so that the same code runs on a bare
GPU machine; there it compiles, and computes in bfloat16.

Used as: `run(bench, architecture={"hidden_size": 128, ...}, vocabulary=1400, tokens=10**8)`
with `bench.tools["passages"]: seed -> Iterator[str]` and, if given, `bench.tools["problems"]:
() -> Iterator[Problem]`, whose questions add words to the vocabulary. It leaves `model/` and
metrics.jsonl in `bench.out`.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathmill.decoding.models import quiet
from mathmill.errors import MissingExtra, UsageError
from mathmill.train.cards import base_card
from mathmill.train.corpus import fill_shard, shard_seed, write_corpus
from mathmill.train.llama import ARCHITECTURE, block_loss, new_model
from mathmill.train.schedule import factor
from mathmill.train.tokenizer import open_tokenizer, train_tokenizer
from mathmill.workbench import Workbench

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

OPTIMIZER = {"name": "muon+adamw", "rate": 0.02, "adam_rate": 3e-3, "weight_decay": 0.0,
             "warmup": 0.01, "decay": 0.4}
VOCABULARY_PASSAGES = 30_000  # passages (and questions) from which the vocabulary is learned
CHECK_TOKENS = 65_536  # held-out text, from shards that training never reads
SAVE_EVERY = 120.0  # seconds between checkpoints


@dataclass
class Training:
    """A training under way: all that a checkpoint holds, and where the measures go."""

    model: nn.Module
    optimizer: Any
    blocks: Tensor
    "(n, block + 1) token numbers, on the training device."
    check: Tensor
    "Held-out blocks, likewise."
    steps: int
    batch: int
    "Blocks a step."
    seed: int
    loss_of: Callable[..., Tensor]
    "Loss of one batch of blocks, as quick as the device allows."
    check_of: Callable[..., Tensor]
    "The same for any number of blocks, without gradients."
    step: int = 0
    seconds: float = 0.0
    losses: list[dict[str, float]] = field(default_factory=list)


def run(bench: Workbench, *, architecture: Mapping[str, int] | None = None,
        vocabulary: int = 1400, tokens: int = 20_000_000, corpus_tokens: int | None = None,
        batch_tokens: int = 8192, block: int = 256, optimizer: Mapping[str, Any] | None = None,
        seed: int = 0) -> None:
    """Pre-train and save `model/` (fp32 safetensors, tokenizer, card).

    `tokens` are read in all; `corpus_tokens` are written (default: as many), and read again
    where fewer. Tools that are no part of the result's identity: `workers`, `deadline` (epoch
    seconds at which to be done: the schedule is shortened to fit), `scratch` (a folder).
    """
    torch = _torch()
    shape = {**ARCHITECTURE, **(architecture or {})}
    settings = {**OPTIMIZER, **(optimizer or {})}
    passages = bench.tools["passages"]
    scratch = Path(bench.tools.get("scratch", bench.out / "corpus"))
    deadline = bench.tools.get("deadline")
    tokenizer = _tokenizer(bench, scratch, vocabulary, seed)
    started = time.time()
    text_end = started + 0.4 * (deadline - started) if deadline else None
    corpus = write_corpus(
        passages, scratch / "tokenizer", scratch, tokens=corpus_tokens or tokens, seed=seed,
        workers=bench.tools.get("workers", os.cpu_count() or 1), deadline=text_end,
        show=bench.show)
    held_out = fill_shard(passages, tokenizer, shard_seed(seed, -1), CHECK_TOKENS)
    bench.facts.update(corpus_tokens=len(corpus), corpus_seconds=round(time.time() - started, 1))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(seed)
    torch.set_float32_matmul_precision("high")
    model = new_model(shape, tokenizer, context=1024).to(device)
    loss_of, check_of = _loss_functions(model, device, (max(1, batch_tokens // block), block + 1))
    training = Training(
        model, _optimizer(model, settings), _blocks(corpus, block, device),
        _blocks(held_out, block, device), steps=max(1, tokens // batch_tokens),
        batch=max(1, batch_tokens // block), seed=seed, loss_of=loss_of, check_of=check_of)
    _load(training, bench.out / "checkpoint.pt")
    _loop(bench, training, settings, deadline)
    _finish(bench, training, tokenizer, shape)


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingExtra("torch", "train") from error
    return torch


def _tokenizer(bench: Workbench, scratch: Path, vocabulary: int, seed: int) -> Any:
    """Return the tokenizer that lies in the scratch folder, or learn it and put it there."""
    folder = scratch / "tokenizer"
    if not (folder / "tokenizer_config.json").exists():
        def texts() -> Iterator[str]:
            yield from islice(bench.tools["passages"](shard_seed(seed, -2)), VOCABULARY_PASSAGES)
            # The model never trains on these; but its vocabulary should hold "How many ...?".
            for problem in bench.tools.get("problems", list)():
                yield problem.question

        train_tokenizer(texts(), vocabulary).save_pretrained(str(folder))
    return open_tokenizer(folder)


def _blocks(corpus: np.ndarray, block: int, device: str) -> Tensor:
    import numpy as np
    import torch

    rows = len(corpus) // (block + 1)
    if not rows:
        raise UsageError(f"{len(corpus)} tokens are less than one block of {block}; give more")
    whole = corpus[: rows * (block + 1)].astype(np.int16)
    return torch.from_numpy(whole).view(rows, block + 1).to(device)


def _optimizer(model: nn.Module, settings: Mapping[str, Any]) -> Any:
    from mathmill.train.optimizer import build_optimizer

    built = build_optimizer(model, settings["name"], settings["rate"], settings["adam_rate"],
                            settings["weight_decay"])
    for group in built.param_groups:
        group["initial_lr"] = group["lr"]
    return built


def _loss_functions(model: Any, device: str, shape: tuple[int, int]
                    ) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    """Return the loss for training (on a GPU compiled, in bfloat16) and the one for checks."""
    import torch

    def in_bfloat16(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def call(blocks: Tensor) -> Tensor:
            with torch.autocast("cuda", torch.bfloat16, enabled=device == "cuda"):
                return loss(model, blocks)

        return call

    plain = in_bfloat16(block_loss)
    if device == "cpu":
        return plain, torch.no_grad()(plain)
    quick = in_bfloat16(torch.compile(block_loss, dynamic=False))
    try:
        quick(torch.zeros(shape, dtype=torch.int16, device=device)
              ).backward()  # type: ignore[no-untyped-call]
    except Exception as error:  # compilation is a gain, never a need: any failure of it
        print(f"not compiled ({type(error).__name__}: {str(error)[:200]})", flush=True)
        quick = plain
    model.zero_grad(set_to_none=True)
    return quick, torch.no_grad()(plain)


def _loop(bench: Workbench, training: Training, settings: Mapping[str, Any],
          deadline: float | None) -> None:
    import torch

    start, before, first = time.time(), training.seconds, training.step
    said = saved = start
    rows, batch, device = len(training.blocks), training.batch, training.blocks.device
    order, order_epoch = torch.empty(0), -1
    while training.step < training.steps:
        now = time.time()
        done = training.step / training.steps
        if deadline:
            done = max(done, (now - start) / max(deadline - start, 1e-9))
            if done >= 1.0:
                break
        epoch, place = divmod(training.step, max(1, rows // batch))
        if epoch != order_epoch:
            generator = torch.Generator().manual_seed(training.seed * 7919 + epoch)
            order, order_epoch = torch.randperm(rows, generator=generator).to(device), epoch
        chosen = training.blocks[order[place * batch:(place + 1) * batch]]
        share = factor("wsd", done, settings["warmup"], settings["decay"])
        for group in training.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * share
        loss = training.loss_of(chosen)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(training.model.parameters(), 1.0)
        training.optimizer.step()
        training.optimizer.zero_grad(set_to_none=True)
        training.step += 1
        if now - said > 3.0 or training.step == training.steps:
            _say(bench, training, float(loss.detach()), (training.step - first) / (now - start))
            said = now
        training.seconds = before + time.time() - start
        if now - saved > SAVE_EVERY:
            _save(training, bench.out / "checkpoint.pt")
            saved = now


def _say(bench: Workbench, training: Training, loss: float, pace: float) -> None:
    """Measure the held-out loss and put one line into metrics.jsonl and the progress."""
    check = float(training.check_of(training.check[: training.batch]))
    tokens = training.batch * (training.blocks.shape[1] - 1)
    line = {"step": training.step, "tokens": training.step * tokens, "loss": round(loss, 4),
            "check_loss": round(check, 4), "tokens_per_second": round(pace * tokens),
            "seconds": round(training.seconds, 1)}
    if not math.isfinite(loss):
        raise UsageError(f"the loss is {loss} at step {training.step}; lower the rate")
    training.losses.append(line)
    with (bench.out / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    bench.show(training.step, training.steps, f"steps, loss {loss:.3f}, held-out {check:.3f}, "
                                              f"{pace * tokens:,.0f} tokens/s")


def _save(training: Training, file: Path) -> None:
    import torch

    aside = file.with_suffix(".writing")
    torch.save({"model": training.model.state_dict(), "step": training.step,
                "optimizer": training.optimizer.state_dict(), "seconds": training.seconds,
                "losses": training.losses, "steps": training.steps}, aside)
    os.replace(aside, file)


def _load(training: Training, file: Path) -> None:
    import torch

    if file.exists():
        state = torch.load(file, map_location=training.blocks.device, weights_only=True)
        training.model.load_state_dict(state["model"])
        training.optimizer.load_state_dict(state["optimizer"])
        training.step, training.seconds = state["step"], state["seconds"]
        training.losses = state["losses"]


def _finish(bench: Workbench, training: Training, tokenizer: Any, shape: Mapping[str, int]) -> None:
    """Measure once more over all held-out text; save the model, its tokenizer and its card."""
    import torch

    pieces = torch.split(training.check, training.batch)
    losses = [float(training.check_of(piece)) * len(piece) for piece in pieces]
    measured = sum(losses) / len(training.check)
    if not (bench.out / "metrics.jsonl").exists():  # the deadline came before the first line
        (bench.out / "metrics.jsonl").touch()
    tokens = training.step * training.batch * (training.blocks.shape[1] - 1)
    hardware = (torch.cuda.get_device_name() if training.blocks.is_cuda
                else f"CPU, {torch.get_num_threads()} threads")
    weights = sum(p.numel() for p in training.model.parameters())
    bench.facts.update(steps=training.step, tokens=tokens, check_loss=round(measured, 4),
                       weights=weights, seconds=round(training.seconds, 1), hardware=hardware,
                       seed=training.seed, torch=torch.__version__, **shape)
    folder = bench.out / "model"
    quiet()
    training.model.save_pretrained(str(folder))  # type: ignore[operator]
    tokenizer.save_pretrained(str(folder))
    (folder / "CARD.md").write_text(base_card(bench.facts), encoding="utf-8")
    (bench.out / "checkpoint.pt").unlink(missing_ok=True)
