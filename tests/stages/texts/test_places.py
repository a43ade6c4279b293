"""Tests of where documents lie, and of places that are broken."""

from __future__ import annotations

import gzip
import json
import sys
import types

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from text_makers import jsonl, run, sentence

from mathmill.errors import InputError, StepFailed, UsageError
from mathmill.stages.texts.places import digest, found_at


def table(path, rows, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path, **more)
    return path


def test_a_folder_holds_tables_and_plain_files_in_the_order_of_names(tmp_path):
    jsonl(tmp_path / "in/a.jsonl", [{"text": sentence(1)}, {"content": sentence(2)}])
    table(tmp_path / "in/b.parquet", [{"text": sentence(3), "unused": "x"}])
    (tmp_path / "in/c.txt").write_text(sentence(4))
    (tmp_path / "in/d.md").write_text(
        f"# Bread\n\n## Sales\n{sentence(5)}\n## Costs\n{sentence(6)}")
    (tmp_path / "in/e.tex").write_text(
        r"\title{Loaves}\begin{document}\section{One}" + sentence(7) + " % a remark\n"
        + r"\section{Two}" + sentence(8) + r"\end{document}")
    with gzip.open(tmp_path / "in/f.jsonl.gz", "wt") as file:
        file.write(json.dumps({"text": sentence(9)}))
    (tmp_path / "in/README.md").write_text(sentence(90))
    (tmp_path / "in/LICENSE.data-v1.txt").write_text(sentence(91))
    (tmp_path / "in/.hidden.txt").write_text(sentence(92))
    rows, drops, _ = run(tmp_path, str(tmp_path / "in"))
    assert not drops
    assert [(row.source, row.kind, row.title, row.part) for row in rows] == [
        ("in/a.jsonl:1", "other", None, 0), ("in/a.jsonl:2", "other", None, 0),
        ("in/b.parquet:1", "other", None, 0), ("in/c.txt", "other", None, 0),
        ("in/d.md", "book", "Sales", 0), ("in/d.md", "book", "Costs", 1),
        ("in/e.tex", "paper", "One", 0), ("in/e.tex", "paper", "Two", 1),
        ("in/f.jsonl.gz:1", "other", None, 0)]
    assert "remark" not in rows[6].text


def test_a_packed_file_is_read_where_it_is_named(tmp_path):
    with gzip.open(tmp_path / "f.jsonl.gz", "wt") as file:
        file.write(json.dumps({"text": sentence(9)}))
    rows, _, _ = run(tmp_path, str(tmp_path / "f.jsonl.gz"))
    assert len(rows) == 1


def test_the_folder_hints_at_the_kind_and_threads_have_two_parts(tmp_path):
    (tmp_path / "qa").mkdir()
    (tmp_path / "qa/a.md").write_text(
        f"# Loaves\nQuestion: {sentence(1)}\n\n## Answer\n{sentence(2)}")
    (tmp_path / "web").mkdir()
    (tmp_path / "web/a.txt").write_text(sentence(3))
    rows, _, _ = run(tmp_path, [str(tmp_path / "qa"), str(tmp_path / "web")])
    assert {row.source: row.kind for row in rows} == {"qa/a.md": "qa", "web/a.txt": "web"}
    thread = next(row.text for row in rows if row.kind == "qa")
    assert thread == f"Loaves\n\n{sentence(1)}\n\n{sentence(2)}"


def test_files_that_are_called_alike_in_two_folders_have_places_of_their_own(tmp_path):
    for year in ("one", "two"):
        jsonl(tmp_path / f"in/{year}/web/a.jsonl", [{"text": sentence(len(year) + ord(year[0]))},
                                                    {"text": "Short."}])
    rows, drops, _ = run(tmp_path, str(tmp_path / "in"))
    assert [(row.source, row.kind) for row in rows] == [("in/one/web/a.jsonl:1", "web"),
                                                        ("in/two/web/a.jsonl:1", "web")]
    assert len({drop.id for drop in drops}) == 2


def test_rows_that_cannot_be_read_cost_themselves_only(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", [
        {"text": sentence(1)}, '{"text": "cut', "[1, 2]", '{"id": 5}', "", {"text": sentence(2)}])
    rows, drops, tally = run(tmp_path, str(path))
    assert len(rows) == 2
    assert tally["dropped"] == {"cannot be read": 2, "no text": 1}
    assert any("a.jsonl:2: this line is not JSON" in drop.detail for drop in drops)
    assert any("has the fields id" in drop.detail for drop in drops)


def test_a_file_without_any_text_names_its_fields_and_the_cure(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", [{"page": {"html": sentence(1)}, "url": "x"}] * 3)
    with pytest.raises(InputError, match=r'the fields are page, url; say which one it is with '
                       r'fields, such as \{"text": "page.body"\}'):
        run(tmp_path, str(path))
    rows, _, _ = run(tmp_path, {str(path): {"fields": {"text": "page.html"}}})
    assert len(rows) == 1


def test_a_truncated_parquet_file_is_named_before_anything_is_read(tmp_path):
    jsonl(tmp_path / "in/a.jsonl", [{"text": sentence(1)}])
    path = table(tmp_path / "in/b.parquet", [{"text": sentence(n)} for n in range(500)])
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"b\.parquet: cannot be opened, or ends before its end.*"
                       "fetch the file again, or remove it"):
        run(tmp_path, str(tmp_path / "in"))


