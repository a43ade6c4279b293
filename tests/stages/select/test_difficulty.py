"""Tests of `stages.select.difficulty`."""

from __future__ import annotations

import pytest

from mathmill.stages.select.difficulty import level_by_steps, level_in


@pytest.mark.parametrize(("solution", "level"), [
    ("2 + 2 = 4\nThe answer is 4", 1), ("a = 1\nso\nb = 2\nc = 3\nThe answer is 3", 3),
    ("Think.\nThen say.", 2), ("\n".join(f"x = {n}" for n in range(9)), 5), ("", None),
    ("The answer is 4", None)])
def test_a_level_is_a_step_up_to_five(solution, level):
    assert level_by_steps(solution) == level


@pytest.mark.parametrize(("reply", "level"), [
    ("Level: 3", 3), ("**Level:** 4.", 4), ("level 2", 2), ("5", 5), ("Level: 9", None),
    ("Level: 3.5", None), ("Level: 12", None), ("Level: 2 or Level: 3", None), ("hard", None)])
def test_a_reply_gives_one_level_or_none(reply, level):
    assert level_in(reply) == level
