"""Replies are read in every dress; each hostile one is a drop with a reason of its own."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.methods import FROM_TEXT, FROM_TEXT_SHORT, FROM_TEXT_TOOL, FROM_TEXT_TOOL_SHORT
from mathmill.methods.from_text.reading import read_pair, written
from mathmill.methods.replies import Unusable, clean
from mathmill.texts import make_text

CASES = [json.loads(line) for line in (
    Path(__file__).resolve().parents[2] / "cases" / "from_text.jsonl"
).read_text(encoding="utf-8").splitlines()]
TEXT = ("The town library keeps its books on long shelves. Each of the shelves in the old hall "
        "holds thirty books, and on every Monday the librarian counts all of them by hand.")
QUESTION = "A hall has 7 shelves with 30 books each. 12 books are out. How many are there?"
WORDS = "7 * 30 = 210 books fit.\n210 - 12 = 198 books are there.\nThe answer is 198"
CODE = ("```python\nbooks = 7 * 30 - 12\nprint(books)\n```\n```output\n198\n```\n"
        "There are \\boxed{198} books.")


def read(reply: str, tool: bool = False, answers: bool = True):
    return read_pair(clean(reply), "Task: Write about shelves as plainly as you can.", TEXT,
                     tool=tool, answers=answers)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_reply_is_read_or_refused_for_its_own_reason(case):
    reply = (case["reply"].replace("{Q}", QUESTION).replace("{S}", WORDS).replace("{C}", CODE)
             .replace("{T}", TEXT))
    if "reason" in case:
        with pytest.raises(Unusable) as caught:
            read(reply, case.get("tool", False))
        assert caught.value.reason == case["reason"]
        return
    pair = read(reply, case.get("tool", False))
    assert pair.question == QUESTION
    assert pair.answer == case.get("answer", "198")
    if "solution" in case:
        assert pair.solution == case["solution"]


@pytest.mark.parametrize("words", [
    "The answer is of the form m/n in lowest terms; what is m + n?",
    "The answer is written as a percentage.", "The final answer is not a whole number.",
    "The graph above the x-axis is left out.", "He sends the following text message to Eve."])
def test_a_problem_may_say_of_answers_graphs_and_messages_what_gives_nothing_away(words):
    assert read(f"Problem: {QUESTION} {words}\nSolution: {WORDS}").answer == "198"


def test_a_solution_without_an_answer_is_kept_where_that_is_allowed():
    reply = f"Problem: {QUESTION}\nSolution: We count them one by one, as was said."
    with pytest.raises(Unusable, match="no answer"):
        read(reply)
    pair = read(reply, answers=False)
    assert (pair.answer, pair.solution) == (None, "We count them one by one, as was said.")


@pytest.mark.parametrize(("method", "solution"), [
    *((method, WORDS) for method in (*FROM_TEXT, *FROM_TEXT_SHORT)),
    *((method, CODE) for method in (*FROM_TEXT_TOOL, *FROM_TEXT_TOOL_SHORT))])
def test_no_method_takes_its_own_prompt_for_a_reply(method, solution):
    text = make_text(TEXT)
    asked = method.question(text)
    for reply in (asked, f"{asked}\n\nProblem: {QUESTION}\nSolution: {solution}",
                  asked.split("\n")[0] + f"\nProblem: {QUESTION}\nSolution: {solution}"):
        with pytest.raises(Unusable) as caught:
            method.read(clean(reply), text)
        assert caught.value.reason == "prompt repeated"
    assert method.read(written(QUESTION, solution), text).answer == "198"


PIECES = st.sampled_from([
    "Problem: ", "Solution: ", "**Problem:** ", "## Solution\n", "[Problem]\n", "Question 2: ",
    "The answer is 198", "\\boxed{198}", "#### 5", "```python\n", "```output\n", "```\n", "```",
    "print(3)\n", "\n", "\n\n", "---\n", QUESTION, WORDS, CODE, TEXT, "I hope this helps!", "**",
    "\"", "How many?", " 7 * 30 = 210 ", "- ", "> ", "Step 1: ", "Problem", "Solution", "\u3000",
    "Note: look.\n", "Answer: 12\n"])
REPLIES = st.one_of(
    st.lists(PIECES, max_size=14).map("".join), st.text(max_size=200),
    st.tuples(st.lists(PIECES, max_size=4).map("".join), st.lists(PIECES, max_size=8).map("".join)
              ).map(lambda both: f"Problem: {QUESTION}{both[0]}\nSolution: {both[1]}"))


@settings(max_examples=100, deadline=None)
@given(REPLIES, st.booleans(), st.booleans())
def test_what_is_read_is_written_down_and_read_again_as_it_was(reply, tool, answers):
    try:
        pair = read(reply, tool, answers)
    except Unusable:
        return
    assert pair.question
    assert pair.solution
    assert answers is False or pair.answer
    assert read(written(pair.question, pair.solution), tool, answers) == pair


@pytest.mark.parametrize("piece", [
    "Problem: ", "Solution: ", "\n", "Problem:\n", "**", "```python\n", "```\n", "---\n", "[", "(",
    "# ", "the answer is ", "\\boxed{", "\\boxed{1}", " ", "a ", "shelves in the old hall holds ",
    "\"", "> ", "I hope this ", "Problem: x\nSolution: y\n", "in the "])
def test_a_long_reply_of_one_piece_is_read_in_linear_time(piece):
    began = time.process_time()
    for opening in ("", f"Problem: {QUESTION}\nSolution: "):
        reply = opening + piece * (55_000 // len(piece))
        for tool in (False, True):
            with contextlib.suppress(Unusable):
                read(reply, tool)
    assert time.process_time() - began < 1.5
