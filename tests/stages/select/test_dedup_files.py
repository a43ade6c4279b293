"""Tests of files without what says the same twice: any shape in, every field out as it came."""

from __future__ import annotations

import gzip
import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from near_makers import drawn

from mathmill.errors import InputError, UsageError
from mathmill.pipeline.duplicates import dedup
from mathmill.stages.select import files

WORDS = drawn(random.Random(0), 200)
TEXT, OTHER = " ".join(WORDS), " ".join(drawn(random.Random(1), 50))
NEAR = " ".join([*WORDS[:9], "changed", *WORDS[10:]])


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path, rows):
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return str(path)


def test_rows_of_any_shape_are_kept_once_and_the_others_name_the_one_that_stays(tmp_path):
    rows = [{"question": TEXT, "tag": [1]}, {"problem": OTHER, "tag": None}, "not json",
            {"messages": [{"role": "user", "content": TEXT.upper()},
                          {"role": "assistant", "content": ""}]}, {"zzz": 1}]
    more = [{"text": NEAR}, {"question": TEXT + "!", "note": "7"}, {"question": f"- {TEXT}"}]
    given = [write(tmp_path / "a.jsonl", rows), write(tmp_path / "b.jsonl", more)]
    summary = dedup(given, tmp_path / "out.jsonl")
    left = lines(tmp_path / "out.dropped.jsonl")
    assert lines(tmp_path / "out.jsonl") == [rows[0], rows[1], more[0], more[2]]
    assert [(row["row"], row["reason"]) for row in left] == [
        (3, "could not be compared"), (4, "near duplicate"), (5, "could not be compared"),
        (2, "near duplicate")]
    assert left[1]["detail"] == f"of {given[0]}:1"
    assert left[1]["fields"] == rows[3]
    assert (summary.rows, summary.kept, summary.unreadable) == (8, 4, 2)
    assert summary.text().startswith("8 rows compared: 4 kept")


def test_near_duplicates_go_by_the_keepers_rule(tmp_path):
    rows = [{"question": TEXT}, {"question": NEAR, "verdict": "wrong"}, {"question": OTHER},
            {"question": TEXT, "method": "seed"}, {"question": ""}, {"question": OTHER}]
    given = write(tmp_path / "a.jsonl", rows)
    summary = dedup([given], tmp_path / "out.jsonl", near=True)
    assert lines(tmp_path / "out.jsonl") == [rows[2], rows[3]]
    assert [row["detail"] for row in lines(tmp_path / "out.dropped.jsonl")
            if row["reason"] != "could not be compared"] == [
        f"of {given}:4, cluster 1", f"of {given}:4, cluster 1", f"of {given}:3, cluster 2"]
    assert "2 clusters, the largest of 3 rows" in summary.text()
    assert dedup([given], tmp_path / "out.jsonl", near=True, threshold=0.98).kept == 3


def test_tables_stay_tables_and_pieces_make_no_difference(tmp_path, monkeypatch):
    monkeypatch.setattr("mathmill.stages.any_rows.ROWS", 2)
    table = pa.table({"text": [TEXT, None, OTHER, NEAR, TEXT],
                      "n": pa.array([1, 2, 3, 4, 5], pa.int8())})
    pq.write_table(table, tmp_path / "rows.parquet")
    dedup([str(tmp_path / "rows.parquet")], tmp_path / "out.parquet", near=True)
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.schema.field("n").type == pa.int8()
    assert found.column("n").to_pylist() == [1, 3]
    with gzip.open(tmp_path / "rows.jsonl.gz", "wt") as file:
        file.write(json.dumps({"a": {"b": TEXT}}) + "\n" + json.dumps({"a": {"b": TEXT}}))
    summary = dedup([str(tmp_path / "rows.jsonl.gz")], tmp_path / "out.jsonl", field="a.b")
    assert summary.kept == 1


def test_what_cannot_be_is_said_and_nothing_is_left_behind(tmp_path):
    given = write(tmp_path / "a.jsonl", [{"question": TEXT}])
    for more, says in (({"threshold": 0.8}, "give --near too"),
                       ({"near": True, "threshold": 0}, "threshold=0")):
        with pytest.raises(UsageError, match=says):
            dedup([given], tmp_path / "out.jsonl", **more)
    with pytest.raises(UsageError, match="one of the files that are read"):
        dedup([given], tmp_path / "a.jsonl")
    assert dedup([write(tmp_path / "b.jsonl", [])], tmp_path / "out.jsonl", near=True).rows == 0


def test_a_file_that_changes_meanwhile_is_told(tmp_path, monkeypatch):
    given, equal = write(tmp_path / "a.jsonl", [{"question": TEXT}]), files._equal

    def late(*words):
        found = equal(*words)
        write(tmp_path / "a.jsonl", [{"question": TEXT}, {"question": OTHER}])
        return found

    monkeypatch.setattr(files, "_equal", late)
    with pytest.raises(InputError, match="one of the files changed"):
        dedup([given], tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()
