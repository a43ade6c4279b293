"""Ways in which a benchmark's question leaks into training data, written with known truth.

Why: a finder of contamination is measured by what it finds of leaks that were planted, and only
a writer who understands a question can plant more than copies: told in other words, in the other
language, or with other numbers and all else as it was.

Used as: `leak("paraphrased", question, rng)`; `same_problem(first, second)`.
"""

from __future__ import annotations

import random
from dataclasses import replace

from mathmill.teachers.symbolic import lexicon
from mathmill.teachers.symbolic.reader import Reading, read
from mathmill.teachers.symbolic.rewriting import redraw, rephrase
from mathmill.teachers.symbolic.story import Story
from mathmill.teachers.symbolic.writer import fill, join, phrase, tell

KINDS = ("verbatim", "paraphrased", "translated", "numbers changed")
_AROUND = {"en": ("Here is one to think about. {} Take your time.", "{}\nGood luck!", "Q: {}"),
           "zh": ("请看这道题。{}", "{}祝你好运！", "题：{}")}


def leak(kind: str, question: str, rng: random.Random) -> str | None:
    """Return a question leaked in one of `KINDS`; None where it cannot be read or so told."""
    reading = read(question)
    if reading is None or reading.ending:
        return None
    if kind == "verbatim":
        return rng.choice(_AROUND[reading.story.language]).format(question)
    if kind == "paraphrased":
        return rephrase(reading, rng)
    if kind == "translated":
        return tell(_translated(reading.story, rng), rng)
    assert kind == "numbers changed", f"no leak is called {kind}"
    story = redraw(reading.story, rng)
    return None if story is None else _as_before(reading, story)


def same_problem(first: str, second: str) -> bool | None:
    """Tell whether two questions are one told twice; None where one cannot be read.

    The same meaning is, in any words or language; and the same tale of the same people and
    things, step for step, with other numbers.
    """
    readings = read(first), read(second)
    if readings[0] is None or readings[1] is None:
        return None
    stories = [reading.solved() or reading.story for reading in readings if reading is not None]
    one, other = stories
    known = one.unknown() is None and other.unknown() is None
    if known and one.signature() == other.signature():
        return True
    return (one.family is other.family and dict(one.words) == dict(other.words)
            and [event.beat for event in one.events] == [event.beat for event in other.events]
            and one.state == other.state)


def _translated(story: Story, rng: random.Random) -> Story:
    """Return the story to be told in the other language, its thing translated where it can be."""
    old = story.language
    new = "zh" if old == "en" else "en"
    mine, theirs = story.family.items[old], story.family.items[new]
    item, places = story.words["item"], lexicon.PLACES
    if item in mine and len(mine) == len(theirs):
        thing = theirs[mine.index(item)]
    else:
        thing = story.family.wide.get(new) or rng.choice(theirs or ("",))
    name, other = rng.sample(lexicon.people(new), 2)
    place = (places[new][places[old].index(story.words["place"])]
             if story.words["place"] in places[old] else places[new][0])
    return replace(story, language=new,
                   words={"name": name, "other": other, "item": thing, "place": place})


def _as_before(reading: Reading, story: Story) -> str:
    """Return the story told in the very phrasings of a reading."""
    events, texts = iter(story.events), []
    for sentence in reading.sentences:
        if sentence.kind == "event":
            texts.append(phrase(next(events), story, sentence.form))
        elif sentence.kind == "question":
            form, _ = story.family.asks[story.state].phrasings[story.language][sentence.form]
            texts.append(fill(form, story.words, {}, story.language))
        else:
            texts.append(sentence.text)
    return join(texts, story.language)
