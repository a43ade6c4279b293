"""Groups: what is taken of a problem, what each program counts, and what is left out."""

from __future__ import annotations

import pytest

from mathmill.errors import UsageError
from mathmill.train.verifier.data import gather, hold_out, shuffled, weigh
from mathmill.train.verifier.settings import Settings
from verifier_cases import make_candidate

RIGHT, WRONG = True, False


def rows(labels: dict[str, bool | None], item: str = "a"):
    return [make_candidate(item, f"question {item}", text, ok, sample=place)
            for place, (text, ok) in enumerate(labels.items())]


@pytest.mark.parametrize(("labels", "settings", "taken"), [
    ({"r": RIGHT, "w": WRONG}, {}, {"r": 0.5, "w": 0.5}),
    ({"r": RIGHT, "w": WRONG, "v": WRONG}, {}, {"r": 0.5, "w": 0.25, "v": 0.25}),
    ({"r": RIGHT, "q": RIGHT, "w": WRONG}, {}, {"r": 0.25, "q": 0.25, "w": 0.5}),
    ({"r": RIGHT, "w": WRONG, "u": None}, {}, {"r": 0.5, "w": 0.5}),
    ({"r": RIGHT, "q": RIGHT}, {}, None),
    ({"w": WRONG, "v": WRONG}, {}, None),
    ({"r": RIGHT, "q": RIGHT}, {"balance": False}, {"r": 0.5, "q": 0.5}),
    ({"r": RIGHT, "w": WRONG, "v": WRONG, "x": WRONG}, {"balance": False},
     {"r": 0.25, "w": 0.25, "v": 0.25, "x": 0.25}),
], ids=["one each", "more wrong", "more right", "undecided out", "only right", "only wrong",
        "only right, unbalanced", "unbalanced"])
def test_what_is_taken_and_what_it_counts(labels, settings, taken) -> None:
    groups, _ = gather(rows(labels), Settings.of(settings))
    if taken is None:
        assert not groups
        return
    (group,) = groups
    weights = weigh(group.right, settings.get("balance", True))
    assert dict(zip((p.response for p in group.programs), weights, strict=True)) == taken
    assert list(group.right) == sorted(group.right, reverse=True), "right ones stand first"
    assert [p.verdict == "correct" for p in group.programs] == list(group.right)


def test_the_same_program_counts_once_and_everything_is_counted() -> None:
    twice = [*rows({"r": RIGHT, "w": WRONG}), *rows({"r": RIGHT}), *rows({"q": RIGHT}, "b"),
             *rows({"u": None}, "c")]
    groups, facts = gather(twice, Settings())
    assert [len(group.programs) for group in groups] == [2]
    assert facts == {"candidates": 5, "same program": 1, "undecided": 1, "problems": 2,
                     "problems with only right programs": 1, "groups": 1, "programs": 2,}


def test_the_most_are_drawn_by_the_seed_and_the_text_alone() -> None:
    many = rows({f"{ok} {number}": ok for number in range(9) for ok in (RIGHT, WRONG)})
    (first,), _ = gather(many, Settings(most=3))
    (again,), _ = gather(many[::-1], Settings(most=3))
    (other,), _ = gather(many, Settings(most=3, seed=1))
    assert len(first.programs) == 6
    assert sum(first.right) == 3
    assert [p.response for p in first.programs] == [p.response for p in again.programs]
    assert {p.response for p in first.programs} != {p.response for p in other.programs}


def test_problems_of_one_meaning_are_held_out_together() -> None:
    candidates = [make_candidate(f"{number}", f"q {number}", text, ok,
                                 signature=f"meaning {number // 2}")
                  for number in range(80) for text, ok in (("r", RIGHT), ("w", WRONG))]
    groups, _ = gather(candidates, Settings())
    train, check = hold_out(groups, 0.3, seed=0)
    assert len(train) + len(check) == 80
    assert 10 < len(check) < 40
    marks = [{group.programs[0].signature for group in part} for part in (train, check)]
    assert not marks[0] & marks[1]


def test_shuffled_labels_keep_their_numbers() -> None:
    groups, _ = gather(rows({f"{n}": n < 3 for n in range(7)}), Settings())
    (dealt,) = shuffled(groups, seed=3)
    assert dealt.right == groups[0].right
    assert {p.id for p in dealt.programs} == {p.id for p in groups[0].programs}
    assert dealt.programs != groups[0].programs


@pytest.mark.parametrize(("literals", "words"), [
    ({"supervision": "all"}, "tokens, last"), ({"init": "random"}, "scratch"),
    ({"epochs": 0}, "above 0"), ({"lm": -1}, "0 or more"), ({"held_out": 1}, "share below 1"),
    ({"head_only": True, "lm": 0.5}, "lm must be 0"), ({"rate": 1}, "no setting rate")])
def test_settings_that_cannot_be_are_refused_in_plain_words(literals, words) -> None:
    with pytest.raises(UsageError, match=words):
        Settings.of(literals)
