"""Grading files: known shapes, named fields, labels, and what a broken row is answered with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mathmill.errors import InputError
from mathmill.grading.files import grade_file


def written(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_every_one_of_the_published_labels_is_reproduced(shared_data: Path) -> None:
    summary = grade_file(shared_data / "gsm8k" / "example_model_solutions.jsonl")
    assert (summary.total, summary.labelled, summary.agreed) == (5276, 5276, 5276)
    assert summary.counts["correct"] == 2001
    assert len(summary.by_system) == 4


def test_every_gold_solution_of_gsm8k_is_accepted_as_its_own_answer(shared_data: Path) -> None:
    summary = grade_file(shared_data / "gsm8k" / "test.jsonl", "answer", "answer")
    assert summary.counts == {"correct": 1319, "wrong": 0, "undecided": 0}


def test_named_fields_and_labels_are_counted(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", {"g": "5", "out": {"text": "The answer is 5"}, "ok": 1},
                   {"g": 6, "out": {"text": "The answer is 5"}, "ok": True},
                   {"g": "6", "out": {"text": None}, "ok": "wrong"},
                   {"g": "6", "out": {"text": "The answer is 6x"}, "ok": False})
    summary = grade_file(file, "g", "out.text", label="ok")
    assert summary.counts == {"correct": 1, "wrong": 2, "undecided": 1}
    assert (summary.labelled, summary.agreed) == (4, 2)
    assert [row.row for row in summary.disagreements] == [2, 4]
    said = summary.text()
    assert "25.0% correct" in said
    assert "correct 1, wrong 2, undecided 1" in said
    assert "agrees with 2 of 4 labels" in said
    assert "row 2: " in said
    assert summary.interval[0] < summary.accuracy == 0.25 < summary.interval[1]


def test_parquet_is_read_as_jsonl_is(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"gold": ["5", "6"], "response": ["#### 5", "#### 5"]}),
                   tmp_path / "rows.parquet")
    assert grade_file(tmp_path / "rows.parquet").counts["correct"] == 1


@pytest.mark.parametrize(("row", "options", "words"), [
    ({"q": 1, "a": 2}, {}, "seen: q, a"),
    ({"q": 1, "a": 2}, {"gold": "gold", "pred": "a"}, "no field 'gold'; seen: q, a"),
    ({"q": 1, "a": 2}, {"gold": "q", "pred": "a", "label": "a"}, "neither true nor false"),
])
def test_a_row_that_cannot_be_graded_is_one_line_with_the_fields_seen(
        tmp_path: Path, row: object, options: dict[str, str], words: str) -> None:
    with pytest.raises(InputError) as error:
        grade_file(written(tmp_path / "rows.jsonl", row), **options)
    assert words in str(error.value)
    assert ":1:" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for name in ("none.jsonl", "none.parquet"):
        with pytest.raises(InputError, match=name):
            grade_file(tmp_path / name)
