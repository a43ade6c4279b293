"""A disk that is full is one line with its cure; what was kept before it stays."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from pathlib import Path

import pytest

from mathmill.errors import StepFailed
from mathmill.teachers.journal import Journaled, store
from mathmill.teachers.journal.record import key_of, to_line
from mathmill.teachers.journal.store import JournalFile
from mathmill.types import Message, Reply, Request

FILE = "journal.jsonl"


def numbered_request(number: int) -> Request:
    return Request((Message("user", f"question {number}"),))


def keep(file: JournalFile, number: int, text: str) -> None:
    asked = numbered_request(number)
    line = to_line("t:", asked, asked.id, Reply(asked.id, text, "t:"), False)
    file.append(key_of("t:", asked.id), line)


def found(file: JournalFile, number: int) -> bool:
    return file.find("t:", numbered_request(number).id) is not None


def test_a_full_disk_is_one_line_with_the_path_and_the_cure(
        tmp_path: Path, counting, numbered, ask, monkeypatch):
    journal = Journaled(counting(), tmp_path)
    kept = ask(journal, numbered(1))

    def full(file: int, text: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StepFailed, match=rf"{FILE}: .*No space left.*make room") as caught:
        ask(journal, numbered(2))
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert ask(Journaled(counting(), tmp_path), numbered(1)) == kept


def test_a_file_that_may_really_grow_no_further_says_so_and_keeps_what_it_held(
        tmp_path: Path, counting, numbered, ask):
    kept = ask(Journaled(counting(), tmp_path), numbered(1))
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Room for a part of the next record only: it is torn, as on a disk that fills up.
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / FILE).stat().st_size + 40, limit[1]))
    try:
        with pytest.raises(StepFailed, match="a reply cannot be kept"):
            ask(Journaled(counting(), tmp_path), numbered(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    after = counting()
    assert ask(Journaled(after, tmp_path), numbered(1), numbered(2))[:1] == kept
    assert after.asked == 1


@pytest.fixture
def small_disk(tmp_path: Path):
    """A disk of 1 MB of its own; skipped where this user may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)],
                             capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this user may not mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_on_a_disk_that_really_fills_up_nothing_that_was_kept_is_lost(small_disk: Path):
    file, text = JournalFile(small_disk), "x" * 3_000
    kept = []

    def fill() -> None:
        for number in range(1_000):
            keep(file, number, text)
            kept.append(number)

    with pytest.raises(StepFailed, match=r"No space left|only \d+ of \d+ bytes fitted"):
        fill()
    assert len(kept) > 100
    with pytest.raises(StepFailed, match=r"No space left|bytes fitted"):
        keep(file, 1_001, text)
    file.close()
    again = JournalFile(small_disk)
    assert all(found(again, number) for number in kept)
    subprocess.run(["mount", "-o", "remount,size=3m", str(small_disk)], check=True)
    keep(again, 1_001, "short")
    again.close()
    last = JournalFile(small_disk)
    assert all(found(last, number) for number in [*kept, 1_001])
    assert last.torn <= 1
    last.close()


def test_on_a_nearly_full_disk_nothing_is_asked(tmp_path: Path, counting, numbered, ask,
                                                monkeypatch):
    teacher = counting()
    journal = Journaled(teacher, tmp_path)
    kept = ask(journal, numbered(1))
    monkeypatch.setattr(store, "MARGIN", 1 << 60)
    monkeypatch.setattr(store, "SYNC_SECONDS", 0.0)
    with pytest.raises(StepFailed, match=r"MiB are left on the disk, too little.*make room"):
        ask(journal, numbered(2))
    assert teacher.asked == 1
    assert ask(journal, numbered(1)) == kept
