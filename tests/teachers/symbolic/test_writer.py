from __future__ import annotations

import itertools
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.errors import UsageError
from mathmill.identity import draw
from mathmill.teachers.symbolic import make_problems
from mathmill.teachers.symbolic.tables import families
from mathmill.teachers.symbolic.writer import draw_story
from mathmill.types import Problem, problem_id


def test_problems_carry_all_that_is_known_of_them(problems: list[Problem]) -> None:
    for problem in problems[:200]:
        assert problem.id == problem_id(problem.question)
        assert problem.solution is not None
        assert problem.solution.splitlines()[-1] == f"The answer is {problem.answer}"
        assert problem.level in range(1, 6)
        assert problem.subject in families()
        assert problem.source == "symbolic"
        assert bool(re.search("[\u4e00-\u9fff]", problem.question)) == (problem.language == "zh")


def test_all_families_levels_and_languages_occur(problems: list[Problem]) -> None:
    assert set(Counter(problem.subject for problem in problems)) == set(families())
    assert set(Counter(problem.level for problem in problems)) == {1, 2, 3, 4, 5}
    assert set(Counter(problem.language for problem in problems)) == {"en", "zh"}


def test_no_two_problems_share_a_signature(problems: list[Problem]) -> None:
    assert len({problem.signature for problem in problems}) == len(problems)


def test_a_longer_run_begins_like_a_shorter_one() -> None:
    short = list(make_problems(30, 4))
    assert list(itertools.islice(make_problems(90, 4), 30)) == short
    assert list(make_problems(30, 5)) != short


def test_a_solution_has_one_equation_a_step_and_each_is_true(problems: list[Problem]) -> None:
    for problem in problems:
        *steps, _ = (problem.solution or "").splitlines()
        assert len(steps) == problem.level
        for line in steps:
            found = re.search(r"([\d./]+) ([-+*/]) ([\d./]+)(%?) = ([\d./]+)", line)
            assert found, line
            left, sign, right, percent, value = found.groups()
            value = value.rstrip(".")
            exact = eval(f"({left}) {sign} ({right}){'/100' if percent else ''}")
            assert abs(exact - eval(value)) < 1e-9, line


def test_counts_stay_whole_and_positive_and_money_has_no_third_decimal(
        problems: list[Problem]) -> None:
    whole = {name for name, family in families().items() if family.rule == "count"}
    for problem in problems:
        answer = problem.answer or ""
        assert not answer.startswith("-")
        assert answer not in ("", "0")
        if problem.subject in whole:
            assert answer.isdigit(), problem
        assert not re.search(r"\.\d{3}", problem.solution or "")


def test_questions_are_short_and_numbers_small() -> None:
    words = {level: [] for level in range(1, 6)}
    numbers = []
    for problem in make_problems(1500, 12):
        words[problem.level or 0].append(len(problem.question.split()))
        numbers += [float(n) for n in re.findall(r"\d+(?:\.\d+)?", problem.question)]
    means = [sum(words[level]) / len(words[level]) for level in range(1, 6)]
    assert means == sorted(means)
    assert means[-1] <= 45
    assert max(words[5]) <= 65
    assert sum(number < 100 for number in numbers) > 0.93 * len(numbers)


@pytest.mark.parametrize(("given", "cause"), [
    ({"languages": ("fr",)}, "language 'fr'"), ({"levels": (6,)}, "level 6"),
    ({"families": ("space",)}, "story family 'space'"), ({"levels": ()}, "no level")])
def test_what_is_unknown_is_refused_in_one_line(given: dict[str, object], cause: str) -> None:
    with pytest.raises(UsageError, match=cause) as caught:
        list(make_problems(1, 0, **given))  # type: ignore[arg-type]
    assert "known: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_family_and_level_can_be_asked_for() -> None:
    made = list(make_problems(20, 1, levels=(3,), families=("jug",)))
    assert {(p.subject, p.level) for p in made} == {("jug", 3)}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 5), st.sampled_from(["en", "zh"]))
def test_any_story_drawn_is_one_that_can_happen(seed: int, level: int, language: str) -> None:
    story = draw_story(level, language, draw("test", seed))
    assert story.level == level
    assert story.happens()
    assert story.run()[1] > 0


def test_level_two_and_above_is_too_large_to_meet_oneself_often() -> None:
    for level, most in ((2, 0.03), (3, 0.01), (4, 0.005), (5, 0.003)):
        known = {draw_story(level, "en", draw("a", i)).signature() for i in range(1000)}
        met = sum(draw_story(level, "en", draw("b", i)).signature() in known
                  for i in range(1000))
        assert met <= most * 1000, level
