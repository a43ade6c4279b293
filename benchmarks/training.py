"""Training through TRL against a bare PyTorch loop: the same model, batches, loss, optimiser.

Why: TRL must not cost a laptop's user much; the limit is 0.85 of the bare loop's tokens a
second of wall time. Both sides run in one process on one thread, by turns, and the best turns
are compared. CPU time stands beside it: on one thread it is wall time less what the machine's
other work took, so the two differ where the machine was not idle.

    python benchmarks/training.py [--rows 1280] [--rounds 3]
"""

from __future__ import annotations

import argparse
import copy
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LIMIT = 0.85


def main() -> None:
    """Measure both sides in turn and print the ratio."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rows", type=int, default=1280)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()

    import torch

    from mathmill.decoding.models import open_model

    torch.set_num_threads(1)
    model, tokenizer = open_model("embedded:", device="cpu")
    rows, batches, recipe = work(tokenizer, given.rows)
    tokens = sum(len(rows[row]["input_ids"]) for batch in batches for row in batch)
    sides: dict[str, Callable[..., Clock]] = {"bare loop": bare, "through TRL": through_trl}
    clocks: dict[str, list[Clock]] = {name: [] for name in sides}
    for turn in range(given.rounds + 1):
        for name, side in sides.items():
            clock = side(copy.deepcopy(model), tokenizer, rows, batches, recipe)
            if turn:  # the first turn warms up
                clocks[name].append(clock)
    print(f"{len(batches)} steps, {tokens:,} tokens, one thread, best of {given.rounds}")
    for unit in ("wall", "cpu"):
        paces = {name: [tokens / getattr(clock, unit) for clock in clocks[name]] for name in sides}
        for name in sides:
            print(f"{name:12} {max(paces[name]):9,.0f} tokens a second of {unit} time "
                  f"(of {', '.join(f'{pace:,.0f}' for pace in paces[name])})")
        ratio = max(paces["through TRL"]) / max(paces["bare loop"])
        verdict = "" if unit == "cpu" else f", limit {LIMIT}: " + (
            "kept" if ratio >= LIMIT else "BROKEN")
        print(f"ratio {ratio:.3f} in {unit} time{verdict}")


@dataclass
class Clock:
    """Wall and CPU seconds from when it was made to `stop`."""

    wall: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=time.process_time)

    def stop(self) -> Clock:
        """Turn the two starts into durations."""
        self.wall = time.perf_counter() - self.wall
        self.cpu = time.process_time() - self.cpu
        return self


def work(tokenizer: Any, count: int) -> tuple[list[Any], list[list[int]], Any]:
    """Return rows of the symbolic world, one pass of batches over them, and the recipe."""
    from mathmill.teachers.symbolic import make_problems
    from mathmill.train.data import plan, render
    from mathmill.train.items import items
    from mathmill.train.sft import SMALL, Recipe
    from mathmill.types import seed_as_sample

    recipe = Recipe.of(SMALL)
    samples = [seed_as_sample(problem, f"{problem.solution}", problem.answer)
               for problem in make_problems(count, 0)]
    rendered, _ = render(samples, tokenizer, recipe.max_length)
    rows = items(rendered)
    lengths = rendered.lengths
    return rows, plan(lengths, recipe.batch_size, -(-len(rows) // recipe.batch_size), 0), recipe


def bare(model: Any, tokenizer: Any, rows: list[Any], batches: list[list[int]], recipe: Any
         ) -> Clock:
    """Train with nothing but PyTorch; return the time it took."""
    import torch

    from mathmill.train.items import collate
    from mathmill.train.optimizer import build_optimizer
    from mathmill.train.schedule import factor
    from mathmill.train.trainer import answer_loss

    optimizer = build_optimizer(model, recipe.optimizer, recipe.learning_rate, recipe.adam_rate)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: factor(
        recipe.schedule, (step + 0.5) / len(batches), recipe.warmup, recipe.decay))
    model.train()
    clock = Clock()
    for batch in batches:
        loss = answer_loss(model, collate([rows[row] for row in batch], tokenizer.pad_token_id))
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    return clock.stop()


def through_trl(model: Any, tokenizer: Any, rows: list[Any], batches: list[list[int]],
                recipe: Any) -> Clock:
    """Train through mathmill's trainer; return the time of the training itself."""
    from mathmill.train.recording import Recorder, Span
    from mathmill.train.trainer import make_trainer

    with tempfile.TemporaryDirectory() as folder:
        read = [sum(len(rows[row]["input_ids"]) for row in batch) for batch in batches]
        trainer = make_trainer(model, tokenizer, rows, batches, recipe, Path(folder),
                               Recorder([Span(1, read, len(batches))], lambda *_: None, 1e9))
        clock = Clock()
        trainer.train()
        return clock.stop()


if __name__ == "__main__":
    main()
