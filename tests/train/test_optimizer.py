from __future__ import annotations

import copy

import pytest
import torch

from mathmill.errors import UsageError
from mathmill.train.optimizer import MuonAdamW, build_optimizer, orthogonal


def with_gradients(shapes, seed=0):
    made = torch.Generator().manual_seed(seed)
    weights = [torch.nn.Parameter(torch.randn(shape, generator=made)) for shape in shapes]
    for weight in weights:
        weight.grad = torch.randn(weight.shape, generator=made)
    return weights


def test_orthogonal_brings_singular_values_near_one_and_keeps_directions():
    stack = torch.randn(3, 24, 40, generator=torch.Generator().manual_seed(1))
    values = torch.linalg.svdvals(orthogonal(stack))
    assert 0.5 < values.min() < values.max() < 1.3
    left, _, right = torch.linalg.svd(stack[0], full_matrices=False)
    exact = left @ right
    likeness = (orthogonal(stack)[0] * exact).sum() / exact.norm() / orthogonal(stack)[0].norm()
    assert likeness > 0.97


def test_the_adamw_half_takes_the_steps_of_pytorchs_adamw():
    ours = with_gradients([(5, 4), (7,), (3, 3)])
    theirs = copy.deepcopy(ours)
    for a, b in zip(ours, theirs, strict=True):
        b.grad = a.grad.clone()
    one = MuonAdamW([{"params": ours, "kind": "adamw", "lr": 0.01, "weight_decay": 0.1}])
    two = torch.optim.AdamW(theirs, lr=0.01, weight_decay=0.1, betas=(0.9, 0.95), eps=1e-8)
    for _ in range(4):
        one.step()
        two.step()
    for a, b in zip(ours, theirs, strict=True):
        assert torch.allclose(a, b, atol=1e-6)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this PyTorch has no Muon")
def test_the_muon_half_steps_as_pytorchs_muon_does_up_to_its_rounding():
    ours = with_gradients([(16, 24), (24, 16), (16, 16)])
    before = [weight.detach().clone() for weight in ours]
    theirs = copy.deepcopy(ours)
    for a, b in zip(ours, theirs, strict=True):
        b.grad = a.grad.clone()
    one = MuonAdamW([{"params": ours, "kind": "muon", "lr": 0.02, "weight_decay": 0.0}])
    two = torch.optim.Muon(theirs, lr=0.02, weight_decay=0.0)
    for _ in range(3):
        one.step()
        two.step()
    for start, a, b in zip(before, ours, theirs, strict=True):
        # Both round differently (bfloat16 on their side), so the way gone is compared.
        assert (a - b).norm() < 0.05 * (b - start).norm()


def test_embeddings_and_norms_go_to_adamw_and_matrices_to_muon(tiny):
    muon, adamw = build_optimizer(tiny, "muon+adamw", 0.02, adam_rate=0.003).param_groups
    assert (muon["kind"], adamw["kind"]) == ("muon", "adamw")
    assert len(muon["params"]) == 2 * 7  # q k v o gate up down, in two layers
    shapes = [tuple(p.shape) for p in adamw["params"]]
    assert shapes.count((320, 32)) == 1
    assert shapes.count((32,)) == 5
    assert (muon["lr"], adamw["lr"]) == (0.02, 0.003)


def test_adamw_alone_takes_every_weight_at_the_one_rate(tiny):
    (group,) = build_optimizer(tiny, "adamw", 1e-4).param_groups
    assert group["lr"] == 1e-4
    assert len(group["params"]) == len(list(tiny.parameters()))


def test_a_saved_state_goes_on_exactly():
    weights = with_gradients([(6, 8), (8, 6), (5,)])
    groups = lambda w: [{"params": w[:2], "kind": "muon", "lr": 0.02},  # noqa: E731
                        {"params": w[2:], "kind": "adamw", "lr": 0.01}]
    one = MuonAdamW(groups(weights))
    one.step()
    copied = copy.deepcopy(weights)
    for a, b in zip(weights, copied, strict=True):
        b.grad = a.grad.clone()
    two = MuonAdamW(groups(copied))
    two.load_state_dict(copy.deepcopy(one.state_dict()))
    one.step()
    two.step()
    for a, b in zip(weights, copied, strict=True):
        assert torch.equal(a, b)


def test_an_unknown_optimizer_is_named_with_those_there_are(tiny):
    with pytest.raises(UsageError, match=r"'sgd'.*adamw, muon\+adamw"):
        build_optimizer(tiny, "sgd", 0.1)
