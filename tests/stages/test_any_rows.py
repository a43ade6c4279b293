"""Tests of files of rows as they came: whole or not there, whoever else writes, whatever fails."""

from __future__ import annotations

import json
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from mathmill.errors import UsageError
from mathmill.stages.any_rows import RowsFile, beside


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_of_two_that_write_one_file_the_second_is_refused(tmp_path, name):
    out = tmp_path / name
    with RowsFile(out, ()) as first:
        first.write([{"a": 1}])
        with pytest.raises(UsageError, match="another command is writing this file"), \
                RowsFile(out, ()):
            pass
        first.write([{"a": 2}])
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with RowsFile(out, ()) as again:
        again.write([{"a": 3}])
    found = (pq.read_table(out).to_pylist() if name.endswith("parquet")
             else [json.loads(line) for line in out.read_text().splitlines()])
    assert found == [{"a": 3}]


def test_a_file_that_is_read_is_not_written_whichever_way_leads_to_it(tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text("{}")
    (tmp_path / "b").mkdir()
    (tmp_path / "link.jsonl").symlink_to(rows)
    for out, source in ((tmp_path / "b" / ".." / "rows.jsonl", rows),
                        (rows, tmp_path / "link.jsonl"), (tmp_path / "link.jsonl", rows)):
        with pytest.raises(UsageError, match="one of the files that are read"):
            beside(out, [source])


@pytest.mark.parametrize("name", ["out.jsonl",
                                  pytest.param("out.parquet", marks=pytest.mark.slow)])
def test_what_a_killed_one_left_is_in_nobodys_way(tmp_path, name):
    code = ("import os, sys; from pathlib import Path\n"
            "from mathmill.stages.any_rows import RowsFile\n"
            "with RowsFile(Path(sys.argv[1]), ()) as file:\n"
            "    file.write([{'a': 1}] * 9); os.kill(os.getpid(), 9)")
    subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], check=False)
    assert not (tmp_path / name).exists()
    with RowsFile(tmp_path / name, ()) as file:
        file.write([{"a": 2}])
    assert (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_an_older_file_stays_where_a_new_one_fails(tmp_path, name):
    (tmp_path / name).write_text("old")

    def full(number):
        raise OSError(28, "No space left on device")

    with pytest.raises(UsageError, match=f"{name}: no space is left on its disk"), \
            RowsFile(tmp_path / name, ()) as file:
        file.write([{"a": full(file.write([{"a": 2}]))}])
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "old"


@pytest.mark.parametrize(("name", "size"), [
    ("out.jsonl", 1_500), pytest.param("out.parquet", 100_000, marks=pytest.mark.slow)])
def test_a_disk_that_is_full_at_the_end_is_told_and_nothing_is_left(tmp_path, name, size):
    code = ("import resource, signal, sys; from pathlib import Path\n"
            "from mathmill.stages.any_rows import RowsFile\n"
            "import pyarrow.parquet, errno, os, mathmill.stages.any_rows as rows\n"
            "rows.FULL = (errno.EFBIG,)\n"  # what the system says in place of a full disk
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
            "with RowsFile(Path(sys.argv[1]), ()) as file:\n"
            "    file.write([{'a': os.urandom(int(sys.argv[2])).hex()}])")
    told = subprocess.run([sys.executable, "-c", code, str(tmp_path / name), str(size)],
                          capture_output=True, text=True, check=False).stderr
    assert "UsageError: " in told.splitlines()[-1], told
    assert "no space is left on its disk" in told
    assert list(tmp_path.iterdir()) == []
