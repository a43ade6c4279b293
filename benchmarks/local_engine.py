"""Tokens a second of `local:` on the embedded base, against `model.generate` and one by one.

Three ways to the same greedy answers, on one thread and in one process, taken in turns so that
a busy machine slows all alike:

- `local:` as a stage uses it: the prompts asked at once, gathered, sorted, 64 rows at a time;
- transformers' `model.generate` on the same batches of 64, padded on the left;
- `local:` asked for one prompt after the other.

All run on CPU time as well as on the clock; ratios go by CPU time. Under a minute.

Used as: `python benchmarks/local_engine.py`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from mathmill.decoding.prompts import encode, plan, render
from mathmill.stages.asking import Asking
from mathmill.teachers.local import BATCH, open_local
from mathmill.teachers.symbolic import make_problems
from mathmill.types import Message, Request

PROMPTS, ALONE, TOKENS, TURNS = 256, 12, 96, 3


def main() -> None:
    """Print the figures."""
    import torch

    from mathmill.decoding.models import open_model

    torch.set_num_threads(1)
    model, tokenizer = open_model("embedded:", device="cpu")
    questions = [problem.question for problem in make_problems(PROMPTS, 5, ("en",))]
    asked = [Request((Message("user", question),), temperature=0.0, max_tokens=TOKENS)
             for question in questions]
    sampled = [Request((Message("user", question),), temperature=0.7, max_tokens=TOKENS)
               for question in questions]
    ids = encode(tokenizer, [render(tokenizer, question) for question in questions])

    def engine(requests: list[Request], hands: int) -> tuple[int, list[str]]:
        replies = asking.all(requests) if hands > 1 else [
            asking.all([each])[0] for each in requests]
        return sum(reply.completion_tokens for reply in replies), [r.text for r in replies]

    def plain() -> tuple[int, list[str]]:
        texts, written = [""] * PROMPTS, 0
        for places in plan([len(row) for row in ids], BATCH):
            rows = [ids[place] for place in places]
            width = max(map(len, rows))
            pads = [width - len(row) for row in rows]
            out = model.generate(
                torch.tensor([[0] * n + row for n, row in zip(pads, rows, strict=True)]),
                attention_mask=torch.tensor([[0] * n + [1] * len(row)
                                             for n, row in zip(pads, rows, strict=True)]),
                max_new_tokens=TOKENS, do_sample=False)
            for place, row in zip(places, out[:, width:].tolist(), strict=True):
                row = row[:row.index(0)] if 0 in row else row  # 0 is the embedded base's end
                texts[place] = tokenizer.decode(row, skip_special_tokens=True)
                written += len(row)
        return written, texts

    ways: dict[str, Callable[[], tuple[int, list[str]]]] = {
        f"local:, {BATCH} rows at a time": lambda: engine(asked, 64),
        "local:, sampled (0.7)": lambda: engine(sampled, 64),
        f"model.generate, {BATCH} rows at a time": plain,
        "local:, one by one": lambda: engine(asked[:ALONE], 1),
    }
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    texts: dict[str, list[str]] = {}
    with Asking(open_local("local:embedded", "embedded:", "cpu"), concurrency=PROMPTS) as asking:
        engine(asked[:2], 64)  # the model is loaded before the clock starts
        for _ in range(TURNS):
            for name, way in ways.items():
                wall, work = time.perf_counter(), time.process_time()
                written, texts[name] = way()
                rates[name].append((written / (time.process_time() - work),
                                    written / (time.perf_counter() - wall)))
    show(rates, texts)


def show(rates: dict[str, list[tuple[float, float]]], texts: dict[str, Any]) -> None:
    """Print one line a way, the ratios, and whether the answers are the same."""
    middle = {name: statistics.median(cpu for cpu, _ in each) for name, each in rates.items()}
    print(f"embedded base, one thread, {PROMPTS} prompts, up to {TOKENS} tokens, "
          f"median of {TURNS}")
    for name, each in rates.items():
        print(f"  {name:36} {middle[name]:8,.0f} tokens a CPU second "
              f"({statistics.median(wall for _, wall in each):,.0f} by the clock)")
    batched, _, peer, alone = middle
    print(f"  against model.generate {middle[batched] / middle[peer]:.1f} times, "
          f"against one by one {middle[batched] / middle[alone]:.1f} times")
    same = sum(a == b for a, b in zip(texts[batched], texts[peer], strict=True))
    print(f"  greedy answers equal to model.generate's: {same} of {PROMPTS}; to those given one "
          f"by one: {sum(a == b for a, b in zip(texts[batched], texts[alone], strict=False))} "
          f"of {ALONE}")


if __name__ == "__main__":
    main()
