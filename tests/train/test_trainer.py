from __future__ import annotations

import torch

from mathmill.train.data import pack, render
from mathmill.train.trainer import IGNORED, Recorder, answer_loss, collate, items


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
    recorder = Recorder(2, [100, 50, 100, 50], 2.0, lambda *words: said.append(words), 60.0)
    recorder.line(2, 1.5, 0.01)
    recorder.line(4, 0.5, 0.005)
    assert [(m.stage, m.step, m.epoch, m.tokens) for m in recorder.measures] == [
        (2, 2, 1.0, 150), (2, 4, 2.0, 300)]
    assert [words[:2] for words in said] == [(2, 4), (4, 4)]
