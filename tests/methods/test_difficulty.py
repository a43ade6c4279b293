"""A level is read out of a rating, and nothing else is."""

from __future__ import annotations

import pytest

from mathmill.methods.difficulty import rate_request, read_level


@pytest.mark.parametrize(("reply", "level"), [
    ("Level: 3", 3), ("**Level:** 4", 4), ("level 2", 2), ("难度：5", 5), (" 1 ", 1),
    ("It takes 4 steps.\nLevel: 2", 2), ("Level: 7", None), ("Level: 35", None),
    ("Level: 3.5", None), ("hard", None), ("", None), ("4 of 5 or so", None)])
def test_the_level_is_read(reply, level):
    assert read_level(reply) == level


def test_the_request_is_greedy_and_short():
    request = rate_request("How many?")
    assert (request.temperature, request.max_tokens, request.prompt) == (0.0, 64, "difficulty@1")
