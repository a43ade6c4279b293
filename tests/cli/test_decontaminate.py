"""The command `decontaminate`, as a person gives it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mathmill import cli
from mathmill.pipeline import contamination

ITEM = "Nora keeps 14 hens and each lays 3 eggs a day. How many eggs does she get in 6 days?"
TOLD = "Each of the fourteen hens of Nora lays 3 eggs daily. In 6 days, how many eggs are there?"


def mathmill(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["mathmill", "decontaminate", *words])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return int(left.value.code or 0)


def test_clean_rows_are_written_and_the_counts_told(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"question": TOLD}, {"question": "A bus with 8 seats is full. 5 leave. Who stays?"}]
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\nnot json\n")
    Path("test.jsonl").write_text(json.dumps({"question": ITEM}))
    words = ("rows.jsonl", "--against", "test.jsonl", "--out", "clean.jsonl")
    assert mathmill(monkeypatch, *words) == 0
    told = capsys.readouterr()
    assert "3 rows compared with 1 item: 1 kept -> clean.jsonl, 2 left out" in told.out
    assert "1  numbers: like an item of test" in told.out
    assert "1 row could not be read, the first: rows.jsonl:3" in told.err
    assert json.loads(Path("clean.jsonl").read_text()) == rows[1]
    assert mathmill(monkeypatch, *words, "--no-numbers", "--judge", "symbolic:") == 0
    assert mathmill(monkeypatch, *words, "--least", "0.99") == 0
    assert len(Path("clean.jsonl").read_text().splitlines()) == 2


def test_the_self_test_plants_leaks_and_takes_a_folder_of_ones_own(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(contamination, "ITEMS", 12)
    monkeypatch.setattr(contamination, "CLEAN", 20)
    for name, text in (("benchmark", ITEM), ("leaks", TOLD), ("clean", "How far is the moon?")):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"question": text}))
    assert mathmill(monkeypatch, "--self-test", "--data", str(tmp_path)) == 0
    told = capsys.readouterr().out
    for words in ("World of our own, en: 12 items, 20 clean rows", "World of our own, zh",
                  "translated       found", "1 items of benchmark.jsonl",
                  "rephrased        found 100.00%"):
        assert words in told, words
