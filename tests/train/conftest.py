"""A student of a few thousand weights, made on the spot, and rows for it to learn."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from mathmill.io import write_rows
from mathmill.types import Sample, sample_id
from tiny_models import SHAPE, WINDOW, save_model

pytest.importorskip("torch")
pytest.importorskip("transformers")



def passages(seed: int) -> Iterator[str]:
    """Yield plain text without end: the stand-in for the symbolic world."""
    draw = random.Random(seed)
    while True:
        left, right = draw.randrange(50), draw.randrange(50)
        thing = draw.choice(["apples", "pens", "stamps"])
        yield (f"Tom has {left} {thing} and buys {right} more. {left} + {right} = {left + right}."
               if draw.random() < 0.8 else f"小明有{left}支笔，又买了{right}支。")


def make_sample(left: int, right: int, level: int = 1) -> Sample:
    question = f"Tom has {left} pens and buys {right} more. How many pens has Tom?"
    solution = f"{left} + {right} = {left + right}\nThe answer is {left + right}"
    return Sample(id=sample_id(question, solution), question=question, solution=solution,
                  answer=str(left + right), expected=str(left + right), seed="s", parent="s",
                  method="seed", level=level)


@pytest.fixture(scope="session")
def samples() -> list[Sample]:
    return [make_sample(left, right, level=1 + (left + right) % 5)
            for left in range(10) for right in range(8)]


@pytest.fixture(scope="session")
def tokenizer():
    from itertools import islice

    from mathmill.train.tokenizer import train_tokenizer

    return train_tokenizer(islice(passages(0), 400), 320)


@pytest.fixture
def tiny(tokenizer):
    """A new random model for each test."""
    import torch

    from mathmill.train.llama import new_model

    torch.manual_seed(0)
    return new_model(SHAPE, tokenizer, WINDOW)


@pytest.fixture(scope="session")
def base_folder(tokenizer, tmp_path_factory) -> Path:
    return save_model(tokenizer, tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def rows_folder(samples, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    write_rows(folder / "rows.parquet", samples, Sample)
    return folder
