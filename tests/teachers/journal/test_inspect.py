"""A person sees what a journal holds, takes it elsewhere, and makes it smaller unharmed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mathmill.errors import BusyDirectory, InputError, StepFailed
from mathmill.teachers.journal import prune as pruning
from mathmill.teachers.journal import record
from mathmill.teachers.journal.export import COLUMNS, export
from mathmill.teachers.journal.inspect import stats
from mathmill.teachers.journal.prune import prune
from mathmill.teachers.journal.store import JournalFile
from mathmill.types import Message, Reply, Request

FILE = "journal.jsonl"


def line(number: int, name: str, day: str = "2026-11-20", keep: bool = True,
         **more: object) -> bytes:
    asked = Request((Message("system", "Be brief."), Message("user", f"question {number}")),
                    prompt="solve@1", stop=("\n\n",))
    reply = Reply(asked.id, f"ré\ud800ply {number}", name, prompt_tokens=10, completion_tokens=20,
                  seconds=0.5, **more)
    whole = record.to_line(name, asked, asked.id, reply, keep)
    return whole[:-len('2026-11-20T11:40:05Z"}\n')] + f'{day}T11:40:05Z"}}\n'.encode()


def old(number: int, name: str) -> bytes:
    asked = Request((Message("user", f"question {number}"),))
    return json.dumps({"request": asked.id, "text": "old", "teacher": name, "finish": "stop",
                       "prompt_tokens": 1, "completion_tokens": 2, "seconds": 0.5,
                       "error": ""}).encode() + b"\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two teachers, one doubled record, two torn ones (one glued), one of an earlier version."""
    (tmp_path / FILE).write_bytes(b"".join([
        line(1, "a:", cost=0.5, cached_tokens=4), line(2, "a:", "2026-11-21", cost=0.25),
        line(3, "a:")[:60], line(1, "b:", finish="length"), line(1, "a:", "2026-11-22"),
        b"\n", old(5, "b:"), line(9, "b:")[:70]]))
    return tmp_path


def test_stats_tell_replies_tokens_money_and_dates_by_teacher(folder: Path):
    found = stats(folder)
    assert (found.torn, found.doubled, found.size) == (2, 1, (folder / FILE).stat().st_size)
    a, b = found.teachers["a:"], found.teachers["b:"]
    assert (a.replies, a.cut, a.tokens_in, a.cached, a.tokens_out) == (2, 0, 20, 4, 40)
    assert (a.dollars, a.unpriced, b.unpriced) == (0.75, 0, 2)
    assert (a.first[:10], a.last[:10]) == ("2026-11-20", "2026-11-21")
    assert (b.replies, b.cut, b.first[:10]) == (2, 1, "2026-11-20")
    head, columns, *rows = found.text().splitlines()
    assert "4 replies in" in head
    assert "2 torn records, 1 doubled" in head
    assert columns.split()[:2] == ["teacher", "replies"]
    assert rows[0].split()[:2] == ["a:", "2"]
    assert "0.7500" in rows[0]


def test_the_file_itself_may_be_named_and_an_empty_one_has_no_rows(tmp_path: Path):
    (tmp_path / "other.jsonl").write_bytes(line(1, "a:"))
    assert stats(tmp_path / "other.jsonl").teachers["a:"].replies == 1
    (tmp_path / FILE).write_bytes(b"")
    assert "0 replies in 0 bytes" in stats(tmp_path).text()


