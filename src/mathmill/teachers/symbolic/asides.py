"""Asides: sentences that belong to no problem - idle facts with a number, and scenery.

Why: a distractor must be something that reader and writer both know to be irrelevant; the
reader skips these sentences, and only these. An idle fact differs as in GSM-IC (Shi et al.
2023): in or off the topic, about the story's person or another, number in range or not.

Used as: `draw_fact(story, rng)`, `draw_scenery(story, rng)`; compiled by `grammar`.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass

from mathmill.teachers.symbolic import lexicon
from mathmill.teachers.symbolic.story import Story

IN_TOPIC = {
    "en": ("{name}'s cousin once had {a} {item}.",
           "Last year {name} counted {a} {item} somewhere else.",
           "A sign at {place} shows a picture of {a} {item}.",
           "In a tale that {name} knows there are {a} {item}.",
           "A shop far away keeps {a} {item} in its cellar.",
           "{name} once dreamt of {a} {item}."),
    "zh": ("{name}的表哥曾经有{a}个{item}。",
           "去年{name}在别处数过{a}个{item}。",
           "{place}的招牌上画着{a}个{item}。",
           "{name}听过的一个故事里有{a}个{item}。",
           "远方一家店的地窖里放着{a}个{item}。"),
}
OFF_TOPIC = {
    "en": ("The dog of {name} is {a} months old.",
           "A poster on the wall shows {a} stars.",
           "It takes {name} {a} minutes to wash the dishes.",
           "The number on {name}'s door is {a}.",
           "{name} once wrote a letter of {a} words.",
           "The clock in {name}'s kitchen once cost ${a}.",
           "The road past {place} was built {a} months ago."),
    "zh": ("{name}的小狗{a}个月大。",
           "墙上的海报画着{a}颗星星。",
           "{name}洗碗要{a}分钟。",
           "{name}家的门牌号是{a}。",
           "{name}写过一封{a}个字的信。",
           "{place}旁边的路是{a}个月前修的。"),
}
SCENERY = {
    "en": ("All this happens near {place}.",
           "It is a sunny day at {place}.",
           "{name} often talks about it at {place}.",
           "We look at what is going on near {place}.",
           "It is early in the morning at {place}."),
    "zh": ("这件事发生在{place}附近。", "那天{place}天气晴朗。", "{name}常在{place}说起这件事。"),
}


@dataclass(frozen=True)
class IdleFact:
    """An irrelevant sentence, with what kind it is."""

    text: str
    in_topic: bool
    same_person: bool
    in_range: bool


def draw_fact(story: Story, rng: random.Random, taken: Collection[str] = ()) -> IdleFact:
    """Return one idle fact; `taken` sentences' templates are not used again while others last."""
    language = story.language
    in_topic, same, in_range = (rng.random() < 0.5 for _ in range(3))
    person = story.words["name"]
    if not same:
        strangers = [n for n in lexicon.people(language) if n not in story.words.values()]
        person = rng.choice(strangers)
    item = story.words["item"] or story.family.topic[language]
    number = _number(story, in_range, rng)
    words = {"name": person, "item": item, "a": str(number),
             "place": rng.choice(lexicon.PLACES[language])}
    forms = list((IN_TOPIC if in_topic else OFF_TOPIC)[language])
    rng.shuffle(forms)
    heads = {form: form.format_map({**words, "a": ""})[-8:] for form in forms}
    fresh = [form for form in forms if not any(text.endswith(heads[form]) for text in taken)]
    return IdleFact((fresh or forms)[0].format_map(words), in_topic, same, in_range)


def _number(story: Story, in_range: bool, rng: random.Random) -> int:
    """Return a number of the story's size, or one at least fifty times as large."""
    told = [value for event in story.events for value in event.numbers.values()
            if value is not None]
    low, high = int(min(told, default=1)), int(max(told, default=9))
    if in_range:
        return rng.randint(max(2, low), max(9, high))
    return rng.randint(5, 90) * 10 * max(10, high)


def draw_scenery(story: Story, rng: random.Random, taken: Collection[str] = ()) -> str:
    """Return a sentence that sets the scene and holds no number; none of `taken` if it can."""
    words = {"name": story.words["name"], "place": rng.choice(lexicon.PLACES[story.language])}
    scenes = [form.format_map(words) for form in SCENERY[story.language]]
    return rng.choice([scene for scene in scenes if scene not in taken] or scenes)
