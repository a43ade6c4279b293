"""The methods from texts: what they ask, the rows they make, and who is asked next."""

from __future__ import annotations

import json
import pickle
from collections import Counter

import pytest

from mathmill.identity import canonical
from mathmill.methods import FROM_TEXT, FROM_TEXT_SHORT, FROM_TEXT_TOOL, FROM_TEXT_TOOL_SHORT
from mathmill.methods.from_text import KINDS, any_of, every_of, group, method_of, written
from mathmill.texts import Text, make_text
from mathmill.types import CallFailed, Drop, Reply, Sample

QUESTION = "A hall has 7 shelves with 30 books each. 12 books are out. How many are there?"
WORDS = "7 * 30 - 12 = 198\nThe answer is 198"
CODE = "```python\nprint(7 * 30 - 12)\n```\n```output\n198\n```\nThere are \\boxed{198}."
ALL = (*FROM_TEXT, *FROM_TEXT_TOOL, *FROM_TEXT_SHORT, *FROM_TEXT_TOOL_SHORT)


@pytest.fixture
def text() -> Text:
    return make_text("Text:\nShelves and books.\nTask: count {{text}} $\\frac{1}{2}$\n", kind="web")


def reply_of(method, question: str = QUESTION) -> str:
    return written(question, CODE if method.tool else WORDS)


@pytest.mark.parametrize("method", ALL, ids=lambda m: f"{m.name}{'.short' * m.short}")
def test_one_call_makes_one_row_with_its_lineage(method, play, text):
    row, teacher = play(method, text, [reply_of(method)], number=3)
    [request] = teacher.asked
    assert isinstance(row, Sample)
    assert (row.question, row.solution) == (QUESTION, CODE if method.tool else WORDS)
    assert (row.answer, row.expected, row.signature) == ("198", None, None)
    assert (row.seed, row.parent, row.method) == (text.id, text.id, method.name)
    assert (row.level, row.subject) == (KINDS[method.kind].level, KINDS[method.kind].words)
    short = "_short" if method.short else ""
    assert row.prompts == (f"from_text/{method.kind}{short}@1",)
    assert (row.requests, row.teacher) == ((request.id,), "scripted:")
    assert (request.sample, request.method) == (3, method.name)
    assert request.messages[-1].content == method.question(text)
    assert request.messages[-1].content.endswith("\n\nText:\n" + text.text)
    assert request.messages[-1].content.startswith("Task: ")


def test_the_groups_are_the_papers_kinds_and_their_sampling():
    assert [m.name for m in FROM_TEXT] == [m.name for m in FROM_TEXT_SHORT] == [
        "from_text.grade", "from_text.middle", "from_text.high", "from_text.college",
        "from_text.amc8", "from_text.amc10", "from_text.amc12", "from_text.aime"]
    assert [m.name for m in FROM_TEXT_TOOL] == [m.name for m in FROM_TEXT_TOOL_SHORT] == [
        "from_text.tool_grade", "from_text.tool_contest"]
    assert {(m.temperature, m.top_p, m.max_tokens) for m in (*FROM_TEXT, *FROM_TEXT_TOOL)} == {
        (0.6, 1.0, 2500)}
    assert {(m.temperature, m.top_p, m.max_tokens) for m in FROM_TEXT_SHORT} == {(1.0, 1.0, 2500)}
    assert {(m.temperature, m.top_p, m.max_tokens) for m in FROM_TEXT_TOOL_SHORT} == {
        (0.1, 0.95, 5000)}


def test_a_group_takes_other_settings_and_fewer_kinds():
    one, other = group(short=True, kinds=["amc8", "grade"], max_tokens=200, answers=False)
    assert (one.kind, other.kind) == ("grade", "amc8")
    assert (one.max_tokens, one.temperature, one.answers) == (200, 1.0, False)
    with pytest.raises(AssertionError, match="no such kinds: \\['tool_grade'\\]"):
        group(kinds=["tool_grade"])


@pytest.mark.parametrize("method", [*ALL, any_of(FROM_TEXT), every_of(FROM_TEXT_TOOL)],
                         ids=lambda m: m.name)
def test_a_method_travels_and_names_what_it_is(method):
    assert method.takes == "texts"
    assert pickle.loads(pickle.dumps(method)) == method
    assert hash(method) == hash(pickle.loads(pickle.dumps(method)))
    literals = json.loads(canonical(method.identity()))
    assert literals["name"] == method.name
    assert "from_text/" in canonical(literals)


