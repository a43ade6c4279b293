"""Training through TRL against a bare PyTorch loop: the same model, batches, loss, optimiser.

Why: TRL must not cost a laptop's user much; the limit is 0.85 of the bare loop's tokens a
second. Both sides run in one process on one thread, by turns. Time is CPU time, which on one
thread is wall time less what the machine's other work took; the best turns are compared.

    python benchmarks/training.py [--rows 320] [--rounds 5]
"""

from __future__ import annotations

import argparse
import copy
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIMIT = 0.85


def main() -> None:
    """Measure both sides in turn and print the ratio."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rows", type=int, default=320)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()

    import torch

    torch.set_num_threads(1)
    model, tokenizer = student()
    rows, batches, recipe = work(tokenizer, given.rows)
    tokens = sum(len(rows[row]["input_ids"]) for batch in batches for row in batch)
    sides: dict[str, Callable[..., float]] = {"bare loop": bare, "through TRL": through_trl}
    paces: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(given.rounds + 1):
        for name, side in sides.items():
            seconds = side(copy.deepcopy(model), tokenizer, rows, batches, recipe)
            if turn:  # the first turn warms up
                paces[name].append(tokens / seconds)
    bare_pace, trl_pace = (max(paces[name]) for name in sides)
    for name in sides:
        print(f"{name:12} {max(paces[name]):9,.0f} tokens/CPU-s "
              f"(of {', '.join(f'{pace:,.0f}' for pace in paces[name])})")
    ratio = trl_pace / bare_pace
    print(f"ratio {ratio:.3f}, limit {LIMIT}: {'kept' if ratio >= LIMIT else 'BROKEN'} "
          f"({len(batches)} steps, {tokens:,} tokens, one thread)")


def student() -> tuple[Any, Any]:
    """Return the embedded base, or a random model of its size where there is none yet."""
    from mathmill.errors import InputError
    from mathmill.train.checkpoint import open_model

    try:
        return open_model("embedded:", device="cpu")
    except InputError:
        from mathmill.teachers.symbolic import make_problems
        from mathmill.train.llama import ARCHITECTURE, new_model
        from mathmill.train.tokenizer import train_tokenizer

        tokenizer = train_tokenizer((p.question for p in make_problems(5_000, 0)), 1_400)
        return new_model(ARCHITECTURE, tokenizer, 1024), tokenizer


def work(tokenizer: Any, count: int) -> tuple[list[Any], list[list[int]], Any]:
    """Return rows of the symbolic world, one pass of batches over them, and the recipe."""
    from mathmill.teachers.symbolic import make_problems
    from mathmill.train.data import plan, render
    from mathmill.train.sft import SMALL, Recipe
    from mathmill.train.trainer import items
    from mathmill.types import seed_as_sample

    recipe = Recipe.of(SMALL)
    samples = [seed_as_sample(problem, f"{problem.solution}", problem.answer)
               for problem in make_problems(count, 0)]
    rendered, _ = render(samples, tokenizer, recipe.max_length)
    rows = items(rendered)
    lengths = rendered.lengths
    return rows, plan(lengths, recipe.batch_size, -(-len(rows) // recipe.batch_size), 0), recipe


def bare(model: Any, tokenizer: Any, rows: list[Any], batches: list[list[int]], recipe: Any
         ) -> float:
    """Train with nothing but PyTorch; return the CPU seconds."""
    import torch

    from mathmill.train.optimizer import build_optimizer
    from mathmill.train.schedule import factor
    from mathmill.train.trainer import answer_loss, collate

    optimizer = build_optimizer(model, recipe.optimizer, recipe.learning_rate, recipe.adam_rate)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: factor(
        recipe.schedule, (step + 0.5) / len(batches), recipe.warmup, recipe.decay))
    model.train()
    began = time.process_time()
    for batch in batches:
        loss = answer_loss(model, collate([rows[row] for row in batch], tokenizer.pad_token_id))
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    return time.process_time() - began


def through_trl(model: Any, tokenizer: Any, rows: list[Any], batches: list[list[int]],
                recipe: Any) -> float:
    """Train through mathmill's trainer; return the CPU seconds of the training itself."""
    from mathmill.train.trainer import Recorder, make_trainer

    with tempfile.TemporaryDirectory() as folder:
        read = [sum(len(rows[row]["input_ids"]) for row in batch) for batch in batches]
        trainer = make_trainer(model, tokenizer, rows, batches, recipe, Path(folder),
                               Recorder(1, read, len(batches), lambda *_: None, 1e9))
        began = time.process_time()
        trainer.train()
        return time.process_time() - began


if __name__ == "__main__":
    main()
