"""MetaMath's four: what is asked, what is expected, and how each fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mathmill.methods import metamath
from mathmill.types import Drop, Sample, make_problem

ANSWERED = "So it is.\nThe answer is 72"


def test_answer_augmentation_keeps_the_question_and_all_that_is_known_of_it(seed, play):
    row, teacher = play(metamath.answer_augmentation, seed, [ANSWERED], number=4)
    assert isinstance(row, Sample)
    assert (row.question, row.answer, row.expected) == (seed.question, "72", "72")
    assert (row.seed, row.parent, row.level) == (seed.id, seed.id, 2)
    assert (row.subject, row.signature) == ("sales", "sales|48")
    assert row.method == "metamath.answer_augmentation"
    assert (row.prompts, row.teacher) == (("solve@1",), "scripted:")
    assert row.requests == (teacher.asked[0].id,)
    assert teacher.asked[0].sample == 4


def test_rephrase_solves_the_new_text(seed, play):
    text = "In May Natalia sold half of the 48 clips of April. How many in both months?"
    row, teacher = play(metamath.rephrase, seed, [f"**Rephrased problem:** {text}", ANSWERED])
    assert isinstance(row, Sample)
    assert (row.question, row.expected, row.parent) == (text, "72", seed.id)
    assert row.prompts == ("metamath/rephrase@1", "solve@1")
    assert teacher.asked[1].messages[0].content.endswith(f"Problem:\n{text}")
    assert len(row.requests) == 2


def test_fobar_hides_each_number_in_turn_and_then_asks_for_other_solutions(seed, play):
    seed = make_problem("A pen costs $4. Tom buys 7. What does he pay?", answer="28")
    seen = []
    for number in range(4):
        row, teacher = play(metamath.fobar, seed, ["The answer is 4"], number)
        assert isinstance(row, Sample)
        assert row.question.endswith(" If we know the answer to the above question is 28, "
                                     "what is the value of unknown variable x?")
        seen.append((row.question.partition(" If we")[0], row.expected,
                     teacher.asked[0].sample))
    pen = ("A pen costs $x. Tom buys 7. What does he pay?", "4")
    tom = ("A pen costs $4. Tom buys x. What does he pay?", "7")
    assert {each[:2] for each in seen[:2]} == {pen, tom}
    assert [each[:2] for each in seen[:2]] == [each[:2] for each in seen[2:]]
    assert [each[2] for each in seen] == [0, 0, 1, 1]


def test_self_verification_puts_the_statement_for_the_question(seed, play):
    row, teacher = play(metamath.self_verification, seed, [
        'Statement: "Natalia sold 72 clips altogether"', "The answer is 48"])
    assert isinstance(row, Sample)
    assert "How many clips did Natalia sell altogether?" in teacher.asked[0].messages[0].content
    assert row.question in {
        "Natalia sold x clips in April. She sold half as many in May. Natalia sold 72 clips "
        "altogether. What is the value of unknown variable x?",
        "Natalia sold 48 clips in April. She sold x as many in May. Natalia sold 72 clips "
        "altogether. What is the value of unknown variable x?"}
    assert row.expected == ("48" if "sold x clips" in row.question else "0.5")
    assert row.prompts == ("metamath/declarative@1", "solve_unknown@1")


def test_chinese_seeds_get_chinese_prompts_and_endings(chinese, play):
    row, _ = play(metamath.fobar, chinese, ["The answer is 12"])
    assert isinstance(row, Sample)
    assert row.question.endswith("如果我们知道上述问题的答案是17，未知数x的值是多少？")
    assert row.prompts == ("solve_unknown.zh@1",)
    assert row.expected in {"12", "5"}
    row, _ = play(metamath.self_verification, chinese,
                  ["Statement: 小明现在有17支铅笔", "The answer is 12"])
    assert isinstance(row, Sample)
    assert row.question.endswith("小明现在有17支铅笔。未知数x的值是多少？")


def test_a_question_about_x_hides_its_number_behind_another_letter(play):
    seed = make_problem("Let x + 3 = 8 where x counts 2 things. What is x?", answer="5")
    row, teacher = play(metamath.fobar, seed, ["The answer is 3"])
    assert isinstance(row, Sample)
    assert row.question.endswith("unknown variable X?")
    assert "by the letter X" in teacher.asked[0].messages[0].content


@pytest.mark.parametrize("method", [metamath.answer_augmentation, metamath.rephrase,
                                    metamath.fobar, metamath.self_verification])
def test_a_seed_without_an_answer_is_dropped_before_anything_is_asked(method, seed, play):
    row, teacher = play(method, replace(seed, answer=" "), [])
    assert isinstance(row, Drop)
    assert (row.reason, row.method, teacher.asked) == ("seed has no answer", method.name, [])


@pytest.mark.parametrize("method", [metamath.fobar, metamath.self_verification])
def test_a_seed_without_a_number_is_dropped_before_anything_is_asked(method, play):
    row, teacher = play(method, make_problem("Tom eats. How much?", answer="5"), [])
    assert isinstance(row, Drop)
    assert (row.reason, teacher.asked) == ("no number to mask", [])


def test_self_verification_hides_no_number_of_the_question_itself(play):
    row, _ = play(metamath.self_verification,
                  make_problem("Tom eats. How much is 5 of it?", answer="5"), [])
    assert isinstance(row, Drop)
    assert row.reason == "no number to mask"


def test_a_statement_that_asks_is_dropped(seed, play):
    row, _ = play(metamath.self_verification, seed, ["Statement: How many?"])
    assert isinstance(row, Drop)
    assert row.reason == "statement still asks"
