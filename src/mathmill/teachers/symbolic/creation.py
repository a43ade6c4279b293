"""Creates a problem from a reference, checks it by solving it, and mends it where it must.

Why: Xwin-Math's creation is one reply of three sections; now and then the first draft of
this teacher is impossible (more is taken than is there), its check finds that out, and the
final problem is mended, as the method hopes of a model.

Used as: `create(reading, rng, check)`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction

from mathmill.teachers.symbolic.quantities import Impossible, is_possible
from mathmill.teachers.symbolic.reader import Reading
from mathmill.teachers.symbolic.solution import (
    carry_out,
    make_plan,
    write_done,
)
from mathmill.teachers.symbolic.story import Story, with_number
from mathmill.teachers.symbolic.writer import draw_story, event_text, fill, join, tell

IMPOSSIBLE = 0.2
"Share of first drafts that cannot happen."
_FINE = {"en": "Nothing needs to change.", "zh": "无需修改。"}
_MEND = {"en": "This cannot be, so a number must be changed.", "zh": "这不可能，需要修改一个数。"}


def create(reading: Reading, rng: random.Random, check: Callable[[Story], str],
           ) -> str:
    """Return `Created problem:`, `Check:` and `Final problem:` for a reference.

    `check` writes the solution of a sound draft (and may err in it).
    """
    level = max(1, min(5, reading.story.level + rng.choice((-1, 0, 0, 1))))
    story = draw_story(level, reading.story.language, rng)
    draft = _spoil(story, rng) if rng.random() < IMPOSSIBLE else None
    if draft is None:
        text = tell(story, rng)
        return _reply(text, f"{check(story)}\n{_FINE[story.language]}", text)
    forms = rng.getrandbits(32)
    return _reply(_tell_same(draft, forms), f"{_failing(draft)}\n{_MEND[story.language]}",
                  _tell_same(story, forms))


def _reply(created: str, check: str, final: str) -> str:
    return f"Created problem: {created}\n\nCheck:\n{check}\n\nFinal problem: {final}"


def _spoil(story: Story, rng: random.Random) -> Story | None:
    """Return the story with more taken away than there is; None where nothing is taken."""
    for place, event in enumerate(story.events):
        moves = event.beat.moves
        if len(moves) == 1 and (moves[0].left, moves[0].sign) == ("v", "-"):
            before = Story(story.family, story.events[:place], story.words, story.language)
            taken = before.run()[1].__ceil__() + rng.randint(2, 20)
            return with_number(story, place, "a", Fraction(taken))
    return None


def _tell_same(story: Story, forms: int) -> str:
    """Tell a story with phrasings that depend on `forms` alone, so that two tellings agree."""
    rng = random.Random(forms)
    texts = [event_text(event, story, rng) for event in story.events]
    question, _ = rng.choice(story.family.asks[story.state].phrasings[story.language])
    return join([*texts, fill(question, story.words, {}, story.language)], story.language)


def _failing(draft: Story) -> str:
    """Return the draft's solution up to the first value that cannot be."""
    for length in range(1, len(draft.events) + 1):
        part = Story(draft.family, draft.events[:length], draft.words, draft.language)
        try:
            done, value = carry_out(make_plan(part))
        except Impossible:
            break
        if not is_possible(value, draft.family.rule):
            return write_done(part, done, value).rsplit("\n", 1)[0]
    raise AssertionError("a spoilt draft fails somewhere")
