"""The gradient of each row's loss at the LoRA factors, exact, several rows a backward.

Why it can be had in a batch: a layer gives y = W x + s B A x. A row's gradient at B is the sum
over its tokens of s (gradient at y) times A x, at A of s B' (gradient at y) times x. One backward
down to every y, for the summed loss of independent rows, gives each row's own; no weight's
gradient is summed over the batch on the way. The loop with one row a backward stands beside it, as
the truth of the test and for models that cannot be read otherwise (a layer that sees tokens
without their rows). Merging the factors into W first would be 5 % faster and less exact (1.7e-5).

A row's loss is the mean over its answer's tokens, end token included. The papers write a sum;
row by row the two differ by a factor, which no cosine sees.

Used as: `reader = Reader(model)`; `gradients = reader(items(rendered))` -> (rows, reader.size).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mathmill.train.items import batches, collate
from mathmill.train.lora import inner

if TYPE_CHECKING:
    from torch import Tensor

# Tokens a backward, padding counted; a longer row goes alone. What a CPU's cache holds of a small
# model (measured: 512 to 2,048 alike, 8,192 a third slower; with 11 M weights 512 are 7 % faster
# than 1,024, 256 are slower again); a GPU wants more.
TOGETHER = {"cpu": 512, "cuda": 8192}


Row = Mapping[str, Any]
"""A row as `train.items` has it: `input_ids`, and `labels` where something is learned."""


class Unbatchable(Exception):
    """A factor's input does not come as (rows, tokens, numbers); rows must go one by one."""


class Reader:
    """Reads gradients off a model with LoRA factors, which it does not change."""

    def __init__(self, model: Any, together: int | None = None, one_by_one: bool = False) -> None:
        """Take a model that `lora.open_adapter` returned; all its weights are frozen.

        `together`: tokens a backward, by default what suits the device. `one_by_one`: one row a
        backward; so it goes too where the model allows no other way.
        """
        self.model = model.eval()
        self.together = together or TOGETHER.get(model.device.type, TOGETHER["cpu"])
        self.layers = list(_layers(model))
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        self.one_by_one = one_by_one

    @property
    def parameters(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Name and shape of the factors, in the order in which a gradient holds them."""
        return tuple((f"{layer.name}.{which}", tuple(factor.shape)) for layer in self.layers
                     for which, factor in (("A", layer.a), ("B", layer.b)))

    @property
    def size(self) -> int:
        """Numbers in a row's gradient."""
        return sum(layer.a.numel() + layer.b.numel() for layer in self.layers)

    def __call__(self, rows: Sequence[Row]) -> Tensor:
        """Return the (rows, size) float32 gradients of rows, on the model's device."""
        import torch

        made = torch.zeros(len(rows), self.size, device=self.model.device)
        for batch in batches([len(row["input_ids"]) for row in rows], self.together):
            if not self.one_by_one:
                try:
                    made[batch] = self._together([rows[place] for place in batch])
                    continue
                except Unbatchable:
                    self.one_by_one = True
            for place in batch:
                made[place] = self._alone(rows[place])
        return made

    def _alone(self, row: Row) -> Tensor:
        """Return one row's gradient by a plain backward: (size,)."""
        import torch

        factors = [factor for layer in self.layers for factor in (layer.a, layer.b)]
        for factor in factors:
            factor.requires_grad_(True)
        try:
            loss = _losses(self.model, [row]).sum()
            found = torch.autograd.grad(loss, factors)
        finally:
            for factor in factors:
                factor.requires_grad_(False)
        return torch.cat([each.flatten() for each in found]).float()

    def _together(self, rows: Sequence[Row]) -> Tensor:
        """Return every row's gradient by one backward: (rows, size)."""
        import torch

        watched = [_Watch(layer, len(rows)) for layer in self.layers]
        try:
            loss = _losses(self.model, rows).sum()
        finally:
            for watch in watched:
                watch.hook.remove()
        found = torch.autograd.grad(loss, [watch.y for watch in watched])
        made, at = torch.empty(len(rows), self.size, device=loss.device), 0
        for layer, watch, back in zip(self.layers, watched, found, strict=True):
            x, back = watch.x.to(layer.a.dtype), back.to(layer.b.dtype)  # a model in bfloat16
            for part in ((back @ layer.b).mT @ x, back.mT @ (x @ layer.a.T)):
                width = part.shape[1] * part.shape[2]
                torch.mul(part.flatten(1), layer.scale, out=made[:, at:at + width])
                at += width
        return made


@dataclass(frozen=True)
class _Layer:
    """One adapted matrix."""

    name: str
    module: Any
    "The frozen matrix itself."
    a: Tensor
    "(rank, in)"
    b: Tensor
    "(out, rank)"
    scale: float


class _Watch:
    """Keeps what goes into and out of one adapted matrix in one forward."""

    def __init__(self, layer: _Layer, rows: int) -> None:
        self.rows = rows
        self.x: Any = None
        self.y: Any = None
        self.hook = layer.module.register_forward_hook(self._after)

    def _after(self, _: Any, given: tuple[Any, ...], y: Any) -> Any:
        if y.ndim != 3 or len(y) != self.rows or self.x is not None:
            raise Unbatchable("a layer sees tokens without their rows, or is used twice")
        self.x = given[0].detach()
        # Nothing before the first of them wants a gradient, so there the graph begins.
        self.y = y if y.requires_grad else y.detach().requires_grad_()
        return self.y


def _layers(model: Any) -> Iterator[_Layer]:
    """Yield every adapted matrix, in the model's order."""
    for name, module in inner(model).named_modules():
        factors = getattr(module, "lora_A", None)
        if factors is not None and len(factors):
            (adapter,) = factors.keys()
            yield _Layer(name, module.base_layer, factors[adapter].weight,
                         module.lora_B[adapter].weight, module.scaling[adapter])


def _losses(model: Any, rows: Sequence[Row]) -> Tensor:
    """Return each row's mean loss over its answer's tokens: (rows,)."""
    import torch

    from mathmill.train.trainer import answer_losses

    inputs = {name: tensor.to(model.device) for name, tensor in
              collate([dict(row) for row in rows], model.config.pad_token_id or 0).items()}
    each, wanted = answer_losses(inner(model), inputs)
    count = wanted.sum(1)
    whose = torch.arange(len(rows), device=each.device).repeat_interleave(count)
    return torch.zeros(len(rows), device=each.device).index_add(0, whose, each) / count.clamp(min=1)
