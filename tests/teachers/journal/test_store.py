"""The file survives cuts, tears and other writers, and says what it cannot."""

from __future__ import annotations

import errno
import itertools
import os
import random
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.errors import StepFailed
from mathmill.teachers.journal import store
from mathmill.teachers.journal.record import key_of, to_line
from mathmill.teachers.journal.store import JournalFile
from mathmill.types import Message, Reply, Request

FILE = "journal.jsonl"


def line_of(number: int, name: str = "t:", text: str = r"\frac{1}{2}") -> tuple[str, int, bytes]:
    """Return (request id, key, line) of a numbered record."""
    asked = Request((Message("user", f"question {number}"),))
    return asked.id, key_of(name, asked.id), to_line(
        name, asked, asked.id, Reply(asked.id, f"{text} {number}", name), False)


def found(file: JournalFile, number: int) -> str | None:
    record = file.find("t:", line_of(number)[0])
    return None if record is None else record["text"]


def keep(file: JournalFile, *numbers: int) -> None:
    for number in numbers:
        file.append(*line_of(number)[1:])


@pytest.fixture(scope="session")
def fresh(tmp_path_factory):
    """Folders, one a call (hypothesis runs a test many times)."""
    return lambda: tmp_path_factory.mktemp("journal")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_cut_at_any_byte_it_loses_at_most_the_record_that_was_cut(fresh, data):
    folder = fresh()
    lines = [line_of(number)[2] for number in range(4)]
    whole = b"".join(lines)
    cut = data.draw(st.integers(0, len(whole)))
    (folder / FILE).write_bytes(whole[:cut])
    ends = list(itertools.accumulate(len(line) - 1 if n == 0 else len(line)
                                     for n, line in enumerate(lines)))
    expected = [number for number, end in enumerate(ends) if end <= cut]
    file = JournalFile(folder)
    assert [n for n in range(4) if found(file, n)] == expected
    keep(file, 9, *(n for n in range(4) if n not in expected))
    assert file.torn == (cut not in (0, len(whole), *ends, *(end + 1 for end in ends)))
    file.close()
    again = JournalFile(folder, write=False)
    assert [n for n in (0, 1, 2, 3, 9) if found(again, n)] == [0, 1, 2, 3, 9]
    assert again.torn == file.torn
    again.close()


WRITES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 11), st.integers(0, 90)),
                  max_size=40)


@settings(max_examples=60, deadline=None)
@given(WRITES)
def test_writers_in_any_order_each_find_what_any_has_kept(fresh, writes):
    """The third writer does not know how to write: it leaves torn ends behind."""
    folder = fresh()
    files, kept = [JournalFile(folder), JournalFile(folder)], set()
    for writer, number, cut in writes:
        if writer == 2:
            with (folder / FILE).open("ab") as other:
                other.write(line_of(number)[2][:cut])
        elif found(files[writer], number) is None:
            assert number not in kept
            keep(files[writer], number)
            kept.add(number)
    for file in files:
        assert {n for n in range(12) if found(file, n)} == kept
        file.close()
    last = JournalFile(folder)
    assert {n for n in range(12) if found(last, n)} == kept
    last.close()


def test_what_another_has_bought_is_read_from_the_growth_of_the_file(tmp_path: Path, monkeypatch):
    one, other = JournalFile(tmp_path), JournalFile(tmp_path)
    keep(one, *range(100))
    assert [found(other, n) for n in range(100)] == [found(one, n) for n in range(100)]
    reads: list[int] = []
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda *args: reads.append(args[1]) or pread(*args))
    keep(one, 100)
    reads.clear()
    assert found(other, 100) is not None
    assert len(reads) == 2  # the growth, and the record
    assert found(other, 101) is None
    assert len(reads) == 2


def test_a_record_that_is_being_written_just_now_waits_for_its_end(tmp_path: Path):
    file, line = JournalFile(tmp_path), line_of(1)[2]
    with (tmp_path / FILE).open("ab", buffering=0) as other:
        other.write(line[:50])
        assert found(file, 1) is None
        assert found(file, 1) is None
        other.write(line[50:-1])
        assert found(file, 1) is not None
        other.write(line[-1:])
    assert found(file, 1) is not None
    assert file.torn == 0


def test_a_torn_record_that_looks_whole_gives_way_to_its_repetition(tmp_path: Path):
    line = line_of(1)[2]
    damaged = line.replace(b"frac", b"\x00\x00\x00\x00")
    (tmp_path / FILE).write_bytes(damaged)
    file = JournalFile(tmp_path)
    assert found(file, 1) is None
    keep(file, 1)
    assert found(file, 1) == r"\frac{1}{2} 1"
    again = JournalFile(tmp_path)
    assert found(again, 1) == r"\frac{1}{2} 1"


