from __future__ import annotations

import re
from collections import defaultdict

import pytest

from mathmill.teachers.symbolic import asides
from mathmill.teachers.symbolic.grammar import grammar
from mathmill.teachers.symbolic.solution import FIND, UNDO, shape
from mathmill.teachers.symbolic.tables import Beat, Family, families

NUMBER_WORDS = re.compile(
    r"\b(one|two|three|four|five|six|seven|eight|nine|ten|sixteen|half|fifth)\b", re.I)
ALL = list(families().values())


def _texts(family: Family, language: str) -> list[str]:
    return [text for beat in family.beats for text in beat.phrasings[language]] + [
        part for ask in family.asks.values() for pair in ask.phrasings[language] for part in pair]


def test_there_are_at_least_twelve_families() -> None:
    assert len(ALL) >= 12


@pytest.mark.parametrize("family", ALL, ids=lambda f: f.name)
def test_every_beat_and_question_has_four_phrasings_and_two_in_chinese(family: Family) -> None:
    for beat in family.beats:
        assert len(set(beat.phrasings["en"])) >= 4, beat.name
        assert len(set(beat.phrasings["zh"])) >= 2, beat.name
    for ask in family.asks.values():
        assert len(set(ask.phrasings["en"])) >= 4, ask.state
        assert len(set(ask.phrasings["zh"])) >= 2, ask.state
        assert all(question and statement for forms in ask.phrasings.values()
                   for question, statement in forms)


@pytest.mark.parametrize("family", ALL, ids=lambda f: f.name)
def test_every_phrasing_tells_every_number_of_its_beat_exactly_once(family: Family) -> None:
    for beat in family.beats:
        for texts in beat.phrasings.values():
            for text in texts:
                told = re.findall(r"\{([abc])\}", text)
                assert sorted(told) == [slot for slot, _ in beat.slots], text
                assert not re.search(r"[0-9]", text), text


@pytest.mark.parametrize("family", ALL, ids=lambda f: f.name)
def test_no_phrasing_holds_a_number_word_that_a_mask_would_take(family: Family) -> None:
    for text in _texts(family, "en"):
        assert not NUMBER_WORDS.search(text), text


@pytest.mark.parametrize("family", ALL, ids=lambda f: f.name)
def test_questions_are_one_clause_and_ask(family: Family) -> None:
    for ask in family.asks.values():
        for language, forms in ask.phrasings.items():
            for question, statement in forms:
                assert question.endswith("？" if language == "zh" else "?"), question
                assert not re.search(r"[,，;；]", question), question
                assert "{ans}" in statement
                assert statement.endswith("。" if language == "zh" else "."), statement


@pytest.mark.parametrize("family", ALL, ids=lambda f: f.name)
def test_every_level_can_be_told_and_every_beat_be_reached(family: Family) -> None:
    used: set[Beat] = set()
    for level in range(1, 6):
        assert family.paths(level), level
        used.update(beat for path in family.paths(level) for beat in path)
    assert used == set(family.beats)


@pytest.mark.parametrize("family", ALL, ids=lambda f: f.name)
def test_every_beat_can_be_undone_and_each_of_its_numbers_found(family: Family) -> None:
    for beat in family.beats:
        key = shape(beat.moves)
        if beat.before:
            assert key in UNDO, key
        if beat.moves:
            assert set(FIND[key]) == {slot for slot, _ in beat.slots}, key


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_two_beats_that_may_stand_in_one_place_read_the_same(language: str) -> None:
    for key, forms in grammar(language).beats.items():
        places = [(form.family.name, form.source.before, form.slots) for form in forms
                  if form.family and isinstance(form.source, Beat)]
        assert len(places) == len(set(places)), key
        if len({place[:2] for place in places}) < len(places):
            # Who does it to whom tells them apart, as long as the opening names its person.
            family = families()[places[0][0]]
            assert all("{name}" in text for beat in family.beats if not beat.before
                       for text in beat.phrasings[language]), key


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_two_families_open_alike_unless_their_things_differ(language: str) -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for key, forms in grammar(language).beats.items():
        for form in forms:
            if form.family and isinstance(form.source, Beat) and not form.source.before:
                owners[key].add(form.family.name)
    assert all(len(names) == 1 for names in owners.values()), {
        key: names for key, names in owners.items() if len(names) > 1}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_aside_reads_as_part_of_a_story(language: str) -> None:
    rules = grammar(language)
    told = rules.beats.keys() | rules.questions.keys() | rules.statements.keys()
    assert not told & rules.asides.keys()
    count = sum(len(kind[language]) for kind in (asides.IN_TOPIC, asides.OFF_TOPIC,
                                                 asides.SCENERY))
    assert len(rules.asides) == count
