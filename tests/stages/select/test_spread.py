"""Tests of how a core-set is made in `select`: by whose points, in a file, in parts, in rounds."""

from __future__ import annotations

import random
import tracemalloc

import numpy as np
import pytest
from shard_makers import came_of, pool
from tests.stages.select.test_choose import ROWS

from mathmill.errors import UsageError
from mathmill.pipeline import seeds, select
from mathmill.stages import select as stage
from mathmill.stages.select import spread
from mathmill.types import Problem

BASE = ROWS[:6]


def chosen(out, mapper=None, base=None, **literals):
    inputs = {"rows": (Problem, ROWS)} | ({} if base is None else {"base": (Problem, base)})
    rows, _, tally = came_of(out, stage.run, inputs, mapper, how="coreset", count=30, **literals)
    return [row.id for row in rows], tally["facts"]


@pytest.fixture
def filed(monkeypatch):
    """As if there were too many rows for memory."""
    monkeypatch.setattr(spread, "EMBEDDED", 50)
    monkeypatch.setattr(spread, "MEASURED", 100)


@pytest.mark.parametrize("base", [None, BASE])
def test_points_in_a_file_give_the_rows_that_points_in_memory_do(tmp_path, monkeypatch, base):
    monkeypatch.setattr(spread, "MEASURED", 100)
    rows, facts = chosen(tmp_path / "memory", base=base)
    monkeypatch.setattr(spread, "EMBEDDED", 50)
    assert chosen(tmp_path / "file", base=base) == (rows, facts)
    assert not (tmp_path / "file" / "out" / "points").exists()


@pytest.mark.slow
def test_points_in_workers_give_the_same_rows(tmp_path, filed, monkeypatch):
    alone = chosen(tmp_path / "alone")
    rounds = chosen(tmp_path / "rounds", two_round=4)
    monkeypatch.setattr(spread, "SHARED", 0)
    assert chosen(tmp_path / "pool", pool(10_000, [])) == alone
    assert chosen(tmp_path / "pool, rounds", pool(10_000, []), two_round=4) == rounds


def test_two_rounds_are_told_beside_the_exact_choice(tmp_path, filed, monkeypatch):
    monkeypatch.setattr(spread, "BESIDE", 100)
    rows, facts = chosen(tmp_path, two_round=4)
    told = facts["two_rounds"]
    assert len(rows) == 30
    assert told["shares"] == 4
    assert told["radius"] >= facts["coverage"]["coreset"]["radius"]  # that is of a sample
    assert (told["beside"]["rows"], told["beside"]["chosen"]) == (100, 18)
    assert 0 < told["beside"]["exact"] <= told["beside"]["two_rounds"]


def test_words_in_their_main_directions_choose_whatever_the_order_of_rows(tmp_path):
    rows, facts = chosen(tmp_path / "1", encoder="svd", base=BASE)
    mixed = random.Random(0).sample(ROWS, len(ROWS))
    again, _, _ = came_of(tmp_path / "2", stage.run, {
        "rows": (Problem, mixed), "base": (Problem, BASE)}, how="coreset", count=30,
        encoder="svd")
    assert {row.id for row in again} == set(rows)
    assert facts["coverage"]["coreset"]["radius"] < facts["coverage"]["random"]["radius"]


def test_only_what_is_given_is_part_of_a_steps_identity():
    rows = seeds("symbolic:")
    plain = select(rows, count=5)
    assert select(rows, count=5, encoder="hashed").id == plain.id
    assert not {"encoder", "two_round"} & set(plain.literals)
    assert select(rows, count=5, encoder="svd").literals["encoder"] == "svd"
    assert select(rows, count=5, two_round=8).literals["two_round"] == 8


@pytest.mark.parametrize(("literals", "words"), [
    ({"encoder": "bert"}, "there is no encoder 'bert'; say hashed, svd or"),
    ({"encoder": "sentence-transformers:"}, "there is no encoder"),
    ({"two_round": 1}, "two_round=1: name how many shares"),
    ({"how": "random", "two_round": 4}, "two_round: how='random' makes no core-set"),
    ({"how": "all", "encoder": "svd"}, "encoder: how='all' makes no core-set")])
def test_settings_that_cannot_be_right_are_refused_before_a_run(literals, words):
    with pytest.raises(UsageError, match=words):
        select(seeds("symbolic:"), **literals)


def test_a_model_in_a_folder_is_known_by_what_it_holds(tmp_path):
    ids = []
    for place, weights in (("a/model", b"1"), ("b/model", b"1"), ("c/model", b"2")):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "weights").write_bytes(weights)
        made = select(seeds("symbolic:"), encoder=f"sentence-transformers:{tmp_path / place}")
        assert made.literals["encoder"] == "sentence-transformers:model"
        assert made.tools["encoder"] == str((tmp_path / place).resolve())
        ids.append(made.id)
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("base", [False, True])
def test_what_a_large_choice_covers_is_measured_in_flat_memory(base, monkeypatch):
    monkeypatch.setattr(spread, "MEASURED", 100)
    points = np.random.default_rng(0).integers(-250, 250, (40_000, 64)).astype(np.float16)
    picks, near = list(range(1, 40_000)), points[:5].astype(np.float32)
    tracemalloc.start()
    told = spread._coverage(points, picks, near if base else None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    wide = points[1:].astype(np.float32)
    away = [((wide - one) ** 2).sum(axis=1) for one in (near if base else [points.astype(
        np.float64).mean(axis=0)])]
    assert told["diversity_gain"] == pytest.approx(
        float(np.min(away, axis=0).mean()) / spread.GRID ** 2, abs=1e-4)
    assert peak < 2 * points.nbytes, "the chosen as they lie, and blocks of them"
