"""The index knows every place of every key, in the order of the file, in 20 bytes each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.teachers.journal import index as module
from mathmill.teachers.journal.index import Index

KEYS = st.integers(0, 12) | st.sampled_from([2**64 - 1, 2**63, 2**63 - 1])


@given(st.lists(st.tuples(KEYS, st.integers(1, 2**32 - 1)), max_size=60), st.integers(1, 9))
def test_it_agrees_with_a_dictionary_however_often_it_settles(entries, often):
    index, plain, place = Index(), {}, 0
    before, module.RECENT = module.RECENT, often
    try:
        for key, length in entries:
            index.add(key, place, length)
            index.add(key, place, length)
            plain.setdefault(key, []).append((place, length))
            place += length + 2**30
        for key in [*plain, 99]:
            assert list(dict.fromkeys(index.places(key))) == plain.get(key, [])
    finally:
        module.RECENT = before


@pytest.fixture
def saved(tmp_path: Path):
    """A file of 9,000 bytes with an index of its first 8,000 beside it."""
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(os.urandom(9_000))
    handle = os.open(journal, os.O_RDWR)
    index = Index()
    for number in range(80):
        index.add(number * 7 % 80, number * 100, 100)
    index.save(tmp_path / "index", handle, 8_000, 3)
    yield tmp_path / "index", handle
    os.close(handle)


def test_what_is_saved_is_loaded(saved):
    path, journal = saved
    index, covered, torn = Index.load(path, journal)
    assert (len(index), covered, torn) == (80, 8_000, 3)
    assert all(index.places(number * 7 % 80) == [(number * 100, 100)] for number in range(80))
    assert path.stat().st_size < 80 * 20 + 100
    assert [file.name for file in path.parent.iterdir() if "writing" in file.name] == []


@pytest.mark.parametrize("at", [0, 4_000, 7_999])
def test_an_index_of_another_file_is_not_taken(saved, at):
    path, journal = saved
    byte = os.pread(journal, 1, at)
    os.pwrite(journal, bytes([byte[0] ^ 1]), at)
    index, covered, _ = Index.load(path, journal)
    assert (len(index), covered) == (0, 0)


def test_an_index_of_a_file_that_was_cut_is_not_taken(saved):
    path, journal = saved
    os.ftruncate(journal, 7_999)
    assert Index.load(path, journal)[1] == 0


def test_a_file_that_has_grown_keeps_its_index(saved):
    path, journal = saved
    os.pwrite(journal, b"more", 9_000)
    assert Index.load(path, journal)[1] == 8_000


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other", "longer", "missing"])
def test_a_damaged_index_is_not_taken(saved, damage):
    path, journal = saved
    content = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    else:
        flipped = bytearray(content)
        flipped[700] ^= 4
        path.write_bytes({"cut": content[:-7], "flip": flipped, "empty": b"",
                          "other": b"x" * 200, "longer": content + b"x"}[damage])
    index, covered, torn = Index.load(path, journal)
    assert (len(index), covered, torn) == (0, 0, 0)
    assert index.places(1) == []


def test_a_folder_that_takes_no_index_is_no_error(saved, tmp_path: Path):
    index = Index()
    index.add(1, 2, 3)
    index.save(tmp_path / "nowhere" / "index", saved[1], 8_000, 0)
