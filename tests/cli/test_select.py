"""The command `select`, as a person gives it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mathmill import cli


def test_rows_are_chosen_and_the_counts_told(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"question": f"What is {n} + {n}?", "level": n % 5 + 1} for n in range(20)]
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\nnot json\n")
    for words, kept in ((("--how", "random", "--count", "5"), 5),
                        (("--how", "all", "--levels", "4-5"), 8), (("--fraction", "0.1"), 2)):
        monkeypatch.setattr(sys, "argv", ["mathmill", "select", "rows.jsonl", "--out", "out.jsonl",
                                          *words])
        with pytest.raises(SystemExit) as left:
            cli.main()
        assert not left.value.code
        told = capsys.readouterr()
        assert f"21 rows read: {kept} kept -> out.jsonl, {21 - kept} left out" in told.out
        assert "1 row could not be read, the first: rows.jsonl:21" in told.err
        assert len(Path("out.jsonl").read_text().splitlines()) == kept


@pytest.mark.slow
def test_a_teacher_by_name_rates_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"question": f"What is {n} + {n}?"} for n in range(4)]
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    Path("s.jsonl").write_text('{"match": "is 3 \\\\+ 3", "text": "Level: 5"}\n'
                               '{"match": ".", "text": "Level: 2"}\n')
    monkeypatch.setattr(sys, "argv", [
        "mathmill", "select", "rows.jsonl", "--out", "out.jsonl", "--how", "all", "--levels", "5",
        "--difficulty", "teacher", "--teacher", "scripted:s.jsonl"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert not left.value.code
    assert [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()] == [rows[3]]
