"""Counts in words: one is one, and more are more."""

from __future__ import annotations

import pytest

from mathmill.words import counted, named_rows


@pytest.mark.parametrize(("number", "noun", "words"), [
    (0, "row", "0 rows"), (1, "row", "1 row"), (1200, "program", "1,200 programs"),
    (1, "reply", "1 reply"), (2, "reply", "2 replies"), (2, "day", "2 days")])
def test_only_one_is_singular(number: int, noun: str, words: str) -> None:
    assert counted(number, noun) == words


def test_the_first_rows_are_named_and_the_others_counted() -> None:
    assert named_rows(1, ["a:1: bad"]) == "1 row could not be read, the first: a:1: bad"
    assert named_rows(9, [f"a:{n}" for n in range(7)]) == (
        "9 rows could not be read, the first: a:0; a:1; a:2; a:3; a:4; and 4 more")
