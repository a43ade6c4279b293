"""The command `rate`, as a person gives it, and `select` of what it tells."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mathmill import cli

QUESTION = ("Nora keeps {} hens and each lays 3 eggs a day. How many eggs does she get in 6 days?")


def test_rows_are_rated_by_a_student_and_chosen_by_its_rate(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"question": QUESTION.format(n), "answer": str(18 * n)} for n in (2, 3)]
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\nnot json\n")
    Path("s.jsonl").write_text('{"match": "2 hens", "text": "The answer is 36"}\n'
                               '{"match": ".", "text": "The answer is 36"}\n')
    for words in (["rate", "rows.jsonl", "--model", "scripted:s.jsonl", "--samples", "3",
                   "--out", "rated.jsonl"],
                  ["select", "rated.jsonl", "--how", "all", "--pass-rate", "0-0.7",
                   "--out", "hard.jsonl"]):
        monkeypatch.setattr(sys, "argv", ["mathmill", *words])
        with pytest.raises(SystemExit) as left:
            cli.main()
        assert not left.value.code
    told = capsys.readouterr()
    assert "3 of 6 samples are right" in told.out
    assert "1 row could not be read, the first: rows.jsonl:3" in told.err
    [found] = map(json.loads, Path("hard.jsonl").read_text().splitlines())
    assert (found["question"], found["pass_rate"]) == (rows[1]["question"], 0.0)
    assert found["rated_level"] == 5
