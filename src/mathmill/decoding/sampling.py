"""Draw the next token of many rows at once, each row from a stream of its own.

Why: what a row says must not depend on its company. So no generator is shared: the noise of a
token is a hash of the row's seed, the place in its answer and the token's number (SplitMix64,
whole numbers, the same on every machine), and the token with the highest noisy logit is taken
(the Gumbel-max form of sampling). A logit that another batch rounds by 1e-6 changes a draw in
about one of a million tokens; inverting one cumulative sum would change many times more.

Used by `generation`: `tokens = sample(logits, temperatures, shares, seeds, places)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

WORD = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15  # SplitMix64: the step from one number to the next
TOGETHER = 64  # rows: their numbers stay in a core's own memory from pass to pass
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # and its two multipliers


def sample(logits: Any, temperatures: Sequence[float], shares: Sequence[float],
           seeds: Sequence[int], places: Sequence[int]) -> Any:
    """Return one token a row (a vector of whole numbers on the logits' device).

    `logits` (rows, vocabulary); temperatures above 0; `shares` are top_p, 1 for all tokens;
    `seeds` any whole numbers, of which 64 bits count; `places`: how many tokens each row has.
    """
    import torch

    drawn = []
    for start in range(0, len(seeds), TOGETHER):
        part = slice(start, start + TOGETHER)
        heat = torch.tensor(temperatures[part], dtype=torch.float64, device=logits.device)
        scores = logits[part].to(torch.float64, copy=True).div_(heat[:, None])
        narrow = [row for row, share in enumerate(shares[part]) if share < 1.0]
        if narrow:
            rows = torch.tensor(narrow, device=logits.device)
            scores[rows] = _nucleus(scores[rows], [shares[start + row] for row in narrow])
        keys = [_mix(_mix(seed & WORD) + place * GOLDEN & WORD)
                for seed, place in zip(seeds[part], places[part], strict=True)]
        drawn.append(scores.add_(_gumbel(keys, logits.shape[-1], logits.device)).argmax(-1))
    return torch.cat(drawn)


def _nucleus(scores: Any, shares: Sequence[float]) -> Any:
    """Return scores with all but the likeliest tokens that make up each share at -inf."""
    import torch

    ordered, order = scores.sort(dim=-1, descending=True, stable=True)
    chances = ordered.softmax(-1)
    before = chances.cumsum(-1) - chances
    wanted = torch.tensor(shares, dtype=torch.float64, device=scores.device)
    out = before >= wanted[:, None]
    out[:, 0] = False  # the likeliest always stays
    return scores.masked_fill(torch.zeros_like(out).scatter(-1, order, out), float("-inf"))


def _gumbel(keys: Sequence[int], width: int, device: Any) -> Any:
    """Return Gumbel noise (rows, width) in float64, each number by its row's key and its place.

    In place wherever it can be: fresh memory for each of twenty passes cost as much as they did.
    """
    import torch

    start = torch.tensor([_signed(key) for key in keys], device=device)[:, None]
    steps = torch.arange(1, width + 1, device=device)[None, :]
    bits = start + steps * _signed(GOLDEN)  # 64-bit whole numbers wrap around, as they should
    shifted = torch.empty_like(bits)
    for by, multiplier in ((30, FIRST), (27, SECOND)):
        bits.bitwise_xor_(_down(bits, by, shifted)).mul_(_signed(multiplier))
    bits.bitwise_xor_(_down(bits, 31, shifted))
    uniform = _down(bits, 11, shifted).double().add_(0.5).mul_(2.0**-53)
    return uniform.log_().neg_().log_().neg_()


def _down(bits: Any, by: int, out: Any) -> Any:
    """Shift to the right into `out`, zeros coming in (torch brings in the sign); return it."""
    import torch

    torch.bitwise_right_shift(bits, by, out=out)
    return out.bitwise_and_((1 << (64 - by)) - 1)


def _mix(value: int) -> int:
    """Return SplitMix64's hash of a 64-bit number."""
    value = (value + GOLDEN) & WORD
    value = (value ^ (value >> 30)) * FIRST & WORD
    value = (value ^ (value >> 27)) * SECOND & WORD
    return value ^ (value >> 31)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
