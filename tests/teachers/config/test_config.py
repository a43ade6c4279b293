"""A configuration says who answers; its mistakes are told by line, and no key may stand in it."""

from __future__ import annotations

import asyncio
import os
import re
from decimal import Decimal
from pathlib import Path

import pytest

from mathmill.errors import InputError, MathmillError, TeacherError, UsageError
from mathmill.teachers import config, registry
from mathmill.teachers.engine import Engine
from mathmill.teachers.journal import Journaled
from mathmill.teachers.money.prices import Prices
from mathmill.types import Message, Request
from mathmill.workbench import Terms

WHOLE = """
[teachers.small]
model = "gpt-5-mini"
extra = { reasoning_effort = "low" }
floor = 2
ceiling = 512
tries = 3
timeout = 120

[[teachers.small.endpoints]]
url = "https://api.openai.com/v1"
weight = 3

[[teachers.small.endpoints]]
url = "https://me.openai.azure.com/openai/deployments/mini"
model = "mini"
query = { api-version = "2024-10-21" }
key_env = "AZURE_KEY"

[teachers.mine]
model = "tiny"
identity = "tiny, trained on Sunday"
url = "http://localhost:8000/v1"

[teachers.both]
mix = { small = 0.7, "symbolic:" = 0.3 }

[teachers.careful]
fallback = ["mine", "small"]
declined = ["(?i)out of scope"]

[teachers.by_method]
routes = { "*" = "both", "metamath.*" = "mine", solve = "careful" }

[prices."mini@me.openai.azure.com"]
input = 0.25
output = 2.0
"""


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "AZURE_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "teachers.toml"
    path.write_text(WHOLE)
    return path


def name(file: Path, text: str, teacher: str = "") -> str:
    file.write_text(text)
    return f"config:{file}{'#' * bool(teacher)}{teacher}"


def test_identities_hold_what_decides_the_replies_and_nothing_of_where(file: Path):
    small = 'openai:gpt-5-mini#{"reasoning_effort":"low"}'
    mine = "openai:tiny, trained on Sunday"
    both = f"mix:0.7*{small}|0.3*symbolic:"
    careful = f'fallback:{mine}|{small}#declined=["(?i)out of scope"]'
    assert {each: registry.identity(f"config:{file}#{each}")
            for each in ("small", "mine", "both", "careful")} == {
        "small": small, "mine": mine, "both": both, "careful": careful}
    assert registry.identity(f"config:{file}#by_method") == (
        f"routes:metamath.*={mine}|solve=({careful})|*=({both})")
    elsewhere = re.sub(r'url = "[^"]*"', 'url = "http://10.0.0.7/v1"', WHOLE).replace(
        "ceiling = 512", "ceiling = 9").replace("weight = 3", "weight = 1")
    assert registry.identity(name(file, elsewhere, "small")) == small


def test_a_model_in_a_configuration_is_the_one_of_the_plain_name(file: Path):
    text = '[teachers.a]\nmodel = "gpt-5-mini"\n'
    assert registry.identity(name(file, text)) == registry.identity("openai:gpt-5-mini")


