"""Evolution: the drawn path is walked, and rewriting that failed is told apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mathmill.methods import OPERATORS, evolve
from mathmill.types import Drop, Sample, make_problem, problem_id


def counting(request):
    """Rewrite by adding one sentence; solve with a fixed answer."""
    text = request.messages[0].content
    problem = text.rpartition("Problem:\n")[2]
    if "Task: Solve" in text:
        return "The answer is 9"
    return f"Rewritten problem: One more thing. {problem}"


def test_a_trajectory_walks_the_drawn_operators_each_from_the_text_before(seed, play):
    lengths = set()
    for number in range(40):
        row, teacher = play(evolve.trajectory, seed, counting, number)
        assert isinstance(row, Sample)
        drawn = evolve.trajectory.drawn(seed, number)
        assert row.prompts == (*(f"evolve/{each}@1" for each in drawn), "solve@1")
        assert row.question == "One more thing. " * len(drawn) + seed.question
        before = "One more thing. " * (len(drawn) - 1) + seed.question
        assert row.parent == (seed.id if len(drawn) == 1 else problem_id(before))
        assert (row.expected, row.level, row.signature) == (None, None, None)
        assert row.subject == (None if "new" in drawn else "sales")
        assert {request.sample for request in teacher.asked} == {number}
        lengths.add(len(drawn))
    assert lengths == {1, 2, 3, 4, 5}


def test_the_draw_depends_on_seed_and_number_only(seed):
    other = make_problem("Another?")
    drawn = [evolve.trajectory.drawn(each, number) for each in (seed, other)
             for number in range(20)]
    assert drawn == [evolve.Trajectory().drawn(each, number) for each in (seed, other)
                     for number in range(20)]
    assert len(set(drawn)) > 20
    assert {each for path in drawn for each in path} == set(evolve.UPWARD)
    assert all(1 <= len(evolve.Trajectory(max_turns=2).drawn(seed, n)) <= 2 for n in range(20))


@pytest.mark.parametrize("method", OPERATORS, ids=lambda method: method.name)
def test_each_operator_is_a_method_of_one_step(method, seed, play):
    row, teacher = play(method, seed, counting)
    assert isinstance(row, Sample)
    assert row.method == method.name
    assert row.prompts == (f"evolve/{method.operator}@1", "solve@1")
    assert row.parent == seed.id
    assert len(teacher.asked) == 2


def test_a_chinese_seed_is_rewritten_by_chinese_prompts(chinese, play):
    row, _ = play(evolve.deepen, chinese, counting)
    assert isinstance(row, Sample)
    assert row.prompts == ("evolve/deepen.zh@1", "solve.zh@1")


@pytest.mark.parametrize(("rewritten", "reason"), [
    ("natalia sold 48 clips in April.  She sold half as many in May. "
     "How many clips did Natalia sell altogether", "unchanged"),
    ("I'm sorry, I cannot do that.", "declined"),
    ("Here the rewritten problem asks: how many?", "prompt words copied"),
    ("Task: Solve it. How many?", "prompt words copied"),
    ("How many? The answer is 72.", "answer inside the problem"),
    ("How many? " * 100, "too long"),
    ("48 / 2 + 48 = ?", "no words"),
])
def test_failed_rewriting_is_dropped_with_its_reason(rewritten, reason, seed, play):
    row, teacher = play(evolve.constrain, seed, [f"Rewritten problem: {rewritten}"])
    assert isinstance(row, Drop)
    assert row.reason == reason
    assert rewritten[:20].strip() in row.detail
    assert len(teacher.asked) == 1


def test_words_that_the_seed_held_already_are_not_called_copied(play):
    seed = make_problem("The original problem: 4 pens. How many?")
    row, _ = play(evolve.constrain, seed, counting)
    assert isinstance(row, Sample)


def test_a_failure_midway_ends_the_trajectory(seed, play):
    number = next(n for n in range(50) if len(evolve.trajectory.drawn(seed, n)) == 3)
    row, teacher = play(evolve.trajectory, seed, [
        "Rewritten problem: A pen costs 4. What do 3 cost?",
        "I am sorry, but I cannot read this problem."], number)
    assert isinstance(row, Drop)
    assert row.reason == "declined"
    assert len(teacher.asked) == 2


def test_operators_and_length_are_part_of_the_identity():
    short = replace(evolve.trajectory, max_turns=2)
    assert short.identity() != evolve.trajectory.identity()
    assert evolve.trajectory.identity()["operators"] == list(evolve.UPWARD)
