"""The embedded student's architecture: a small Llama of transformers, and its plain loss.

Why: pre-training makes the model and walks it without any trainer; the training benchmark
measures a trainer against the very same plain walk.

Used as: `model = new_model(ARCHITECTURE, tokenizer, context=1024)`; `block_loss(model, blocks)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mathmill.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from torch import Tensor

ARCHITECTURE = {"hidden_size": 128, "layers": 4, "heads": 4, "intermediate_size": 384}


def new_model(shape: Mapping[str, int], tokenizer: Any, context: int) -> Any:
    """Return a Llama with random weights and tied embeddings, fit for `tokenizer`."""
    try:
        from transformers import LlamaConfig, LlamaForCausalLM
    except ImportError as error:
        raise MissingExtra("transformers", "train") from error
    unknown = set(shape) - set(ARCHITECTURE)
    if unknown:
        raise UsageError(f"architecture has no {sorted(unknown)}; it has {sorted(ARCHITECTURE)}")
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=shape["hidden_size"],
        num_hidden_layers=shape["layers"], num_attention_heads=shape["heads"],
        num_key_value_heads=shape["heads"], intermediate_size=shape["intermediate_size"],
        max_position_embeddings=context, tie_word_embeddings=True, bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id))


def block_loss(model: Any, blocks: Tensor) -> Tensor:
    """Return the mean next-token loss of (n, block + 1) token numbers.

    Walks the layers itself with no mask at all, so that attention takes its causal fast
    path; blocks are full, and text may look back into the passage before it.
    """
    from torch.nn import functional

    seen, wanted = blocks[:, :-1].long(), blocks[:, 1:].long()
    core = model.model
    hidden = core.embed_tokens(seen)
    places = core.rotary_emb(hidden, _positions(seen))
    for layer in core.layers:
        hidden = layer(hidden, attention_mask=None, position_embeddings=places)
    logits = model.lm_head(core.norm(hidden))
    return functional.cross_entropy(logits.flatten(0, 1).float(), wanted.flatten())


def _positions(seen: Tensor) -> Tensor:
    import torch

    return torch.arange(seen.shape[1], device=seen.device)[None]
