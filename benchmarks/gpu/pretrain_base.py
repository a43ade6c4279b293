"""Pre-train the embedded base model on a GPU machine that is lent by the minute.

Why: what takes an hour on two CPU cores takes minutes there. It calls the very step that
`mathmill run base_model` calls, with more tokens and a deadline, and leaves at most eight
small files: the model in fp16 (what the wheel carries), its tokenizer, card and metrics.

    PYTHONPATH=src python3 benchmarks/gpu/pretrain_base.py --minutes 8 --out DIR
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

from mathmill.train import pretrain
from mathmill.train.checkpoint import shrink
from mathmill.workbench import Workbench


def questions(seed: int) -> Iterator[str]:
    """Yield questions and solutions of the symbolic world: further text for the vocabulary."""
    symbolic = importlib.import_module("mathmill.teachers.symbolic")
    for problem in symbolic.make_problems(30_000, seed, languages=("en", "zh")):
        yield problem.question
        yield problem.solution or ""


def show(done: int, total: int | None, words: str) -> None:
    """Print progress as plain lines."""
    print(f"{time.strftime('%H:%M:%S')} {done:,}/{total:,} {words}"
          if total else f"{done:,} {words}", flush=True)


def main() -> None:
    """Read the options and train."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--minutes", type=float, default=8.0, help="for everything")
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--scratch", type=Path, default=Path("/tmp/mathmill-pretrain"))
    options.add_argument("--passages", default="mathmill.teachers.symbolic:passages")
    options.add_argument("--tokens", type=int, default=1_500_000_000, help="read in all")
    options.add_argument("--corpus-tokens", type=int, default=400_000_000)
    options.add_argument("--batch-tokens", type=int, default=65_536)
    options.add_argument("--block", type=int, default=256)
    options.add_argument("--vocabulary", type=int, default=1400)
    options.add_argument("--hidden", type=int, default=128)
    options.add_argument("--layers", type=int, default=4)
    options.add_argument("--heads", type=int, default=4)
    options.add_argument("--intermediate", type=int, default=384)
    options.add_argument("--rate", type=float, default=0.02)
    options.add_argument("--adam-rate", type=float, default=3e-3)
    options.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 2))
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    train(given)


def train(given: argparse.Namespace | SimpleNamespace) -> None:
    """Run the step, then copy what is small enough to travel."""
    began = time.time()
    module, name = given.passages.split(":")
    tools = {"passages": getattr(importlib.import_module(module), name),
             "workers": given.workers, "deadline": began + 60 * given.minutes - 15,
             "scratch": given.scratch}
    if module == "mathmill.teachers.symbolic":
        tools["questions"] = questions
    bench = Workbench(given.scratch / "step", tools=tools, show=show)
    pretrain.run(
        bench, vocabulary=given.vocabulary, tokens=given.tokens, block=given.block,
        corpus_tokens=given.corpus_tokens, batch_tokens=given.batch_tokens, seed=given.seed,
        architecture={"hidden_size": given.hidden, "layers": given.layers, "heads": given.heads,
                      "intermediate_size": given.intermediate},
        optimizer={"rate": given.rate, "adam_rate": given.adam_rate})
    given.out.mkdir(parents=True, exist_ok=True)
    shrink(bench.out / "model", given.out / "embedded")
    shutil.copy(bench.out / "metrics.jsonl", given.out / "metrics.jsonl")
    print((bench.out / "model" / "CARD.md").read_text(encoding="utf-8"))
    write_on(bench.out / "model")
    print(f"{sum(1 for _ in given.out.rglob('*'))} files, {time.time() - began:.0f} s in all")


def write_on(folder: Path) -> None:
    """Print how the model goes on from a few openings, to see that it learned to write."""
    import torch

    from mathmill.train.checkpoint import open_model

    model, tokenizer = open_model(str(folder))
    for opening in ("Tom has 12 apples", "3 + 4 =", "小明有"):
        read = tokenizer(opening, return_tensors="pt").to(model.device)
        with torch.no_grad():
            wrote = model.generate(input_ids=read["input_ids"], max_new_tokens=60,
                                   do_sample=False)
        print(repr(tokenizer.decode(wrote[0])), file=sys.stdout, flush=True)


if __name__ == "__main__":
    main()
