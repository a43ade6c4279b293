"""The key-value cache: written in place into buffers with room to grow.

Why: transformers' own copies all keys and values at every token, four fifths of the time of a
1M model on a CPU.

Used by `generation`: `cache = new_cache(model)`, handed to the model at every step.
"""

from __future__ import annotations

import functools
from typing import Any

ROOM = 32  # positions by which a full cache grows, at least; rows that end are copied with it


def new_cache(model: Any) -> Any:
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
