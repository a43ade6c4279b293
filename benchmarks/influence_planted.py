"""Planted rows: a tenth of the candidates is of the target's kind; which ways of valuing find them?

Why: that gradients find what helps a target is the claim on which JiuZhang3.0's boosting rests.
Here the truth is known: ten kinds of stories share names, things and manner, one of them is the
target's, and precision at k (k: as many as were planted) is compared for each way. A tiny Llama
is trained on rows of the other nine kinds, then LoRA factors for a few steps on candidates of all
ten, as the paper's reference is.

What it also shows (`--steps`, `--knows`): a reference that has learned the target's kind as well
as all the others has little gradient left that tells them apart.

    python benchmarks/influence_planted.py [--seeds 3] [--candidates 600] [--steps 20] [--knows]
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

NAMES = ["Tom", "Ann", "Raj", "Mia", "Leo", "Zoe", "Sam", "Eva"]
THINGS = ["pens", "apples", "stamps", "books", "cards", "shells"]
SHAPE = {"hidden_size": 64, "layers": 2, "heads": 4, "intermediate_size": 128}
Row = tuple[str, str]
Story = Callable[[str, str, int, int, int], Row]


def _target(name: str, things: str, a: int, b: int, c: int) -> Row:
    return (f"{name} has {a + c} {things}, buys {b} more and gives away {c}. How many {things} "
            f"has {name} now?",
            f"{a + c} + {b} = {a + b + c}\n{a + b + c} - {c} = {a + b}\nThe answer is {a + b}")


STORIES: list[Story] = [  # the first is the target's; the next four tell nearly the same
    _target,
    lambda n, t, a, b, c: (f"{n} has {a} {t} and buys {b} more. How many {t} has {n} now?",
                           f"{a} + {b} = {a + b}\nThe answer is {a + b}"),
    lambda n, t, a, b, c: (f"{n} has {a + b} {t} and gives away {b}. How many {t} has {n} now?",
                           f"{a + b} - {b} = {a}\nThe answer is {a}"),
    lambda n, t, a, b, c: (f"{n} buys {a} boxes with {b} {t} each. How many {t} has {n} now?",
                           f"{a} * {b} = {a * b}\nThe answer is {a * b}"),
    lambda n, t, a, b, c: (f"{n} shares {a * b} {t} among {b} friends. How many {t} gets each?",
                           f"{a * b} / {b} = {a}\nThe answer is {a}"),
    lambda n, t, a, b, c: (f"A field is {a} m long and {b} m wide. What is its area?",
                           f"{a} * {b} = {a * b}\nThe answer is {a * b}"),
    lambda n, t, a, b, c: (f"{n} drives {a} km an hour for {b} hours. How far does {n} come?",
                           f"{a} * {b} = {a * b}\nThe answer is {a * b}"),
    lambda n, t, a, b, c: (f"Solve x + {a} = {a + b}.", f"x = {a + b} - {a} = {b}\n"
                           f"The answer is {b}"),
    lambda n, t, a, b, c: (f"{n} is {a} years old and {b} years younger than a sister. How old is "
                           "the sister?", f"{a} + {b} = {a + b}\nThe answer is {a + b}"),
    lambda n, t, a, b, c: (f"What is the mean of {a}, {a + 2 * b} and {a + b}?",
                           f"{a} + {a + 2 * b} + {a + b} = {3 * (a + b)}\n{3 * (a + b)} / 3 = "
                           f"{a + b}\nThe answer is {a + b}"),
]


def rows_of(story: int, seed: object) -> Iterator[Row]:
    """Yield rows of one kind without end."""
    draw = random.Random(f"{story} {seed}")
    while True:
        yield STORIES[story](draw.choice(NAMES), draw.choice(THINGS), draw.randrange(2, 90),
                             draw.randrange(2, 30), draw.randrange(2, 30))


def some(count: int, seed: object, stories: Sequence[int] = range(len(STORIES))) -> list[Row]:
    """Return rows, as many of each kind."""
    kinds = [rows_of(story, seed) for story in stories]
    return [next(kinds[number % len(kinds)]) for number in range(count)]


def planted(folder: Path, seed: int = 0, candidates: int = 600, targets: int = 60,
            steps: int = 20, knows: bool = False) -> dict[str, float]:
    """Return the precision at k of each way; k is a tenth of the candidates.

    `steps`: of the reference, on as many rows as there are candidates; `knows`: whether the base
    has read the target's kind as it has the others.
    """
    import numpy as np
    import torch

    from mathmill.train.influence.baselines import by_draw, by_one_shot, by_perplexity
    from mathmill.train.influence.values import TopK, valued
    from mathmill.train.llama import new_model
    from mathmill.train.lora import Lora, attach
    from mathmill.train.tokenizer import train_tokenizer

    torch.manual_seed(seed)
    tokenizer = train_tokenizer((f"{q} {a}" for q, a in some(1000, "words")), 400)
    model = new_model(SHAPE, tokenizer, 256)
    kinds = range(0 if knows else 1, len(STORIES))
    fit(model, encode(tokenizer, some(1200, f"base {seed}", kinds)), 120, 4e-3)
    reference = attach(model, Lora.of({"rank": 4}), seed)
    fit(reference, encode(tokenizer, some(candidates, f"reference {seed}")), steps, 1e-3)

    rows, known = some(candidates, f"candidates {seed}"), some(targets, f"targets {seed}", [0])
    ids = [f"{number:032x}" for number in range(len(rows))]
    own = write(folder / "rows", reference, tokenizer, rows, ids)
    aim = write(folder / "target", reference, tokenizer, known, ids[:targets])
    values = {"gradient": [each.value for each in valued([own], {"target": [aim]})]}
    coded = encode(tokenizer, rows)
    values["random"] = by_draw(ids, seed)
    values["perplexity"] = by_perplexity(reference, coded)
    values["one_shot"] = by_one_shot(reference, coded, encode(tokenizer, known[:4]),
                                     tokenizer("\n")["input_ids"], 256)
    found = {}
    for way, each in values.items():
        top = TopK(candidates // len(STORIES))
        top.take(np.array([name.encode() for name in ids]), np.array(each))
        hits = sum(int(name, 16) % len(STORIES) == 0 for name, _ in top.best())
        found[way] = hits / top.k
    return found


def encode(tokenizer: Any, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return rows as items of a batch: tokens, and labels where the answer is."""
    from mathmill.train.items import labelled

    asked = tokenizer([question + "\n" for question, _ in rows])["input_ids"]
    told = tokenizer([answer for _, answer in rows])["input_ids"]
    return [dict(zip(("input_ids", "labels"), labelled(
        [*a, *b, tokenizer.eos_token_id], len(a)), strict=True))
        for a, b in zip(asked, told, strict=True)]


