"""Two small models made on the spot: one with the house's own tokenizer, one of single letters."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    from mathmill.train.tokenizer import train_tokenizer

    draw = random.Random(0)
    lines = (f"Tom has {draw.randrange(50)} pens and buys {draw.randrange(50)} more."
             for _ in range(400))
    return train_tokenizer(lines, 320)


@pytest.fixture(scope="session")
def base_folder(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a saved model of a few thousand weights, with the Alpaca template."""
    from mathmill.train.llama import new_model

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("base")
    new_model({"hidden_size": 32, "layers": 2, "heads": 2, "intermediate_size": 64},
              tokenizer, 256).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return folder


@pytest.fixture(scope="session")
def letters() -> Iterator[tuple[Any, Any]]:
    """Return a random Llama over single letters, some of whose answers end early."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for kernels this small, two threads mostly wait for each other
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
    yield model, tokenizer
    torch.set_num_threads(threads)
