"""What was paid for is shared by all runs; what is free stays with its run."""

from __future__ import annotations

from pathlib import Path

import pytest

from mathmill.teachers.journal import place

PAID = ["openai:gpt-5-mini", "batch:gpt-5-mini", "config:teachers.toml#all",
        "mix:0.5*symbolic:|0.5*openai:gpt-5", "fallback:symbolic:|openai:gpt-5"]


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MATHMILL_JOURNAL", raising=False)


@pytest.mark.parametrize("name", ["symbolic:", "symbolic:error_rate=0.2", "scripted:a.jsonl#12",
                                  "local:embedded:", "vllm:org/model"])
def test_free_teachers_keep_their_replies_in_the_runs_folder(name, tmp_path: Path, monkeypatch):
    assert place(name, tmp_path) == tmp_path
    monkeypatch.setenv("MATHMILL_JOURNAL", "/elsewhere")
    assert place(name, tmp_path, Path("there")) == tmp_path


@pytest.mark.parametrize("name", PAID)
def test_paid_ones_share_a_folder_beside_the_runs(name, tmp_path: Path, monkeypatch):
    runs = tmp_path / "runs"
    assert place(name, runs / "one") == place(name, runs / "two") == runs / "journal"
    monkeypatch.setenv("MATHMILL_JOURNAL", "/elsewhere")
    assert place(name, runs / "one") == Path("/elsewhere")
    assert place(name, runs / "one", Path("there")) == Path("there")


def test_beside_the_folder_one_stands_in_is_not_inside_it(tmp_path: Path, monkeypatch):
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "run")
    assert place("openai:gpt-5", Path(".")) == tmp_path / "journal"
    assert place("openai:gpt-5", Path("deeper")) == tmp_path / "run" / "journal"


def test_a_free_mixture_is_shared_rather_than_told_apart(tmp_path: Path):
    assert place("mix:0.5*symbolic:|0.5*scripted:a", tmp_path) != tmp_path
