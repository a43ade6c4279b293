"""Tests of what files of any shape hold."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathmill.errors import InputError
from mathmill.stages import any_rows
from mathmill.stages.select.files import dedup_files
from mathmill.stages.stats import sheet, survey_files

ROWS = [{"question": "How many are 3 hens?", "answer": "3", "method": "seed"},
        {"problem": "How many are 3 HENS", "solution": "It is so.\nThe answer is 3", "level": 4},
        {"question": "How many are 3 hens?", "answer": "3", "method": "seed"},
        {"messages": [{"role": "user", "content": "三只母鸡有多少只?"},
                      {"role": "assistant", "content": "I cannot tell."}]},
        {"zzz": 1}]


def write(path, rows):
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return str(path)


def test_rows_of_any_shape_are_counted_with_their_answers_and_repeats(tmp_path, monkeypatch):
    given = write(tmp_path / "a.jsonl", [*ROWS, "not json"])
    for size in (1, 5_000):
        monkeypatch.setattr(any_rows, "ROWS", size)
        [found] = survey_files([given]).told()["sources"]
        assert (found["rows"], found["unreadable"], found["with_text"]) == (5, 1, 4)
        assert found["answers"] == {"in a field": 2, "in the solution": 1, "none": 1}
        assert found["distinct"] == {"texts": 3, "words": 3, "questions": 2}
        assert found["repeats"] == {"texts": 1, "words": 1, "questions": 2}
        assert found["languages"] == {"en": 3, "zh": 1}
        assert found["lengths"]["solution, characters"]["count"] == 2
        assert "question, tokens" not in found["lengths"]


def test_several_sources_stand_beside_each_other_and_together(tmp_path):
    one = write(tmp_path / "a.jsonl", ROWS[:2])
    table = tmp_path / "t" / "b.parquet"
    table.parent.mkdir()
    pq.write_table(pa.table({"question": ["How many are 3 hens?", None], "level": [1, 2]}), table)
    found = survey_files([one, str(table.parent)], tokens=lambda texts: [5 for _ in texts])
    told = found.told()
    assert [part["distinct"]["questions"] for part in told["sources"]] == [1, 1]
    assert told["together"]["distinct"]["questions"] == 1
    assert told["together"]["rows"] == 4
    assert told["together"]["lengths"]["question, tokens"]["median"] == 5
    text = sheet(found)
    assert "a.jsonl" in text
    assert "together" in text
    assert "level: 4" in text
    assert json.loads(json.dumps(told)) == told


def test_many_sources_have_a_line_each(tmp_path):
    given = [write(tmp_path / f"{n}.jsonl", ROWS) for n in range(12)]
    text = sheet(survey_files(given))
    lines = text.splitlines()
    assert sum(line.startswith(f"{n}.jsonl ") for line in lines for n in range(12)) == 12
    assert "together" in text


def test_a_named_field_is_the_text(tmp_path):
    given = write(tmp_path / "a.jsonl", [{"a": {"b": "Half of 8? The answer is 4"}}, {"a": {}}])
    [found] = survey_files([given], "a.b").told()["sources"]
    assert (found["with_text"], found["answers"]["in the solution"]) == (1, 1)


def test_what_cannot_be_read_at_all_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"a.jsonl:1: this line is not JSON.*none of 2 rows"):
        survey_files([write(tmp_path / "a.jsonl", ["{", "{"])])
    with pytest.raises(InputError, match="no such file"):
        survey_files([str(tmp_path / "b.jsonl")])
    (tmp_path / "c.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(InputError, match=r"c\.parquet"):
        survey_files([str(tmp_path / "c.parquet")])
    empty = survey_files([write(tmp_path / "d.jsonl", [])])
    assert empty.together.rows == 0
    assert "rows" in sheet(empty)


def test_an_answer_that_only_the_solution_ends_on_is_in_no_field(tmp_path):
    given = write(tmp_path / "math.jsonl", [
        {"problem": "Find 2 + 2.", "solution": r"It is $\boxed{4}$.", "level": "Level 1"},
        {"problem": "Find 2 + 3.", "solution": r"It is $\boxed{5}$.", "answer": "5"},
        {"question": "Find 2 + 4.", "answer": "So\nthe answer is 6"}])
    assert survey_files([given]).told()["together"]["answers"] == {
        "in a field": 1, "in the solution": 2, "none": 0}


def test_texts_without_a_word_repeat_nothing_as_dedup_has_it(tmp_path):
    given = write(tmp_path / "a.jsonl", [{"question": text} for text in (
        "\U0001f600", "\U0001f389", "?", "One?", "one")])
    found = survey_files([given]).told()["together"]
    assert (found["repeats"]["words"], found["distinct"]["questions"]) == (1, 4)
    assert dedup_files([given], tmp_path / "out.jsonl").kept == 4


def test_names_and_values_of_any_letters_are_shown(tmp_path):
    rows = [{"question": f"Q {n}", "grade": ("--5", "10", "9")[n % 3], "\ud801k": "\ud800"}
            for n in range(9)]
    text = sheet(survey_files([write(tmp_path / "a.jsonl", rows)]))
    assert "grade: --5" in text
    assert "?k" in text
    text.encode()
    text = sheet(survey_files([write(tmp_path / "a.jsonl", [
        {"question": f"Q {n}", "rate": n % 3 / 2, "level": n % 12 + 1.0} for n in range(24)])]))
    assert text.index("rate: 0.5") < text.index("rate: 1 ")
    assert text.index("level: 9") < text.index("level: 10")
