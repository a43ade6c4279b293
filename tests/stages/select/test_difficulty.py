"""Tests of `stages.select.difficulty`."""

from __future__ import annotations

import pytest

from mathmill.stages.select.difficulty import level_by_steps


@pytest.mark.parametrize(("solution", "level"), [
    ("2 + 2 = 4\nThe answer is 4", 1), ("a = 1\nso\nb = 2\nc = 3\nThe answer is 3", 3),
    ("Think.\nThen say.", 2), ("\n".join(f"x = {n}" for n in range(9)), 5), ("", None),
    ("The answer is 4", None)])
def test_a_level_is_a_step_up_to_five(solution, level):
    assert level_by_steps(solution) == level
