from __future__ import annotations

import numpy as np

from mathmill.train.data import pack, pack_consecutive, render
from mathmill.train.items import IGNORED, Items, Joined, items
from mathmill.train.shelf import FACTS, SILENT, Shelf, fill


def same(one, two):
    return one.keys() == two.keys() and all(np.array_equal(one[key], two[key]) for key in one)


def test_a_shelf_gives_back_the_rows_it_was_filled_with(tmp_path, samples, tokenizer):
    chunks = [render(part, tokenizer, 200)[0] for part in (samples[:7], [], samples[7:30])]
    facts = {}

    def written():
        yield from chunks
        facts["rows"] = 30

    shelf = fill(tmp_path / "shelf", written(), facts)
    assert shelf.facts == {"rows": 30}
    whole, _ = render(samples[:30], tokenizer, 200)
    assert shelf.lengths.tolist() == whole.lengths
    for place in (0, 6, 7, 29):
        assert all(np.array_equal(a, b) for a, b in zip(shelf.row(place), whole.row(place),
                                                        strict=True))
    assert (tmp_path / "shelf" / "tokens.u32").stat().st_size == 4 * sum(whole.lengths)
    assert Shelf.open(tmp_path / "shelf").lengths.tolist() == whole.lengths
    (tmp_path / "shelf" / FACTS).unlink()
    assert Shelf.open(tmp_path / "shelf") is None, "a torn one is none"


def test_items_from_a_shelf_are_those_from_memory(tmp_path, samples, tokenizer):
    rendered, _ = render(samples[:20], tokenizer, 200)
    shelf = fill(tmp_path, [rendered])
    bins = pack(rendered.lengths, 150)
    starts = np.array(pack_consecutive(rendered.lengths, 150))
    order = np.arange(20)
    for lazy, made in ((items(shelf_like(shelf, rendered), bins), items(rendered, bins)),
                       (Items(shelf, order), items(rendered)),
                       (Items(shelf, order, starts), Items(rendered, order, starts))):
        assert len(lazy) == len(made)
        assert all(same(lazy[place], made[place]) for place in range(len(made)))
        assert made.lengths(np.array(rendered.lengths)).tolist() == [
            len(made[place]["input_ids"]) for place in range(len(made))]


def shelf_like(shelf, rendered):
    class Source:
        tokens, row = rendered.tokens, shelf.row

    return Source()


def test_the_first_token_of_every_row_carries_no_loss_even_without_a_prompt(samples, tokenizer):
    from mathmill.train.data import Rendered

    bare = Rendered([[5, 6, 7], [8, 9]], [0, 0], 0)
    (item,) = items(bare, [[0, 1]])
    assert item["labels"].tolist() == [IGNORED, 6, 7, IGNORED, 9]
    assert item["position_ids"].tolist() == [0, 1, 2, 0, 1]


def test_joined_items_stand_one_behind_the_other(samples, tokenizer):
    rendered, _ = render(samples[:5], tokenizer, 200)
    one = Items(rendered, np.array([0, 1]))
    two = Items(rendered, np.array([4, 3, 2]))
    whole = Joined([one, two])
    assert len(whole) == 5
    assert [same(whole[place], part) for place, part in enumerate([*one, *two])] == [True] * 5


def test_no_vocabulary_reaches_the_bit_that_silences_a_token():
    assert SILENT > 10_000_000
