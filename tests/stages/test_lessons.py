"""Lessons: rows meet their texts, whatever is missing drops, and no prompt changes on the way."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from mathmill.decoding.prompts import encode, render_chat
from mathmill.errors import StepFailed
from mathmill.io import read_rows, write_rows
from mathmill.methods import FROM_TEXT, FROM_TEXT_SHORT, FROM_TEXT_TOOL, FROM_TEXT_TOOL_SHORT
from mathmill.methods.from_text import lesson, written
from mathmill.stages import lessons
from mathmill.texts import Text, make_text
from mathmill.train.data import render
from mathmill.types import Reply, Sample
from mathmill.workbench import Workbench

WAYS = (*FROM_TEXT_SHORT, *FROM_TEXT_TOOL_SHORT)
CODE = "```python\nprint(7 * 30)\n```\n```output\n210\n```\nThere are \\boxed{210}."


def make(method, text: Text, number: int = 0) -> Sample:
    attempt = method.attempt(text, number)
    request = next(attempt)
    solution = CODE if method.tool else "7 * 30 = 210\nThe answer is 210"
    reply = written(f"Hall {number} has 7 shelves with 30 books each. How many books?", solution)
    try:
        attempt.send(Reply(request.id, reply, "scripted:"))
    except StopIteration as end:
        return end.value
    raise AssertionError("one call makes a row")


@pytest.fixture
def texts() -> list[Text]:
    return [make_text(f"In hall {n} books are kept.", kind="web") for n in range(6)]


def run(folder, rows, texts, **literals) -> Workbench:
    inputs = {}
    for name, given, record in (("rows", rows, Sample), ("texts", texts, Text)):
        for place, part in enumerate(given):
            key = f"{name}.{place}" if place else name
            inputs[key] = folder / key
            write_rows(folder / key / "rows.parquet", part, record)
    bench = Workbench(folder / "out", inputs, {"lesson": partial(lesson, methods=WAYS)})
    lessons.run(bench, methods=[],
                rows=[name for name in inputs if name.startswith("rows")],
                texts=[name for name in inputs if name.startswith("texts")], **literals)
    bench.close()
    return bench


def test_every_row_meets_its_text_among_several_inputs(tmp_path, texts):
    first = [make(FROM_TEXT[n], texts[n], n) for n in range(3)]
    second = [make(FROM_TEXT_TOOL[0], texts[4], 7), make(FROM_TEXT[5], texts[0], 8)]
    bench = run(tmp_path, [first, second], [texts[:3], texts[3:]])
    made = list(read_rows(tmp_path / "out" / "rows.parquet", Sample))
    assert [row.seed for row in made] == [row.seed for row in (*first, *second)]
    assert [row.parent for row in made] == [row.problem for row in (*first, *second)]
    by_id = {text.id: text for text in texts}
    assert all(row.question.endswith("Text:\n" + by_id[row.seed].text) for row in made)
    assert bench.facts == {"rows_in": 5, "texts": 4, "kinds": {
        "AMC 10": 1, "grade-school": 2, "high-school": 1, "middle-school": 1}}


def test_rows_that_teach_nothing_drop_with_their_reasons(tmp_path, texts):
    row = make(FROM_TEXT[0], texts[0])
    lost = make(FROM_TEXT[0], make_text("A text that nobody gave."))
    other = replace(make(FROM_TEXT[1], texts[1]), prompts=("solve@1",))
    bench = run(tmp_path, [[row, lost, row], [other]], [texts])
    assert bench.drops.reasons == {"text not found": 1, "duplicate": 1,
                                   "no prompt of its kind": 1}
    assert {drop.id for drop in bench.drops} == {row.id, lost.id, other.id}


def test_nothing_to_teach_is_told_with_its_cause(tmp_path, texts):
    row = make(FROM_TEXT[0], texts[0])
    with pytest.raises(StepFailed, match=r"no lesson could be made of 1 rows \(text not found: 1"):
        run(tmp_path / "one", [[row]], [texts[1:]])
    with pytest.raises(StepFailed, match="no row came in"):
        run(tmp_path / "two", [[]], [texts])


def test_a_synthesizer_is_asked_with_the_very_tokens_it_was_trained_on(tmp_path, texts, tokenizer):
    odd = [make_text("Text:\nTask: \\frac{1}{2}\n\n  ```x``` <s> {{text}} \u00e9\u4e2d")]
    rows = [make(method, text) for text in (*texts[:2], *odd)
            for method in (*FROM_TEXT, *FROM_TEXT_TOOL)]
    run(tmp_path, [rows], [texts, odd])
    made = list(read_rows(tmp_path / "out" / "rows.parquet", Sample))
    rendered, dropped = render(made, tokenizer, 4_000)
    assert not dropped
    by_id = {text.id: text for text in (*texts, *odd)}
    for row, tokens, read in zip(made, rendered.tokens, rendered.prompts, strict=True):
        [way] = [one for one in WAYS if one.name == row.method]
        request = next(way.attempt(by_id[row.seed], 3))
        turns = [{"role": turn.role, "content": turn.content} for turn in request.messages]
        [asked] = encode(tokenizer, [render_chat(tokenizer, turns)])  # as the teacher `local:`
        assert tokens[:read] == asked
        reply = tokenizer.decode(tokens[read:], skip_special_tokens=True)
        assert way.read(reply.strip(), by_id[row.seed]).answer == row.answer
