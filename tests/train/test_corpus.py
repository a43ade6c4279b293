from __future__ import annotations

import random
import time

import numpy as np
import pytest

from mathmill.train import corpus
from mathmill.train.corpus import fill_shard, write_corpus
from mathmill.train.tokenizer import END


def passages(seed):
    draw = random.Random(seed)
    while True:
        yield f"Tom has {draw.randrange(50)} pens and buys {draw.randrange(50)} more."


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(corpus, "SHARD", 500)


def test_a_corpus_has_the_tokens_asked_for_with_an_end_after_each_passage(
        tokenizer, base_folder, tmp_path):
    tokens = write_corpus(passages, base_folder, tmp_path, tokens=1_700, seed=0)
    assert tokens.dtype == np.uint16
    assert len(tokens) == 1_700
    first = tokenizer.decode(tokens[:500]).split(END)
    wanted = passages(corpus.shard_seed(0, 0))
    assert all(text == next(wanted) for text in first[:-1])


def test_a_killed_run_keeps_its_shards_and_gives_the_same_corpus(base_folder, tmp_path):
    whole = write_corpus(passages, base_folder, tmp_path / "a", tokens=1_500, seed=1)
    kept = (tmp_path / "a" / "shard-00001.npy").stat().st_mtime_ns
    (tmp_path / "a" / "shard-00002.npy").unlink()
    again = write_corpus(passages, base_folder, tmp_path / "a", tokens=1_500, seed=1)
    assert np.array_equal(whole, again)
    assert (tmp_path / "a" / "shard-00001.npy").stat().st_mtime_ns == kept


@pytest.mark.slow
def test_two_workers_write_the_corpus_of_one(base_folder, tmp_path):
    from mathmill.teachers.symbolic import passages as world

    one = write_corpus(world, base_folder, tmp_path / "one", tokens=2_000, seed=0, workers=1)
    two = write_corpus(world, base_folder, tmp_path / "two", tokens=2_000, seed=0, workers=2)
    assert np.array_equal(one, two)


def test_the_deadline_ends_the_writing_with_whole_shards(base_folder, tmp_path):
    write_corpus(passages, base_folder, tmp_path, tokens=500, seed=0)
    late = write_corpus(passages, base_folder, tmp_path, tokens=5_000, seed=0,
                        deadline=time.time() - 1)
    assert len(late) == 500


def test_passages_that_end_are_an_error_and_no_endless_wait(tokenizer):
    with pytest.raises(ValueError, match="ended after"):
        fill_shard(lambda seed: iter(["one", "two"]), tokenizer, 0, 100)
