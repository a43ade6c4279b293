"""Grading files: known shapes, named fields, labels, and what a broken row is answered with."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mathmill.errors import InputError, UsageError
from mathmill.grading.files import UNREADABLE, grade_file, grade_rows
from mathmill.grading.files import grade as grading_files


def written(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.slow
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
                   {"g": None, "out": {"text": "The answer is 6"}, "ok": False})
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


def test_rows_without_a_label_are_graded_and_not_compared(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"g": 5, "p": "5", "ok": null}\n{"g": 5, "p": "5", "ok": NaN}\n'
                    '{"g": 5, "p": "5", "ok": "maybe"}\n{"g": 5, "p": "5", "ok": true}\n')
    summary = grade_file(file, "g", "p", label="ok")
    assert (summary.total, summary.labelled, summary.agreed, summary.unreadable) == (3, 1, 1, 1)
    assert "neither true nor false" in summary.unreadable_rows[0]


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


ROWS = [{"g": "5", "p": "The answer is 5"}, {"g": "6", "p": "The answer is 5"}]
BAD = {  # what stands in a line -> words of the reason
    "": None, "   ": None, "not JSON": "not JSON", "[1]": "not a JSON object", "\0": "not JSON",
    '{"g": "5", "p"': "not JSON", "[" * 1_000_000: "not JSON", "{" * 1_000_000: "not JSON",
    '{"a":' * 100_000: "not JSON", '{"g": ' + "9" * 5_000 + ', "p": "5"}': "not JSON",
    '{"g": "5"}': "there is no field 'p'; seen: g", '{"g": "5", "p": {"a": 1}}': "object (a)",
    '{"g": {"a": 1}, "p": "5"}': "the field 'g' holds an object",
    '{"g": "5", "p": ["5", "6"]}': "list of 2",
}


@pytest.mark.parametrize("line", BAD, ids=[line[:20] for line in BAD])
def test_a_bad_line_is_named_and_the_rest_goes_on(line: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join([json.dumps(ROWS[0]), line, json.dumps(ROWS[1])]))
    summary = grade_file(file, "g", "p")
    assert summary.counts == {"correct": 1, "wrong": 1, "undecided": 0}
    if BAD[line] is None:
        assert summary.unreadable == 0
    else:
        assert summary.unreadable == 1
        assert summary.unreadable_rows[0].startswith(f"{file}:2: ")
        assert BAD[line] in summary.unreadable_rows[0]
        assert summary.unreadable_rows[0] in summary.text()
        assert max(map(len, summary.text().splitlines())) < 500


@pytest.mark.parametrize(("line", "verdict"), [
    (b'{"g": NaN, "p": "#### nan"}', "undecided"), (b'{"g": Infinity, "p": "Infinity"}', None),
    (b'{"g": "5", "p": NaN}', "wrong"), (b'{"g": "5", "p": null}', "wrong"),
    (b'{"g": null, "p": "5"}', "undecided"), (b'{"g": 1e400, "p": "5"}', "wrong"),
    (b'{"g": ["A", "C"], "p": "The answer is A, C"}', "correct"),
    (b'{"g": 18.0, "p": 18}', "correct"),
    (b'{"g": "5", "p": "\\ud800 The answer is 5"}', "correct"),
    (b'{"g": "5", "p": "\\u0000 The answer is 5"}', "correct"),
    (b'{"g": "\\ud800", "p": "The answer is 5"}', None), (b'{"g": 5, "p": ""}', "wrong"),
])
def test_odd_values_have_a_verdict_and_can_be_written(
        line: bytes, verdict: str | None, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    (tmp_path / "rows.jsonl").write_bytes((line + b"\n") * 2)
    for name in ("out.jsonl", "out.parquet"):
        summary = grade_file(tmp_path / "rows.jsonl", "g", "p", out=tmp_path / name)
        assert summary.total == 2
        assert verdict is None or summary.counts[verdict] == 2
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 2
    assert len((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def test_text_that_is_not_utf8_costs_its_line_only(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(b'{"g": "5", "p": "\xff"}\n{"g": "5", "p": "5"}\n')
    summary = grade_file(tmp_path / "rows.jsonl", "g", "p")
    assert (summary.total, summary.unreadable) == (1, 1)
    assert "not UTF-8" in summary.unreadable_rows[0]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\0\0\0", b"[" * 1_000_000, b"PAR1"])
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.parquet"])
def test_a_file_without_a_single_row_is_one_line_and_leaves_no_output(
        name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name) as error:
        grade_file(tmp_path / name, "g", "p", out=tmp_path / "out.jsonl")
    assert "\n" not in str(error.value)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_field_that_no_row_has_is_an_error_that_names_those_seen(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", *ROWS)
    with pytest.raises(InputError, match=r"rows.jsonl:1: there is no field 'gold'; seen: g, p"):
        grade_file(file, "gold", "p")


def test_every_response_stands_in_the_output_with_its_verdict(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    file = written(tmp_path / "rows.jsonl", *ROWS, 7)
    for name in ("out.jsonl", "out.parquet"):
        grade_file(file, "g", "p", out=tmp_path / name)
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert rows == [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(row["row"], row["verdict"], row["answer"]) for row in rows] == [
        (1, "correct", "5"), (2, "wrong", "5"), (3, UNREADABLE, None)]
    assert list(rows[0]) == ["file", "row", "system", "verdict", "how", "answer", "gold", "label"]
    assert rows[2]["how"] == "this line is not a JSON object"
    assert not list(tmp_path.glob("*.writing"))


def test_output_where_it_cannot_be_is_refused_before_any_work(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", *ROWS)
    for out in (tmp_path / "out.csv", file, file / "out.jsonl"):
        with pytest.raises(UsageError, match=str(out)):
            grade_file(file, "g", "p", out=out)
    assert len(file.read_text().splitlines()) == 2


def test_shards_are_graded_in_name_order_whatever_their_form(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    shards = tmp_path / "shards"
    shards.mkdir()
    written(shards / "b.jsonl", *ROWS)
    pq.write_table(pa.Table.from_pylist(ROWS), shards / "a.parquet")
    with gzip.open(shards / "c.jsonl.gz", "wt") as packed:
        packed.writelines(json.dumps(row) + "\n" for row in ROWS)
    (shards / "empty.jsonl").touch()
    for source in (shards, f"{shards}/*", [shards / "a.parquet", f"{shards}/[bc]*", shards]):
        found = list(grade_rows(source, "g", "p"))
        assert [(Path(row.file).name, row.row) for row in found] == [
            (name, row) for name in ("a.parquet", "b.jsonl", "c.jsonl.gz") for row in (1, 2)]
    assert "4 files: 6 responses" in grade_file(shards, "g", "p").text()


def test_only_the_columns_to_grade_are_read_and_dots_reach_into_them(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"g": ["A"], "out": {"text": "The answer is A"}, "huge": "x"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    assert grade_file(tmp_path / "rows.parquet", "g", "out.text").counts["correct"] == 1
    with pytest.raises(InputError, match="seen: g, out, huge"):
        grade_file(tmp_path / "rows.parquet", "g", "nosuch")


def test_a_damaged_row_group_is_counted_and_the_next_one_read(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = tmp_path / "rows.parquet"
    rows = [{"g": str(i), "p": f"#### {i}"} for i in range(3_000)]
    pq.write_table(pa.Table.from_pylist(rows), file, row_group_size=1_000, compression="zstd")
    column = pq.ParquetFile(file).metadata.row_group(1).column(1)
    content = bytearray(file.read_bytes())
    start = column.data_page_offset
    content[start:start + 200] = b"\xff" * 200
    file.write_bytes(content)
    summary = grade_file(file, "g", "p")
    assert (summary.counts["correct"], summary.unreadable) == (2_000, 1_000)
    assert f"{file}:1001: this row group is damaged" in summary.unreadable_rows[0]


def test_processes_give_the_rows_of_one_process_in_order(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grading_files, "ALONE", 1)
    file = tmp_path / "rows.jsonl"
    lines = [json.dumps({"g": str(i), "p": f"The answer is {i + (i % 3 == 0)}"})
             for i in range(2_000)]
    lines[777] = "nonsense"
    file.write_text("\n".join(lines))
    shares: list[float] = []
    alone, shared = (grade_file(file, "g", "p", out=tmp_path / f"{jobs}.jsonl", jobs=jobs,
                                progress=lambda done, share: shares.append(share))
                     for jobs in (1, 2))
    assert alone == shared
    assert alone.unreadable_rows == (f"{file}:778: this line is not JSON (Expecting value: "
                                     "line 1 column 1 (char 0))",)
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()
    assert shares[-1] == 1.0
    assert shares == sorted(shares[:5]) + sorted(shares[5:])


def test_files_are_graded_from_threads_and_async_code_at_once(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", *ROWS * 50)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: grade_file(file, "g", "p"), range(8)))
        assert [len(rows) for rows in threads.map(
            lambda _: list(grade_rows(file, "g", "p")), range(8))] == [100] * 8

    async def several() -> list[object]:
        return await asyncio.gather(*(asyncio.to_thread(grade_file, file, "g", "p")
                                      for _ in range(8)))

    assert [*found, *asyncio.run(several())] == [found[0]] * 16


MEASURE = """
import sys
from mathmill.grading.files import grade_file
from mathmill.grading import answers, equal
summary = grade_file(sys.argv[1], "g", "p", out=sys.argv[2])
# Not ru_maxrss: Linux hands a process that of whoever started it.
print(summary.total, open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    peaks = {}
    for many in (15_000, 300_000):
        file = tmp_path / f"{many}.jsonl"
        with file.open("w") as lines:
            lines.writelines(f'{{"g": "{i}", "p": "#### {i}"}}\n' for i in range(many))
        said = subprocess.run([sys.executable, "-c", MEASURE, str(file), str(file) + ".parquet"],
                              capture_output=True, text=True, check=True).stdout.split()
        assert int(said[0]) == many
        peaks[many] = int(said[1])
    assert peaks[300_000] < peaks[15_000] + 20_000, peaks  # KiB