def test_short_and_long_forms_are_different_steps_under_one_name():
    for one, other in zip(FROM_TEXT, FROM_TEXT_SHORT, strict=True):
        assert one.name == other.name
        assert canonical(one.identity()) != canonical(other.identity())
        assert len(other.question(make_text("A text."))) < 80


@pytest.mark.parametrize(("reply", "reason"), [
    (Reply("r", "", "t", finish="error", error="503"), "teacher failed"),
    (Reply("r", written(QUESTION, WORDS), "t", finish="length"), "cut off"),
    ("", "empty reply"), ("I am sorry, I cannot write that.", "declined"),
    (f"Problem: {QUESTION}\nSolution: no idea at all", "no answer")])
def test_a_reply_that_is_of_no_use_is_a_drop(reply, reason, play, text):
    drop, _ = play(FROM_TEXT[0], text, [reply])
    assert isinstance(drop, Drop)
    assert (drop.reason, drop.method) == (reason, "from_text.grade")


def test_rows_without_an_answer_are_kept_where_the_method_says_so(play, text):
    [method] = group(kinds=["college"], answers=False)
    row, _ = play(method, text, [f"Problem: {QUESTION}\nSolution: One counts and counts."])
    assert (row.answer, row.solution) == (None, "One counts and counts.")
    assert any_of(FROM_TEXT).answers
    assert not any_of([method]).answers


def kinds_asked(method, texts, numbers=(0,)) -> list[list[str]]:
    asked = []
    for one in texts:
        asked.append([])
        for number in numbers:
            request = next(method.attempt(one, number))
            asked[-1].append((request.method, request.sample))
    return asked


def test_any_of_asks_a_text_by_one_kind_at_random_and_by_each_before_any_twice():
    texts = [make_text(f"Text number {n} of many.") for n in range(400)]
    first = Counter(asked[0][0] for asked in kinds_asked(any_of(FROM_TEXT), texts))
    assert len(first) == 8
    assert min(first.values()) > 25
    for asked in kinds_asked(any_of(FROM_TEXT), texts[:20], range(16)):
        assert len(set(asked)) == 16
        assert {name for name, _ in asked[:8]} == {m.name for m in FROM_TEXT}
        assert [sample for _, sample in asked] == [0] * 8 + [1] * 8


def test_any_of_asks_a_synthesizer_for_the_kinds_that_it_asks_a_teacher_for():
    texts = [make_text(f"Text number {n} of many.") for n in range(50)]
    assert kinds_asked(any_of(FROM_TEXT), texts) == kinds_asked(any_of(FROM_TEXT_SHORT), texts)


def test_the_rows_of_any_of_go_by_its_name_and_tell_their_kind_by_their_prompt(play, text):
    row, _ = play(any_of(FROM_TEXT), text, [reply_of(FROM_TEXT[0])])
    assert row.method == "from_text.any"
    kind = row.prompts[0].split("/")[1].split("@")[0]
    assert method_of(row, FROM_TEXT_SHORT).kind == kind
    assert method_of(row, [any_of(FROM_TEXT_SHORT)]).short
    assert method_of(row, FROM_TEXT_TOOL) is None
    drop, _ = play(any_of(FROM_TEXT), text, [""])
    assert (drop.reason, drop.method) == ("empty reply", "from_text.any")


def test_every_of_asks_for_all_kinds_and_goes_on_where_one_call_fails(text):
    method = every_of(FROM_TEXT)
    assert method.together == 8
    attempt = method.attempt(text, 0)
    request, asked = next(attempt), []
    try:
        while True:
            asked.append(request.method)
            request = (attempt.throw(CallFailed("503")) if len(asked) == 3 else attempt.send(
                Reply(request.id, written(f"{QUESTION} Say {len(asked)}.", WORDS), "t")))
    except StopIteration as end:
        rows = end.value
    assert asked == [m.name for m in FROM_TEXT]
    assert [type(row) for row in rows] == [Sample, Sample, Drop, *[Sample] * 5]
    assert rows[2].reason == "teacher failed"
    assert {row.method for row in rows} == {"from_text.every"}
    assert len({row.id for row in rows}) == 8
