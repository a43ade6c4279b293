from __future__ import annotations

from array import array
from dataclasses import replace

import numpy as np
import pytest
import torch

from mathmill.train import trainer
from mathmill.train.data import pack, pack_consecutive, render
from mathmill.train.items import IGNORED, Items, collate, items
from mathmill.train.recording import Recorder, Span
from mathmill.train.sft import Recipe
from mathmill.train.trainer import answer_loss, answer_losses


def loss_of(model, rows, pad):
    return answer_loss(model, collate(rows, pad))


def test_the_loss_is_that_of_the_answers_tokens_alone(tiny, tokenizer, samples):
    rendered, _ = render(samples[:1], tokenizer, 200)
    (row,), prompt = rendered.tokens, rendered.prompts[0]
    logits = tiny(input_ids=torch.tensor([row])).logits[0]
    wanted = torch.nn.functional.cross_entropy(logits[prompt - 1:-1], torch.tensor(row[prompt:]))
    assert torch.allclose(loss_of(tiny, items(rendered), tokenizer.pad_token_id), wanted, atol=1e-5)


def test_padding_changes_neither_the_loss_nor_its_gradient(tiny, tokenizer, samples):
    short, long = samples[0], samples[-1]
    rendered, _ = render([short, long], tokenizer, 200)
    rows = items(rendered)
    together = collate(rows, tokenizer.pad_token_id)
    answer_loss(tiny, together).backward()
    gradient = tiny.model.embed_tokens.weight.grad.clone()
    tiny.zero_grad()
    count = sum(label != IGNORED for row in rows for label in row["labels"])
    for row in rows:
        answer_loss(tiny, collate([row], tokenizer.pad_token_id), count).backward()
    assert torch.allclose(gradient, tiny.model.embed_tokens.weight.grad, atol=1e-5)


def test_packed_rows_have_the_loss_they_have_apart(tiny, tokenizer, samples):
    rendered, _ = render(samples[:12], tokenizer, 200)
    bins = pack(rendered.lengths, 150)
    assert len(bins) < 12
    apart = loss_of(tiny, items(rendered), tokenizer.pad_token_id)
    packed = loss_of(tiny, items(rendered, bins), tokenizer.pad_token_id)
    assert torch.allclose(apart, packed, atol=1e-5)


def test_consecutive_rows_in_one_sequence_have_the_loss_they_have_apart_even_without_prompts(
        tiny, tokenizer, samples):
    rendered, _ = render(samples[:12], tokenizer, 200)
    for prompts in (rendered.prompts, [0] * 12):  # without one, a row would follow another's end
        bare = replace(rendered, prompts=prompts)
        starts = np.array(pack_consecutive(bare.lengths, 150))
        together = Items(bare, np.arange(12), starts)
        assert len(together) < 12
        apart = [answer_losses(tiny, collate([row], tokenizer.pad_token_id))[0]
                 for row in items(bare)]
        packed = [answer_losses(tiny, collate([row], tokenizer.pad_token_id))[0]
                  for row in together]
        assert torch.allclose(torch.cat(apart), torch.cat(packed), atol=1e-5)
        joint = answer_loss(tiny, collate(list(together), tokenizer.pad_token_id))
        assert torch.allclose(joint, torch.cat(apart).mean(), atol=1e-5)


def test_packing_without_positions_would_change_the_loss(tiny, tokenizer, samples):
    rendered, _ = render(samples[:12], tokenizer, 200)
    batch = collate(items(rendered, pack(rendered.lengths, 150)), tokenizer.pad_token_id)
    mixed = answer_loss(tiny, {k: v for k, v in batch.items() if k != "position_ids"})
    assert not torch.allclose(mixed, answer_loss(tiny, batch), atol=1e-4)


def test_a_model_that_caps_its_logits_takes_its_own_forward(tiny, tokenizer, samples):
    rows = items(render(samples[:2], tokenizer, 200)[0])
    quick = loss_of(tiny, rows, tokenizer.pad_token_id)
    tiny.config.final_logit_softcapping = 30.0  # the flag alone: Llama's forward ignores it
    assert torch.allclose(quick, loss_of(tiny, rows, tokenizer.pad_token_id), atol=1e-5)


def test_measures_count_tokens_and_passes():
    said = []
    recorder = Recorder([Span(2, [100, 50, 100, 50], 2.0)], lambda *words: said.append(words), 60.0)
    recorder.line(2, 1.5, 0.01)
    recorder.line(4, 0.5, 0.005)
    assert [(m.stage, m.step, m.epoch, m.tokens) for m in recorder.measures] == [
        (2, 2, 1.0, 150), (2, 4, 2.0, 300)]
    assert [words[:2] for words in said] == [(2, 4), (4, 4)]


def test_the_measures_of_a_training_through_two_stages_tell_of_each_stage_alone():
    recorder = Recorder([Span(1, [10, 10, 10], 3.0), Span(2, [20, 20], 2.0)],
                        lambda *words: None, 60.0)
    for step in (2, 3, 5):
        recorder.line(step, 1.0, 0.1)
    assert recorder.ends == [3, 5]
    assert [(m.stage, m.step, m.epoch, m.tokens) for m in recorder.measures] == [
        (1, 2, 0.667, 20), (1, 3, 1.0, 30), (2, 2, 1.0, 40)]


@pytest.mark.slow
def test_what_is_laid_around_the_models_forward_reaches_the_loss(
        tiny, tokenizer, samples, tmp_path, monkeypatch):
    """As bfloat16 is, on a GPU: a loss that calls the model's parts would go past it."""
    plain = trainer._arguments
    monkeypatch.setattr(trainer, "_arguments", lambda *words: plain(*words) | {"bf16": True})
    seen = set()
    tiny.model.layers[0].mlp.register_forward_hook(lambda _, __, out: seen.add(out.dtype))
    rows = items(render(samples[:8], tokenizer, 200)[0])
    recorder = Recorder([Span(1, [1], 1.0)], lambda *words: None, 60.0)
    made = trainer.make_trainer(tiny, tokenizer, rows, [array("I", range(8))],
                                Recipe(batch_size=8), tmp_path, recorder)
    made.train()
    assert seen == {torch.bfloat16}
    assert tiny.model.embed_tokens.weight.dtype == torch.float32
    assert 4 < recorder.measures[0].loss < 8


@pytest.mark.slow
def test_a_process_that_trains_alone_takes_one_gpu_of_eight(
        tiny, tokenizer, samples, tmp_path, monkeypatch):
    """TRL refuses to train where a process sees several that it could use."""
    from functools import cached_property

    from transformers import TrainingArguments

    found = TrainingArguments._setup_devices

    def eight(arguments):
        device = found.func(arguments)
        arguments._n_gpu = 8
        return device

    patched = cached_property(eight)
    patched.__set_name__(TrainingArguments, "_setup_devices")
    monkeypatch.setattr(TrainingArguments, "_setup_devices", patched)
    rows = items(render(samples[:8], tokenizer, 200)[0])
    recorder = Recorder([Span(1, [1], 1.0)], lambda *words: None, 60.0)

    made = trainer.make_trainer(tiny, tokenizer, rows, [array("I", range(8))],
                                Recipe(batch_size=8), tmp_path, recorder)
    assert made.args.n_gpu == 1