def test_lines_longer_than_what_is_read_at_a_time_are_found(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(store, "CHUNK", 64)
    file = JournalFile(tmp_path)
    keep(file, 1)
    file.append(*line_of(2, text="long " * 1000)[1:])
    keep(file, 3)
    again = JournalFile(tmp_path)
    assert all(found(again, n) for n in (1, 2, 3))


def test_the_index_beside_it_spares_the_reading_and_a_wrong_one_harms_nothing(
        tmp_path: Path, monkeypatch):
    monkeypatch.setattr(store, "SAVE_AFTER", 10)
    file = JournalFile(tmp_path)
    keep(file, *range(30))
    file.close()
    assert (tmp_path / "journal.index").exists()
    other = JournalFile(tmp_path)
    assert len(other._index._recent) == 0  # nothing was read anew
    keep(other, 30)
    assert all(found(other, n) for n in range(31))
    other.close()
    content = (tmp_path / FILE).read_bytes().splitlines(keepends=True)
    (tmp_path / FILE).write_bytes(b"".join(reversed(content)))
    last = JournalFile(tmp_path)
    assert all(found(last, n) for n in range(31))
    last.close()


def test_what_was_written_is_on_the_platter_within_seconds_and_off_the_loop(
        tmp_path: Path, monkeypatch):
    synced: list[str] = []
    fdatasync = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda file: synced.append(
        threading.current_thread().name) or fdatasync(file))
    monkeypatch.setattr(store, "SYNC_SECONDS", 0.01)
    file = JournalFile(tmp_path)
    keep(file, 1)
    assert synced == []
    deadline = time.monotonic() + 10
    while not synced:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(0.05)
    assert synced == ["journal"]  # none while nothing is written
    file.close()


def test_closing_brings_the_last_record_to_the_platter(tmp_path: Path, monkeypatch):
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    file = JournalFile(tmp_path)
    keep(file, 1)
    file.close()
    assert len(synced) == 1


def test_a_platter_that_fails_is_said_at_the_next_reply(tmp_path: Path, monkeypatch):
    def failing(file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", failing)
    monkeypatch.setattr(store, "SYNC_SECONDS", 0.01)
    file = JournalFile(tmp_path)
    keep(file, 1)
    deadline = time.monotonic() + 10
    while file._sync_error is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    with pytest.raises(StepFailed, match="Input/output error"):
        keep(file, 2)


@pytest.mark.parametrize("kind", ["device", "pipe", "folder"])
def test_what_is_no_file_is_refused_before_it_is_read(tmp_path: Path, kind: str):
    if kind == "device":
        (tmp_path / FILE).symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(tmp_path / FILE)
    else:
        (tmp_path / FILE).mkdir()
    with pytest.raises(StepFailed, match="cannot be opened"):
        JournalFile(tmp_path)
    with pytest.raises(StepFailed, match="cannot be opened"):
        JournalFile(tmp_path, write=False)


def test_a_disk_that_cannot_be_read_is_one_line(tmp_path: Path, monkeypatch):
    file = JournalFile(tmp_path)
    keep(file, 1)

    def failing(*_: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pread", failing)
    with pytest.raises(StepFailed, match=r"cannot be read .Input/output error"):
        found(file, 1)


def test_a_file_that_is_removed_under_it_is_said_not_lost_in_silence(tmp_path: Path):
    file = JournalFile(tmp_path)
    keep(file, 1)
    (tmp_path / FILE).unlink()
    with pytest.raises(StepFailed, match="removed under a run at work"):
        keep(file, 2)


def test_a_file_that_is_cut_under_it_is_read_anew(tmp_path: Path):
    file = JournalFile(tmp_path)
    keep(file, 1, 2, 3)
    os.truncate(tmp_path / FILE, len(line_of(1)[2]))
    assert found(file, 2) is None
    assert found(file, 1) is not None
    keep(file, 2)
    assert found(file, 2) is not None


@pytest.mark.slow
def test_a_large_journal_opens_in_seconds_and_its_index_takes_little_memory(tmp_path: Path):
    draw, block = random.Random(1), 1_000
    with (tmp_path / FILE).open("wb") as out:
        template = line_of(1)[2]
        for _ in range(200):
            out.write(b"".join(
                b'{"request":"%032x"' % draw.getrandbits(128) + template[45:]
                for _ in range(block)))
    began = time.process_time()
    file = JournalFile(tmp_path)
    assert time.process_time() - began < 4  # about 0.6 s on an idle core
    file.close()
    assert (tmp_path / "journal.index").stat().st_size < 200 * block * 20 + 200
    began = time.process_time()
    again = JournalFile(tmp_path)
    assert time.process_time() - began < 0.5
    assert len(again._index) == 200 * block
    again.close()