@pytest.mark.parametrize("what", [stats, prune, lambda place: export(place, Path("out.jsonl"))])
def test_no_journal_is_one_line(what, tmp_path: Path):
    with pytest.raises(InputError, match="there is no journal here; name the folder"):
        what(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_export_writes_each_reply_once_with_its_request(folder: Path, tmp_path: Path):
    out = tmp_path / "deep" / "replies.jsonl"
    assert export(folder, out) == 4
    rows = [json.loads(row) for row in out.read_text("utf-8").splitlines()]
    assert [row["teacher"] for row in rows] == ["a:", "a:", "b:", "b:"]
    assert all(list(row) == list(COLUMNS) for row in rows)
    assert rows[0]["messages"] == [{"role": "system", "content": "Be brief."},
                                   {"role": "user", "content": "question 1"}]
    assert (rows[0]["text"], rows[0]["cost"], rows[0]["stop"]) == (
        "ré\ud800ply 1", 0.5, ["\n\n"])
    assert (rows[3]["text"], rows[3]["messages"], rows[3]["kept"]) == ("old", None, None)


def test_export_to_parquet_holds_the_same_rows(folder: Path, tmp_path: Path, monkeypatch):
    import pyarrow.parquet as pq

    from mathmill.teachers.journal import export as exporting

    monkeypatch.setattr(exporting, "ROWS_A_GROUP", 3)
    export(folder, tmp_path / "r.jsonl")
    assert export(folder, tmp_path / "r.parquet") == 4
    lines = [json.loads(row) for row in (tmp_path / "r.jsonl").read_text("utf-8").splitlines()]
    table = pq.read_table(tmp_path / "r.parquet")
    assert table.to_pylist() == [{**row, "text": row["text"].replace("\ud800", "?")}
                                 for row in lines]


@pytest.mark.parametrize(("teacher", "rows"), [("a:", 2), ("*", 4), ("b*", 2), ("c:", 0)])
def test_export_takes_one_teacher_or_a_pattern(folder: Path, tmp_path: Path, teacher, rows):
    assert export(folder, tmp_path / "r.jsonl", teacher) == rows
    assert export(folder, tmp_path / "r.parquet", teacher) == rows


def test_an_export_that_cannot_be_written_leaves_nothing(folder: Path):
    (folder / "file").write_text("")
    with pytest.raises(StepFailed, match="cannot be written"):
        export(folder, folder / "file" / "r.jsonl")
    assert sorted(file.name for file in folder.iterdir()) == ["file", FILE]


def test_pruning_is_counted_first_and_changes_nothing(folder: Path):
    before = (folder / FILE).read_bytes()
    told = prune(folder, teacher="a:")
    assert dict(told.removed) == {"chosen": 2, "torn": 2, "doubled": 1}
    assert (told.kept, told.done) == (2, False)
    assert "would be removed" in told.text()
    assert "add --yes" in told.text()
    assert (folder / FILE).read_bytes() == before
    assert [file.name for file in folder.iterdir()] == [FILE]
    assert prune(folder, teacher="a:", really=True).bytes_after == told.bytes_after


@pytest.mark.parametrize(("teacher", "before", "left"), [
    (None, None, {"a:": 2, "b:": 2}), ("a:", None, {"b:": 2}), ("*", None, {}),
    (None, "2026-11-21", {"a:": 1, "b:": 1}), ("b:", "2026-11-21", {"a:": 2, "b:": 1}),
    ("a:", "2026-11-20", {"a:": 2, "b:": 2})])
def test_pruned_is_what_was_chosen_and_the_rest_is_found(folder: Path, teacher, before, left):
    told = prune(folder, teacher, before, really=True)
    after = stats(folder)
    assert {name: account.replies for name, account in after.teachers.items()} == left
    assert (after.torn, after.doubled) == (0, 0)
    assert after.size == told.bytes_after
    assert told.undated == (1 if before and teacher != "a:" else 0)
    file = JournalFile(folder)
    assert sum(left.values()) == len(file._index)
    file.close()


def test_a_journal_that_a_run_writes_to_is_not_pruned(folder: Path):
    before = (folder / FILE).read_bytes()
    run, other = JournalFile(folder), JournalFile(folder)
    run.close()
    with pytest.raises(BusyDirectory, match="a run is writing to it; prune when no run is"):
        prune(folder, really=True)
    assert (folder / FILE).read_bytes() == before
    assert prune(folder).kept == 4
    other.close()
    assert prune(folder, really=True).done


def test_a_run_does_not_begin_while_it_is_pruned(folder: Path, monkeypatch):
    def meanwhile(folder: Path) -> None:
        with pytest.raises(BusyDirectory, match="being pruned; wait"):
            JournalFile(folder)

    monkeypatch.setattr(pruning, "_sync", meanwhile)
    prune(folder, really=True)
    JournalFile(folder).close()


def test_a_pruning_that_fails_leaves_the_journal_as_it_was(folder: Path, monkeypatch):
    before = (folder / FILE).read_bytes()

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StepFailed, match=r"cannot be pruned .No space left.*stays as it was"):
        prune(folder, "a:", really=True)
    assert (folder / FILE).read_bytes() == before
    assert not list(folder.glob("*.writing"))


def test_the_index_of_before_is_gone_and_mode_and_link_stay(folder: Path, tmp_path: Path,
                                                           monkeypatch):
    from mathmill.teachers.journal import store

    monkeypatch.setattr(store, "SAVE_AFTER", 1)
    JournalFile(folder).close()
    assert (folder / "journal.index").exists()
    (tmp_path / "far").mkdir()
    (folder / FILE).rename(tmp_path / "far" / "real.jsonl")
    (tmp_path / "far" / "real.jsonl").chmod(0o600)
    (folder / FILE).symlink_to(tmp_path / "far" / "real.jsonl")
    prune(folder, "a:", really=True)
    assert not (folder / "journal.index").exists()
    assert (folder / FILE).is_symlink()
    assert (tmp_path / "far" / "real.jsonl").stat().st_mode & 0o777 == 0o600
    assert list(stats(folder).teachers) == ["b:"]
