"""Programs of the symbolic world: right when they should be, wrong as they are said to be."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import pytest

from mathmill.grading.equal import equal
from mathmill.grading.sandbox.value import WHOLE, number_text
from mathmill.identity import draw
from mathmill.teachers.symbolic import make_problems, truth
from mathmill.teachers.symbolic.expressions import ATOM, combine, literal
from mathmill.teachers.symbolic.faults import KINDS
from mathmill.teachers.symbolic.naming import variables
from mathmill.teachers.symbolic.programs import (
    STYLES,
    program_for,
    solve_problem,
    write_program,
)
from mathmill.teachers.symbolic.reader import Reading, read
from mathmill.teachers.symbolic.story import with_number
from mathmill.teachers.symbolic.tables import families
from mathmill.teachers.symbolic.writer import draw_story
from mathmill.types import make_problem

PROBLEMS = list(make_problems(400, 21, languages=("en", "zh")))


def result_of(body: str) -> float:
    """Run a program that this project has written itself (no model's)."""
    names: dict[str, float] = {}
    exec(compile(body, "program", "exec"), {"__builtins__": {"round": round}}, names)
    return names["result"]


def agrees(answer: str, value: float) -> bool:
    return equal(answer, number_text(float(value), WHOLE) or "").value == "correct"


@pytest.mark.parametrize("style", range(len(STYLES)))
def test_every_style_gives_the_right_answer_when_it_is_run(style):
    for problem in PROBLEMS[style::10]:
        question, body, answer = solve_problem(problem, draw("style", style, problem.id), style)
        assert question == problem.question
        assert answer == problem.answer == truth(question)
        assert agrees(answer, result_of(body)), (question, body)
        assert body.splitlines()[-1].startswith("result = ")


def test_the_plain_style_names_every_number_with_words_of_the_story():
    story = read("Ruth picks 12 pears. She gives 1/4 of her pears to Tom. What is the number of "
                 "pears that Ruth has in the end?")
    lines = write_program(story, draw("plain"), 0).splitlines()
    assert lines[0].endswith("= 12")
    assert "pears" in lines[0]
    assert len(lines) == 5
    assert all(line.split(" = ")[0].isidentifier() for line in lines)


def test_one_problem_has_many_spellings_with_one_value():
    bodies = {write_program(read(PROBLEMS[7].question), draw("spelling", n)) for n in range(80)}
    assert len(bodies) > 20
    assert {agrees(PROBLEMS[7].answer, result_of(body)) for body in bodies} == {True}


def test_a_wrong_program_has_the_mistake_that_it_is_said_to_have():
    kinds: Counter[str] = Counter()
    for number, problem in enumerate(PROBLEMS[:200]):
        made = program_for(problem.question, draw("wrong", number), wrong=True)
        kinds[made.mistake] += 1
        assert made.answer != problem.answer
        assert agrees(made.answer, result_of(made.body)), made
        assert not agrees(problem.answer, result_of(made.body))
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) > 20


def test_an_unknown_is_found_by_a_program_too():
    found = 0
    for number in range(60):
        story = draw_story(number % 3 + 1, "en", draw("backward", number))
        answer = story.show(story.run()[1])
        for place, event in enumerate(story.events):
            if not event.beat.moves or any(move.percent for move in event.beat.moves):
                continue
            slot = event.beat.slots[0][0]
            hidden = with_number(story, place, slot, None)
            body = write_program(Reading(hidden, (), Fraction(answer)), draw("x", number))
            value = event.numbers[slot]
            assert math.isclose(result_of(body), float(value), rel_tol=1e-9), (body, value)
            found += 1
    assert found > 40


def test_every_number_and_state_of_the_tables_has_a_name():
    table = variables()
    assert set(table) == set(families())
    for family in families().values():
        states = {beat.after for beat in family.beats}
        slots = {f"{beat.name}.{slot}" for beat in family.beats for slot, _ in beat.slots}
        parts = {f"{beat.name}._" for beat in family.beats if len(beat.moves) > 1}
        assert set(table[family.name]) == states | slots | parts, family.name
        for names in table[family.name].values():
            assert all(name.isidentifier() and name.islower() for name in names)


def test_floats_are_kept_exact_where_a_hair_would_show():
    rng = draw("exact")
    third = combine(literal(Fraction(60)), "*", literal(Fraction(2, 3), share=True), rng)
    assert third.text in ("60 * 2 / 3", "60 * 2 // 3")
    whole = combine(literal(Fraction(1)), "-", literal(Fraction(2, 3), share=True), rng)
    assert (whole.text, whole.value) == ("1 / 3", Fraction(1, 3))
    back = combine(literal(Fraction(9)), "/", whole, rng)
    assert back.text == "9 * 3"
    half = combine(literal(Fraction(7)), "/", literal(Fraction(2)), rng)
    assert (half.text, half.number, half.within(ATOM)) == ("7 / 2", 3.5, "(7 / 2)")


def test_a_problem_of_another_world_is_refused():
    assert program_for("How many legs has a cow?", draw("cow")) is None
    with pytest.raises(ValueError, match="not a problem of the symbolic world"):
        solve_problem(make_problem("How many legs has a cow?"), draw("cow"))


def test_the_compact_spelling_has_one_name_for_a_thing_and_ends_in_a_sum() -> None:
    import random

    from mathmill.teachers.symbolic.programs import COMPACT

    for problem in make_problems(40, 5, levels=(2, 3)):
        first, again = (program_for(problem.question, random.Random(seed), style=COMPACT)
                        for seed in (1, 2))
        assert first is not None
        assert again is not None
        assert first.body.replace("//", "/") == again.body.replace("//", "/")
        assert first.answer == problem.answer
        assert first.body.splitlines()[-1].startswith("result = ")
