"""The command `dedup`, as a person gives it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mathmill import cli

TEXT = ("Nora keeps 14 hens and each lays 3 eggs a day, which she sells for 2 dollars apiece on "
        "the market of the town each week. How many dollars does she earn with them in 6 days?")


def test_rows_are_written_once_and_the_counts_told(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"question": text} for text in (TEXT, TEXT.lower(), TEXT + " Say it.")]
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\nnot json\n")
    for words, kept in (((), 2), (("--near",), 1), (("--near", "--threshold", "0.99"), 2)):
        monkeypatch.setattr(sys, "argv", ["mathmill", "dedup", "rows.jsonl", "--out", "out.jsonl",
                                          *words])
        with pytest.raises(SystemExit) as left:
            cli.main()
        assert not left.value.code
        told = capsys.readouterr()
        assert f"4 rows compared: {kept} kept -> out.jsonl, {4 - kept} left out" in told.out
        assert "1 row could not be read, the first: rows.jsonl:4" in told.err
