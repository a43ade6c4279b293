"""Rewrites stories as the evolve operators and the rephraser ask: edits of the chain of beats.

Why: a rewritten problem must again be a story of this world, readable and with an answer.
Sentences of beats that stay are kept word for word, as a person would who edits a text.

Used as: `operate("constrain", reading, rng)`, `rephrase(reading, rng)`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from mathmill.teachers.symbolic import lexicon
from mathmill.teachers.symbolic.asides import draw_fact, draw_scenery
from mathmill.teachers.symbolic.quantities import Impossible, sample_number
from mathmill.teachers.symbolic.reader import Reading, Sentence, with_words
from mathmill.teachers.symbolic.story import Event, Story, show_slot
from mathmill.teachers.symbolic.tables import Beat
from mathmill.teachers.symbolic.writer import (
    draw_story,
    event_text,
    extend,
    fill,
    join,
    natural,
    tell,
)

LONGEST = 6
"Most reasoning steps that an upward operator builds; then it writes anew."
Edit = Callable[[Reading, random.Random], str]


def rephrase(reading: Reading, rng: random.Random) -> str:
    """Return the problem with other phrasings of some or all of its sentences.

    Quantities, order, idle facts and a backward question's ending stay as they are.
    """
    changeable = [place for place, sentence in enumerate(reading.sentences)
                  if sentence.kind in ("event", "question")]
    chosen = {place for place in changeable if rng.random() < 0.7} or {rng.choice(changeable)}
    events = iter(reading.story.events)
    texts = []
    for place, sentence in enumerate(reading.sentences):
        event = next(events) if sentence.kind == "event" else None
        if place not in chosen:
            texts.append(sentence.text)
        elif event is not None:
            texts.append(event_text(event, reading.story, rng, unlike=sentence.form))
        else:
            texts.append(_question(reading.story, rng, unlike=sentence.form))
    return join(texts, reading.story.language) + reading.ending


def insert_fact(reading: Reading, rng: random.Random) -> str:
    """Return the problem with one idle fact put in after its opening and before what is asked."""
    taken = [sentence.text for sentence in reading.sentences if sentence.kind == "aside"]
    fact = draw_fact(reading.story, rng, taken)
    texts = [sentence.text for sentence in reading.sentences]
    texts.insert(rng.randint(1, len(texts) - 1), fact.text)
    return join(texts, reading.story.language) + reading.ending


def _question(story: Story, rng: random.Random, unlike: int = -1) -> str:
    """Return the question of a story, phrased at random but not as phrasing `unlike`."""
    forms = [form for place, (form, _) in
             enumerate(story.family.asks[story.state].phrasings[story.language])
             if place != unlike]
    return fill(rng.choice(forms), story.words, {}, story.language)


def _retell(reading: Reading, story: Story, rng: random.Random) -> str:
    """Return the changed story; beats that stayed keep their sentences, idle facts go."""
    kept: dict[int, str] = {}
    told = [s for s in reading.sentences if s.kind == "event"]
    for event, sentence in zip(reading.story.events, told, strict=True):
        kept[id(event)] = sentence.text
    texts = [kept.get(id(event)) or event_text(event, story, rng) for event in story.events]
    same = story.state == reading.story.state and reading.sentences[-1].kind == "question"
    texts.append(reading.sentences[-1].text if same else _question(story, rng))
    return join(texts, story.language)


def sound(story: Story) -> bool:
    """Tell whether every value of a story is one that a school book would choose."""
    try:
        steps, _ = story.run()
    except Impossible:
        return False
    return all(natural(story.family, done, done[-1].value) for done in steps if done)


def grow(story: Story, rng: random.Random, moves: Sequence[int]) -> Story | None:
    """Return the story with one more beat of as many moves; None where none fits."""
    family, events = story.family, story.events
    choices: list[tuple[int, Beat]] = []
    for place in range(1, len(events) + 1):
        state, last = events[place - 1].beat.after, place == len(events)
        choices += [(place, beat) for beat in family.beats
                    if beat.before == state and len(beat.moves) in moves
                    and (beat.after == state or (last and beat.after in family.asks))
                    and story.level + len(beat.moves) <= LONGEST
                    and beat is not events[place - 1].beat
                    and (last or beat is not events[place].beat)]
    rng.shuffle(choices)
    # What comes after must still come out even (a division, say): several draws of each beat.
    for place, beat in choices[:12] * 6:
        before = replace(story, events=events[:place])
        found = extend(family, beat, before.run()[1], rng)
        if found:
            made = replace(story, events=(*events[:place], found[0], *events[place:]))
            if sound(made):
                return made
    return None


def shrink(story: Story, rng: random.Random) -> Story | None:
    """Return the story with one beat fewer; None where none can be spared."""
    events, choices = story.events, []
    for place in range(1, len(events)):
        beat, last = events[place].beat, place == len(events) - 1
        if beat.before == beat.after or (last and beat.before in story.family.asks):
            made = replace(story, events=(*events[:place], *events[place + 1:]))
            if made.level >= 1 and sound(made):
                choices.append(made)
    return rng.choice(choices) if choices else None


def run_so_far(story: Story, events: Sequence[Event]) -> Fraction:
    """Return the running value after some events; 40, a common size, before the first."""
    try:
        return replace(story, events=tuple(events)).run()[1] if events else Fraction(40)
    except Impossible:
        return Fraction(40)


def redraw(story: Story, rng: random.Random, smaller: bool = False) -> Story | None:
    """Return the story with some numbers changed (all made smaller where asked), or None."""
    for _ in range(40):
        events: list[Event] = []
        for event in story.events:
            start = run_so_far(story, events)
            numbers = dict(event.numbers)
            for slot, kind in event.beat.slots:
                old = numbers[slot]
                if old is not None and (smaller or rng.random() < 0.5):
                    new = sample_number(kind, rng, start)
                    numbers[slot] = min(new, old) if smaller else new
            events.append(Event(event.beat, numbers)
                          if numbers != dict(event.numbers) else event)
        made = replace(story, events=tuple(events))
        if made.signature() != story.signature() and sound(made):
            return made
    return None


def _constrain(reading: Reading, rng: random.Random) -> str:
    made = grow(reading.story, rng, (1,)) or grow(reading.story, rng, (2,))
    return _retell(reading, made, rng) if made else _anew(reading, rng, 5)


def _deepen(reading: Reading, rng: random.Random) -> str:
    made = grow(reading.story, rng, (1, 2))
    if made is None:
        return _anew(reading, rng, 5)
    return _retell(reading, redraw(made, rng) or made, rng)


def _more_steps(reading: Reading, rng: random.Random) -> str:
    made = grow(reading.story, rng, (2,)) or grow(reading.story, rng, (1,))
    if made is None:
        return _anew(reading, rng, 5)
    return _retell(reading, grow(made, rng, (1,)) or made, rng)


def _easier(reading: Reading, rng: random.Random) -> str:
    made = shrink(reading.story, rng) or redraw(reading.story, rng, smaller=True)
    return _retell(reading, made, rng) if made else _anew(reading, rng, 1)


def _new(reading: Reading, rng: random.Random) -> str:
    story = reading.story
    return tell(draw_story(max(1, min(5, story.level)), story.language, rng), rng)


def _easier_new(reading: Reading, rng: random.Random) -> str:
    return _anew(reading, rng, max(1, min(5, reading.story.level) - 1), elsewhere=True)


def _anew(reading: Reading, rng: random.Random, level: int, elsewhere: bool = False) -> str:
    """Return a fresh problem of a level: of the same family, or of any other."""
    story, name = reading.story, reading.story.family.name
    while True:
        made = draw_story(level, story.language, rng, None if elsewhere else [name])
        if not elsewhere or made.family.name != name:
            return tell(made, rng)


def _concretise(reading: Reading, rng: random.Random) -> str:
    """Return the problem with its thing named more exactly, and a scene set for it."""
    story, language = reading.story, reading.story.language
    item, items = story.words["item"], story.family.items[language]
    if item == story.family.wide.get(language):
        item = rng.choice(items)
    elif item in items:
        gap = "" if language == "zh" else " "
        item = rng.choice(lexicon.ADJECTIVES[language]) + gap + item
    exact = with_words(story, item=item)
    events = iter(story.events)
    texts = [_same_form(sentence, exact, events) for sentence in reading.sentences]
    return join([draw_scenery(story, rng, texts), *texts], language) + reading.ending


def _same_form(sentence: Sentence, story: Story, events: Iterator[Event]) -> str:
    """Return a sentence told as before but with the words of `story`."""
    language = story.language
    if sentence.kind == "event":
        event = next(events)
        numbers = {slot: show_slot(event, slot) for slot, _ in event.beat.slots}
        template = event.beat.phrasings[language][sentence.form]
        return fill(template, story.words, numbers, language)
    if sentence.kind == "question":
        question, _ = story.family.asks[story.state].phrasings[language][sentence.form]
        return fill(question, story.words, {}, language)
    return sentence.text


OPERATORS: dict[str, Edit] = {
    "write a brand-new problem of similar length and difficulty": _new,
    "add one more constraint or requirement": _constrain,
    "increase its depth and breadth": _deepen,
    "replace general concepts by more specific ones": _concretise,
    "make it ask explicitly for more steps of reasoning": _more_steps,
    "make it easier": _easier,
    "write an easier problem on another topic": _easier_new,
}
"What each operator of a `Task: Rewrite the problem: ...` line does. Needs a forward problem."
