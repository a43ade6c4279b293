"""Tests of the stage `verify`."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage_makers import ShuffledTeacher, failing, row, solve_request

from mathmill.candidates import DRAWN, Candidate
from mathmill.errors import StepFailed, UsageError
from mathmill.io import read_rows, write_rows
from mathmill.stages import verify
from mathmill.stages.verify import FIRST_VOTE, majority
from mathmill.types import CORRECT, UNDECIDED, WRONG, Reply, Sample
from mathmill.workbench import Workbench


def run(folder, rows, teacher=None, truth=None, **literals):
    write_rows(folder / "in" / "rows.parquet", rows, Sample)
    tools = {"open_teacher": lambda name, home, terms: teacher, "solve_request": solve_request}
    if truth is not None:
        tools["truth"] = truth
    bench = Workbench(folder / "out", inputs={"rows": folder / "in"}, tools=tools)
    verify.run(bench, **literals)
    return list(read_rows(folder / "out" / "rows.parquet", Sample)), bench.drops, bench.close()


ROWS = [row("a", "4", expected="4.0"), row("b", "5", expected="4"), row("c", "6")]


def test_a_known_answer_gives_three_values_and_only_wrong_rows_go(tmp_path):
    rows, drops, tally = run(tmp_path, ROWS, by=["answer_agrees"])
    assert [(r.verdict, r.checks) for r in rows] == [
        (CORRECT, ("answer_agrees",)), (UNDECIDED, ())]
    assert rows[1].verdict_by == "answer_agrees: no known answer"
    assert [d.reason for d in drops] == ["wrong answer"]
    assert tally["facts"]["verdicts"] == {CORRECT: 1, UNDECIDED: 1, WRONG: 1}


def test_of_a_pool_the_right_candidates_become_rows(tmp_path):
    pool = [Candidate(id=answer, item="p", suite="s", question="a", gold="4", response="body",
                      program=f"def f(): return {answer}", answer=answer, kind="value", error="",
                      verdict="", model="after 70%", temperature=0.5, sample=0, tokens=3,
                      finish="stop", level=2) for answer in ("4", "5")]
    write_rows(tmp_path / "in" / "rows.parquet", pool, Candidate)
    bench = Workbench(tmp_path / "out", inputs={"rows": tmp_path / "in"})
    verify.run(bench, by=["answer_agrees"], keep=["correct"], pool=True)
    (kept,) = read_rows(tmp_path / "out" / "rows.parquet", Sample)
    assert (kept.solution, kept.expected, kept.seed, kept.method, kept.teacher, kept.level) == (
        "def f(): return 4", "4", "p", DRAWN, "after 70%", 2)


@pytest.mark.parametrize(("keep", "left"), [
    ("label", "abc"), (["correct"], "a"), (["wrong", "undecided"], "bc")])
def test_keep_says_which_verdicts_stay(tmp_path, keep, left):
    rows, *_ = run(tmp_path, ROWS, by=["answer_agrees"], keep=keep)
    assert "".join(r.question for r in rows) == left


@pytest.mark.parametrize(("answer", "votes", "value"), [
    ("4", ["4", "4.0", "5"], CORRECT), ("5", ["4", "4", "5"], WRONG),
    ("4", ["4", "5"], UNDECIDED), ("4", ["4", "4", None, None], UNDECIDED),
    ("4", [None, None], UNDECIDED), (None, ["4", "4"], UNDECIDED), ("4", ["4"], CORRECT),
    ("1/2", ["0.5", r"\frac{1}{2}", "2"], CORRECT), ("4", [], UNDECIDED),
])
def test_a_majority_is_more_than_half_of_those_asked(answer, votes, value):
    assert majority(answer, votes).value == value


@given(st.lists(st.sampled_from(["1", "2", "3", None]), max_size=9), st.randoms())
def test_a_majority_does_not_depend_on_the_order_of_votes(votes, rng):
    mixed = list(votes)
    rng.shuffle(mixed)
    assert majority("1", votes) == majority("1", mixed)
    counted = votes.count("1") * 2 > len(votes)
    assert (majority("1", votes).value == CORRECT) == counted


@pytest.mark.parametrize(("votes", "how"), [
    (["4", "4", "5"], "majority (2 of 3)"), (["4", "5", None], "no majority (1 of 3, a tie of 2)"),
    (["4", "4", "5", None], "no majority (2 of 4)"), ([None], "no majority (0 of 1)")])
def test_a_verdict_says_how_close_the_vote_was(votes, how):
    assert majority("4", votes).how == how


def test_close_votes_are_counted_once_a_question(tmp_path):
    said = {"tie": "12", "close": "112", "clear": "111"}
    teacher = ShuffledTeacher(lambda r: "The answer is " + said[r.messages[0].content][
        (r.sample - FIRST_VOTE) % len(said[r.messages[0].content])])
    rows = [row("tie", "1"), row("close", "1"), row("close", "2"), row("clear", "1")]
    *_, tally = run(tmp_path, rows, teacher, by=["majority(6)"])
    votes = tally["facts"]["votes"]
    assert (votes["ties"], votes["led by one vote"], votes["not transitive"]) == (1, 0, 0)


def test_only_what_is_undecided_is_put_to_the_vote_and_a_question_is_asked_once(tmp_path):
    teacher = ShuffledTeacher(lambda r: "So.\nThe answer is 6")
    rows, drops, tally = run(
        tmp_path, [*ROWS, row("c", "7")], teacher, by=["answer_agrees", "majority(3)"])
    assert {r.messages[0].content for r in teacher.asked} == {"c"}
    assert sorted(r.sample for r in teacher.asked) == [FIRST_VOTE + i for i in range(3)]
    assert [(r.question, r.verdict) for r in rows] == [("a", CORRECT), ("c", CORRECT)]
    assert rows[1].verdict_by == "majority: majority (3 of 3)"
    assert [d.reason for d in drops] == ["wrong answer"] * 2
    assert tally["facts"]["votes"]["asked"] == 3


def test_replies_cut_off_or_failed_are_no_votes(tmp_path):
    def write(request):
        if request.sample == FIRST_VOTE:
            return Reply(request.id, "The answer is 6", "t", finish="length")
        return failing(request) if request.sample == FIRST_VOTE + 1 else "The answer is 6"

    rows, _, tally = run(tmp_path, [row("c", "6")], ShuffledTeacher(write), by=["majority"],
                         votes=4)
    assert rows[0].verdict == UNDECIDED
    assert tally["facts"]["votes"]["unreadable"] == 2


def test_the_order_of_replies_changes_nothing(tmp_path):
    many = [row(f"q{i}", str(i % 3)) for i in range(60)]
    results = [run(tmp_path / str(s), many, ShuffledTeacher(
        lambda r: f"The answer is {int(r.id, 16) % 2}", seed=s), by=["majority"], votes=3)[:2]
        for s in (1, 2)]
    assert results[0] == results[1]
    assert {r.verdict for r in results[0][0]} | {"wrong"} == {CORRECT, WRONG}


def test_the_verdicts_are_measured_against_the_truth(tmp_path):
    rows = [row("r1", "1", expected="1"), row("r2", "1", expected="2"),  # right, right but lost
            row("w1", "9", expected="9"), row("w2", "9", expected="1"),  # wrong kept, wrong found
            row("w3", "9"), row("?", "1"), row("long", "1" * 2_001)]
    truth = {"r1": "1", "r2": "1", "w1": "1", "w2": "1", "w3": "1", "?": None, "long": "1"}
    *_, tally = run(tmp_path, rows, truth=truth.get, by=["answer_agrees"])
    facts = tally["facts"]["truth"]
    assert (facts["n"], facts["unknown"]) == (5, 2)  # what cannot be compared is not wrong
    assert facts["kept"] == {"hits": 1, "called": 3, "there": 2, "precision": 1 / 3, "recall": 0.5}
    assert facts["verdict_wrong"] == {"hits": 1, "called": 2, "there": 3, "precision": 0.5,
                                      "recall": 1 / 3}
    assert facts["verdict_correct"]["precision"] == 0.5
    assert sum(facts["confusion"].values()) == 7


@pytest.mark.parametrize("literals", [
    {"by": []}, {"by": ["vibes"]}, {"by": ["answer_agrees(3)"]}, {"by": ["majority(0)"]},
    {"by": ["majority"], "votes": 0}, {"by": ["answer_agrees"], "keep": ["right"]},
    {"by": ["answer_agrees"], "keep": []}])
def test_what_cannot_be_right_is_refused(tmp_path, literals):
    with pytest.raises(UsageError):
        run(tmp_path, ROWS, **literals)


def test_a_step_that_keeps_nothing_or_a_teacher_that_is_down_is_one_line(tmp_path):
    with pytest.raises(StepFailed, match="kept none of 1 rows"):
        run(tmp_path, ROWS[1:2], by=["answer_agrees"])
    with pytest.raises(StepFailed, match="503 overloaded"):
        run(tmp_path, ROWS, ShuffledTeacher(failing), by=["majority"])


def test_checks_that_rows_have_passed_before_stay_in_front(tmp_path):
    rows = [replace(row(f"What is {n} and 1?", str(n)), checks=checks) for n, checks in enumerate(
        [(), ("runs",), ("runs", "deterministic"), ()])]
    kept, _, _ = run(tmp_path, [replace(one, expected="2") for one in rows],
                     by=["has_digits", "answer_agrees"], keep="label")
    assert [one.checks for one in kept] == [
        ("has_digits",), ("runs", "has_digits"),
        ("runs", "deterministic", "has_digits", "answer_agrees"), ("has_digits",)]
