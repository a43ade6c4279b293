"""Tests of `stages.seeds.place`: what is read, and one line for each way it can break."""

from __future__ import annotations

import gzip
import json
import sys
import types

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathmill.errors import InputError, MissingExtra
from mathmill.stages.seeds.place import content_digest, plain_name, rows_at

ROW = {"question": "How many?", "answer": "4"}


def read(path):
    return [(raw.place, raw.number, raw.row) for raw in rows_at(str(path))]


@pytest.mark.parametrize(("name", "text", "number"), [
    ("a.jsonl", '\n{"question": "How many?", "answer": "4"}\n', 2),
    ("a.json", '[{"question": "How many?", "answer": "4"}]', 1),
    ("a.json", '{"version": 1, "data": [{"question": "How many?", "answer": "4"}]}', 1),
    ("a.json", '{"rows": [{"question": "How many?", "answer": "4"}]}', 1),
    ("a.json", '\ufeff{"question": "How many?", "answer": "4"}', 1),
    ("a.csv", '\ufeffquestion,answer\n"How many?",4\n', 2),
    ("a.tsv", "How many?\t4\n", 1),
    ("a.tsv", "question\tanswer\nHow many?\t4\n", 2),
    ("A.JSONL", '{"question": "How many?", "answer": "4"}', 1),
])
def test_each_kind_of_file_gives_its_rows_with_their_place(tmp_path, name, text, number):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read(tmp_path / name) == [(f"{tmp_path.name}/{name}", number, ROW)]


def test_parquet_and_saved_arrow_folders_are_read(tmp_path):
    table = pa.Table.from_pylist([ROW, {"question": "Two?", "answer": None}])
    pq.write_table(table, tmp_path / "a.parquet")
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "state.json").write_text("{}")
    with pa.ipc.new_stream(str(folder / "data-00000-of-00001.arrow"), table.schema) as stream:
        stream.write_table(table)
    assert [row for *_, row in read(tmp_path / "a.parquet")] == table.to_pylist()
    assert [row for *_, row in read(folder)] == table.to_pylist()


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst", "A.JSONL.GZ"])
def test_packed_rows_are_read_and_a_torn_end_is_told(tmp_path, name):
    lines = json.dumps(ROW).encode() + b"\n" + b"\n" * 99 + json.dumps(ROW).encode() + b"\n"
    packed = (pa.compress(lines, "zstd", asbytes=True) if name.endswith("zst")
              else gzip.compress(lines))
    (tmp_path / name).write_bytes(packed)
    assert read(tmp_path) == [(f"{tmp_path.name}/{name}", n, ROW) for n in (1, 101)]
    (tmp_path / name).write_bytes(packed[:-8])
    with pytest.raises(InputError, match=r"(?i)a\.jsonl\.\w+: .*check the path and the file"):
        read(tmp_path)
    (tmp_path / name).write_bytes(packed * 2)  # as `cat` makes of two
    assert [number for _, number, _ in read(tmp_path)] == [1, 101, 102, 202]


def test_a_table_without_rows_among_others_is_passed_over(tmp_path):
    rows, none = pa.Table.from_pylist([ROW]), pa.table({"question": pa.array([], pa.string())})
    for name, table in (("0", none), ("1", rows), ("2", none)):
        pq.write_table(table, tmp_path / f"{name}.parquet")
    assert [row for *_, row in read(tmp_path)] == [ROW]
    (tmp_path / "1.parquet").unlink()
    with pytest.raises(InputError, match=r"2\.parquet: there are no rows in this file"):
        read(tmp_path)


def test_a_folder_gives_all_its_files_in_name_order_and_passes_over_others(tmp_path):
    (tmp_path / "algebra").mkdir()
    for name in ("2.json", "1.json"):
        (tmp_path / "algebra" / name).write_text(json.dumps({**ROW, "answer": name}))
    (tmp_path / "LICENSE.txt").write_text("free")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "x.json").write_text("broken")
    assert [row["answer"] for *_, row in read(tmp_path)] == ["1.json", "2.json"]


