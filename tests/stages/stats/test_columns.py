"""Tests of what columns hold."""

from __future__ import annotations

from mathmill.stages.stats import columns as room
from mathmill.stages.stats.columns import Columns

ROWS = [{"level": 3, "source": "a.jsonl:1", "q": "x" * 100, "ok": True, "w": 0.5},
        {"level": None, "source": "a.jsonl:2", "q": "y" * 70, "tags": ["a"]},
        {"level": "Level 5", "source": "b.jsonl:9", "q": None, "w": 2, "extra": {"a": 1}}]


def told(*parts):
    whole = Columns()
    for part in parts:
        own = Columns()
        own.add(part)
        whole.include(own)
    return whole.told()


def test_kinds_gaps_lengths_ranges_and_values_are_told():
    found = told(ROWS)
    assert found["level"]["kinds"] == {"integer": 1, "null": 1, "string": 1}
    assert found["level"]["empty"] == 1
    assert found["level"]["values"] == {"3": 1, "Level 5": 1}
    assert found["source"]["values"] == {"a.jsonl": 2, "b.jsonl": 1}, "rows of a file are one place"
    assert found["q"]["lengths"]["most"] == 100
    assert "values" not in found["q"]
    assert found["tags"]["empty"] == 2
    assert found["w"]["range"] == {"least": 0.5, "most": 2, "mean": 1.25}
    assert found["extra"]["kinds"] == {"object": 1}


def test_numbers_that_are_none_or_too_large_have_no_part_in_a_range():
    rows = [{"w": value} for value in (1, 2.0, float("nan"), float("inf"), 10 ** 400)]
    assert told(rows)["w"]["range"] == {"least": 1, "most": 2.0, "mean": 1.5}
    assert "range" not in told(rows[2:])["w"]


def test_values_of_any_plain_kind_are_counted_and_the_rest_is_told():
    rows = [{"level": value, "k": value} for value in (
        3, 3.0, 8.5, True, "--5", [1], {"a": 1}, None, "x", 10 ** 400)]
    counts = {"3": 2, "8.5": 1, "True": 1, "--5": 1, "x": 1, "beyond 1e250": 1, "other values": 2}
    assert told(rows)["level"]["values"] == counts
    assert told(rows)["k"]["values"] == counts
    small = told([{"w": n * 1e-7} for n in range(50)])["w"]
    assert small["range"]["mean"] == 2.45e-06, "a small mean is not 0"


def test_parts_joined_are_the_whole():
    assert told(ROWS[:1], ROWS[1:]) == told(ROWS) == told(ROWS[:2], ROWS[2:])


def test_many_values_and_many_columns_take_no_room(monkeypatch):
    monkeypatch.setattr(room, "VALUES", 3)
    monkeypatch.setattr(room, "MOST", 4)
    rows = [{"id": str(n), "method": f"m{n % 5}", "n": n % 2} for n in range(100)]
    columns = Columns()
    columns.add(rows)
    columns.add([{f"key {n}": 1} for n in range(10)])
    assert columns.columns["id"].values is None
    assert columns.told()["method"]["values"] == {
        "m0": 20, "m1": 20, "m2": 20, "other values": 40}
    assert columns.told()["n"]["values"] == {"0": 50, "1": 50}
    assert len(columns.columns) == 4
    assert columns.further == 9
