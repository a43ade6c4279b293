"""Reads the tables of story families, `families/*.txt`, into frozen records.

Why: one table of sentence templates both writes and reads, so the reader is the writer's
inverse by construction, and a family is added by writing sentences and no code.

Format, one block a family; the indented lines below a beat are its phrasings:

    family NAME
    rule count|money|decimal|share LIMIT     what values may occur, and the largest
    items apples/苹果, pears/梨               the things told of (may be left out)
    wide fruits/水果                          a general word for them (may be left out)
    topic coins/硬币                          what an idle fact speaks of, where nothing else is
    state NAME | English line | Chinese line  how a solution names the running value; {eq}
    set NAME [moves] slot=kind ...            how the story opens
    op NAME [moves] slot=kind ... FROM>TO     what may happen next (own>own unless told)
    ask STATE                                 question => the same as a statement; {ans}

Moves are equations joined by `;`, over `v` (the running value), `_` (the result just before)
and slots; `*a%` takes a percentage. Kinds of numbers: `quantities.sample_number`.

Used as: `families()["basket"].paths(3)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from itertools import accumulate

from mathmill.teachers.symbolic.quantities import Move, read_moves

OPENING = ""
"The state before the set-up."


@dataclass(frozen=True)
class Beat:
    """One thing that happens: its equations, its numbers and its phrasings."""

    name: str
    moves: tuple[Move, ...]
    slots: tuple[tuple[str, str], ...]
    "Number slots with the kind of number each takes, in order."
    before: str
    "State it needs; `` for a set-up."
    after: str
    "State it leaves."
    phrasings: dict[str, tuple[str, ...]] = field(hash=False, compare=False)
    "Templates by language."


@dataclass(frozen=True)
class Ask:
    """A question about one state, each phrasing with its statement form."""

    state: str
    phrasings: dict[str, tuple[tuple[str, str], ...]] = field(hash=False, compare=False)


@dataclass(frozen=True)
class Family:
    """A kind of story."""

    name: str
    rule: str
    limit: int
    items: dict[str, tuple[str, ...]] = field(hash=False, compare=False)
    "Things told of, by language; the same index means the same thing."
    wide: dict[str, str] = field(hash=False, compare=False)
    topic: dict[str, str] = field(hash=False, compare=False)
    lines: dict[str, dict[str, str]] = field(hash=False, compare=False)
    "How a solution names the running value: state, then language."
    beats: tuple[Beat, ...] = field(hash=False, compare=False)
    asks: dict[str, Ask] = field(hash=False, compare=False)

    @cache  # noqa: B019 - families live as long as the process
    def paths(self, level: int) -> tuple[tuple[Beat, ...], ...]:
        """Return every chain of beats with `level` steps that ends where a question stands.

        No beat happens twice in a row, nor more than twice; at most 5 beats after the set-up.
        """
        found: list[tuple[Beat, ...]] = []
        openings = [beat for beat in self.beats if beat.before == OPENING]
        pending: list[tuple[Beat, ...]] = [(beat,) for beat in reversed(openings)]
        while pending:
            chain = pending.pop()
            steps = sum(len(beat.moves) for beat in chain)
            if steps == level and chain[-1].after in self.asks:
                found.append(chain)
            if steps >= level or len(chain) > 5:
                continue
            pending.extend((*chain, beat) for beat in self.beats
                           if beat.before == chain[-1].after and beat is not chain[-1]
                           and chain.count(beat) < 2)
        found.sort(key=lambda chain: [beat.name for beat in chain])
        return tuple(found)


    @cache  # noqa: B019 - as above
    def weights(self, level: int) -> tuple[float, ...]:
        """Return how often each path of a level is drawn, cumulated: more where more can vary.

        The weight is the square of the bits that a path's numbers can hold, so that chains
        which few numbers fit are not told over and over.
        """
        bits = (sum(_BITS.get(kind[0], 5.0) for beat in path for _, kind in beat.slots)
                for path in self.paths(level))
        return tuple(accumulate(total * total for total in bits))


_BITS = {"f": 3.5, "p": 3.5, "t": 2.3, "n": 3.5, "g": 3.0, "h": 3.0, "q": 4.5}
_HEAD = re.compile(r"(set|op) (\w+) \[(.*?)\] ?(.*)")


@cache
def families() -> dict[str, Family]:
    """Return all families by name, in the order of the table files' names."""
    found: dict[str, Family] = {}
    folder = resources.files("mathmill.teachers.symbolic") / "families"
    for table in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if table.name.endswith(".txt"):
            text = table.read_text(encoding="utf-8")
            for block in re.split(r"^family ", text, flags=re.M)[1:]:
                family = _read_family(block)
                assert family.name not in found, f"two families are called {family.name}"
                found[family.name] = family
    return found


def _read_family(block: str) -> Family:
    """Return one family from its block of the table."""
    lines = [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
    about: dict[str, str] = {}
    states: dict[str, dict[str, str]] = {}
    beats: list[Beat] = []
    asks: dict[str, Ask] = {}
    for number, line in enumerate(lines[1:], start=1):
        if line.startswith(" "):
            continue
        word, _, rest = line.partition(" ")
        below = _indented(lines, number + 1)
        if word == "state":
            name, english, chinese = (part.strip() for part in rest.split("|"))
            states[name] = {"en": english, "zh": chinese}
        elif word in ("set", "op"):
            beats.append(_read_beat(line, below))
        elif word == "ask":
            asks[rest] = Ask(rest, {language: tuple(
                (question.strip(), statement.strip()) for question, _, statement in
                (text.partition("=>") for text in texts)) for language, texts in below.items()})
        else:
            about[word] = rest
    rule, limit = about["rule"].split()
    pairs = [pair.strip().split("/") for pair in about.get("items", "").split(",") if pair]
    wide = about.get("wide", "").split("/")
    return Family(
        name=lines[0].strip(), rule=rule, limit=int(limit),
        items={"en": tuple(pair[0] for pair in pairs), "zh": tuple(pair[1] for pair in pairs)},
        wide={"en": wide[0], "zh": wide[1]} if len(wide) == 2 else {},
        topic=dict(zip(("en", "zh"), about.get("topic", "/").split("/"), strict=True)),
        lines=states, beats=tuple(beats), asks=asks)


def _indented(lines: list[str], first: int) -> dict[str, tuple[str, ...]]:
    """Return the phrasings from line `first` on, by language."""
    found: dict[str, list[str]] = {"en": [], "zh": []}
    for line in lines[first:]:
        if not line.startswith(" "):
            break
        text = line.strip()
        if text.startswith("zh "):
            found["zh"].append(text[3:])
        else:
            found["en"].append(text)
    return {language: tuple(texts) for language, texts in found.items()}


def _read_beat(line: str, phrasings: dict[str, tuple[str, ...]]) -> Beat:
    """Return a beat from its head line and phrasings."""
    match = _HEAD.fullmatch(line)
    assert match, f"cannot read this line of a family table: {line!r}"
    word, name, moves, rest = match.groups()
    before, after = (OPENING, "own") if word == "set" else ("own", "own")
    slots: list[tuple[str, str]] = []
    for part in rest.split():
        if "=" in part:
            slot, _, kind = part.partition("=")
            slots.append((slot, kind))
        elif ">" in part:
            before, _, after = part.partition(">")
    return Beat(name, read_moves(moves), tuple(slots), before, after, phrasings)
