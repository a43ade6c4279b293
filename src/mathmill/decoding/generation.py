"""Greedy generation in batches: many questions, one answer each, the same at any batch size.

Why: `model.generate` copies the whole key-value cache at every token (four fifths of the
time of a 1M model on a CPU) and goes on computing rows that have ended. This loop writes
into a cache with room to grow, drops finished rows, and chooses the very tokens that
`model.generate` would choose greedily.

Used as: `generate(model, tokenizer, encode(tokenizer, prompts), max_new_tokens=512)`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mathmill.errors import MissingExtra

# An untuned model answers and then writes the next task itself; the papers stop there too.
STOPS = ("### Instruction", "\nQuestion:")
ROOM = 128  # positions by which a full cache grows


@dataclass(frozen=True, slots=True)
class Generated:
    """One response of the model."""

    text: str
    "What it wrote, without special tokens."
    tokens: int
    "Tokens it wrote, the end token not counted."
    finish: str
    "`stop` where it ended by itself, `length` where it was cut off."


def render(tokenizer: Any, question: str, **switches: Any) -> str:
    """Return the prompt of a question: the tokenizer's chat template, or the bare question."""
    if not getattr(tokenizer, "chat_template", None):
        return question
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], add_generation_prompt=True, tokenize=False,
        **switches)
    assert isinstance(text, str)
    return text


def plan(lengths: Sequence[int], batch: int) -> list[list[int]]:
    """Return batches of places, longest prompts first, so that little is padded.

    The plan depends on the lengths and the batch size alone: a resumed run makes the same.
    """
    order = sorted(range(len(lengths)), key=lambda place: (-lengths[place], place))
    return [order[start:start + batch] for start in range(0, len(order), batch)]


def encode(tokenizer: Any, prompts: Sequence[str]) -> list[list[int]]:
    """Return the token ids of rendered prompts (a template writes its own special tokens)."""
    special = not getattr(tokenizer, "chat_template", None)
    return [list(ids) for ids in
            tokenizer(list(prompts), add_special_tokens=special)["input_ids"]] if prompts else []


