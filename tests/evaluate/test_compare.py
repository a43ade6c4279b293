"""Paired comparison and the tables made of scores."""

from __future__ import annotations

import pytest

from mathmill.errors import UsageError
from mathmill.evaluate.compare import compare
from mathmill.evaluate.summary import summarise
from mathmill.types import Score


def score(item: int, tolerant: str, strict: str = "wrong", **more: object) -> Score:
    return Score(item=str(item), suite="s", question="q", gold="1", response="r", answer="1",
                 strict=strict, tolerant=tolerant, finish="stop", tokens=3,
                 **more)  # type: ignore[arg-type]


def test_only_the_items_that_one_model_solved_carry_evidence() -> None:
    a = [score(i, "correct" if i < 4 else "wrong") for i in range(10)]
    b = [score(i, "correct" if i >= 3 else "undecided") for i in reversed(range(10))]
    found = compare(a, b)
    assert (found.n, found.both, found.only_a, found.only_b) == (10, 1, 3, 6)
    assert found.difference == pytest.approx(0.3)
    assert found.interval[0] < 0.3 < found.interval[1]
    assert found.p_mcnemar == pytest.approx(2 * (1 + 9 + 36 + 84) / 512)


def test_different_items_are_refused() -> None:
    with pytest.raises(UsageError, match="same items"):
        compare([score(1, "correct")], [score(2, "correct")])


def test_a_table_holds_both_matchings_levels_and_what_was_undecided() -> None:
    rows = [score(0, "correct", "correct", level=1, subject="a"), score(1, "correct", level=2),
            score(2, "undecided", level=2), score(3, "wrong", level=2)]
    table = summarise(rows)["s"]
    assert (table["strict"]["accuracy"], table["tolerant"]["accuracy"]) == (0.25, 0.5)
    assert (table["tolerant"]["undecided"], table["tolerant"]["at_most"]) == (1, 0.75)
    assert table["by_level"]["2"]["tolerant"]["correct"] == 1
    assert list(table["by_subject"]) == ["a"]
    assert table["tokens"] == 12
