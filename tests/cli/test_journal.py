"""A person asks the journal from the command line; what cannot be is one line."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mathmill import cli
from mathmill.errors import InputError
from mathmill.teachers.journal import record
from mathmill.teachers.journal.store import JournalFile
from mathmill.types import Message, Reply, Request


def journal(*words: str) -> str:
    result = CliRunner().invoke(cli.app, ["journal", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def bought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three replies where runs of this folder share their journal, one of them of long ago."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MATHMILL_JOURNAL", raising=False)
    folder = tmp_path / "runs" / "journal"
    file = JournalFile(folder)
    for number in range(3):
        asked = Request((Message("user", f"{number}?"),))
        name = "openai:one" if number else "openai:two"
        line = record.to_line(name, asked, asked.id, Reply(asked.id, "4", name, cost=0.5), True)
        if number == 2:
            line = re.sub(rb'"kept":"....', b'"kept":"2020', line)
        file.append(record.key_of(name, asked.id), line)
    file.close()
    return folder


def test_stats_export_and_prune(bought: Path) -> None:
    assert "3 replies in" in journal("stats")
    assert "1.0000" in journal("stats", str(bought))
    assert journal("export", "--teacher", "openai:t*") == "1 replies -> replies.jsonl\n"
    assert json.loads(Path("replies.jsonl").read_text("utf-8"))["messages"][0]["content"] == "0?"
    told = journal("prune", "--days", "30", "--teacher", "openai:one")
    assert "would be removed: 1 chosen; 2 replies stay" in told
    assert "3 replies in" in journal("stats")
    assert "removed: 1 chosen" in journal("prune", "--days", "30", "--yes")
    assert "2 replies in" in journal("stats")


def test_the_folder_may_come_from_the_environment(
        bought: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bought.rename(tmp_path / "mine")
    with pytest.raises(InputError, match="there is no journal here"):
        journal("stats")
    monkeypatch.setenv("MATHMILL_JOURNAL", str(tmp_path / "mine"))
    assert "3 replies in" in journal("stats")


def test_what_was_kept_today_is_not_older_than_a_day(
        bought: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "would be removed: 1 chosen" in journal("prune", "--days", "1")
    later = time.time() + 2  # records name whole seconds
    monkeypatch.setattr(time, "time", lambda: later)
    assert "would be removed: 3 chosen" in journal("prune", "--days", "0")
