"""Gradients of several rows by one backward, against the loop that takes one row a backward."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from mathmill.train.influence.gradients import Reader, Unbatchable
from mathmill.train.items import IGNORED
from mathmill.train.lora import Lora, attach

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

ROWS = ["12+3=15", "a longer question, and its answer", "ab", "7*8=56 is right", "1+1=2"] * 2
Rows = list[dict[str, list[int]]]


@pytest.fixture(scope="module")
def rows(letters) -> Rows:
    coded = [[*ids, letters[1].eos_token_id] for ids in letters[1](ROWS)["input_ids"]]
    made = [{"input_ids": ids, "labels": [IGNORED] * (1 + place % 2) + ids[1 + place % 2:]}
            for place, ids in enumerate(coded)]
    made[1]["labels"][5:9] = [IGNORED] * 4  # what code printed, in the middle of an answer
    return made


def adapted(letters: tuple[Any, Any], **changes: Any) -> Any:
    """Return a fresh model with factors that are not zero, as after a training."""
    model = attach(copy.deepcopy(letters[0]), Lora.of({"rank": 4, **changes}), seed=0)
    torch.manual_seed(3)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.data.normal_(std=0.2)
    return model.eval()


@pytest.fixture(scope="module")
def truth(letters, rows) -> Any:
    return Reader(adapted(letters), one_by_one=True)(rows)


@pytest.mark.parametrize("together", [1, 40, 100, 4096])
def test_each_row_has_its_own_gradient_in_any_batch(letters, rows, truth, together) -> None:
    reader = Reader(adapted(letters), together)
    made = reader(rows)
    assert not reader.one_by_one
    assert made.shape == (len(rows), reader.size)
    assert made.dtype == torch.float32
    worst = (made - truth).norm(dim=1) / truth.norm(dim=1)
    assert float(worst.max()) < 1e-5


def test_the_loop_is_the_gradient_that_a_training_takes(letters, rows, truth) -> None:
    model = adapted(letters)
    factors = [weight for name, weight in model.named_parameters() if "lora_" in name]
    for row, own in zip(rows[:3], truth, strict=False):
        model.zero_grad()
        inputs = {name: torch.tensor([each]) for name, each in row.items()}
        model(**inputs).loss.backward()
        assert torch.allclose(torch.cat([f.grad.flatten() for f in factors]), own, atol=1e-6)


def test_parameters_are_named_in_the_order_of_a_gradient(letters, rows, truth) -> None:
    model = adapted(letters)
    reader = Reader(model)
    assert reader.parameters[0] == ("model.layers.0.self_attn.q_proj.A", (4, 32))
    assert reader.parameters[3] == ("model.layers.0.self_attn.k_proj.B", (16, 4))
    assert sum(a * b for _, (a, b) in reader.parameters) == reader.size == truth.shape[1]
    assert len(reader.parameters) == 2 * 2 * 4


def test_a_reader_changes_nothing(letters, rows) -> None:
    model = adapted(letters)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    reader = Reader(model)
    one, two = reader(rows), reader(rows)
    assert torch.equal(one, two)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_a_layer_that_sees_tokens_without_their_rows_is_read_one_by_one(letters, rows) -> None:
    def flattening(model: Any) -> Any:
        for layer in model.get_base_model().model.layers:
            own = layer.mlp.forward
            layer.mlp.forward = lambda x, own=own: own(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return model

    where = {"targets": ["q_proj", "gate_proj"]}
    want = Reader(adapted(letters, **where), one_by_one=True)(rows)
    reader = Reader(flattening(adapted(letters, **where)))
    with pytest.raises(Unbatchable):
        reader._together(rows[:2])
    made = reader(rows)
    assert reader.one_by_one
    assert torch.allclose(made, want, atol=1e-6)


def test_a_model_in_bfloat16_is_read_into_float32(letters, rows, truth) -> None:
    half = copy.deepcopy(letters[0]).bfloat16()
    made = Reader(adapted((half, letters[1])))(rows)
    assert made.dtype == torch.float32
    alike = torch.nn.functional.cosine_similarity(made, truth)
    assert float(alike.min()) > 0.98
    alone = Reader(adapted((half, letters[1])), one_by_one=True)(rows)
    assert float(torch.nn.functional.cosine_similarity(made, alone).min()) > 0.99


def test_a_row_without_anything_to_learn_has_no_gradient(letters, rows) -> None:
    mute = {**rows[0], "labels": [IGNORED] * len(rows[0]["labels"])}
    made = Reader(adapted(letters))([mute, rows[1]])
    assert not made[0].any()
    assert made[1].any()
