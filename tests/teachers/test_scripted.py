"""The scripted teacher says what its script says, and says so when it has nothing to say."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mathmill.errors import InputError
from mathmill.teachers.scripted import ScriptedTeacher
from mathmill.types import Message, Reply, Request


def request(text: str, sample: int = 0) -> Request:
    return Request((Message("user", text),), sample=sample, prompt="solve@1")


def ask(teacher: ScriptedTeacher, *texts: str) -> list[Reply]:
    return [asyncio.run(teacher.answer(request(text))) for text in texts]


def test_a_list_is_given_out_in_order_and_then_ends():
    teacher = ScriptedTeacher(["one", Reply("", "two", "", finish="length")])
    first, second, third = ask(teacher, "a b", "b", "c")
    assert (first.text, first.request, first.teacher) == ("one", request("a b").id, "scripted:")
    assert (first.prompt_tokens, first.completion_tokens) == (2, 1)
    assert (second.text, second.finish) == ("two", "length")
    assert (third.finish, third.error) == ("error", "the script has no reply to this request")
    assert [each.messages[0].content for each in teacher.asked] == ["a b", "b", "c"]


def test_a_mapping_answers_by_id_by_prompt_and_by_message():
    by_id = ScriptedTeacher({request("a").id: "by id", "solve@1": "by prompt"})
    assert [reply.text for reply in ask(by_id, "a", "b")] == ["by id", "by prompt"]
    by_text = ScriptedTeacher({"a": "by text"})
    assert [reply.finish for reply in ask(by_text, "a", "b")] == ["stop", "error"]


def test_a_function_sees_the_request():
    teacher = ScriptedTeacher(lambda asked: asked.messages[0].content.upper() or None)
    assert [reply.text for reply in ask(teacher, "abc", "")] == ["ABC", ""]


def test_a_file_answers_by_pattern_first_and_in_order_otherwise(tmp_path: Path):
    path = tmp_path / "script.jsonl"
    path.write_text('{"text": "first"}\n{"match": "pens?.*cost", "text": "by pattern"}\n\n'
                    '{"text": "二", "finish": "length"}\n{"match": "z", "text": "", '
                    '"finish": "error"}\n', encoding="utf-8")
    teacher = ScriptedTeacher.from_file(path)
    assert teacher.name == f"scripted:{path}"
    replies = ask(teacher, "a", "pens\nthat cost", "b", "z", "c")
    assert [reply.text for reply in replies] == ["first", "by pattern", "二", "", ""]
    assert [reply.finish for reply in replies] == ["stop", "stop", "length", "error", "error"]
    assert replies[3].error == "the script says so"


@pytest.mark.parametrize(("row", "cause"), [
    ('{"reply": "a"}', "needs a text"), ('{"text": 5}', "needs a text"),
    ('{"text": "a", "finish": "maybe"}', "needs a text"),
    ('{"text": "a", "match": "("}', "no regular expression"),
    ('{"text": "a", "match": 5}', "no regular expression"), ("[]", "not a JSON object"),
    ("{", "not JSON")])
def test_a_row_that_cannot_be_right_is_named(row, cause, tmp_path: Path):
    path = tmp_path / "script.jsonl"
    path.write_text('{"text": "good"}\n' + row + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"script\.jsonl:2: .*{cause}"):
        ScriptedTeacher.from_file(path)


def test_a_script_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="absent"):
        ScriptedTeacher.from_file(tmp_path / "absent.jsonl")
