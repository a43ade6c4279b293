"""The command `stats`, as a person gives it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mathmill import cli


def test_a_sheet_or_a_document_is_printed_and_bad_rows_are_named(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_text('{"question": "What is 2 + 2?", "answer": "4"}\nnot json\n')
    for words, says in (((), "answer in a field  1 (100 %)"),
                        (("--json",), '"unreadable": 1')):
        monkeypatch.setattr(sys, "argv", ["mathmill", "stats", "rows.jsonl", *words])
        with pytest.raises(SystemExit) as left:
            cli.main()
        assert not left.value.code
        told = capsys.readouterr()
        assert " ".join(says.split()) in " ".join(told.out.split())
        assert "1 row could not be read, the first: rows.jsonl:2" in told.err
    assert json.loads(told.out)["together"]["rows"] == 1
