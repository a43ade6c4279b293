"""Irrelevant sentences: of eight kinds, readable, and never part of the answer."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from mathmill.methods import GSM_IC
from mathmill.methods.irrelevant import (
    ALL,
    IN_TOPIC,
    OFF_TOPIC,
    STRANGERS,
    Switches,
    draw_switches,
    insert_sentence,
    name_in,
    numbers_in,
    thing_in,
)
from mathmill.methods.replies import Unusable
from mathmill.teachers.symbolic import asides, lexicon, make_problems, truth
from mathmill.types import Sample, make_problem

PEARS = make_problem("Mia has 12 pears. Mia buys 7 more pears. How many pears does Mia have now?",
                     answer="19")


def sentence_of(text: str, seed=PEARS) -> str:
    added = text
    for part in re.split(r"(?<=[.?])\s+", seed.question):
        assert part in text
        added = added.replace(part, "", 1)
    return added.strip()


@pytest.mark.parametrize("switches", ALL, ids=lambda each: each.label)
@pytest.mark.parametrize("number", range(6))
def test_each_switch_does_what_it_says(switches, number):
    text, told = insert_sentence(PEARS, switches, number)
    sentence = sentence_of(text)
    assert told == switches
    assert text.endswith("How many pears does Mia have now?")
    assert ("pears" in sentence) == switches.in_topic
    assert ("Mia" in sentence) == switches.same_name
    assert any(name in sentence for name in STRANGERS["en"]) != switches.same_name
    value = numbers_in(sentence)[0]
    assert any(1 / 10 <= value / p <= 10 for p in (12, 7)) == switches.in_range
    assert truth(text) == "19"


def test_attempts_go_through_the_kinds_that_fit_a_seed():
    kinds = [draw_switches(PEARS, number) for number in range(8)]
    assert sorted(each.label for each in kinds) == sorted(each.label for each in ALL)
    train = make_problem("A train takes 4 hours at 50 miles per hour. How far does it go?")
    able = {draw_switches(train, number) for number in range(8)}
    assert able == {Switches(False, False, True), Switches(False, False, False)}


@pytest.mark.parametrize(("question", "switches", "reason"), [
    ("How many legs has a cow?", ALL[0], "no number in the seed"),
    ("A bus has 40 seats. How many are left?", Switches(True, True, True), "no name in the seed"),
    ("Mia is 40 years old. How old is her son?", ALL[0], "no thing in the seed"),
])
def test_a_seed_that_offers_nothing_is_named(question, switches, reason):
    with pytest.raises(Unusable) as caught:
        insert_sentence(make_problem(question), switches, 0)
    assert caught.value.reason == reason


@pytest.mark.parametrize(("question", "name", "thing"), [
    ("Natalia sold clips to 48 of her friends in April. In May Natalia sold half.", "Natalia", ""),
    ("In March the Smiths had 3 more cats than Betty's aunt.", "Betty", "cats"),
    ("There are 15 trees in the grove. Workers plant more today.", "", "trees"),
    ("Dr. Wertz drove for 3 hours and saw 20 new cars.", "Wertz", "cars"),
])
def test_names_and_things_are_found_in_real_looking_text(question, name, thing):
    seed = make_problem(question)
    assert thing_in(seed) == thing
    assert name_in(seed) in (name, "Smiths" if name == "Betty" else name)


@pytest.mark.parametrize("text", ["How much did the P.T.O. spend on 12 shirts?",
                                  "Mr. Hill has 12 shirts, how many are left?"])
def test_a_sentence_stands_in_front_where_all_is_one_sentence(text):
    made, _ = insert_sentence(make_problem(text), Switches(False, False, True), 0)
    assert made.endswith(text)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_symbolic_world_reads_these_sentences_as_asides(language):
    assert set(IN_TOPIC[language]) <= set(asides.IN_TOPIC[language])
    assert set(OFF_TOPIC[language]) <= set(asides.OFF_TOPIC[language])
    assert set(STRANGERS[language]) <= set(lexicon.people(language))
    right: Counter[bool] = Counter()
    for number, seed in enumerate(make_problems(100, 11, languages=(language,))):
        text, _ = insert_sentence(seed, draw_switches(seed, number), number)
        right[truth(text) == seed.answer] += 1
    assert right[True] >= 98


def test_the_methods_of_gsm_ic_tell_their_switches_by_name_and_keep_the_answer(play):
    assert len({method.name for method in GSM_IC}) == 8
    for method in GSM_IC:
        row, teacher = play(method, PEARS, ["12 + 7 = 19\nThe answer is 19"])
        assert isinstance(row, Sample)
        assert row.expected == row.answer == "19"
        assert row.method == method.name
        assert row.prompts[0].startswith("irrelevant/topic=")
        assert row.parent == PEARS.id
        assert len(teacher.asked) == 1
        assert {"in_topic", "same_name", "in_range"} <= set(method.identity())
