"""A file of prompts comes back as a file of replies: all of it, in order, bad rows by number."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathmill.errors import InputError, TeacherError, UsageError
from mathmill.stages.completions import COLUMNS
from mathmill.stages.generate import Sampling, Summary, generate, messages_of
from mathmill.teachers.journal import Journaled
from mathmill.teachers.scripted import ScriptedTeacher
from mathmill.types import Message, Reply, Request


def echo(request: Request) -> Reply:
    return Reply(request="", text=f"re {request.messages[-1].content} #{request.sample}",
                 teacher="", prompt_tokens=3, completion_tokens=5)


class Slow(ScriptedTeacher):
    """Answers in another order than it is asked."""

    in_flight = 16

    async def answer(self, request: Request) -> Reply:
        await asyncio.sleep(random.random() / 200)
        return await super().answer(request)


def rows(path: Path) -> list[dict]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    return [json.loads(line) for line in path.read_text().splitlines()]


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n"
                            for line in lines))
    return path


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    return write(tmp_path / "prompts.jsonl", *({"id": n, "prompt": f"q{n}"} for n in range(100)))


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_replies_stand_in_the_order_of_the_prompts_with_their_samples(
        prompts: Path, tmp_path: Path, ending: str):
    out = tmp_path / f"out.{ending}"
    summary = generate(prompts, out, Slow(echo), Sampling(n=3))
    found = rows(out)
    columns = ("row", "sample", "id", "prompt", "text")
    assert [tuple(row[name] for name in columns) for row in found] == [
        (n + 1, k, str(n), f"q{n}", f"re q{n} #{k}") for n in range(100) for k in range(3)]
    assert list(found[0]) == list(COLUMNS)
    assert (summary.prompts, summary.usage.requests, summary.usage.tokens_out) == (100, 300, 1500)
    assert not list(tmp_path.glob("*.writing"))


def test_what_is_sampled_with_reaches_the_teacher(tmp_path: Path):
    prompts = write(tmp_path / "p.jsonl", {"question": "q"}, {"messages": [
        {"role": "system", "content": "mine"}, {"role": "user", "content": "q"}]})
    teacher = ScriptedTeacher(echo)
    generate(prompts, tmp_path / "o.jsonl", teacher, Sampling(
        temperature=0.0, max_tokens=7, stop=("\n",), top_p=0.5, system="be brief", logprobs=True))
    assert teacher.asked == [
        Request((Message("system", system), Message("user", "q")), 0.0, 7, ("\n",), 0,
                top_p=0.5, logprobs=True, method="generate") for system in ("be brief", "mine")]


BROKEN = ["not json", {"prompt": " "}, {"text": "x"}, {"prompt": 5}, {"messages": []},
          {"messages": [{"role": "robot", "content": "x"}]},
          {"messages": [{"role": "user", "content": None}]}, '{"prompt": "\\ud800"}', "[1]"]


def test_broken_rows_are_counted_named_and_stand_in_their_place(tmp_path: Path):
    prompts = write(tmp_path / "p.jsonl", BROKEN[0], {"prompt": "a"}, *BROKEN[1:], "",
                    {"prompt": "b"}, BROKEN[0])
    summary = generate(prompts, tmp_path / "o.jsonl", Slow(echo), Sampling(n=2))
    found = rows(tmp_path / "o.jsonl")
    assert [row["row"] for row in found] == [1, 2, 2, *range(3, 11), 12, 12, 13]
    assert [row["text"] for row in found if row["finish"] == "stop"] == [
        "re a #0", "re a #1", "re b #0", "re b #1"]
    assert all(row["error"] for row in found if row["finish"] == "error")
    assert (summary.broken, summary.prompts) == (10, 2)
    assert summary.named[0].startswith(f"{prompts}:1: this line is not JSON")
    assert summary.named[1] == f"{prompts}:3: the field 'prompt' is empty"
    assert "10 rows could not be read" in summary.text()


@pytest.mark.parametrize(("row", "words"), [
    ({"text": "x", "n": 1}, "there is no field messages, prompt, question or problem; seen: "
                            "text, n"),
    ({"prompt": {"a": 1}}, "neither a text nor a list of messages"),
    ({"messages": ["hi"]}, "message 1 of the field 'messages' has no role of system, "),
    ({"prompt": "\ud800"}, "half a character"),
])
def test_a_row_without_a_prompt_says_why(row: dict, words: str):
    with pytest.raises(ValueError, match=words):
        messages_of(row, None, "")


def test_a_named_field_may_lie_inside_an_object():
    assert messages_of({"a": {"b": "q"}}, "a.b", "") == (Message("user", "q"),)
    assert messages_of({"a.b": "q"}, "a.b", "") == (Message("user", "q"),)
    with pytest.raises(ValueError, match=r"no field 'a.c'; seen: a"):
        messages_of({"a": {"b": "q"}}, "a.c", "")


def test_parquet_and_packed_prompts_are_read_too(tmp_path: Path):
    pq.write_table(pa.table({"messages": [[{"role": "user", "content": f"q{n}"}]
                                          for n in range(5)]}), tmp_path / "p.parquet")
    with gzip.open(tmp_path / "p.jsonl.gz", "wt") as file:
        file.write("".join(f'{{"prompt": "q{n}"}}\n' for n in range(5)))
    for name in ("p.parquet", "p.jsonl.gz"):
        generate(tmp_path / name, tmp_path / "o.jsonl", Slow(echo))
        assert [row["text"] for row in rows(tmp_path / "o.jsonl")] == [
            f"re q{n} #0" for n in range(5)]


@pytest.mark.parametrize(("lines", "words"), [
    ([], "no row holds a prompt"), ([""], "no row holds a prompt"),
    ([{"text": "x"}], r"the first: .*p.jsonl:1: there is no field .*; name the field with")])
def test_a_file_without_any_prompt_is_one_line_and_leaves_no_output(
        tmp_path: Path, lines: list, words: str):
    prompts = write(tmp_path / "p.jsonl", *lines)
    with pytest.raises(InputError, match=words) as caught:
        generate(prompts, tmp_path / "o.jsonl", ScriptedTeacher([]))
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["p.jsonl"]


def test_options_that_cannot_be_right_are_refused_before_anything_is_asked(prompts: Path):
    for sampling in (Sampling(n=0), Sampling(temperature=-1), Sampling(max_tokens=0),
                     Sampling(top_p=0), Sampling(temperature=float("nan")), Sampling(stop=("",))):
        with pytest.raises(UsageError):
            generate(prompts, prompts.with_name("o.jsonl"), ScriptedTeacher([]), sampling)
    with pytest.raises(UsageError, match="this is the file of prompts"):
        generate(prompts, prompts, ScriptedTeacher([]))
    with pytest.raises(InputError, match="no file that can be read twice"):
        generate(prompts.parent, prompts.with_name("o.jsonl"), ScriptedTeacher([]))
    with pytest.raises(UsageError, match=r"a .jsonl or a .parquet file"):
        generate(prompts, prompts.with_name("o.csv"), ScriptedTeacher([]))
    assert [path.name for path in prompts.parent.iterdir()] == ["prompts.jsonl"]


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_a_run_that_stops_leaves_what_it_has_and_the_next_finds_it(
        prompts: Path, tmp_path: Path, ending: str, caplog):
    class Ending(ScriptedTeacher):
        async def answer(self, request: Request) -> Reply:
            if len(self.asked) == 40:
                raise TeacherError("the credit is used up")
            return await super().answer(request)

    out = tmp_path / f"out.{ending}"
    with pytest.raises(TeacherError):
        generate(prompts, out, Journaled(Ending(echo), tmp_path / "journal"))
    partial = tmp_path / f"out.partial.{ending}"
    assert not out.exists()
    assert [row["row"] for row in rows(partial)] == list(range(1, 41))
    assert f"the first 40 rows are in {partial}" in caplog.messages
    again = ScriptedTeacher(echo)
    summary = generate(prompts, out, Journaled(again, tmp_path / "journal"))
    assert (len(again.asked), summary.usage.found) == (60, 40)
    assert len(rows(out)) == 100
    assert not partial.exists()


def test_a_failed_call_is_a_row_with_its_reason_and_a_cut_one_is_marked(tmp_path: Path):
    prompts = write(tmp_path / "p.jsonl", {"prompt": "a"}, {"prompt": "b"})
    teacher = ScriptedTeacher({"a": Reply("", "", "", finish="error", error="500: down"),
                               "b": Reply("", "half a", "", finish="length")})
    summary = generate(prompts, tmp_path / "o.jsonl", teacher)
    assert [(row["finish"], row["text"], row["error"]) for row in rows(tmp_path / "o.jsonl")] == [
        ("error", "", "500: down"), ("length", "half a", "")]
    assert "1 reply to 2 prompts (1 cut off by length, 1 failed)" in summary.text()


def test_the_summary_tells_what_was_paid_and_what_was_found():
    summary = Summary(Path("o.jsonl"), prompts=3)
    summary.usage.add(Reply("", "x", "t", cost=1.25, prompt_tokens=1000, completion_tokens=10))
    summary.usage.add(Reply("", "x", "t", cost=0.25, found=True))
    summary.usage.add(Reply("", "x", "t"))
    assert summary.text() == ("o.jsonl: 3 replies to 3 prompts; 1,000 tokens read, 10 written; "
                              "$1.25 paid, 1 found (worth $0.25), 1 of unknown price")
    assert Summary(Path("o.jsonl"), free=True).text().endswith("0 written")


def test_memory_holds_what_is_in_flight_and_no_more(tmp_path: Path):
    prompts = write(tmp_path / "p.jsonl", *({"prompt": f"q{n}"} for n in range(2000)))
    drawn, most = [0], [0]

    class Counting(Slow):
        async def answer(self, request: Request) -> Reply:
            drawn[0] += 1
            most[0] = max(most[0], drawn[0])
            reply = await super().answer(request)
            drawn[0] -= 1
            return reply

    generate(prompts, tmp_path / "o.jsonl", Counting(echo))
    assert most[0] <= Counting.in_flight
