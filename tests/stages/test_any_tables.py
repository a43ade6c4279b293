"""Tests of tables of rows whose columns differ: joined where nothing is lost, else told."""

from __future__ import annotations

import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathmill import io
from mathmill.errors import InputError, UsageError
from mathmill.pipeline.duplicates import dedup
from mathmill.stages import any_rows, any_tables

STRING, LARGE, PACKED = pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())


def shards(folder, *columns):
    """Write a file for each set of columns, with a question of its own; return the folder."""
    for number, own in enumerate(columns):
        texts = [f"What is {number} and 12 of these {word}?" for word in ("boats", "cows")]
        folder.mkdir(exist_ok=True)
        pq.write_table(pa.table({"question": texts, **own}), folder / f"{number}.parquet")
    return str(folder)


def joined(tmp_path, *columns):
    summary = dedup([shards(tmp_path / "in", *columns)], tmp_path / "out.parquet")
    assert summary.kept == summary.rows == 2 * len(columns)
    return pq.read_table(tmp_path / "out.parquet"), summary.text()


@pytest.mark.parametrize(("one", "other", "kind"), [
    (pa.nulls(2), pa.array(["a", "b"]), STRING),
    (pa.array([1, 2], pa.int8()), pa.array([1 << 40, None]), pa.int64()),
    (pa.array([1, 2]), pa.array([1.5, 2.5]), pa.float64()),
    (pa.array(["a", "b"]), pa.array(["c", None], LARGE), LARGE),
    (pa.array(["a", "b"]).dictionary_encode(), pa.array(["c", "a"]), STRING),
    (pa.array(["a", "b"]).dictionary_encode(), pa.array(["c", "a"]).dictionary_encode(), PACKED),
    (pa.array([["a"], []]), pa.array([[], []], pa.list_(pa.null())), pa.list_(STRING)),
], ids=str)
def test_types_that_hold_one_another_are_joined_and_every_value_stays(tmp_path, one, other, kind):
    for turn, (first, second) in enumerate(((one, other), (other, one))):
        (here := tmp_path / str(turn)).mkdir()
        found, told = joined(here, {"x": first}, {"x": second})
        assert found.schema.field("x").type == kind
        assert found.column("x").to_pylist() == first.to_pylist() + second.to_pylist()
        assert told.count("files differ in their columns") == int(one.type != other.type)


def test_columns_of_any_file_are_columns_of_all(tmp_path):
    found, told = joined(tmp_path, {"x": [1, 2]}, {"y": [{"a": 1}] * 2}, {"y": [{"b": 2}] * 2})
    assert found.column("x").to_pylist() == [1, 2, None, None, None, None]
    assert found.column("y").to_pylist() == [None, None, *[{"a": 1, "b": None}] * 2,
                                             *[{"a": None, "b": 2}] * 2]
    assert f"x is in {tmp_path}/in/0.parquet, not in {tmp_path}/in/1.parquet" in told


@pytest.mark.parametrize(("one", "other"), [(["a", "b"], [1, 2]), (["a", "b"], [["a"], []]),
                                            ([True, False], [1, 0])], ids=str)
