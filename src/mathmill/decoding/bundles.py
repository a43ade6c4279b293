"""Several answers to one prompt laid into one sequence, the prompt read once.

Why: a verifier reads many answers to the same problem. Side by side behind one prompt they
cost half of what they cost apart, and a problem's right and wrong answers stand in one step of
its training. Each answer sees the prompt and itself and stands at the positions that it would
have alone, so that nothing of its company shows but rounding.

Used as: `packed = pack([Bundle(prompt_ids, [body_ids, ...])], pad=1)`, then
`model(input_ids=packed.ids, position_ids=packed.positions, attention_mask=packed.mask)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Bundle:
    """One prompt with some of its answers, as token ids."""

    prompt: Sequence[int]
    "At least one token."
    bodies: Sequence[Sequence[int]]
    "At least one token each."

    @property
    def length(self) -> int:
        """Tokens in all."""
        return len(self.prompt) + sum(map(len, self.bodies))


@dataclass(frozen=True, slots=True)
class Span:
    """Where one answer stands in a packed batch."""

    row: int
    start: int
    stop: int
    "One behind its last token."
    prompt: int
    "Tokens of its prompt: the last of them stands before the answer's first."


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch of bundles as tensors."""

    ids: Any
    "(batch, longest) token ids."
    positions: Any
    "(batch, longest), anew from the prompt's end for each answer."
    mask: Any
    "(batch, 1, longest, longest) in float32: 0 where a token sees another, -inf elsewhere; None "
    "where each bundle holds one answer (looking back only, it never sees the padding)."
    spans: list[Span]
    "Of each answer, bundle by bundle."


def split(prompt: Sequence[int], bodies: Sequence[Sequence[int]], room: int) -> list[Bundle]:
    """Return bundles of at most `room` tokens, in order; an answer that is longer has its own."""
    bundles: list[Bundle] = []
    begun: list[Sequence[int]] = []
    size = len(prompt)
    for body in bodies:
        if begun and size + len(body) > room:
            bundles.append(Bundle(prompt, begun))
            begun, size = [], len(prompt)
        begun.append(body)
        size += len(body)
    if begun:
        bundles.append(Bundle(prompt, begun))
    return bundles


def pack(bundles: Sequence[Bundle], pad: int, device: Any = "cpu") -> Packed:
    """Return the bundles as one batch, padded on the right."""
    import torch

    longest = max(bundle.length for bundle in bundles)
    ids = torch.full((len(bundles), longest), pad)
    positions = torch.zeros(len(bundles), longest, dtype=torch.long)
    owner = torch.full((len(bundles), longest), -1)  # 0: the prompt; 1, 2, ...: its answers
    spans: list[Span] = []
    for row, bundle in enumerate(bundles):
        at = 0
        for number, part in enumerate((bundle.prompt, *bundle.bodies)):
            here = slice(at, at + len(part))
            first = 0 if number == 0 else len(bundle.prompt)
            ids[row, here] = torch.tensor(list(part))
            positions[row, here] = torch.arange(first, first + len(part))
            owner[row, here] = number
            if number:
                spans.append(Span(row, at, at + len(part), len(bundle.prompt)))
            at += len(part)
    mask = None
    if any(len(bundle.bodies) > 1 for bundle in bundles):
        back = torch.ones(longest, longest, dtype=torch.bool).tril()
        alike = owner[:, :, None] == owner[:, None, :]
        prompted = (owner[:, None, :] == 0) & (owner[:, :, None] > 0)
        mask = torch.zeros(len(bundles), 1, longest, longest)
        mask = mask.masked_fill_(~((alike | prompted) & back)[:, None], float("-inf")).to(device)
    return Packed(ids.to(device), positions.to(device), mask, spans)
