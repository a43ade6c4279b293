"""The gradient of each row's loss at the LoRA factors, exact, several rows a backward.

Why it can be had in a batch: with h = A x and y = B h, a row's gradient at B is the sum over its
tokens of (gradient at y) times h, at A of (gradient at h) times x. One backward down to the y of
every factor, for the summed loss of independent rows, gives each row's own; frozen weights cost
no gradient at all. The loop with one row a backward stands beside it, as the truth of the test
and for models that the other way cannot read (a factor that sees tokens without their rows).

A row's loss is the mean over its answer's tokens, end token included. The papers write a sum;
row by row the two differ by a factor, which no cosine sees.

Used as: `reader = Reader(model)`; `gradients = reader(tokens, prompts)` -> (rows, reader.size).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mathmill.train.lora import inner

if TYPE_CHECKING:
    from torch import Tensor

TOGETHER = 4096  # tokens a backward, padding counted; a longer row goes alone


class Unbatchable(Exception):
    """A factor's input does not come as (rows, tokens, numbers); rows must go one by one."""


class Reader:
    """Reads gradients off a model with LoRA factors, which it freezes but does not change."""

    def __init__(self, model: Any, together: int = TOGETHER) -> None:
        """Take a model that `lora.open_adapter` returned; `together`: tokens a backward."""
        self.model, self.together = model.eval(), together
        self.pairs = list(_pairs(model))
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        self.one_by_one = False
        "Whether rows go one a backward: where asked, or where the model allows no more."

    @property
    def parameters(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Name and shape of the factors, in the order in which a gradient holds them."""
        return tuple((f"{name}.{which}", tuple(factor.weight.shape))
                     for name, a, b in self.pairs for which, factor in (("A", a), ("B", b)))

    @property
    def size(self) -> int:
        """Numbers in a row's gradient."""
        return sum(factor.weight.numel() for _, a, b in self.pairs for factor in (a, b))

    def __call__(self, tokens: Sequence[Sequence[int]], prompts: Sequence[int]) -> Tensor:
        """Return the (rows, size) float32 gradients of rows, on the model's device.

        `tokens`: prompt and answer of each row; `prompts`: how many of them are the prompt.
        """
        import torch

        made = torch.zeros(len(tokens), self.size, device=self.model.device)
        for batch in self.batches([len(row) for row in tokens]):
            some = [tokens[row] for row in batch], [prompts[row] for row in batch]
            if not self.one_by_one:
                try:
                    made[batch] = self._together(*some)
                    continue
                except Unbatchable:
                    self.one_by_one = True
            for row, token, prompt in zip(batch, *some, strict=True):
                made[row] = self._alone(token, prompt)
        return made

    def batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Yield row numbers, rows of like length together, at most `together` tokens each."""
        run: list[int] = []
        for row in sorted(range(len(lengths)), key=lambda row: (lengths[row], row)):
            if run and (len(run) + 1) * lengths[row] > self.together:
                yield run
                run = []
            run.append(row)
        if run:
            yield run

    def _alone(self, tokens: Sequence[int], prompt: int) -> Tensor:
        """Return one row's gradient by a plain backward: (size,)."""
        import torch

        factors = [factor.weight for _, a, b in self.pairs for factor in (a, b)]
        for factor in factors:
            factor.requires_grad_(True)
        try:
            loss = _losses(self.model, [tokens], [prompt]).sum()
            found = torch.autograd.grad(loss, factors)
        finally:
            for factor in factors:
                factor.requires_grad_(False)
        return torch.cat([each.flatten() for each in found]).float()

    def _together(self, tokens: Sequence[Sequence[int]], prompts: Sequence[int]) -> Tensor:
        """Return every row's gradient by one backward: (rows, size)."""
        import torch

        watched = [_Watch(a, b, len(tokens)) for _, a, b in self.pairs]
        try:
            loss = _losses(self.model, tokens, prompts).sum()
        finally:
            for watch in watched:
                watch.stop()
        found = torch.autograd.grad(loss, [watch.y for watch in watched])
        made, at = torch.empty(len(tokens), self.size, device=loss.device), 0
        for (_, _, b), watch, back in zip(self.pairs, watched, found, strict=True):
            for part in ((back @ b.weight).mT @ watch.x, back.mT @ watch.h):
                width = part.shape[1] * part.shape[2]
                made[:, at:at + width] = part.flatten(1)
                at += width
        return made


class _Watch:
    """Keeps what goes through one pair of factors in one forward."""

    def __init__(self, a: Any, b: Any, rows: int) -> None:
        self.rows = rows
        self.x: Any = None
        self.h: Any = None
        self.y: Any = None
        self.hooks = [a.register_forward_pre_hook(self._before),
                      b.register_forward_hook(self._after)]

    def _before(self, _: Any, given: tuple[Any, ...]) -> None:
        (x,) = given
        if x.ndim != 3 or len(x) != self.rows or self.x is not None:
            raise Unbatchable("a factor sees tokens without their rows, or is used twice")
        self.x = x.detach()

    def _after(self, _: Any, given: tuple[Any, ...], y: Any) -> Any:
        self.h = given[0].detach()
        # Nothing before the first factors wants a gradient, so there the graph begins.
        self.y = y if y.requires_grad else y.detach().requires_grad_()
        return self.y

    def stop(self) -> None:
        for hook in self.hooks:
            hook.remove()


def _pairs(model: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield name, A and B of every adapted matrix, in the model's order."""
    for name, module in inner(model).named_modules():
        factors = getattr(module, "lora_A", None)
        if factors is not None and len(factors):
            (adapter,) = factors.keys()
            yield name, factors[adapter], module.lora_B[adapter]


def _losses(model: Any, tokens: Sequence[Sequence[int]], prompts: Sequence[int]) -> Tensor:
    """Return each row's mean loss over its answer's tokens: (rows,)."""
    import torch

    from mathmill.train.trainer import IGNORED, answer_losses, collate

    rows = [{"input_ids": list(row), "labels": [IGNORED] * prompt + list(row[prompt:])}
            for row, prompt in zip(tokens, prompts, strict=True)]
    inputs = {name: tensor.to(model.device) for name, tensor in
              collate(rows, model.config.pad_token_id or 0).items()}
    each, wanted = answer_losses(inner(model), inputs)
    whose = torch.arange(len(rows), device=each.device).repeat_interleave(wanted.sum(1))
    total = torch.zeros(len(rows), device=each.device).index_add(0, whose, each)
    return total / wanted.sum(1).clamp(min=1)
