"""Texts of the symbolic world with little in them: notices, menus, lists, lives, letters.

Why: what speaks of nothing that can be reckoned is of little worth as a seed, and a way to
choose texts must be seen to pass it by. Names, places and numbers occur, no story family does.

Used as: `PLAIN["web"][0](rng)`; mixed into `texts`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from mathmill.teachers.symbolic import lexicon

DAYS = ("Monday", "Friday", "Sunday")
NAMED = ("{name} is a friend of {other}.", "{other} and {name} met at {place}.",
         "{name} sat near {place} all the time.", "{other} said that {name} was right.",
         "{name} never left {place}.", "It was {name} who opened {place} to all.")
MORE = ("{He} also knew {other} and {third}.",
        "Later {he} went to {place} and was seen there no more.", "{third} did not say why.",
        "Some say that {he} was rich, some say not.", "{He} liked the rain and the sea.",
        "People still think of {him} near {place}.", "{third} was there too, with {other}.")
"Remarks on people: the first names its person, the others may follow."


def _words(rng: random.Random) -> dict[str, str]:
    name, other, third = rng.sample(lexicon.people("en"), 3)
    return {"name": name, "other": other, "third": third, "place": _place(rng),
            **lexicon.pronouns(name, "en")}


def _place(rng: random.Random) -> str:
    return rng.choice(lexicon.PLACES["en"])


def _say(count: int, rng: random.Random, words: dict[str, str] | None = None) -> str:
    """Return some remarks on people that tell of nothing."""
    words = words or _words(rng)
    first = rng.choice(NAMED)
    rest = rng.sample([form for form in (*NAMED, *MORE) if form != first], count - 1)
    return " ".join(form.format_map({**words, "place": _place(rng)}) for form in (first, *rest))


def notice(rng: random.Random) -> str:
    """Return a notice that some place is closed."""
    number = " ".join(str(rng.randint(0, 9)) for _ in range(6))
    return (f"Home | {_place(rng)[4:]}\nOn {rng.choice(DAYS)} {_place(rng)} is not open. "
            f"{_say(3, rng)}\nCall us: {number}")


def menu(rng: random.Random) -> str:
    """Return what is to eat, and for how much."""
    dishes = rng.sample(("soup", "rice", "fish", "corn", "bread", "salad", "eggs", "beans"), 4)
    lines = [f"{dish}: ${rng.randint(2, 15)}" for dish in dishes]
    return f"Today near {_place(rng)}\n" + "\n".join(lines) + f"\n{_say(2, rng)}"


def roll_call(rng: random.Random) -> str:
    """Return a list of names with numbers that mean nothing."""
    names = rng.sample(lexicon.people("en"), 4)
    rows = "\n".join(f"{name} .... {rng.randint(2, 300)}" for name in names)
    return f"## Names\n\n{rows}\n{_say(3, rng)}"


def foreword(rng: random.Random) -> str:
    """Return the words before a work."""
    words = _words(rng)
    return f"## To {words['other']}\n\n{_say(4, rng, words)} {words['name']}, {_place(rng)[4:]}"


def thanks(rng: random.Random) -> str:
    """Return a paper's thanks."""
    words = _words(rng)
    return ("\\section{Thanks}\nWe thank " + f"{words['name']}, {words['other']} and "
            f"{words['third']}. {_say(3, rng, words)} [{rng.randint(1, 9)}]")


def references(rng: random.Random) -> str:
    """Return a list of works."""
    rows = []
    for number in range(1, 5):
        one, two = rng.sample(lexicon.people("en"), 2)
        rows.append(f"[{number}] {one} and {two}, On {_place(rng)}, {rng.randint(1, 90)}.")
    return "\\section{References}\n" + "\n".join(rows)


def chat(rng: random.Random) -> str:
    """Return a thread without a point."""
    words = _words(rng)
    return (f"Question: {_say(2, rng, words)} Is {words['name']} still there?\n\n"
            f"Answer: {rng.choice(('No.', 'Yes.', 'I do not know.'))} {_say(3, rng, words)}")


def life(rng: random.Random) -> str:
    """Return the life of someone who never was."""
    words = _words(rng)
    return (f"'''{words['name']}'''\n{words['name']} came from {words['place']}. "
            f"{_say(3, rng, words)}\nSee also: {words['other']}, {words['third']}")


PLAIN: Mapping[str, tuple[Callable[[random.Random], str], ...]] = {
    "web": (notice, menu), "book": (foreword, roll_call), "paper": (thanks, references),
    "qa": (chat,), "encyclopedia": (life,)}
"What is written of each kind."