def test_a_table_without_rows_says_so(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), path)
    with pytest.raises(StepFailed, match=r"a\.parquet holds no row; give other texts"):
        run(tmp_path, str(path))


def test_a_damaged_row_group_is_left_out_row_by_row(tmp_path):
    path = table(tmp_path / "a.parquet", [{"text": sentence(n)} for n in range(300)],
                 row_group_size=100, compression="zstd")
    start = pq.read_metadata(path).row_group(1).column(0).data_page_offset
    data = bytearray(path.read_bytes())
    data[start:start + 60] = b"\xff" * 60
    path.write_bytes(bytes(data))
    rows, _, tally = run(tmp_path, str(path))
    assert len(rows) == 200
    assert tally["dropped"] == {"cannot be read": 100}


def test_files_that_are_not_utf8_say_so(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.txt").write_bytes("Größe und Länge".encode("latin-1") * 40)
    (tmp_path / "in/b.txt").write_text(sentence(1))
    rows, drops, _ = run(tmp_path, str(tmp_path / "in"))
    assert len(rows) == 1
    assert "is not UTF-8" in drops[0].detail
    assert "convert it" in drops[0].detail


@pytest.mark.parametrize(("name", "words"), [
    ("nowhere/", "there is no such file or folder"), ("empty", "this folder holds no text"),
    ("a.pdf", "cannot tell what a .pdf file is"), ("a.txt.gz", "cannot tell what a .gz file is"),
    ("none.jsonl", "the file is empty"), ("none.jsonl.gz", "the file is empty")])
def test_places_that_cannot_be_read_are_one_line(tmp_path, name, words):
    (tmp_path / "empty").mkdir()
    for file in ("a.pdf", "a.txt.gz", "none.jsonl", "none.jsonl.gz"):
        (tmp_path / file).write_bytes(b"")
    with pytest.raises(InputError, match=words) as error:
        run(tmp_path, str(tmp_path / name))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("row", "settings", "words"), [
    ({"text": "Too little."}, {}, r"\(too short: 3\); the first: \S+a\.jsonl:1: too short, 11 "
                                  r"characters: Too little\.; ask for less with shortest"),
    ({"text": sentence(1)}, {"licences": ["MIT"]}, r"\(no licence: 3\).*say the licence of this"),
    ({"text": sentence(1), "license": "GPL"}, {"licences": ["MIT"]}, "GPL; add it to licences"),
    ({"text": sentence(1), "lang": "de"}, {}, "its row says de; name it in languages"),
    ({"text": b"\x00\x01".decode() * 99}, {}, r"\(binary: 3\).*; give other texts")])
def test_a_source_of_which_nothing_is_left_says_why_and_what_to_do(tmp_path, row, settings, words):
    path = jsonl(tmp_path / "a.jsonl", [row] * 3)
    with pytest.raises(StepFailed, match=f"not one text is left of 3 documents .*{words}") as found:
        run(tmp_path, str(path), **settings)
    assert "\n" not in str(found.value)


def test_a_file_is_known_by_what_it_holds(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", [{"text": sentence(1)}])
    before = digest(str(path))
    jsonl(path, [{"text": sentence(2)}])
    assert digest(str(path)) != before
    assert digest("hf:owner/name") is None
    assert digest("symbolic:count=3") is None
    assert digest("shipped:") != digest("shipped:qa")


def test_our_own_corpus_can_be_asked_for_by_kind():
    assert {found.hint for found in found_at("shipped:paper+qa", set())} == {"paper", "qa"}
    with pytest.raises(UsageError, match="our corpus has no kind 'poem'; it has web, book, paper"):
        list(found_at("shipped:poem", set()))


def test_a_set_on_the_hub_is_a_source(tmp_path, monkeypatch):
    hub = types.ModuleType("datasets")
    hub.load_dataset = lambda name, config, split: [
        {"text": sentence(n), "license": "ODC-By"} for n in range(3)]
    monkeypatch.setitem(sys.modules, "datasets", hub)
    rows, _, tally = run(tmp_path, {"hf:owner/pages": {"kind": "web", "limit": 2}})
    assert [row.source for row in rows] == ["owner/pages/train:1", "owner/pages/train:2"]
    assert tally["facts"]["licences"] == {"ODC-By": 2}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "rows"), [("gsm8k/test.jsonl", 1_300), ("olympiadbench", 670),
                                            ("jeebench", 440), ("scibench", 640)])
def test_public_sets_in_english_are_texts_and_none_is_taken_for_another_language(
        shared_data, tmp_path, name, rows):
    found, _, tally = run(tmp_path, str(shared_data / name))
    assert len(found) >= rows
    assert set(tally["dropped"]) <= {"too short", "duplicate"}
