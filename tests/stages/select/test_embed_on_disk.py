"""Tests of points made in flat memory."""

from __future__ import annotations

import random

import numpy as np
import pytest

from mathmill.stages.select import embed_on_disk as room
from mathmill.stages.select.coreset import k_center
from mathmill.stages.select.embed import embed
from mathmill.stages.select.embed_on_disk import embed_on_disk

TEXTS = [f"How many apples do {n} trees with {n % 7} baskets each hold?" for n in range(40)] + [
    "", "五个苹果", "...", "x = 1"]


@pytest.mark.parametrize("block", [3, 4_096])
def test_points_are_those_made_in_memory_in_any_order(tmp_path, monkeypatch, block):
    monkeypatch.setattr(room, "BLOCK", block)
    order = np.array(random.Random(0).sample(range(len(TEXTS)), len(TEXTS)))
    whole = embed(TEXTS)
    chunks = [TEXTS[:10], [], TEXTS[10:]]
    plain = embed_on_disk(chunks, len(TEXTS), tmp_path)
    assert (np.asarray(plain, np.float32) == whole).all()
    mixed = embed_on_disk(chunks, len(TEXTS), tmp_path, order=order)
    assert (np.asarray(mixed[order], np.float32) == whole).all()
    assert k_center(mixed, 9)[0] == k_center(np.asarray(mixed, np.float32), 9)[0]
    assert not (tmp_path / "features").exists()


def test_texts_that_are_not_as_many_as_told_are_told(tmp_path):
    with pytest.raises(ValueError, match="44 texts came, and 9"):
        embed_on_disk([TEXTS], 9, tmp_path)
    assert len(embed_on_disk([], 0, tmp_path)) == 0
