"""Values without a gradient, each against what it says of itself."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from mathmill.candidates import Candidate
from mathmill.errors import UsageError
from mathmill.train.influence.baselines import (
    by_draw,
    by_one_shot,
    by_perplexity,
    by_score,
    losses,
    shots,
)
from mathmill.train.items import IGNORED, batches
from mathmill.types import Sample

ROWS = ["12+3=15", "a longer question, and its answer", "ab", "7*8=56 is right", "1+1=2"]


def encoded(tokenizer: Any, texts: list[str] = ROWS) -> list[list[int]]:
    return [[*ids, tokenizer.eos_token_id] for ids in tokenizer(texts)["input_ids"]]


def labelled(rows: list[list[int]], prompts: list[int]) -> list[dict[str, list[int]]]:
    return [{"input_ids": row, "labels": [IGNORED] * prompt + row[prompt:]}
            for row, prompt in zip(rows, prompts, strict=True)]


def alone(model: Any, tokens: list[int], prompt: int) -> float:
    import torch

    (row,) = labelled([tokens], [prompt])
    with torch.no_grad():
        return float(model(**{name: torch.tensor([each]) for name, each in row.items()}).loss)


@pytest.mark.parametrize("together", [1, 40, 4096])
def test_a_loss_is_the_mean_over_the_answer_whatever_the_batch(letters, together) -> None:
    model, tokenizer = letters
    tokens, prompts = encoded(tokenizer), [3, 8, 1, 2, 4]
    want = [alone(model, row, prompt) for row, prompt in zip(tokens, prompts, strict=True)]
    rows = labelled(tokens, prompts)
    assert losses(model, rows, together) == pytest.approx(want, abs=1e-5)
    assert by_perplexity(model, rows) == pytest.approx([-v for v in want], abs=1e-5)
    whole = [-alone(model, row, 1) for row in tokens]
    assert by_perplexity(model, rows, whole=True) == pytest.approx(whole, abs=1e-5)
    (none,) = losses(model, labelled(tokens[:1], [len(tokens[0])]))
    assert math.isnan(none)


def test_batches_hold_every_row_once_and_no_more_tokens_than_told() -> None:
    lengths = [5, 90, 3, 3, 40, 41, 7, 2]
    made = batches(lengths, 80)
    assert sorted(row for batch in made for row in batch) == list(range(8))
    assert all(len(batch) * max(lengths[row] for row in batch) <= 80 or len(batch) == 1
               for batch in made)
    assert len(made) < 8
    assert [1] in made  # longer than all may be together
    assert batches([], 80) == []


def test_one_shot_is_the_drop_of_the_targets_losses_behind_the_row(letters) -> None:
    model, tokenizer = letters
    rows, targets = encoded(tokenizer), encoded(tokenizer, ["3+4=7", "9-5=4", "21-9=12 indeed"])
    prompts, between = [4, 4, 5], tokenizer("; ")["input_ids"]
    want = []
    for row in rows:
        front = [*row[:-1], *between]
        want.append(sum(alone(model, target, prompt)
                        - alone(model, front + target, len(front) + prompt)
                        for target, prompt in zip(targets, prompts, strict=True)) / 3)
    for together in (30, 4096):
        found = by_one_shot(model, labelled(rows, [2] * 5), labelled(targets, prompts), between,
                            256, together=together)
        assert found == pytest.approx(want, abs=1e-5)


def test_a_mark_of_the_beginning_stands_before_the_example_only(letters) -> None:
    model, tokenizer = letters
    row, target = [2, *encoded(tokenizer)[0]], [2, *encoded(tokenizer, ["3+4=7"])[0]]
    (found,) = by_one_shot(model, labelled([row], [2]), labelled([target], [5]), [], 256, first=1)
    front = row[:-1]
    assert found == pytest.approx(
        alone(model, target, 5) - alone(model, front + target[1:], len(front) + 4), abs=1e-5)


def test_targets_that_have_no_room_do_not_count(letters) -> None:
    model, tokenizer = letters
    rows = labelled(encoded(tokenizer)[:1], [2])
    targets = labelled(encoded(tokenizer, ["3+4=7", "9-5=4" * 6]), [4, 4])
    some = by_one_shot(model, rows, targets, [], 20)
    one = by_one_shot(model, rows, targets[:1], [], 256)
    assert some == pytest.approx(one, abs=1e-5)
    (none,) = by_one_shot(model, rows, targets, [], 9)
    assert math.isnan(none)


def test_a_draw_rests_on_the_row_and_the_seed_alone() -> None:
    ids = [str(n) for n in range(500)]
    values = by_draw(ids, 3)
    assert by_draw(ids[::-1], 3) == values[::-1]
    assert by_draw(ids, 4) != values
    assert 0.45 < sum(values) / 500 < 0.55
    assert len(set(values)) == 500


def test_a_scorer_is_asked_for_question_and_solution() -> None:
    rows = [Sample(id=str(n), question=f"q{n}", solution="s" * n, answer=None, expected=None,
                   seed="t", parent="t", method="m") for n in range(4)]
    seen: list[Candidate] = []

    def score(candidates: Any) -> list[int]:
        seen.extend(candidates)
        return [len(each.response) for each in candidates]

    assert by_score(rows, score) == [0.0, 1.0, 2.0, 3.0]
    assert [each.question for each in seen] == ["q0", "q1", "q2", "q3"]
    assert {each.finish for each in seen} == {"stop"}
    program = replace(rows[0], solution="def f():\n    result = 7\n    return result")
    seen.clear()
    none, some = by_score([rows[1], program], score, form="program")
    assert math.isnan(none)
    assert some == len(seen[0].response) > 0
    assert seen[0].response.startswith("result = 7")
    with pytest.raises(UsageError, match="1 scores for 4 rows"):
        by_score(rows, lambda _: [1.0])


def test_the_targets_tried_are_drawn_by_their_ids_alone() -> None:
    ids = [f"row {n}" for n in range(100)]
    chosen = shots(ids, 16, seed=1)
    assert len(chosen) == 16
    turned = shots(ids[::-1], 16, seed=1)
    assert {ids[place] for place in chosen} == {ids[::-1][place] for place in turned}
    assert shots(ids, 16, seed=2) != chosen
    assert shots(ids[:3], 16) == [0, 1, 2]
    with pytest.raises(UsageError, match="target"):
        shots([])