def test_types_that_no_type_holds_are_told_with_both_files_before_anything_is_read(
        tmp_path, one, other):
    folder = shards(tmp_path / "in", {"x": one}, {}, {"x": other})
    with pytest.raises(InputError, match=r"2\.parquet: the column x is .* in .*0\.parquet"):
        dedup([folder], tmp_path / "out.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]
    assert dedup([folder], tmp_path / "out.jsonl").kept == 6


def test_rows_of_json_keep_fields_that_come_late(tmp_path, monkeypatch):
    monkeypatch.setattr(any_rows, "ROWS", 2)
    rows = [{"question": "How many are 3 and 4?"}, {"question": "And 4 and 5?", "n": 1},
            {"question": "And 5 and 6?", "n": 2.5, "m": {"a": None}}, {"question": "And 9?"},
            {"question": "And 10?", "m": {"a": "x", "b": [1]}}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert dedup([str(tmp_path / "a.jsonl")], tmp_path / "out.parquet").kept == 5
    found = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["n"] for row in found] == [None, 1, 2.5, None, None]
    assert [row["m"] for row in found] == [None, None, {"a": None, "b": None}, None,
                                           {"a": "x", "b": [1]}]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.jsonl", "out.dropped.jsonl", "out.parquet"]


def test_a_table_and_rows_of_json_are_one_table(tmp_path):
    shards(tmp_path / "in", {"x": pa.array([1, 2], pa.int8())})
    (tmp_path / "in/more.jsonl").write_text('{"question": "And 5?", "x": 300, "y": "z"}')
    assert dedup([str(tmp_path / "in")], tmp_path / "out.parquet").kept == 3
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.column("x").to_pylist() == [1, 2, 300]
    assert found.column("y").to_pylist() == [None, None, "z"]


def test_rows_of_json_that_fit_no_table_are_told_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(any_rows, "ROWS", 1)
    for late, says in (("two", "the column n is int64 in earlier rows, and string later \\('two'"),
                       ({}, "these rows fit no table"), (1 << 70, "the column n fits no table")):
        rows = [{"question": "And 4?", "n": late if late == {} else 1},
                {"question": "And 5?", "n": late}]
        (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
        with pytest.raises(UsageError, match=says):
            dedup([str(tmp_path / "a.jsonl")], tmp_path / "out.parquet")
        assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_table_that_is_cut_off_is_told_before_the_others_are_read(tmp_path, monkeypatch):
    folder = shards(tmp_path / "in", {}, {}, {})
    last = tmp_path / "in/2.parquet"
    monkeypatch.setattr(any_rows, "read_parquet_rows", lambda *_: pytest.fail("was read"))
    for content in (last.read_bytes()[:-9], b""):
        last.write_bytes(content)
        with pytest.raises(InputError, match=r"2\.parquet: is not Parquet that can be read"):
            dedup([folder], tmp_path / "out.jsonl")
        assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_few_rows_are_held_where_they_are_long(tmp_path, monkeypatch):
    monkeypatch.setattr(any_rows, "CHARACTERS", 100)
    (tmp_path / "a.jsonl").write_text("\n".join(
        json.dumps({"messages": [{"content": "x" * size}]}) for size in (40, 40, 40, 200, 1)))
    found = [len(chunk) for chunk in any_rows.chunks([tmp_path / "a.jsonl"], lambda *_: None)]
    assert found == [3, 1, 1]


def test_two_columns_of_one_name_are_told(tmp_path):
    twice = pa.Table.from_arrays([pa.array(["How many?"])] * 2, names=["question"] * 2)
    pq.write_table(twice, tmp_path / "a.parquet")
    for out in ("out.jsonl", "out.parquet"):
        with pytest.raises(InputError, match=r"a\.parquet: has more than one column question"):
            dedup([str(tmp_path / "a.parquet")], tmp_path / out)


def test_what_differs_is_told_in_the_order_of_the_columns(tmp_path):
    told = joined(tmp_path, {name: [1, 2] for name in "zyxabcd"}, {"w": [1, 2]})[1]
    note = next(line for line in told.splitlines() if "files differ" in line)
    assert [part.split()[0] for part in note.partition("joined: ")[2].split("; ")] == [
        "z", "y", "x", "a", "b", "and"]
    assert note.endswith("and 3 columns more")


def test_few_rows_of_a_table_are_read_where_they_are_long(tmp_path, monkeypatch):
    monkeypatch.setattr(io, "PARQUET_BYTES", 10_000)
    rows = [{"question": f"{n} " + "".join(random.choices("abcdef", k=4_000))} for n in range(9)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet", use_dictionary=False)
    sizes, whole = [], pq.ParquetFile.iter_batches

    def watched(*given, **more):
        for batch in whole(*given, **more):
            sizes.append(len(batch))
            yield batch

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", watched)
    assert [row for _, row in io.read_parquet_rows(tmp_path / "a.parquet")] == rows
    assert max(sizes) <= 10_000 // 2_000


def test_a_number_that_a_later_column_of_floats_does_not_hold_is_told(tmp_path):
    table = any_tables.Table(tmp_path / "out.parquet.writing", None)
    table.add([{"n": (1 << 53) + 1}])
    table.add([{"n": 1.5}])
    with pytest.raises(UsageError, match="earlier rows fit no later column"):
        table.close()
