from __future__ import annotations

import random
import re
from fractions import Fraction

import pytest

from mathmill.identity import draw
from mathmill.teachers.symbolic.quantities import read_moves, run_moves
from mathmill.teachers.symbolic.reader import read
from mathmill.teachers.symbolic.solution import (
    FIND,
    STYLES,
    UNDO,
    carry_out,
    make_plan,
    solve_unknown,
    write_done,
    write_solution,
)
from mathmill.teachers.symbolic.story import with_number
from mathmill.teachers.symbolic.writer import draw_story


def _read(text: str):  # type: ignore[no-untyped-def]
    reading = read(text)
    assert reading is not None
    return reading


def test_a_solution_tells_one_equation_a_line_and_ends_in_the_answer() -> None:
    reading = _read("Mia has 12 apples. Mia buys 3 packs of 4 apples. Mia gives away 1/4 of the "
                    "apples. How many apples does Mia have now?")
    assert write_solution(reading.story) == (
        "That is 3 * 4 = 12.\nMia has 12 + 12 = 24 apples.\nThat is 24 * 1/4 = 6.\n"
        "Mia has 24 - 6 = 18 apples.\nThe answer is 18")


def test_a_backward_question_is_solved_back_from_its_answer() -> None:
    reading = _read("Mia has x apples. Mia buys 7 more apples. Mia eats 4 apples. How many "
                    "apples does Mia have now? If we know the answer to the above question is "
                    "15, what is the value of unknown variable x?")
    plan = make_plan(reading.story, reading.answer)
    assert write_done(reading.story, *carry_out(plan), 0, plan.as_share) == (
        "Before that it was 15 + 4 = 19.\nBefore that it was 19 - 7 = 12.\nThe answer is 12")


def test_an_unknown_share_is_written_as_a_fraction() -> None:
    reading = _read("小明有12个苹果。小明送出了苹果的x。小明现在有多少个苹果？"
                    "如果我们知道上述问题的答案是9，未知数x的值是多少？")
    plan = make_plan(reading.story, reading.answer)
    text = write_done(reading.story, *carry_out(plan), 0, plan.as_share)
    assert text.splitlines() == ["这是12 - 9 = 3。", "所以x是3 / 12 = 1/4。", "The answer is 1/4"]


def test_any_number_of_any_story_is_found_again_both_ways() -> None:
    for number in range(400):
        story = draw_story(number % 5 + 1, "en", draw("back", number))
        final = story.run()[1]
        for place, event in enumerate(story.events):
            for slot, value in event.numbers.items():
                hidden = with_number(story, place, slot, None)
                assert solve_unknown(hidden, final) == value
                assert carry_out(make_plan(hidden, final))[1] == value


@pytest.mark.parametrize("key", list(UNDO))
def test_going_back_over_a_beat_gives_the_value_before_it(key: str) -> None:
    rng = random.Random(key)
    moves = read_moves(key)
    for _ in range(20):
        numbers = {name: Fraction(rng.randint(2, 9), 10 if name == "a" else 1) for name in "ab"}
        before = Fraction(rng.randint(50, 90))
        _, after = run_moves(moves, numbers, before)
        _, found = run_moves(read_moves(UNDO[key]), {**numbers, "y": after}, None)
        assert found == before


@pytest.mark.parametrize(("key", "slot"), [(k, s) for k, slots in FIND.items() for s in slots])
def test_the_unknown_of_a_beat_is_found_from_what_stands_around_it(key: str, slot: str) -> None:
    rng = random.Random(key)
    for _ in range(20):
        numbers = {name: Fraction(rng.randint(2, 9)) for name in "abc"}
        before = Fraction(rng.randint(50, 90))
        _, after = run_moves(read_moves(key), numbers, before)
        known = {**{n: v for n, v in numbers.items() if n != slot}, "y": after}
        assert run_moves(read_moves(FIND[key][slot]), known, before)[1] == numbers[slot]


def test_an_answer_that_no_number_gives_is_not_solved() -> None:
    reading = _read("Mia has 12 apples. Mia shares them equally among x friends. How many apples "
                    "does each friend get? If we know the answer to the above question is 0, "
                    "what is the value of unknown variable x?")
    assert solve_unknown(reading.story, Fraction(0)) is None


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_style_holds_the_same_equations_and_answer(language: str) -> None:
    for number in range(50):
        story = draw_story(3, language, draw("style", number))
        done, final = carry_out(make_plan(story))
        texts = [write_done(story, done, final, style) for style in range(STYLES)]
        assert len(set(texts)) == STYLES
        sums = [re.findall(r"[\d./]+ [-+*/] [\d./]+%? = \d+", text) for text in texts]
        assert all(found == sums[0] for found in sums)
        assert {text.splitlines()[-1] for text in texts} == {f"The answer is {story.show(final)}"}
