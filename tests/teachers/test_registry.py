"""A teacher's name opens it, or one line says what may be named."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from mathmill.errors import InputError, MathmillError, TeacherError, UsageError
from mathmill.methods.solve import solve_request
from mathmill.teachers import registry
from mathmill.teachers.engine import Engine
from mathmill.teachers.journal import Journaled
from mathmill.teachers.registry import open_teacher


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


@pytest.mark.parametrize(("name", "error", "words"), [
    ("gpt-5", UsageError, "symbolic:.*scripted:.*openai:"),
    ("", UsageError, "no teacher ''"),
    ("openai:", UsageError, "no teacher"),
    ("scripted:", UsageError, "no teacher"),
    ("scripted:/nowhere/a.jsonl", InputError, "/nowhere/a.jsonl"),
    ("symbolic:error=0.2", UsageError, "no option 'error'; use: error_rate=NUMBER"),
    ("symbolic:error_rate", UsageError, "no option 'error_rate'"),
    ("symbolic:error_rate=much", UsageError, "must be a number, not 'much'"),
    ("symbolic:error_rate=2", UsageError, "between 0 and 1"),
    ("symbolic:error_rate=nan", UsageError, "between 0 and 1"),
    ("openai:gpt-5-mini", TeacherError, "set the variable OPENAI_API_KEY"),
    ("openai:a@http://api.example.com/v1", TeacherError, "no key for api.example.com"),
    ("openai:@http://localhost/v1", UsageError, "no model at an address"),
    ("openai:a@http://", UsageError, "no model at an address"),
    ("openai:a@http://me:hunter2@localhost/v1", UsageError, "put the secret into"),
])
def test_a_name_that_cannot_be_right_gets_one_line_with_its_cure(name, error, words):
    with pytest.raises(error, match=words) as caught:
        open_teacher(name)
    assert isinstance(caught.value, MathmillError)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("name", "url"), [
    ("openai:tiny@http://localhost:8000/v1", "http://localhost:8000/v1"),
    ("openai:org/tiny@http://127.0.0.1/v1", "http://127.0.0.1/v1"),
    ("openai:tiny@http://gpu7:8000/v1", "http://gpu7:8000/v1"),
    ("openai:tiny@http://192.168.1.4/v1", "http://192.168.1.4/v1"),
    ("openai:tiny@http://[::1]:8000/v1", "http://[::1]:8000/v1"),
])
def test_a_server_of_ones_own_needs_no_key(name, url):
    teacher = open_teacher(name)
    assert isinstance(teacher, Engine)
    assert (teacher.name, teacher.endpoints[0].url) == (name, url)


def test_the_address_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1234/v1")
    teacher = open_teacher("openai:tiny")
    assert isinstance(teacher, Engine)
    assert teacher.endpoints[0].url == "http://localhost:1234/v1"


def test_the_key_is_never_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    assert "secret" not in repr(open_teacher("openai:gpt-5-mini"))


def test_a_journal_is_put_round_any_teacher(tmp_path: Path):
    script = tmp_path / "script.jsonl"
    script.write_text('{"text": "The answer is 5"}\n')
    teacher = open_teacher(f"scripted:{script}", tmp_path)
    assert isinstance(teacher, Journaled)
    assert teacher.name == registry.identity(f"scripted:{script}")
    request = solve_request("How many?")
    replies = [asyncio.run(open_teacher(teacher.name, tmp_path).answer(request))
               for _ in range(2)]
    assert replies[1] == replace(replies[0], found=True)
    assert replies[0].text == "The answer is 5"


def test_the_symbolic_teacher_declines_what_it_cannot_read():
    reply = asyncio.run(open_teacher("symbolic:error_rate=0.2").answer(
        solve_request("Colourless green ideas sleep furiously?")))
    assert reply.text == "I am sorry, but I cannot read this problem."
    assert reply.teacher == "symbolic:error_rate=0.2"


def test_an_edited_script_is_another_teacher(tmp_path: Path) -> None:
    script = tmp_path / "replies.jsonl"
    script.write_text('{"text": "one"}\n')
    before = registry.identity(f"scripted:{script}")
    assert registry.identity(before) == before
    script.write_text('{"text": "two"}\n')
    assert registry.identity(f"scripted:{script}") != before
    assert open_teacher(before, None).name == registry.identity(f"scripted:{script}")
