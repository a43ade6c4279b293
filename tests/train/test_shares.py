"""Whatever the number of processes, a step learns the same rows, each of them once."""

from __future__ import annotations

from array import array
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.train.items import IGNORED
from mathmill.train.shares import Rows, share


def steps_of(batches: list[array[int]], together: int) -> list[list[int]]:
    return [sorted(item for batch in batches[at:at + together] for item in batch)
            for at in range(0, len(batches), together)]


@given(st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=5), min_size=1, max_size=20),
       st.integers(1, 6), st.integers(1, 9))
def test_the_rows_of_every_step_are_dealt_out_and_none_is_lost(
        rows: list[list[int]], accumulate: int, of: int) -> None:
    batches = [array("I", batch) for batch in rows]
    shares = [share(batches, accumulate, number, of) for number in range(of)]
    rounds = {made for _, made in shares}
    assert rounds == {-(-accumulate // of) if of > 1 else accumulate}
    lengths = {len(mine) for mine, _ in shares}
    assert len(lengths) == 1, "every process takes part in every round"
    learned = [steps_of([array("l", [item for item in batch if item >= 0]) for batch in mine],
                        next(iter(rounds))) for mine, _ in shares]
    wanted = steps_of(batches, accumulate)
    assert [sorted(chain(*parts)) for parts in zip(*learned, strict=True)] == wanted
    most = max(map(len, batches))
    assert all(len(batch) <= most for mine, _ in shares for batch in mine), "memory"


def test_one_process_keeps_the_plan_as_it_is() -> None:
    batches = [array("I", [3, 1]), array("I", [2])]
    assert share(batches, 2, 0, 1) == (batches, 2)


def test_a_process_without_a_row_takes_part_with_one_of_which_nothing_is_learned() -> None:
    (mine,), rounds = share([array("I", [4])], 1, number=2, of=3)
    assert (list(mine), rounds) == ([-5], 1)
    row = {"input_ids": np.arange(3), "labels": np.arange(3)}
    rows = Rows([None, None, None, None, row])
    silent = rows[mine[0]]
    assert silent["labels"].tolist() == [IGNORED] * 3
    assert silent["input_ids"] is row["input_ids"]
    assert row["labels"].tolist() == [0, 1, 2]
    assert rows[4] is row
    assert len(rows) == 5


def test_a_step_in_which_a_process_learns_nothing_still_has_a_gradient(tiny, tokenizer, samples):
    torch = pytest.importorskip("torch")
    from mathmill.train.data import render
    from mathmill.train.items import collate, items
    from mathmill.train.trainer import answer_losses

    rows = Rows(items(render(samples[:1], tokenizer, 200)[0]))
    total, _ = answer_losses(tiny, collate([rows[-1]], tokenizer.pad_token_id), "sum")
    total.backward()
    assert total.item() == 0
    assert all(weight.grad is not None and not torch.any(weight.grad)
               for weight in tiny.parameters())
