"""Xwin: the corrected problem is taken, and a faulty one is never passed off as sound."""

from __future__ import annotations

import pytest

from mathmill.methods import xwin
from mathmill.types import Drop, Sample, problem_id

CREATED = "A crate holds 12 jars. How many jars do 3 crates hold?"
FINAL = "A crate holds 12 jars. How many jars do 4 crates hold?"
FINE = "Check: 12 * 3 = 36. Nothing needs to be changed."
FAULT = "Check: 12 * 3.5 = 42. The number of crates must be changed to a whole number."


@pytest.mark.parametrize(("reply", "question", "drafted"), [
    (f"Created problem: {CREATED}\nCheck: it must be changed\nFinal problem: {FINAL}", FINAL, True),
    (f"Created problem: {CREATED}\n{FINE}\nFinal problem: {CREATED}", CREATED, False),
    (f"**Created problem:**\n{CREATED}\n\n**Check:**\n{FAULT[7:]}\n\n### Final problem\n{FINAL}\n\n"
     "Note: I changed it.", FINAL, True),
    (f"Final problem: {FINAL}", FINAL, False),
    (f"Created problem: {CREATED}\n{FINE}\nFinal problem: same as above.", CREATED, False),
    (f"Created problem: {CREATED}\n{FINE}", CREATED, False),
    (f"Created problem: {CREATED}\nCheck: There is no contradiction, and no changes are needed.",
     CREATED, False),
    (f"所编题目：{CREATED}\n检验：没有错误，无需修改。", CREATED, False),
])
def test_the_problem_that_stands_at_the_end_is_taken(reply, question, drafted, seed, play):
    row, teacher = play(xwin.create, seed, [reply, "The answer is 48"])
    assert isinstance(row, Sample)
    assert (row.question, row.expected, row.subject) == (question, None, None)
    assert row.parent == (problem_id(CREATED) if drafted else seed.id)
    assert row.prompts == ("xwin/create@1", "solve@1")
    assert [request.temperature for request in teacher.asked] == [1.0, 1.0]
    assert CREATED not in teacher.asked[1].messages[0].content or question == CREATED


@pytest.mark.parametrize(("reply", "reason"), [
    (f"Created problem: {CREATED}\n{FAULT}", "no final problem"),
    (f"Created problem: {CREATED}", "no final problem"),
    (f"Created problem: {CREATED}\nCheck: 12 * 3 = 36.", "no final problem"),
    (f"Created problem: {CREATED}\nCheck: the speed is missing.\nFinal problem: unchanged",
     "no final problem"),
    (f"Created problem: {CREATED}\nCheck: 题目有矛盾，需要修改。", "no final problem"),
    (FINE, "section missing"),
    ("How many jars?", "section missing"),
    ("Created problem:\nCheck:\nFinal problem:", "section missing"),
])
def test_a_problem_that_cannot_be_trusted_is_dropped(reply, reason, seed, play):
    row, teacher = play(xwin.create, seed, [reply])
    assert isinstance(row, Drop)
    assert row.reason == reason
    assert len(teacher.asked) == 1


def test_the_reference_given_back_is_dropped(seed, play):
    row, _ = play(xwin.create, seed, [f"Final problem: {seed.question}"])
    assert isinstance(row, Drop)
    assert row.reason == "unchanged"


@pytest.mark.parametrize(("check", "fine"), [
    ("No changes are needed.", True), ("The problem is correct.", True),
    ("Everything is consistent, nothing is missing.", True), ("无需修改。", True),
    ("It is not consistent.", False), ("The wording is ambiguous; otherwise it is fine.", False),
    ("36 jars.", False), ("", False), ("需要修改。", False)])
def test_what_a_check_says_is_understood(check, fine):
    assert xwin.says_fine(check) is fine
