"""Features of rows against a plain loop with one row a backward: the same model, rows and loss.

Why: the value by gradients is the dearest step before the mass synthesis; its limit is 0.9 of the
rows a second that the model does in a bare backward loop, projection and all. All sides run in
one process on one thread, by turns; a ratio is taken within each round, and the median of the
rounds stands; the features are those of `train.influence.reading`, projected, and on their way
to the disk. `--shape 384 6 6 1024` measures a new Llama of 11 M weights in the embedded one's
place (hidden size, layers, heads, width between).

    python benchmarks/influence.py [--rows 256] [--rounds 5] [--model embedded:] [--rank 8]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

LIMIT = 0.9
DIMENSIONS = (1024, 2048, 4096, 8192)


def main() -> None:
    """Measure all sides in turn and print their ratios."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rows", type=int, default=256)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--model", default="embedded:")
    options.add_argument("--shape", type=int, nargs=4, metavar="N")
    options.add_argument("--rank", type=int, default=8)
    options.add_argument("--dimensions", type=int, nargs="+", default=list(DIMENSIONS))
    given = options.parse_args()

    import torch

    from mathmill.decoding.models import open_model
    from mathmill.train.llama import new_model
    from mathmill.train.lora import Lora, attach

    torch.set_num_threads(1)
    model, tokenizer = open_model(given.model, dtype="float32")
    if given.shape:
        names = ("hidden_size", "layers", "heads", "intermediate_size")
        model = new_model(dict(zip(names, given.shape, strict=True)), tokenizer, 1024)
    model = attach(model, Lora.of({"rank": given.rank}), seed=0).eval()
    for name, weight in model.named_parameters():
        if "lora_B" in name:  # not zero, as after a training
            torch.nn.init.normal_(weight, std=0.02)
    rows = symbolic_rows(given.rows)
    sides = {"plain loop, one row a backward": plain_side(model, tokenizer, rows)}
    for dimension in given.dimensions:
        sides[f"features of {dimension:,} numbers"] = feature_side(
            model, tokenizer, rows, dimension)
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for turn in range(given.rounds + 1):
        for name, side in sides.items():
            wall, cpu = time.perf_counter(), time.process_time()
            side()
            if turn:  # the first turn warms up and draws the signs
                spent[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    show(spent, model, given.rows)


def show(spent: dict[str, list[tuple[float, float]]], model: Any, count: int) -> None:
    """Print rows a second, and the ratios to the plain loop: (wall, processor) seconds a round."""
    plain = next(iter(spent.values()))
    weights = sum(w.numel() for n, w in model.named_parameters() if "lora_" in n)
    print(f"{count} rows, {weights:,} factors of {model.num_parameters():,} weights, on "
          f"{model.device.type}; medians of {len(plain)} rounds")
    lowest = 1e9
    for name, rounds in spent.items():
        walls, cpus = ([own[clock] / other[clock] for own, other in zip(plain, rounds, strict=True)]
                       for clock in (0, 1))
        lowest = min(lowest, median(cpus)) if rounds is not plain else lowest
        print(f"{name:32} {count / median(wall for wall, _ in rounds):8.1f} rows a second of wall "
              f"time, ratio {median(walls):5.2f}; in processor time {median(cpus):5.2f} "
              f"({min(cpus):.2f} to {max(cpus):.2f})")
    print(f"lowest ratio {lowest:.2f}, limit {LIMIT}: {'kept' if lowest >= LIMIT else 'BROKEN'}")


def symbolic_rows(count: int) -> list[Any]:
    """Return solved problems of the symbolic world as training rows."""
    from mathmill.teachers.symbolic import make_problems
    from mathmill.types import seed_as_sample

    return [seed_as_sample(problem, str(problem.solution), problem.answer)
            for problem in make_problems(count, 1, ("en",))]


def plain_side(model: Any, tokenizer: Any, rows: Sequence[Any]) -> Callable[[], None]:
    """Return the loop of anybody: one row, forward, backward, forget."""
    from mathmill.train.data import render
    from mathmill.train.items import collate, items
    from mathmill.train.trainer import answer_loss

    made = items(render(rows, tokenizer, 2048)[0])
    factors = [weight for name, weight in model.named_parameters() if "lora_" in name]

    def walk() -> None:
        for factor in factors:
            factor.requires_grad_(True)
        for place in range(len(made)):
            inputs = collate([made[place]], tokenizer.pad_token_id)
            answer_loss(model, {k: v.to(model.device) for k, v in inputs.items()}).backward()
            model.zero_grad(set_to_none=True)
        _wait(model)

    return walk


def feature_side(model: Any, tokenizer: Any, rows: Sequence[Any], dimension: int
                 ) -> Callable[[], None]:
    """Return the reading of the same rows into features on disk, tokens counted in."""
    from mathmill.train.influence.gradients import Reader
    from mathmill.train.influence.projection import Projection
    from mathmill.train.influence.reading import Lens, read
    from mathmill.train.influence.settings import Settings

    settings = Settings.of({"dimension": dimension})
    reader = Reader(model)
    projection = Projection(reader.size, dimension, device=str(model.device))
    lens = Lens(reader, projection, tokenizer, "benchmark")

    def walk() -> None:
        for factor in model.parameters():
            factor.requires_grad_(False)
        with tempfile.TemporaryDirectory() as folder:
            read(Path(folder), rows, lens, settings)

    return walk


def _wait(model: Any) -> None:
    if model.device.type == "cuda":
        import torch

        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
