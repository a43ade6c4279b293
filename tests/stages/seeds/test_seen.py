"""Questions seen before, against a table of Python's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from mathmill.identity import content_id
from mathmill.stages.seeds import seen as module
from mathmill.stages.seeds.seen import Seen


def test_the_first_place_of_each_is_found_however_often_the_recent_ones_settle(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECENT", 7)
    table: dict[str, str] = {}
    with Seen(tmp_path) as seen:
        for number in range(500):
            name, place = content_id("question", number * number % 211), f"rows \\ {number}\n:{1}"
            assert seen.first(name, place) == table.get(name)
            table.setdefault(name, place)
    assert not list(tmp_path.iterdir())


def test_ids_that_share_half_of_their_digits_are_told_apart(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECENT", 2)
    names = ["0" * 16 + f"{number:04x}" * 4 for number in range(9)]
    with Seen(tmp_path) as seen:
        assert [seen.first(name, name[-1]) for name in names] == [None] * 9
        assert [seen.first(name, "later") for name in names] == [name[-1] for name in names]
