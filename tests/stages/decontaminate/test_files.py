"""Tests of `stages.decontaminate.files`: any file in, the same rows without leaks out."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathmill.errors import InputError, UsageError
from mathmill.pipeline import contamination

ITEM = ("Nora keeps 14 hens and each lays 3 eggs a day. She sells the eggs for $2 apiece. How much "
        "does she earn in a day?")
REPHRASED = ("Each day, every one of Nora's fourteen hens produces 3 eggs, and an egg is sold "
             "at two dollars. What are her daily earnings?")
CLEAN = "A train with 7 cars carries 80 people in each. 19 step off. How many stay?"


@pytest.fixture
def here(tmp_path):
    (tmp_path / "test.jsonl").write_text(json.dumps({"question": ITEM, "answer": "#### 84"}))
    return tmp_path


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def clean(here, *files, out="clean.jsonl", home=None, **more):
    return contamination.clean([str(here / f) for f in files], [str(here / "test.jsonl")],
                               here / out, contamination.Switches(**more), home=home)


def test_rows_of_any_shape_keep_every_field_and_leaks_go_aside_with_their_item(here):
    rows = [{"problem": REPHRASED, "tag": [1, {"a": None}]}, {"problem": CLEAN, "tag": "ü"},
            {"messages": [{"role": "user", "content": REPHRASED},
                          {"role": "assistant", "content": "84"}]},
            {"conversations": [{"from": "human", "value": CLEAN}]}, {"text": CLEAN},
            {"query": "x", "response": ITEM}]
    (here / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    summary = clean(here, "rows.jsonl", ngram=13)
    assert lines(here / "clean.jsonl") == [rows[1], rows[3], rows[4]]
    left = lines(here / "clean.dropped.jsonl")
    assert [(row["row"], row["fields"]) for row in left] == [
        (1, rows[0]), (3, rows[2]), (6, rows[5])]
    assert left[0]["reason"] == "numbers: like an item of test"
    assert left[0]["detail"].endswith(ITEM)
    assert "test.jsonl:1 (numbers 0." in left[0]["detail"]
    assert "solution shares with test.jsonl:1" in left[2]["detail"]
    assert "6 rows compared with 1 item: 3 kept" in summary.text()


def test_each_finder_can_be_off(here):
    (here / "rows.jsonl").write_text(json.dumps({"question": REPHRASED}))
    assert clean(here, "rows.jsonl", numbers=False).kept == 1
    assert clean(here, "rows.jsonl", numbers=0.99).kept == 1
    assert clean(here, "rows.jsonl", numbers=False, neighbours=["svd"]).kept == 0


def test_what_cannot_be_compared_is_left_out_counted_and_named(here):
    (here / "rows.jsonl").write_bytes(
        b'{"question": "a 5"}\nnot json\n\n{"zzz": 1}\n{"question": "b \\ud800"}\n')
    summary = clean(here, "rows.jsonl")
    assert (summary.rows, summary.kept, summary.unreadable) == (4, 2, 2)
    assert [row["reason"] for row in lines(here / "clean.dropped.jsonl")] == [
        "could not be compared"] * 2
    assert any("seen: zzz" in name for name in summary.named)


def test_tables_stay_tables_of_the_same_columns(here):
    table = pa.table({"question": [CLEAN, REPHRASED, None], "n": pa.array([1, 2, 3], pa.int8())})
    pq.write_table(table, here / "rows.parquet")
    summary = clean(here, "rows.parquet", out="clean.parquet")
    found = pq.read_table(here / "clean.parquet")
    assert found.schema.names == table.schema.names
    assert found.schema.field("n").type == pa.int8()
    assert found.to_pylist() == table.slice(0, 1).to_pylist()
    assert summary.unreadable == 1
    with gzip.open(here / "more.jsonl.gz", "wt") as file:
        file.write(json.dumps({"question": REPHRASED}))
    assert clean(here, "more.jsonl.gz", out="none.parquet").kept == 0
    assert pq.read_table(here / "none.parquet").num_rows == 0


def test_a_field_is_named_where_none_is_known(here):
    (here / "rows.jsonl").write_text(json.dumps({"a": {"b": REPHRASED}}))
    assert clean(here, "rows.jsonl", field="a.b").reasons.total() == 1


def test_a_judge_is_asked_and_its_words_are_told(here):
    (here / "rows.jsonl").write_text(json.dumps({"question": REPHRASED}))
    summary = clean(here, "rows.jsonl", judge="symbolic:", home=here / "runs")
    assert summary.judge == {"asked": 1, "same": 0, "different": 0, "unclear": 1}
    assert "judge: 1 asked" in summary.text()


def test_what_cannot_be_is_said_before_anything_is_written(here):
    (here / "rows.jsonl").write_text(json.dumps({"question": CLEAN}))
    (here / "odd.jsonl").write_text(json.dumps({"zzz": 1}))
    for more, says in (({"out": "c.txt"}, "a .jsonl or a .parquet"), ({"ngram": 3}, "give 8 to 30"),
                       ({"out": "rows.jsonl"}, "one of the files that are read")):
        with pytest.raises(UsageError, match=says):
            clean(here, "rows.jsonl", **more)
    with pytest.raises(InputError, match="no row has a question that is known"):
        contamination.clean([str(here / "rows.jsonl")], [str(here / "odd.jsonl")],
                            here / "c.jsonl")
    assert sorted(file.name for file in here.iterdir()) == ["odd.jsonl", "rows.jsonl",
                                                            "test.jsonl"]


def test_a_benchmark_without_rows_is_told_as_such(here):
    (here / "rows.jsonl").write_text(json.dumps({"question": CLEAN}))
    for content, says in (("", "this benchmark has no row; leave it out"),
                          ('{"zzz": 1}', "no row has a question that is known .seen: zzz")):
        (here / "test.jsonl").write_text(content)
        with pytest.raises(InputError, match=says):
            clean(here, "rows.jsonl")
        assert sorted(path.name for path in here.iterdir()) == ["rows.jsonl", "test.jsonl"]