def test_servers_keys_weights_and_bounds_reach_the_engine(file: Path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-one")
    monkeypatch.setenv("AZURE_KEY", "planted-two")
    engine = registry.open_teacher(f"config:{file}#small")
    assert isinstance(engine, Engine)
    lanes = engine._pool.lanes
    assert [(lane.endpoint.model, lane.endpoint.url, lane.weight) for lane in lanes] == [
        ("gpt-5-mini", "https://api.openai.com/v1", 3.0),
        ("mini", "https://me.openai.azure.com/openai/deployments/mini", 1.0)]
    assert [lane.endpoint._headers.get("Authorization") for lane in lanes] == [
        "Bearer sk-planted-one", None]
    assert lanes[1].endpoint._headers["api-key"] == "planted-two"
    assert (engine.tries, lanes[0].endpoint.timeout, engine.in_flight) == (3, 120, 1024)
    assert "planted" not in repr(engine)


def test_a_missing_key_names_its_variable(file: Path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-one")
    with pytest.raises(TeacherError, match=r"\[teachers.small\]: there is no key for "
                                           r"me.openai.azure.com; set the variable AZURE_KEY"):
        registry.open_teacher(f"config:{file}#small")


def test_the_usual_key_is_sent_to_no_other_host(file: Path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-one")
    text = '[teachers.a]\nmodel = "m"\nurl = "https://api.example.com/v1"\n'
    with pytest.raises(UsageError, match='name the variable that holds it: key_env = "MY_KEY"'):
        registry.open_teacher(name(file, text))
    local = registry.open_teacher(name(file, text.replace("https://api.example.com", "http://gpu")))
    assert isinstance(local, Engine)
    assert "Authorization" not in local._pool.lanes[0].endpoint._headers


def test_prices_of_a_configuration_are_known_to_the_account(file: Path, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("AZURE_KEY", "k")
    named = registry.understand(f"config:{file}#small")
    assert named.models[1] == ("mini", "https://me.openai.azure.com/openai/deployments/mini")
    assert named.prices is not None
    price = Prices.load().with_table(*named.prices).price(*named.models[1])
    assert price is not None
    assert price.output == 2_000_000
    opened = named.open(tmp_path / "runs" / "one", Terms(max_cost=Decimal(1)))
    assert isinstance(opened, Journaled)
    assert opened.folder == tmp_path / "runs" / "journal"


@pytest.mark.parametrize(("text", "line", "words"), [
    ("[teachers.a\n", 1, "this is no TOML"),
    ('[prices.m]\ninput = 1\noutput = 1\n', None, "it describes no teacher"),
    ('[teacher.a]\nmodel = "m"\n', 1, "there is no table 'teacher'"),
    ('\n[teachers.a]\nmodle = "m"\n', 2, "it does not say who answers (it has: modle)"),
    ('[teachers.a]\nmodel = "m"\nurll = "x"\n', 3, "there is no field 'urll' here"),
    ('[teachers.a]\nmodel = 5\n', 2, "model = 5 is no text"),
    ('[teachers.a]\nmodel = "m"\nurl = "localhost:8000"\n', 3, "no address that can be asked"),
    ('[teachers.a]\nmodel = "m"\nurl = "http://me:pw@h/v1"\n', 3, "without user and password"),
    ('[teachers.a]\nmodel = "m"\nceiling = 0\n', 3, "ceiling = 0 must be a number from 1"),
    ('[teachers.a]\nmodel = "m"\ntries = true\n', 3, "tries = True must be a number"),
    ('[teachers.a]\nmodel = "m"\nfloor = 9\nceiling = 3\n', 3, "floor is above ceiling"),
    ('[teachers.a]\nmodel = "m"\nextra = { max_tokens = 9 }\n', 3, "max_tokens is each request's"),
    ('[teachers.a]\nmodel = "m"\nstream = "yes"\n', 3, "neither true nor false"),
    ('[teachers.a]\nmodel = "m"\n[[teachers.a.endpoints]]\nweight = 0\n', 4, "weight = 0 must be"),
    ('[teachers.a]\nmodel = "m"\n[[teachers.a.endpoints]]\nport = 1\n', 4, "no field 'port'"),
    ('[teachers.a]\nmodel = "m"\nurl = "http://h"\n[[teachers.a.endpoints]]\nurl = "http://h"\n',
     3, "put all of them into"),
    ('[teachers.a]\nmodel = "m"\nquery = { v = 1 }\n', 3, "query is no table of texts"),
    ('[teachers.a]\nmix = { "symbolic:" = 0 }\n', 2, "symbolic: = 0 must be a number above 0"),
    ('[teachers.a]\nmix = { b = 1 }\n', 2, "there is no teacher 'b'"),
    ('[teachers.a]\nfallback = ["symbolic:"]\n', 2, "none to fall back on"),
    ('[teachers.a]\nfallback = ["symbolic:", "symbolic:"]\ndeclined = ["("]\n', 3,
     "is no regular expression"),
    ('[teachers.a]\nroutes = { solve = "symbolic:" }\n', 2, 'one of them is "*"'),
    ('[teachers.a]\nfallback = ["symbolic:", "a"]\n', 2, "a -> a goes in a circle"),
    ('[teachers.a]\nmodel = "m"\nmix = { "symbolic:" = 1 }\n', 1, "give one of: model, mix"),
])
def test_a_mistake_is_told_with_its_line_and_what_to_write(
        file: Path, text: str, line: int | None, words: str):
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        registry.identity(f"config:{file}#a")
    said = str(caught.value)
    assert said.startswith(f"{file}:{line}: " if line else f"{file}: ")
    assert words in said
    assert "\n" not in said


@pytest.mark.parametrize("line", [
    'key = "abc"', 'api_key = "abc"', 'headers = { Authorization = "Bearer abcdefghi" }',
    'headers = { Ocp-Apim-Subscription-Key = "abc" }', 'headers = { Cookie = "abc" }',
    'query = { access_token = "abc" }', 'query = { sig = "abc" }',
    'headers = { X = "sk-abcdefghijkl" }', 'key_env = "sk-abcdefghijkl"'])
def test_a_key_in_the_file_is_refused_without_repeating_it(file: Path, line: str):
    text = f'[teachers.a]\nmodel = "m"\n{line}\n'
    with pytest.raises(InputError, match=r"teachers.toml:3: .*key_env = \"MY_KEY\"") as caught:
        registry.identity(name(file, text))
    assert "abc" not in str(caught.value)


def test_one_teacher_needs_no_name_and_several_do(file: Path):
    with pytest.raises(UsageError, match=r"has several teachers; name one: config:.*#small"):
        registry.identity(f"config:{file}")
    with pytest.raises(UsageError, match="has no teacher 'large'; it has: small, mine"):
        registry.identity(f"config:{file}#large")
    with pytest.raises(InputError, match="check the path"):
        registry.identity(f"config:{file}.missing#a")


def test_a_step_opens_its_teacher_by_name_and_notices_an_edit(file: Path):
    text = '[teachers.a]\nmix = { "symbolic:" = 1, "symbolic:error_rate=1" = 1 }\n'
    named = name(file, text)
    whose, opened = registry.identity(named), registry.opener(named)
    reply = asyncio.run(opened(whose).answer(Request((Message("user", "Hm?"),))))
    assert reply.teacher.startswith("symbolic:")
    file.write_text(text.replace("= 1 }", "= 3 }"))
    with pytest.raises(MathmillError, match="it is no longer what it was"):
        opened(whose)


def test_the_example_on_the_page_and_the_one_of_the_source_are_read(tmp_path: Path, monkeypatch):
    page = (Path(__file__).resolve().parents[3] / "docs" / "teachers.md").read_text()
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    source = re.sub(r"(?m)^    ", "", "\n".join(
        line for line in (config.__doc__ or "").splitlines() if line.startswith("    ")))
    assert examples
    for number, text in enumerate([*examples, source]):
        path = tmp_path / f"{number}.toml"
        path.write_text(text)
        for variable in re.findall(r'key_env = "(\w+)"', text):
            monkeypatch.setenv(variable, "any")
        monkeypatch.setitem(os.environ, "OPENAI_API_KEY", "any")
        for each in config.file.File.read(path).teachers:
            assert registry.open_teacher(f"config:{path}#{each}").name
