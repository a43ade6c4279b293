"""Many rows written at once: each as it would be written alone, ended where it should end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mathmill.decoding.generation import Ask, decode
from mathmill.decoding.prompts import encode

torch = pytest.importorskip("torch")

QUESTIONS = [f"What is {a} + {'1' * (a % 7)}{a}?" for a in range(24)]


@pytest.fixture(scope="module")
def asks(letters):
    return [Ask(ids, 20 + 3 * (n % 5), 0.0 if n % 4 == 0 else 0.8, 0.9 if n % 3 == 0 else 1.0,
                seed=n, logprobs=n % 2 == 0)
            for n, ids in enumerate(encode(letters[1], QUESTIONS))]


def test_a_row_says_the_same_alone_in_a_batch_and_in_another_order(letters, asks):
    whole = decode(*letters, asks)
    assert {out.finish for out in whole} == {"stop", "length"}, "the test needs both"
    assert len({out.text for out in whole}) > 20
    back = decode(*letters, asks[::-1])[::-1]
    alone = [decode(*letters, [ask])[0] for ask in asks]
    for others in (back, alone):
        assert [(o.text, o.tokens, o.finish) for o in others] == [
            (o.text, o.tokens, o.finish) for o in whole]
        for a, b in zip(others, whole, strict=True):
            assert a.logprob == (None if b.logprob is None else pytest.approx(b.logprob, abs=1e-3))


def test_every_row_has_a_limit_of_its_own(letters, asks):
    for ask, out in zip(asks, decode(*letters, asks), strict=True):
        assert out.tokens <= ask.max_tokens
        assert (out.finish == "length") == (out.tokens == ask.max_tokens) or out.finish == "stop"


def test_another_seed_says_something_else_and_the_greedy_rows_do_not_care(letters, asks):
    first, second = decode(*letters, asks), decode(
        *letters, [replace(ask, seed=ask.seed + 1000) for ask in asks])
    same = [a.text == b.text for a, b in zip(first, second, strict=True)]
    assert all(equal for equal, ask in zip(same, asks, strict=True) if not ask.temperature)
    assert sum(same) <= 8


@pytest.mark.parametrize("length", [1, 3, 7, 8, 13])
def test_an_answer_ends_at_the_token_that_completes_its_first_stop(letters, asks, length):
    model, tokenizer = letters
    long = [replace(ask, max_tokens=40) for ask in asks]
    free = decode(model, tokenizer, long)
    stops = [out.text[5:5 + length] or "never" for out in free]
    cut = decode(model, tokenizer, [replace(ask, stops=("nowhere!!", stop))
                                    for ask, stop in zip(long, stops, strict=True)])
    seen = 0
    for out, whole, stop in zip(cut, free, stops, strict=True):
        place = whole.text.find(stop)
        if place < 0:
            assert (out.text, out.tokens) == (whole.text, whole.tokens)
            continue
        assert out.text == whole.text[:place]
        assert out.finish == "stop"
        if len(whole.text) == whole.tokens:  # no special token among them: letters
            seen += 1
            assert out.tokens == place + len(stop)
    assert seen > 5


def test_the_log_probability_is_that_of_reading_the_answer(letters, asks):
    model, tokenizer = letters
    for ask in asks[:8]:
        out = decode(model, tokenizer, [replace(ask, logprobs=True)])[0]
        written = encode(tokenizer, [out.text])[0]
        if len(written) != out.tokens:
            continue  # a special token in the answer
        with torch.inference_mode():
            logits = model(torch.tensor([[*ask.ids, *written]])).logits[0].double()
        known = logits.log_softmax(-1)[len(ask.ids) - 1:-1]
        summed = known.gather(-1, torch.tensor(written)[:, None]).sum().item()
        assert out.logprob == pytest.approx(summed, abs=1e-3)
    assert decode(model, tokenizer, [replace(asks[0], logprobs=False)])[0].logprob is None


def test_a_row_that_nobody_wants_any_more_is_left_and_the_others_go_on(letters, asks):
    whole, counts = decode(*letters, asks), [0] * len(asks)
    place = next(n for n, out in enumerate(whole) if out.tokens > 8)

    def wanted(row):
        counts[row] += 1
        return row != place or counts[row] < 4

    left = decode(*letters, asks, wanted)
    assert left[place].tokens == 4
    assert whole[place].text.startswith(left[place].text)
    assert [out.text for n, out in enumerate(left) if n != place] == [
        out.text for n, out in enumerate(whole) if n != place]


def test_nothing_to_write_on_is_an_empty_answer_cut_by_length(letters):
    outs = decode(*letters, [Ask([5] * 300, 20), Ask([], 20), Ask([5, 6], 0)])
    assert [(out.text, out.tokens, out.finish) for out in outs] == [("", 0, "length")] * 3