def generate(model: Any, tokenizer: Any, prompts: Sequence[list[int]],
             max_new_tokens: int) -> list[Generated]:
    """Answer one batch of encoded prompts greedily; results in the order given.

    Prompts are padded on the left and stand at positions from 0, so that what a row says
    does not depend on its company but for rounding: in float32 two logits would have to
    agree to about 1e-6 for that to show. A prompt that fills the model's window gives an
    empty response with `finish="length"`. Raises MissingExtra without torch.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtra("torch and transformers", "train") from error
    window = getattr(model.config, "max_position_embeddings", None) or 1 << 30
    limits = [min(max_new_tokens, window - len(ids)) for ids in prompts]
    places = [place for place, limit in enumerate(limits) if limit > 0 and prompts[place]]
    written: list[list[int]] = [[] for _ in prompts]
    ended = [False] * len(prompts)
    ends = _end_tokens(model, tokenizer)
    if places:
        with torch.inference_mode():
            _decode(model, prompts, places, limits, ends, written, ended)
    return [_generated(tokenizer, ids, end) for ids, end in zip(written, ended, strict=True)]


def _decode(model: Any, prompts: Sequence[list[int]], places: list[int], limits: list[int],
            ends: frozenset[int], written: list[list[int]], ended: list[bool]) -> None:
    """Write greedy tokens into `written` until every row has ended or met its limit."""
    import torch

    device = next(model.parameters()).device
    width = max(len(prompts[place]) for place in places)
    pads = [width - len(prompts[place]) for place in places]
    step = torch.tensor([[0] * pad + prompts[place]
                         for pad, place in zip(pads, places, strict=True)], device=device)
    room = width + max(limits[place] for place in places)
    seen = torch.ones(len(places), room, dtype=torch.long, device=device)
    for row, pad in enumerate(pads):
        seen[row, :pad] = 0
    positions = (seen[:, :width].cumsum(-1) - 1).clamp(min=0)
    cache, rows, length = _cache(model), list(places), width
    alive = [True] * len(rows)
    while True:
        logits = model(input_ids=step, attention_mask=seen[:, :length], position_ids=positions,
                       past_key_values=cache, use_cache=True, logits_to_keep=1).logits
        chosen = logits[:, -1].argmax(-1)
        for row, token in enumerate(chosen.tolist()):
            if not alive[row]:
                continue
            place = rows[row]
            if token in ends:
                alive[row], ended[place] = False, True
            else:
                written[place].append(token)
                alive[row] = len(written[place]) < limits[place]
        left = sum(alive)
        if left == 0:
            return
        step, positions, length = chosen[:, None], positions[:, -1:] + 1, length + 1
        if left <= 0.75 * len(rows):  # below that, copying the cache costs more than it saves
            stay = [row for row in range(len(rows)) if alive[row]]
            index = torch.tensor(stay, device=device)
            cache.batch_select_indices(index)
            step, positions, seen = step[index], positions[index], seen[index]
            rows, alive = [rows[row] for row in stay], [True] * len(stay)


def _generated(tokenizer: Any, ids: list[int], ended: bool) -> Generated:
    """Return the decoded response, cut where the model began a task of its own."""
    text = tokenizer.decode(ids, skip_special_tokens=True)
    finish = "stop" if ended else "length"
    for stop in STOPS:
        head, found, _ = text.partition(stop)
        if found:
            text, finish = head, "stop"
    return Generated(text.strip(), len(ids), finish)


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return the ids that end a response, as the model's and the tokenizer's settings say."""
    config = getattr(model, "generation_config", None)
    ends: set[int] = set()
    for value in (tokenizer.eos_token_id, getattr(config, "eos_token_id", None)):
        if value is not None:
            ends.update([value] if isinstance(value, int) else value)
    return frozenset(ends)


def _cache(model: Any) -> Any:
    """Return an empty key-value cache: one with room to grow where the model allows it."""
    from transformers import DynamicCache
    from transformers.cache_utils import Cache

    config = model.config
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if kinds == {"full_attention"} and not getattr(config, "sliding_window", None):
        return Cache(layer_class_to_replicate=_roomy_layer())
    return DynamicCache(config=config)


@functools.cache
def _roomy_layer() -> type:
    """Return a cache layer that writes in place and copies itself only when it is full.

    Made here, not at the top, because its base class brings all of transformers with it.
    """
    import torch
    from transformers.cache_utils import DynamicLayer

    class RoomyLayer(DynamicLayer):  # type: ignore[misc, no-untyped-call]
        """Keys and values as views of buffers that hold more positions than are used."""

        def update(self, key_states: Any, value_states: Any, *_: Any,
                   **__: Any) -> tuple[Any, Any]:
            """Append states (batch, heads, new positions, width); return all so far."""
            have = self.get_seq_length()
            need = have + key_states.shape[-2]
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
                self.buffers = [key_states[..., :0, :], value_states[..., :0, :]]
            if need > self.buffers[0].shape[-2]:
                grown = []
                for old in self.buffers:
                    batch, heads, _, width = old.shape
                    new = torch.empty(batch, heads, need + max(ROOM, have // 2), width,
                                      dtype=old.dtype, device=old.device)
                    new[..., :have, :] = old[..., :have, :]
                    grown.append(new)
                self.buffers = grown
            for buffer, states in zip(self.buffers, (key_states, value_states), strict=True):
                buffer[..., have:need, :] = states
            self.keys, self.values = (buffer[..., :need, :] for buffer in self.buffers)
            return self.keys, self.values

        def batch_select_indices(self, indices: Any) -> None:
            """Keep some rows of the batch."""
            have = self.get_seq_length()
            if have:
                self.buffers = [buffer[indices] for buffer in self.buffers]
                self.keys, self.values = (buffer[..., :have, :] for buffer in self.buffers)

    return RoomyLayer
