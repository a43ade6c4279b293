"""Variable names for the programs of the symbolic world, taken from the words of the story.

Why: a student of programs should read `riders - getting_off`, not `a - b`; which word names
a number is told by a table, one line a number, beside the families that it belongs to.

Used as: `names = Names(story, rng)`; `names.slot("on", "a")`, `names.running("own", "-")`.
"""

from __future__ import annotations

import keyword
import random
import re
from functools import cache
from importlib import resources

from mathmill.teachers.symbolic.story import Story

RESULT = "result"
_AFTER = {"-": ("{}_left", "remaining_{}", "left"), "+": ("{}_now", "total_{}", "more_{}"),
          "*": ("{}_then", "new_{}", "{}_after"), "/": ("{}_each", "{}_then", "share")}


@cache
def variables() -> dict[str, dict[str, tuple[str, ...]]]:
    """Return family -> key -> names; a key is a state or `beat.slot`, `beat._` a part."""
    text = (resources.files("mathmill.teachers.symbolic") / "variables.txt").read_text("utf-8")
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for block in re.split(r"^family ", text, flags=re.M)[1:]:
        head, *lines = block.split("\n")
        pairs = (line.split(":") for line in lines if line)
        found[head] = {key: tuple(names.split()) for key, names in pairs}
    return found


class Names:
    """The names of one program: each is given once, and drawn by `rng` (None: the first free)."""

    def __init__(self, story: Story, rng: random.Random | None) -> None:
        """Begin with no name given."""
        self.table = variables()[story.family.name]
        self.thing = thing(story)
        self.rng = rng
        self.taken = {RESULT}
        self.bases: dict[tuple[str, str], str] = {}

    def slot(self, beat: str, slot: str) -> str:
        """Return a fresh name for a number of a beat, or for its part `_`."""
        return self._fresh(self.table.get(f"{beat}.{slot}", ("part", "amount")))

    def base(self, state: str, target: str = "v") -> str:
        """Return the name of a running value in a state: one for the whole program.

        `target`: `v` going forwards, `y` going back from a known result.
        """
        if (target, state) not in self.bases:
            self.bases[target, state] = self._fresh(self.table.get(state, (state,)))
        return self.bases[target, state]

    def running(self, state: str, sign: str, target: str = "v") -> str:
        """Return a fresh name for a running value after a move of sign `sign`."""
        if (target, state) not in self.bases:
            return self.base(state, target)
        base = self.base(state, target)
        return self._fresh(tuple(form.format(base) for form in _AFTER[sign]))

    def _fresh(self, names: tuple[str, ...]) -> str:
        """Return one of the names that is not taken, the first more often than others."""
        names = tuple(re.sub(r"\bitem\b", self.thing, name.replace("_", " ")).replace(" ", "_")
                      for name in names)
        free = [name for name in names if name not in self.taken and not keyword.iskeyword(name)]
        if not free:
            free = [next(name for number in range(2, 99)
                         if (name := f"{names[0]}_{number}") not in self.taken)]
        drawn = self.rng is not None and self.rng.random() >= 0.6
        chosen = self.rng.choice(free) if self.rng and drawn else free[0]
        self.taken.add(chosen)
        return chosen


def thing(story: Story) -> str:
    """Return the story's thing as a part of a name, English in any language: `big_apples`."""
    item, family = story.words["item"], story.family
    if story.language != "en":
        things = family.items[story.language]
        place = next((n for n, word in enumerate(things) if word == item), None)
        item = family.items["en"][place] if place is not None else family.wide.get("en", "items")
    return re.sub(r"\W+", "_", item.lower()).strip("_") or "items"
