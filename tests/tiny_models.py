"""Models of a few thousand weights, made on the spot, for all who need one to read or to write.

Why: four folders of tests made the same two, each in a way of its own.

Used as: the fixtures `letters`, `tokenizer` and `base_folder` of `conftest`; `save_model(...)`.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

SHAPE = {"hidden_size": 32, "layers": 2, "heads": 2, "intermediate_size": 64}
WINDOW = 256


def new_tokenizer() -> Any:
    """Return the house's own tokenizer, trained on lines about pens."""
    from mathmill.train.tokenizer import train_tokenizer

    draw = random.Random(0)
    return train_tokenizer((f"Tom has {draw.randrange(50)} pens and buys {draw.randrange(50)} more."
                            for _ in range(400)), 320)


def save_model(tokenizer: Any, folder: Path) -> Path:
    """Save a random model of `SHAPE` beside its tokenizer, and return the folder."""
    import torch

    from mathmill.train.llama import new_model

    torch.manual_seed(0)
    new_model(SHAPE, tokenizer, WINDOW).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return folder


def letters() -> tuple[Any, Any]:
    """Return a random Llama over single letters, and its tokenizer; some answers end early."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = ["<pad>", "<eos>", "<unk>"] + [chr(code) for code in range(32, 127)]
    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    inner.decoder = decoders.Fuse()  # else there would be a space after every letter
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<eos>",
                                        pad_token="<pad>", unk_token="<unk>")
    tokenizer.chat_template = (
        "{{ messages[0]['content'] }}{% if add_generation_prompt %}:{% endif %}")
    torch.manual_seed(1)
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=256,
        eos_token_id=1, pad_token_id=0, initializer_range=0.3)).eval()
    with torch.no_grad():  # so that some rows end early and batches shrink
        model.lm_head.weight[1] *= 1.3
    return model, tokenizer
