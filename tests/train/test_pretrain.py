from __future__ import annotations

import json
import random

import pytest
import torch
from safetensors.torch import load_file

from mathmill.decoding.models import open_model
from mathmill.errors import UsageError
from mathmill.train import pretrain
from mathmill.train.llama import block_loss
from mathmill.workbench import Workbench

SMALL = {"architecture": {"hidden_size": 32, "layers": 2, "heads": 2, "intermediate_size": 64},
         "vocabulary": 320, "tokens": 24_000, "corpus_tokens": 8_000, "batch_tokens": 512,
         "block": 32}


def passages(seed):
    draw = random.Random(seed)
    while True:
        yield f"Tom has {draw.randrange(50)} pens and buys {draw.randrange(50)} more."


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(pretrain, "CHECK_TOKENS", 1_000)
    monkeypatch.setattr(pretrain, "VOCABULARY_PASSAGES", 200)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def bench_at(folder, **tools):
    return Workbench(folder, tools={"passages": passages, "workers": 1, **tools})


def test_it_learns_and_leaves_a_model_with_tokenizer_card_and_measures(tmp_path):
    bench = bench_at(tmp_path)
    pretrain.run(bench, **SMALL)
    bench.close()
    assert bench.facts["check_loss"] < 3.0  # random weights stand at about ln 300 = 5.7
    assert bench.facts["steps"] == 24_000 // 512
    model, tokenizer = open_model(str(tmp_path), device="cpu")
    text = tokenizer("Tom has 12 pens and buys", return_tensors="pt")
    assert model(input_ids=text["input_ids"]).logits.shape[-1] == len(tokenizer)
    card = (tmp_path / "model" / "CARD.md").read_text(encoding="utf-8")
    assert f"| check loss | {bench.facts['check_loss']} |" in card
    assert "Apache-2.0" in card
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["tokens"] == 24_000 // 512 * 512


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_weights_of_an_undisturbed_one(tmp_path, monkeypatch):
    pretrain.run(bench_at(tmp_path / "whole"), **SMALL)
    monkeypatch.setattr(pretrain, "SAVE_EVERY", 0.0)

    real = pretrain._save

    def save_then_die(training, file):
        real(training, file)
        if training.step == 20:
            raise KeyboardInterrupt

    monkeypatch.setattr(pretrain, "_save", save_then_die)
    with pytest.raises(KeyboardInterrupt):
        pretrain.run(bench_at(tmp_path / "killed"), **SMALL)
    monkeypatch.setattr(pretrain, "_save", real)
    pretrain.run(bench_at(tmp_path / "killed"), **SMALL)
    one, two = (load_file(tmp_path / name / "model" / "model.safetensors")
                for name in ("whole", "killed"))
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_the_loop_walks_the_model_as_transformers_does(tiny):
    blocks = torch.randint(0, 320, (3, 17), generator=torch.Generator().manual_seed(0))
    logits = tiny(input_ids=blocks[:, :-1]).logits
    wanted = torch.nn.functional.cross_entropy(logits.flatten(0, 1), blocks[:, 1:].flatten())
    assert torch.allclose(block_loss(tiny, blocks), wanted, atol=1e-5)


def test_words_of_the_problems_enter_the_vocabulary(tmp_path):
    class Asked:
        question = "Zanzibar " * 40

    bench = bench_at(tmp_path, problems=lambda: iter([Asked()] * 200))
    tokenizer = pretrain._tokenizer(bench, tmp_path / "scratch", 360, seed=0)
    assert len(tokenizer(" Zanzibar")["input_ids"]) == 1


def test_an_architecture_that_cannot_be_is_refused(tmp_path):
    with pytest.raises(UsageError, match="width"):
        pretrain.run(bench_at(tmp_path), **{**SMALL, "architecture": {"width": 3}})
