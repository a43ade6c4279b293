from __future__ import annotations

import re
from collections import Counter

import pytest

from mathmill.identity import draw
from mathmill.teachers.symbolic import signature, truth
from mathmill.teachers.symbolic.reader import Reading, read
from mathmill.teachers.symbolic.rewriting import (
    LONGEST,
    OPERATORS,
    insert_fact,
    rephrase,
)
from mathmill.types import Problem

NEW, CONSTRAIN, DEEPEN, CONCRETE, MORE, EASIER, EASIER_NEW = OPERATORS


def _read(text: str) -> Reading:
    reading = read(text)
    assert reading is not None, text
    return reading


def _rewritten(task: str, problems: list[Problem]) -> list[tuple[Problem, str, int]]:
    made = []
    for number, problem in enumerate(problems[:400]):
        text = OPERATORS[task](_read(problem.question), draw("rewrite", number))
        assert truth(text) is not None, text
        assert text != problem.question
        assert bool(re.search("[\u4e00-\u9fff]", text)) == (problem.language == "zh")
        made.append((problem, text, _read(text).story.level - (problem.level or 0)))
    return made


def test_rephrasing_keeps_meaning_and_answer_and_changes_the_words(
        problems: list[Problem]) -> None:
    for number, problem in enumerate(problems[:600]):
        text = rephrase(_read(problem.question), draw("rephrase", number))
        assert text != problem.question
        assert signature(text) == problem.signature
        assert truth(text) == problem.answer


def test_different_samples_are_phrased_differently(problems: list[Problem]) -> None:
    problem = next(p for p in problems if p.language == "en" and p.level == 4)
    texts = {rephrase(_read(problem.question), draw(sample)) for sample in range(20)}
    assert len(texts) > 12


def test_a_backward_question_can_be_rephrased() -> None:
    text = "Mia has x apples. Mia buys 7 more apples. How many apples does Mia have now? " \
           "If we know the answer to the above question is 19, what is the value of unknown " \
           "variable x?"
    made = rephrase(_read(text), draw("backward"))
    assert made != text
    assert truth(made) == "12"


@pytest.mark.parametrize("count", [1, 3, 5])
def test_idle_facts_keep_answer_and_meaning_however_many(
        count: int, problems: list[Problem]) -> None:
    for number, problem in enumerate(problems[:200]):
        text = problem.question
        for time in range(count):
            longer = insert_fact(_read(text), draw("insert", number, time))
            assert len(longer) > len(text)
            text = longer
        assert truth(text) == problem.answer, text
        assert signature(text) == problem.signature
        asides = [s for s in _read(text).sentences if s.kind == "aside"]
        assert len(asides) == count


@pytest.mark.parametrize("task", [CONSTRAIN, DEEPEN, MORE])
def test_upward_operators_add_steps_until_a_problem_is_long_enough(
        task: str, problems: list[Problem]) -> None:
    made = _rewritten(task, problems)
    grown = [step for problem, _, step in made if (problem.level or 0) < 5]
    assert sum(step > 0 for step in grown) > 0.98 * len(grown)
    assert max(_read(text).story.level for _, text, _ in made) <= LONGEST


def test_a_constraint_leaves_the_other_sentences_as_they_are(problems: list[Problem]) -> None:
    kept = []
    for problem, text, _ in _rewritten(CONSTRAIN, problems):
        told = [s.text for s in _read(problem.question).sentences if s.kind == "event"]
        if (problem.level or 0) < 5:
            kept.append(all(sentence in text for sentence in told))
    assert sum(kept) > 0.98 * len(kept)


def test_easier_is_never_harder_and_mostly_shorter(problems: list[Problem]) -> None:
    steps = Counter(step for _, _, step in _rewritten(EASIER, problems))
    assert max(steps) <= 0
    assert sum(count for step, count in steps.items() if step < 0) > 200


def test_at_the_lowest_level_easier_means_smaller_numbers() -> None:
    text = "Mia has 42 apples. Mia buys 37 more apples. How many apples does Mia have now?"
    made = _read(OPERATORS[EASIER](_read(text), draw("small"))).story
    assert int(made.run()[1]) < 79


def test_an_easier_problem_on_another_topic_is_of_another_family(
        problems: list[Problem]) -> None:
    for problem, text, step in _rewritten(EASIER_NEW, problems):
        assert _read(text).story.family.name != problem.subject
        assert step < 0 or problem.level == 1


def test_a_brand_new_problem_has_the_level_and_another_meaning(
        problems: list[Problem]) -> None:
    for problem, text, step in _rewritten(NEW, problems):
        assert step == 0
        assert signature(text) != problem.signature


def test_concretising_keeps_the_meaning_and_names_things_exactly(
        problems: list[Problem]) -> None:
    for problem, text, step in _rewritten(CONCRETE, problems):
        assert step == 0
        assert signature(text) == problem.signature
        assert len(text) > len(problem.question)
    text = "Mia has 12 fruits. Mia buys 7 more fruits. How many fruits does Mia have now?"
    assert "fruits" not in OPERATORS[CONCRETE](_read(text), draw("exact"))


def test_operators_can_be_applied_one_after_another(problems: list[Problem]) -> None:
    for number, problem in enumerate(problems[:60]):
        text = problem.question
        for turn in range(5):
            rng = draw("trajectory", number, turn)
            text = OPERATORS[rng.choice(list(OPERATORS))](_read(text), rng)
            assert truth(text) is not None, text
