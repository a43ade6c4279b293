"""A configuration's teachers against local servers: Azure's form, pools, fallbacks, their bills."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from hostile_server import HostileServer
from mathmill.errors import TeacherError
from mathmill.stages.asking import Asking
from mathmill.teachers import registry
from mathmill.types import Message, Reply, Request
from mathmill.workbench import Terms

pytest.importorskip("aiohttp")
KEY = "sk-planted-0a1b2c3d4e5f6071"


def ask(teacher, count: int) -> list[Reply]:
    with Asking(teacher) as asking:
        return asking.all([Request((Message("user", f"question {n}"),)) for n in range(count)])


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Open a teacher of a configuration, in a run's folder."""
    monkeypatch.delenv("MATHMILL_JOURNAL", raising=False)
    monkeypatch.setenv("MY_KEY", KEY)

    def open_named(text: str, name: str, **terms):
        path = tmp_path / "teachers.toml"
        path.write_text(text)
        return registry.open_teacher(f"config:{path}#{name}", tmp_path / "runs" / "one",
                                     Terms(**terms))

    return open_named


def test_azure_gets_its_version_in_the_address_and_its_key_in_its_own_header(opened):
    with HostileServer(key=KEY) as server:
        replies = ask(opened(f"""
[teachers.azure]
model = "gpt-5-mini"
url = "{server.url}/openai/deployments/mini"
query = {{ api-version = "2024-10-21" }}
key_env = "MY_KEY"
headers = {{ X-Team = "mill" }}
extra = {{ reasoning_effort = "low" }}
""", "azure"), 3)
        call = server.calls[0]
    assert [reply.finish for reply in replies] == ["stop"] * 3
    assert replies[0].teacher == 'openai:gpt-5-mini#{"reasoning_effort":"low"}'
    assert call.path.endswith("/openai/deployments/mini/chat/completions?api-version=2024-10-21")
    assert call.body["reasoning_effort"] == "low"
    assert call.headers["x-team"] == "mill"
    assert "api-key" in call.headers
    assert "authorization" not in call.headers


def test_what_the_first_filters_or_fails_is_answered_by_the_next_and_billed_to_each(
        opened, tmp_path: Path):
    with (HostileServer(script={"question 1#0": ["filter"], "question 2#0": ["400"]}) as one,
          HostileServer() as two):
        teacher = opened(f"""
[teachers.cheap]
model = "cheap"
url = "{one.url}"
[teachers.dear]
model = "dear"
url = "{two.url}"
[teachers.both]
fallback = ["cheap", "dear"]
[prices.cheap]
input = 1
output = 1
[prices.dear]
input = 100
output = 100
""", "both")
        replies = ask(teacher, 10)
        assert [reply.teacher for reply in replies] == [
            "openai:dear" if n in (1, 2) else "openai:cheap" for n in range(10)]
        assert [reply.cost for reply in replies[:3]] == [18e-6, 18e-4, 18e-4]
        assert two.requests == 2
        again = ask(opened((tmp_path / "teachers.toml").read_text(), "both"), 10)
        assert [reply.text for reply in again] == [reply.text for reply in replies]
        assert all(reply.found for reply in again)
        # What failed is not kept: it is asked again, and its second answer found.
        assert {key for key, sent in one.sent.items() if sent > 1} == {
            "question 1#0", "question 2#0"}
        assert two.requests == 2


def test_a_mixture_spends_under_one_cap(opened):
    with HostileServer() as one, HostileServer() as two:
        teacher = opened(f"""
[teachers.a]
model = "a"
url = "{one.url}"
[teachers.b]
model = "b"
url = "{two.url}"
[teachers.both]
mix = {{ a = 1, b = 1 }}
""", "both", max_calls=30)
        with pytest.raises(Exception, match="30 calls"):
            ask(teacher, 100)
        assert one.requests + two.requests == 30
        assert min(one.requests, two.requests) > 0


def test_a_refused_key_among_several_servers_closes_that_one_alone(opened, caplog):
    with HostileServer(key="another") as one, HostileServer(key=KEY) as two:
        text = f"""
[teachers.pool]
model = "m"
endpoints = [{{ url = "{one.url}", key_env = "MY_KEY" }},
             {{ url = "{two.url}", key_env = "MY_KEY" }}]
"""
        assert {reply.finish for reply in ask(opened(text, "pool"), 50)} == {"stop"}
    assert "refused the key (401); set MY_KEY to a valid one" in caplog.text
    assert KEY not in caplog.text
    with HostileServer(key="another") as one, pytest.raises(TeacherError, match="set MY_KEY"):
        ask(opened(f'[teachers.a]\nmodel = "n"\nurl = "{one.url}"\nkey_env = "MY_KEY"\n', "a"), 5)
    with HostileServer(key="another") as one, pytest.raises(TeacherError, match=(
            r"wants a key \(401\), and no variable is named for it; add key_env")):
        ask(opened(f'[teachers.a]\nmodel = "n"\nurl = "{one.url}"\n', "a"), 5)


def test_the_account_of_a_run_names_each_member(opened, tmp_path: Path):
    with HostileServer() as one:
        teacher = opened(f'[teachers.a]\nmodel = "a"\nurl = "{one.url}"\n'
                         '[teachers.b]\nmix = { a = 1, "symbolic:" = 1 }\n', "b", max_calls=1000)
        ask(teacher, 20)
        asyncio.run(teacher.aclose())
    lines = [json.loads(line) for line in
             (tmp_path / "runs" / "one" / "spent.jsonl").read_text().splitlines()]
    assert {line["teacher"] for line in lines} >= {"openai:a"}
