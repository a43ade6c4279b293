"""Muon on the matrices, AdamW on the rest, as one optimiser; and AdamW alone.

Why: on models of this size Muon learned about ten times more a step than AdamW in our
prototype. PyTorch's own Muon turns one matrix at a time; here all matrices of one shape are
turned together, which matters when each is small: a step is then a few batched products.
Both halves live in one optimiser so that trainers, schedules and checkpoints see only one. Of
a model that is split over processes each works at its own part; a matrix is put together to be
turned, one at a time.

Used as: `optimizer = build_optimizer(model, "muon+adamw", 2e-2, adam_rate=3e-3)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from mathmill.errors import MissingExtra, UsageError
from mathmill.train.schedule import OPTIMIZERS
from mathmill.train.split import gathered, own_part

try:
    import torch
except ImportError as error:  # pragma: no cover - this module is only opened for training
    raise MissingExtra("torch", "train") from error

if TYPE_CHECKING:
    from torch import Tensor, nn

# Quintic of Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024).
QUINTIC = (3.4445, -4.7750, 2.0315)
ROUNDS = 5


def build_optimizer(model: nn.Module, name: str, rate: float, adam_rate: float = 3e-3,
                    weight_decay: float = 0.0) -> MuonAdamW:
    """Return the optimiser `name` over all weights of `model` that are trained.

    `muon+adamw`: `rate` is Muon's, on the 2-D weights inside the layers; `adam_rate` is for
    embeddings, output head and norms. `adamw`: `rate` is for everything.
    """
    if name not in OPTIMIZERS:
        raise UsageError(f"unknown optimizer {name!r}; there are: {', '.join(OPTIMIZERS)}")
    ends = {id(p) for module in (_part(model, "get_input_embeddings"),
                                 _part(model, "get_output_embeddings")) if module is not None
            for p in module.parameters()}
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for parameter in model.parameters():
        if parameter.requires_grad:
            inside = parameter.ndim == 2 and id(parameter) not in ends
            (matrices if inside and name != "adamw" else others).append(parameter)
    groups: list[dict[str, Any]] = []
    if matrices:
        groups.append({"params": matrices, "kind": "muon", "lr": rate,
                       "weight_decay": weight_decay})
    if others:
        groups.append({"params": others, "kind": "adamw", "weight_decay": weight_decay,
                       "lr": rate if name == "adamw" else adam_rate})
    return MuonAdamW(groups)


def _part(model: nn.Module, getter: str) -> nn.Module | None:
    return getattr(model, getter)() if hasattr(model, getter) else None


class MuonAdamW(torch.optim.Optimizer):
    """Parameter groups of two kinds: `muon` (2-D weights) and `adamw` (any shape)."""

    def __init__(self, groups: list[dict[str, Any]], momentum: float = 0.95,
                 betas: tuple[float, float] = (0.9, 0.95), eps: float = 1e-8) -> None:
        """Take groups with `params`, `kind`, `lr` and optionally `weight_decay`."""
        super().__init__(groups, {"kind": "adamw", "lr": 1e-3, "weight_decay": 0.0,
                                  "momentum": momentum, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step over every weight that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [p for p in group["params"] if p.grad is not None]
            if weights:
                (self._muon if group["kind"] == "muon" else self._adamw)(group, weights)
        return loss

    def _muon(self, group: dict[str, Any], weights: list[Tensor]) -> None:
        """Momentum (Nesterov), then the nearest half-orthogonal matrix, per shape at once."""
        if group["weight_decay"]:
            torch._foreach_mul_(_own(weights), 1.0 - group["lr"] * group["weight_decay"])
        shapes: dict[tuple[int, int], list[Tensor]] = {}
        for weight in weights:
            rows, columns = weight.shape
            shapes.setdefault((min(rows, columns), max(rows, columns)), []).append(weight)
        for alike in shapes.values():
            for weight in alike:
                if "momentum_buffer" not in self.state[weight]:
                    self.state[weight]["momentum_buffer"] = torch.zeros_like(weight)
            buffers = _own([self.state[weight]["momentum_buffer"] for weight in alike])
            grads = _own([weight.grad for weight in alike if weight.grad is not None])
            torch._foreach_lerp_(buffers, grads, 1.0 - group["momentum"])
            ahead = torch._foreach_lerp(grads, buffers, group["momentum"])
            for weight, move in zip(alike, _turned(alike, ahead), strict=True):
                rows, columns = weight.shape
                _own([weight])[0].add_(
                    move, alpha=-group["lr"] * math.sqrt(max(1.0, rows / columns)))

    def _adamw(self, group: dict[str, Any], weights: list[Tensor]) -> None:
        """AdamW (Loshchilov and Hutter) over all weights of the group at once."""
        for weight in weights:
            state = self.state[weight]
            if "exp_avg" not in state:
                state["exp_avg"] = torch.zeros_like(weight)
                state["exp_avg_sq"] = torch.zeros_like(weight)
        group["steps"] = group.get("steps", 0) + 1
        first, second = group["betas"]
        grads = _own([weight.grad for weight in weights if weight.grad is not None])
        means = _own([self.state[weight]["exp_avg"] for weight in weights])
        squares = _own([self.state[weight]["exp_avg_sq"] for weight in weights])
        weights = _own(weights)
        if group["weight_decay"]:
            torch._foreach_mul_(weights, 1.0 - group["lr"] * group["weight_decay"])
        torch._foreach_lerp_(means, grads, 1.0 - first)
        torch._foreach_mul_(squares, second)
        torch._foreach_addcmul_(squares, grads, grads, 1.0 - second)
        scale = torch._foreach_sqrt(squares)
        torch._foreach_div_(scale, math.sqrt(1.0 - second ** group["steps"]))
        torch._foreach_add_(scale, group["eps"])
        torch._foreach_addcdiv_(weights, means, scale,
                                -group["lr"] / (1.0 - first ** group["steps"]))


def _own(tensors: list[Tensor]) -> list[Tensor]:
    """Return of tensors that are split over processes the parts that lie here, else themselves."""
    return [tensor.to_local() if hasattr(tensor, "to_local") else tensor for tensor in tensors]


def _turned(weights: Sequence[Tensor], moves: Sequence[Tensor]) -> Iterator[Tensor]:
    """Yield each weight's move turned, as its weight lies here.

    `moves`, likewise: those of weights of one shape, whichever side is the longer.
    """
    if not hasattr(weights[0], "to_local"):
        stack = torch.stack([move.T if move.shape[0] > move.shape[1] else move for move in moves])
        for weight, move in zip(weights, orthogonal(stack).unbind(), strict=True):
            yield move.T if weight.shape[0] > weight.shape[1] else move
        return
    for weight, move in zip(weights, moves, strict=True):
        whole = gathered(move, weight)
        tall = whole.shape[0] > whole.shape[1]
        turned = orthogonal((whole.T if tall else whole)[None])[0]
        yield own_part(turned.T if tall else turned, weight)


def orthogonal(stack: Tensor) -> Tensor:
    """Return, for each matrix of a (n, rows <= columns) stack, its nearly orthogonal factor.

    Five rounds of Newton-Schulz; singular values end between about 0.7 and 1.2. In bfloat16
    where the processor has it (four times faster on a CPU with AVX512-BF16, and a tenth of a
    training step then); the direction of a step needs no more digits. In float32 elsewhere.
    """
    a, b, c = QUINTIC
    turned: Tensor = stack.bfloat16() if stack.is_cuda or _cpu_has_bfloat16() else stack.float()
    turned = turned / (torch.linalg.matrix_norm(turned, keepdim=True) + 1e-7)
    for _ in range(ROUNDS):
        gram = turned @ turned.mT
        turned = a * turned + torch.baddbmm(gram, gram, gram, beta=b, alpha=c) @ turned
    return turned.to(stack.dtype)


@cache
def _cpu_has_bfloat16() -> bool:
    ask = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(ask and ask())