def fit(model: Any, rows: Sequence[Mapping[str, Any]], steps: int, rate: float, batch: int = 32
        ) -> float:
    """Train what of a model can be trained on items of a batch; return the last loss."""
    import torch

    from mathmill.train.items import collate
    from mathmill.train.trainer import answer_loss

    weights = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=0.0)
    draw, loss = random.Random(0), torch.zeros(())
    model.train()
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * min(1.0, (step + 1) / 10, (steps - step) / steps
                                                     * 2)
        some = [dict(rows[place]) for place in draw.sample(range(len(rows)), batch)]
        loss = answer_loss(model, collate(some, model.config.pad_token_id))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    model.eval()
    return float(loss.detach())


def write(folder: Path, model: Any, tokenizer: Any, rows: Sequence[Row], ids: Sequence[str],
          dimension: int = 1024) -> Any:
    """Write the projected gradients of rows; return them as `Features`."""
    from mathmill.train.influence.features import Writer
    from mathmill.train.influence.gradients import Reader
    from mathmill.train.influence.header import RADEMACHER, Header, Space
    from mathmill.train.influence.projection import BLOCK, Projection

    reader = Reader(model)
    projection = Projection(reader.size, dimension)
    writer = Writer(folder, Header(Space(RADEMACHER, dimension, 0, BLOCK, reader.parameters, "m")))
    for start in range(0, len(rows), 64):
        part = ids[start:start + 64]
        found = projection(reader(encode(tokenizer, rows[start:start + 64])))
        writer.append(part, part, found, start + len(part))
    return writer.close()


def main() -> None:
    """Print the precisions of some seeds."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--candidates", type=int, default=600)
    options.add_argument("--steps", type=int, default=20, help="of the reference's training")
    options.add_argument("--knows", action="store_true", help="the base has read the target's kind")
    given = options.parse_args()
    for seed in range(given.seeds):
        with tempfile.TemporaryDirectory() as place:
            found = planted(Path(place), seed, given.candidates, steps=given.steps,
                            knows=given.knows)
        print(f"seed {seed}: " + ", ".join(f"{way} {each:.3f}" for way, each in found.items()),
              flush=True)


if __name__ == "__main__":
    main()