def test_a_tsv_without_header_takes_quotes_as_they_stand(tmp_path):
    (tmp_path / "a.tsv").write_text('He said "two.\t4\n', encoding="utf-8")
    assert read(tmp_path / "a.tsv")[0][2]["question"] == 'He said "two.'


@pytest.mark.parametrize(("name", "content", "says"), [
    ("a.jsonl", b"", "no rows"), ("a.json", b"  ", "empty"), ("a.csv", b"", "no rows"),
    ("a.csv", b"question,answer\n", "no rows"), ("a.parquet", b"", "not Parquet"),
    ("a.json", b"[]", "no rows"), ("a.jsonl", b'{"question": "a"}\n{"que', "a.jsonl:2"),
    ("a.json", b'[{"question": "a"},\n {"que]', "a.json:2"), ("a.json", b"[1, 2]", "a.json:1"),
    ("a.jsonl", b"[1]", "not a JSON object"), ("a.txt", b"hello", "suffix|.txt"),
    ("a.csv", b"question,answer\none,2,3\n", "a.csv:2"),
    ("a.csv", b'question,answer\n"one,2\n', "proper table"),
    ("a.csv", b"question,answer\none\n", "1 cells, the header 2"),
    ("a.jsonl", b"\xff\xfe{", "UTF-8"), ("a.csv", b"question\n\xff\n", "UTF-8"),
    ("a.json", b"\xff\xfe", "encoding"), ("a.arrow", b"nonsense", "Arrow"),
    ("a.json", b"[" * 100_000, "deep|JSON"),
])
def test_a_file_that_cannot_be_read_is_one_line_with_place_and_cure(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=says) as caught:
        read(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert "; " in str(caught.value)


def test_a_missing_file_and_a_folder_without_data_are_one_line(tmp_path):
    with pytest.raises(InputError, match=r"gone.jsonl: there is no such file"):
        read(tmp_path / "gone.jsonl")
    (tmp_path / "README.md").write_text("hello")
    with pytest.raises(InputError, match="holds no"):
        read(tmp_path)


def test_the_digest_follows_the_bytes_and_not_the_folder(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jsonl").write_text(json.dumps(ROW))
    one, two = (str(tmp_path / folder / "a.jsonl") for folder in ("one", "two"))
    assert content_digest(one) == content_digest(two)
    assert plain_name(one) == "one/a.jsonl"
    (tmp_path / "two" / "a.jsonl").write_text(json.dumps(ROW) + "\n")
    assert content_digest(one) != content_digest(two)
    assert content_digest("hf:owner/name") is None


def hub(monkeypatch, load):
    module = types.ModuleType("datasets")
    module.load_dataset = load
    monkeypatch.setitem(sys.modules, "datasets", module)


def test_a_hub_name_is_taken_apart(monkeypatch):
    asked = []

    def load(name, config, split):
        asked.append((name, config, split))
        return [ROW]

    hub(monkeypatch, load)
    assert read("hf:openai/gsm8k:main/test") == [("openai/gsm8k/test", 1, ROW)]
    list(rows_at("hf:openai/gsm8k"))
    assert asked == [("openai/gsm8k", "main", "test"), ("openai/gsm8k", None, "train")]


def test_a_hub_that_cannot_be_reached_is_one_line(monkeypatch):
    def load(*args, **kwargs):
        raise ConnectionError("Couldn't reach the hub\nand a long trace")

    hub(monkeypatch, load)
    with pytest.raises(InputError, match="Couldn't reach the hub") as caught:
        list(rows_at("hf:openai/gsm8k"))
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="name on the hub"):
        list(rows_at("hf:gsm8k"))


def test_without_the_package_the_install_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match="mathmill\\[train\\]"):
        list(rows_at("hf:openai/gsm8k"))
