"""Shards are whole ranges of rows, whatever files the rows lie in; a shelf commits each once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.execution.shard_parts import problems

from mathmill.errors import InputError
from mathmill.execution.shards import batches, copied, cut
from mathmill.execution.shelf import Shelf
from mathmill.io import read_rows, records_of, rows_in, write_rows
from mathmill.types import Drop, Problem


def read(shard) -> list[Problem]:
    return [row for batch in batches(shard, Problem) for row in records_of(batch, Problem)]


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(0, 30), min_size=1, max_size=5), rows=st.integers(1, 40))
def test_shards_hold_the_rows_in_order_however_the_files_hold_them(
        tmp_path_factory: pytest.TempPathFactory, sizes: list[int], rows: int) -> None:
    folder, every = tmp_path_factory.mktemp("rows"), problems(sum(sizes))
    start = 0
    for number, size in enumerate(sizes):
        write_rows(folder / f"{number:06d}.parquet", every[start:start + size], Problem)
        start += size
    shards = cut(folder, rows)
    assert [row for shard in shards for row in read(shard)] == every
    assert {shard.rows for shard in shards[:-1]} <= {rows}
    assert [shard.start for shard in shards] == [rows * n for n in range(len(shards))]
    halves = [shard.part(*ends) for shard in shards
              for ends in ((0, shard.rows // 2), (shard.rows // 2, shard.rows))]
    assert [row for half in halves for row in read(half)] == every


def test_an_input_without_rows_is_one_empty_shard(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.parquet", [], Problem)
    [shard] = cut(tmp_path / "rows.parquet")
    assert shard.rows == 0
    assert read(shard) == []


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    write_rows(path, problems(20), Problem)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"rows\.parquet: cannot be read as rows"):
        cut(path)
    with pytest.raises(InputError, match="there are no Parquet rows here"):
        cut(rows_in(tmp_path / "nowhere"))


def test_files_of_different_columns_are_told_apart(tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    write_rows(folder / "000000.parquet", problems(4), Problem)
    write_rows(folder / "000001.parquet", [Drop("1", "why")], Drop)
    [shard] = cut(folder)
    with pytest.raises(InputError, match=r"000001\.parquet: cannot be read as Problem rows"):
        read(shard)
    with pytest.raises(InputError, match=r"000001\.parquet: has other columns"):
        copied(shard, tmp_path / "in.parquet")


def test_the_first_attempt_at_a_shard_counts_whole(tmp_path: Path) -> None:
    for url in (str(tmp_path / "local"), f"file://{tmp_path}/remote"):
        shelf = Shelf(url)
        for word in ("first", "second"):
            with shelf.scratch() as folder:
                (folder / "rows.parquet").write_text(word)
                found = shelf.commit(3, {"rows": folder / "rows.parquet"}, {"word": word})
            assert found["word"] == "first"
        shelf.fetch(shelf.manifests()[3]["files"]["rows"], tmp_path / "fetched")
        assert (tmp_path / "fetched").read_text() == "first"
        (tmp_path / "fetched").unlink()
        place = Path(url.removeprefix("file://"))
        assert len(list(place.iterdir())) == 2  # of the second attempt nothing is left


def test_a_manifest_that_cannot_be_read_is_as_none(tmp_path: Path) -> None:
    shelf = Shelf(str(tmp_path))
    (tmp_path / "000001.json").write_text('{"key": "x", "fi')
    assert shelf.manifests() == {}
    assert not list(tmp_path.iterdir())


def test_rows_of_a_shard_can_be_copied_to_a_file_of_their_own(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.parquet", problems(25), Problem)
    shards = cut(tmp_path / "rows.parquet", 10)
    copied(shards[2], tmp_path / "in.parquet")
    assert list(read_rows(tmp_path / "in.parquet", Problem)) == problems(25)[20:]
