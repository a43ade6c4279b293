"""Answers behind one prompt score as they do alone; a verifier survives its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mathmill.decoding.bundles import Bundle, pack, split
from mathmill.decoding.models import open_model
from mathmill.decoding.verifier import (
    encode_bodies,
    encode_prompts,
    new_verifier,
    open_verifier,
    save_verifier,
    score,
    scores,
    shares_prompts,
    states,
)
from mathmill.errors import InputError
from tiny_models import WINDOW
from verifier_cases import make_candidate, toy

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")


@pytest.fixture(scope="module", params=[False, True], ids=["head", "head and confidence"])
def verifier(base_folder: Path, request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """Return a tiny verifier whose head says something, and its tokenizer."""
    model, tokenizer = open_model(str(base_folder))
    made = new_verifier(model, request.param).eval()
    torch.manual_seed(3)
    torch.nn.init.normal_(made.head.weight, std=0.5)
    if request.param:
        made.confidence.data.fill_(0.02)
    return made, tokenizer


def test_each_answer_sees_its_prompt_and_itself_and_nothing_else(verifier: Any) -> None:
    lm = verifier[0].lm
    bundle = Bundle([5, 6, 7], [[8, 9], [10], [11, 12, 13, 14]])
    long = Bundle([5, 6], [[20] * 30, [21] * 3])
    packed = pack([bundle, long], pad=1)
    with torch.no_grad():
        together = states(lm, packed)
        for span, (prompt, body) in zip(packed.spans, [
                (each.prompt, body) for each in (bundle, long) for body in each.bodies],
                strict=True):
            alone = lm.model(input_ids=torch.tensor([[*prompt, *body]])).last_hidden_state
            torch.testing.assert_close(together[span.row, span.start:span.stop],
                                       alone[0, len(prompt):], atol=1e-5, rtol=1e-4)
            assert span.prompt == len(prompt)


def test_a_bundle_of_one_needs_no_mask_and_padding_is_never_seen(verifier: Any) -> None:
    packed = pack([Bundle([5, 6], [[7]]), Bundle([5], [[6, 7, 8, 9]])], pad=1)
    assert packed.mask is None
    assert packed.ids.tolist() == [[5, 6, 7, 1, 1], [5, 6, 7, 8, 9]]


def test_split_keeps_order_and_room() -> None:
    bundles = split([1] * 10, [[2] * 5, [3] * 5, [4] * 40, [5]], room=20)
    assert [[body[0] for body in b.bodies] for b in bundles] == [[2, 3], [4], [5]]
    assert [b.length for b in bundles] == [20, 50, 11]


@pytest.mark.parametrize("together", [60, 12_288], ids=["one by one", "all at once"])
def test_scores_do_not_depend_on_company(verifier: tuple[Any, Any], together: int) -> None:
    made, tokenizer = verifier
    rows = [*list(toy(5)), make_candidate("z", "Tom has 9 pens.", "", False, finish="length")]
    alone = [score(made, tokenizer, "program", [row])[0] for row in rows]
    found = score(made, tokenizer, "program", rows, together)
    assert found == pytest.approx(alone, abs=1e-5)
    assert len({round(value, 5) for value in found}) > 10, "the head says something"
    assert all(0 < value < 1 for value in found)
    was, made.shares = made.shares, False
    try:
        assert score(made, tokenizer, "program", rows) == pytest.approx(alone, abs=1e-5)
    finally:
        made.shares = was


def test_what_was_cut_off_is_read_without_an_end(verifier: tuple[Any, Any]) -> None:
    made, tokenizer = verifier
    whole, cut = (make_candidate("a", "Tom has 9 pens.", "x = 9", True, finish=finish)
                  for finish in ("stop", "length"))
    assert score(made, tokenizer, "program", [whole]) != score(made, tokenizer, "program", [cut])


def test_an_answer_is_read_no_further_than_the_model_has_places(verifier: tuple[Any, Any]) -> None:
    made, tokenizer = verifier
    (read,) = encode_prompts(tokenizer, ["Tom has 9 pens."], "program")
    one, other = (make_candidate("a", "Tom has 9 pens.", "9" * (WINDOW - len(read)) + tail, True)
                  for tail in ("1 + 2", "3 * 4"))
    assert len(encode_bodies(tokenizer, [one], WINDOW)[0]) > WINDOW - len(read)
    assert score(made, tokenizer, "program", [one]) == score(made, tokenizer, "program", [other])


def test_it_is_tried_whether_a_model_shares_prompts(verifier: tuple[Any, Any]) -> None:
    lm = verifier[0].lm
    assert shares_prompts(lm)

    class Blind(torch.nn.Module):
        base_model_prefix, dtype, device = "core", torch.float32, torch.device("cpu")

        def core(self, attention_mask: Any = None, **inputs: Any) -> Any:
            return lm.model(attention_mask=None, **inputs)  # it leaves the mask unread

    assert not shares_prompts(Blind())


def test_a_saved_verifier_says_the_same(verifier: tuple[Any, Any], tmp_path: Path) -> None:
    made, tokenizer = verifier
    save_verifier(made, tokenizer, tmp_path / "verifier", "program")
    rows = toy(3)
    assert scores(tmp_path, rows) == score(made, tokenizer, "program", rows)
    assert open_verifier(tmp_path / "verifier")[2] == "program"


def test_a_folder_without_a_verifier_is_one_line(base_folder: Path) -> None:
    with pytest.raises(InputError, match="no verifier is there"):
        scores(base_folder, toy(1))
