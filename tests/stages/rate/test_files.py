"""Tests of rows of files told how hard they are."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stage_makers import ShuffledTeacher, failing, solve_request

from mathmill.errors import UsageError
from mathmill.pipeline.ratings import rate_rows
from mathmill.stages.rate.files import FIELDS, rate_files
from mathmill.types import Reply
from mathmill.workbench import Workbench

ROWS = [{"question": "Right so often: 1", "answer": "7", "tag": [1]},
        {"problem": "Right so often: 2", "solution": "It is so.\nThe answer is 7"},
        {"question": "Right so often: 4"}, {"zzz": 1}, "not json"]
ASKED = {"teacher": "", "samples": 4, "temperature": 0.7, "max_tokens": 9, "policy": "tolerant"}


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path, rows):
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return str(path)


def said(request):
    right = int(request.messages[0].content.split()[-1])
    return f"The answer is {7 if request.sample % 1_000_000 < right else 8}"


def rated(folder, rows, by="pass_rate", out="out.jsonl", write_reply=said, **more):
    given = rows if isinstance(rows, str) else write(folder / "in.jsonl", rows)
    bench = Workbench(folder / "bench", tools={
        "open_teacher": lambda name, home, terms: ShuffledTeacher(write_reply),
        "difficulty_request": solve_request, "read_level": lambda text: int(text[-1]),
        "request": lambda question, language, sample, temperature, max_tokens: solve_request(
            question, language, sample, temperature)})
    return rate_files([given], folder / out, by, ASKED, bench, **more)


def test_rows_stay_whole_and_get_the_share_of_right_samples(tmp_path):
    summary = rated(tmp_path, ROWS)
    found = lines(tmp_path / "out.jsonl")
    assert [{k: v for k, v in row.items() if k not in FIELDS} for row in found] == ROWS[:4]
    assert [(row["pass_rate"], row["rated_level"], row["pass_rate_samples"]) for row in found] == [
        (0.25, 4, 4), (0.5, 3, 4), (None, None, None), (None, None, None)]
    assert found[0]["pass_rate_low"] < 0.25 < found[0]["pass_rate_high"]
    assert (summary.without_text, summary.without_answer, summary.unreadable) == (1, 1, 1)
    assert "3 of 8 samples are right (37.5 %)" in summary.text()
    assert lines(tmp_path / "out.dropped.jsonl")[0]["row"] == 5


def test_fields_that_are_named_are_read(tmp_path):
    rows = [{"a": {"q": "Right so often: 3"}, "gold": "... so\n#### 7", "answer": "1"}]
    rated(tmp_path, rows, name="a.q", answer="gold")
    assert lines(tmp_path / "out.jsonl")[0]["pass_rate"] == 0.75


def test_a_table_keeps_its_types_and_gets_columns(tmp_path):
    table = pa.table({"question": ["Right so often: 1"] * 2, "answer": ["7", None],
                      "n": pa.array([1, 2], pa.int8())})
    pq.write_table(table, tmp_path / "rows.parquet")
    rated(tmp_path, str(tmp_path / "rows.parquet"), out="out.parquet")
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.schema.field("n").type == pa.int8()
    assert found.column("pass_rate").to_pylist() == [0.25, None]


def test_a_teacher_or_the_steps_rate_too(tmp_path):
    rated(tmp_path, ROWS[:1], by="teacher", write_reply=lambda _: "Level: 4")
    assert lines(tmp_path / "out.jsonl") == [
        {**ROWS[0], "rated_level": 4, "rated_by": "scripted:test"}]
    summary = rate_rows([write(tmp_path / "in.jsonl", [{"question": "a", "solution": "x = 1"}])],
                        tmp_path / "out.jsonl", "steps")
    assert lines(tmp_path / "out.jsonl")[0]["rated_level"] == 1
    assert "levels: 1: 1" in summary.text()


def test_what_cannot_be_is_one_line(tmp_path):
    given = write(tmp_path / "a.jsonl", ROWS[:1])
    for more, says in (({}, "--model"), ({"by": "steps", "model": "symbolic:"}, "leave out"),
                       ({"by": "luck", "model": "symbolic:"}, "by='luck'"),
                       ({"model": "symbolic:", "ask": "kindly"}, "--ask kindly"),
                       ({"model": "symbolic:", "samples": 0}, "samples=0"),
                       ({"model": "symbolic:", "policy": "kind"}, "no grading policy 'kind'"),
                       ({"model": "symbolic:", "temperature": -1.0}, "temperature=-1.0"),
                       ({"model": "symbolic:", "temperature": float("nan")}, "temperature=nan"),
                       ({"model": "symbolic:", "max_tokens": 0}, "max_tokens=0")):
        with pytest.raises(UsageError, match=says):
            rate_rows([given], tmp_path / "out.jsonl", **more)
    rated(tmp_path, given)
    with pytest.raises(UsageError, match=r"out\.jsonl:1: has a field 'rated_level' already"):
        rated(tmp_path, str(tmp_path / "out.jsonl"), out="again.jsonl")
    assert not (tmp_path / "again.jsonl").exists()
    asked = []
    with pytest.raises(UsageError, match="2: has a field 'pass_rate' already"):
        rated(tmp_path, [*ROWS[:1], {**ROWS[0], "pass_rate": 1}], write_reply=asked.append)
    assert not asked, "nothing is paid for what is refused"


def test_samples_that_tell_nothing_are_counted_apart(tmp_path):
    def some(request):
        number = request.sample % 4
        return failing(request) if number == 1 else Reply(
            request.id, ("7", "", "As such, no", "The answer is 7")[number], "t",
            finish="length" if number == 0 else "stop")

    text = rated(tmp_path, ROWS[:1], write_reply=some).text()
    assert "1 of 3 samples are right (33.3 %)" in text
    assert "2 of them end on no answer that can be read, 1 as they are cut off" in text
    assert "1 call failed: not counted" in text
