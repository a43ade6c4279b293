"""Votes: answers are counted by what they mean, and equality that is not transitive is found."""

from __future__ import annotations

import time
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mathmill.errors import UsageError
from mathmill.grading import voting
from mathmill.grading.voting import vote
from mathmill.types import CORRECT, UNDECIDED, WRONG, Verdict

EXACT = "tolerant"


def test_spellings_of_one_answer_are_one_group() -> None:
    found = vote(["1/2", "2", "0.5", r"\frac{1}{2}", "0.5"])
    assert [(g.representative, g.weight, g.places) for g in found.groups] == [
        ("0.5", 4, (0, 2, 3, 4)), ("2", 1, (1,))]
    assert (found.margin, found.tie, found.majority) == (3, False, found.leader)


def test_a_missing_answer_is_asked_and_votes_for_nothing() -> None:
    found = vote(["4", None, "  ", "4", None])
    assert (found.asked, found.missing, found.leader.weight, found.majority) == (5, 3, 2, None)


def test_no_answers_make_no_leader() -> None:
    for answers in ([], [None, ""]):
        found = vote(answers)
        assert (found.leader, found.majority, found.tie, found.margin) == (None, None, False, 0)


def test_a_tie_is_said_and_is_no_majority() -> None:
    found = vote(["2", "1", "1.0", "2.0", "3"])
    assert (found.leaders, found.tie, found.margin, found.majority) == (2, True, 0, None)
    assert found.leader.representative == "1"  # the order of texts, not that of arrival


def test_weights_count_and_rounding_makes_no_winner() -> None:
    found = vote(["1", "1", "2"], weights=[0.1, 0.2, 0.3])
    assert found.tie
    assert vote(["1", "1", "2"], weights=[0.1, 0.2, 5]).leader.representative == "2"
    assert vote(["1", None], weights=[1, 3]).majority is None


@pytest.mark.parametrize("weights", [[1], [1, -1], [1, float("nan")], [1, float("inf")]])
def test_weights_that_weigh_nothing_are_refused(weights: list[float]) -> None:
    with pytest.raises(UsageError, match="2 weights"):
        vote(["1", "2"], weights=weights)


def test_a_percent_that_equals_two_numbers_does_not_make_them_one() -> None:
    found = vote(["24%", "0.24", "24", "24"])
    assert found.conflicts == (("24", "24%", "0.24"),)
    assert [g.members for g in found.groups] == [("24", "24%"), ("0.24",)]


def relation(monkeypatch: pytest.MonkeyPatch, exact: dict[str, str],
             symbolic: dict[str, str] | None = None) -> list[str]:
    """Let the grader say what the tables say of pairs (`ab`), and return what it was asked."""
    asked: list[str] = []

    def equal(one: str, other: str, policy: object) -> Verdict:
        pair = "".join(sorted((one, other)))
        if policy.symbolic:  # type: ignore[attr-defined]
            asked.append(pair)
            return Verdict((symbolic or {}).get(pair, UNDECIDED))
        return Verdict(exact.get(pair, WRONG))

    monkeypatch.setattr(voting, "equal", equal)
    return asked


def test_an_undecided_pair_inside_a_chain_is_no_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    relation(monkeypatch, {"ab": CORRECT, "bc": CORRECT, "ac": UNDECIDED})
    found = vote(["a", "b", "c"])
    assert [g.members for g in found.groups] == [("a", "b", "c")]
    assert not found.conflicts


def test_a_long_chain_with_ends_that_differ_is_named_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    relation(monkeypatch, {"ab": CORRECT, "bc": CORRECT, "cd": CORRECT, "ac": UNDECIDED,
                           "bd": UNDECIDED})
    found = vote(["a", "b", "c", "d"])
    assert found.conflicts == (("a", "b", "c", "d"),)
    assert [g.members for g in found.groups] == [("a", "b", "c"), ("d",)]


def test_the_symbolic_tier_is_asked_only_where_it_can_change_the_lead(
        monkeypatch: pytest.MonkeyPatch) -> None:
    open_pairs = {"de": UNDECIDED, "bc": UNDECIDED}
    asked = relation(monkeypatch, open_pairs, {"bc": CORRECT})
    found = vote(list("aaaabbbccde"))
    assert asked == ["bc"]  # b and c could pass a; d and e together stay behind b
    assert found.leader.members == ("b", "c")
    assert found.undecided == (("d", "e"),)


def test_what_stays_undecided_is_reported_and_not_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = relation(monkeypatch, {"ab": UNDECIDED})
    found = vote(["a", "b"])
    assert asked == ["ab"]
    assert found.undecided == (("a", "b"),)
    assert found.tie


def test_a_text_that_the_tier_cannot_settle_is_not_asked_about_for_ever(
        monkeypatch: pytest.MonkeyPatch) -> None:
    letters = "abcdefghijkl"
    asked = relation(monkeypatch, {one + other: UNDECIDED for one, other in
                                   combinations(letters, 2)})
    found = vote(list(letters))
    assert max(sum(letter in pair for pair in asked) for letter in letters) <= voting.FRUITLESS
    assert len(found.undecided) == 66


def test_a_policy_without_the_tier_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from mathmill.grading.policy import TOLERANT

    asked = relation(monkeypatch, {"ab": UNDECIDED})
    vote(["a", "b"], replace(TOLERANT, symbolic=False))
    assert not asked


@given(st.lists(st.sampled_from(["1", "1.0", "2", "50%", "1/2", "0.5", "50", None]), max_size=9),
       st.randoms())
def test_the_order_of_votes_changes_nothing_and_no_group_holds_two_that_differ(
        answers: list[str | None], random: object) -> None:
    mixed = list(answers)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    ours, theirs = vote(answers, EXACT), vote(mixed, EXACT)
    assert [(g.members, g.weight) for g in ours.groups] == [
        (g.members, g.weight) for g in theirs.groups]
    assert sum(g.weight for g in ours.groups) + ours.missing == ours.asked == len(answers)
    for group in ours.groups:
        for one, other in combinations(group.members, 2):
            assert voting.equal(one, other).value != WRONG


def test_under_the_papers_rules_two_answers_must_each_pass_for_the_other() -> None:
    assert len(vote(["3.5", "4"], "strict").groups) == 2  # 4 as gold takes 3.5, not the reverse
    assert len(vote(["4", "4.0"], "strict").groups) == 1


def test_hundreds_of_different_answers_are_counted_at_once() -> None:
    started = time.perf_counter()
    found = vote([f"{i}/7" for i in range(400)])
    assert len(found.groups) == 400
    assert found.unchecked == 400 - voting.COMPARED
    assert time.perf_counter() - started < 20
