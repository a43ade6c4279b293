from __future__ import annotations

import re
from collections import Counter

from mathmill.identity import draw
from mathmill.teachers.symbolic.asides import draw_fact, draw_scenery
from mathmill.teachers.symbolic.grammar import delexicalise, grammar
from mathmill.teachers.symbolic.tables import families
from mathmill.teachers.symbolic.writer import draw_story


def test_every_kind_of_idle_fact_occurs_in_both_languages() -> None:
    for language in ("en", "zh"):
        kinds: Counter[tuple[bool, bool, bool]] = Counter()
        for number in range(400):
            story = draw_story(2, language, draw("idle", number))
            fact = draw_fact(story, draw("fact", number))
            kinds[fact.in_topic, fact.same_person, fact.in_range] += 1
            assert re.search(r"\d", fact.text)
            told = [float(v) for e in story.events for v in e.numbers.values() if v is not None]
            value = float(re.findall(r"\d+", fact.text)[-1])
            assert (value > 20 * max(told)) == (not fact.in_range) or value <= 9
        assert len(kinds) == 8


def test_every_idle_fact_of_every_family_is_skipped_by_the_reader() -> None:
    for language in ("en", "zh"):
        for name in families():
            for number in range(40):
                story = draw_story(2, language, draw(name, number), [name])
                for text in (draw_fact(story, draw("fact", number)).text,
                             draw_scenery(story, draw("scene", number))):
                    assert delexicalise(text, language)[0] in grammar(language).asides, text


def test_scenery_holds_no_number() -> None:
    story = draw_story(2, "en", draw("scene"))
    assert not re.search(r"\d", "".join(draw_scenery(story, draw(i)) for i in range(50)))


def test_facts_already_there_are_not_told_again_while_others_last() -> None:
    story = draw_story(2, "en", draw("again"))
    taken: list[str] = []
    for number in range(5):
        taken.append(draw_fact(story, draw("again", number), taken).text)
    assert len({delexicalise(text, "en")[0] for text in taken}) >= 4
