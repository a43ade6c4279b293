"""How much of planted contamination each finder finds, and how much of clean data it takes.

Why: "decontaminated" says nothing without the share of leaks that the means could have found and
the share of good rows that they cost. Both are counted here, by kind of leak, with intervals; a
threshold can be set on every other row and told on the rest, so that it is not its own judge.

Used as: `sheet = measure(Planted(items, {"verbatim": [...]}, clean))`; `sheet.text()`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mathmill.grading.wilson import wilson
from mathmill.stages.decontaminate import finders
from mathmill.stages.overlap import Overlap

Found = tuple[NDArray[np.int64], NDArray[np.floating[Any]]]
"Place of the item (-1: none) and score of each row."
Search = Callable[[Sequence[str]], Found]

NGRAMS = (30, 13, 10)
FALSE = 0.01  # share of clean rows that a threshold may cost where one is set here
LOWEST = {"numbers": 0.03, "neighbours svd": 0.3, "neighbours words": 0.3}
"Scores from which on a threshold is looked for."
SHOWN = 3
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Planted:
    """A benchmark, leaks of it by kind, and rows that are none."""

    items: Sequence[str]
    "The benchmark's questions."
    leaks: Mapping[str, Sequence[tuple[int, str]]]
    "Of each kind: which item, and how it leaked."
    clean: Sequence[str]
    "Questions that are no leak."
    paired: bool = True
    "Whether it is known which item each leak is of."


@dataclass(frozen=True)
class Count:
    """So many of so many."""

    hits: int
    whole: int

    def text(self) -> str:
        """Return the share with its 95 % interval, or a dash where nothing was counted."""
        if not self.whole:
            return "–"
        low, high = wilson(self.hits, self.whole)
        return (f"{self.hits / self.whole:7.2%} [{low:.2%}, {high:.2%}] "
                f"{self.hits:,}/{self.whole:,}")


@dataclass
class Line:
    """What one finder found."""

    name: str
    least: float | None
    "Its threshold; None where it has none."
    kinds: dict[str, Count]
    false: Count
    right: Count
    "Of the leaks found those laid at the right item's door."
    taken: list[tuple[float, str, str]] = field(default_factory=list)
    "Clean rows that it took, the likest first: score, row, item."
    tuned: tuple[float, dict[str, Count], Count] | None = None
    "Threshold set on even rows, with what it finds and takes of the odd."


@dataclass
class Sheet:
    """All finders over one set."""

    title: str
    lines: list[Line]

    def text(self, shown: int = 0) -> str:
        """Return the sheet for people; with the first so many clean rows that each took."""
        out = [self.title]
        for line in self.lines:
            least = "" if line.least is None else f" (from {line.least:g})"
            out.append(f"\n{line.name}{least}")
            out += [f"  {kind:<16} found {count.text()}" for kind, count in line.kinds.items()]
            out.append(f"  {'clean rows':<16} taken {line.false.text()}")
            if line.right.whole:
                out.append(f"  {'right item':<16}       {line.right.text()}")
            if line.tuned is not None:
                least_, kinds, false = line.tuned
                out.append(f"  set on even rows to cost {FALSE:.0%} at most: from {least_:.3f}; "
                           "on the odd rows")
                out += [f"    {kind:<14} found {count.text()}" for kind, count in kinds.items()]
                out.append(f"    {'clean rows':<14} taken {false.text()}")
            out += [f"  taken at {score:.2f}: {row[:160]}\n       for item: {item[:160]}"
                    for score, row, item in line.taken[:shown]]
        return "\n".join(out)


def measure(planted: Planted, title: str, *, signature: Callable[[str], str | None] | None = None,
            extra: Mapping[str, Search] | None = None, tune: bool = True) -> Sheet:
    """Return what each finder finds of planted leaks at its usual threshold.

    `signature`: reads meanings, where somebody can. `extra`: more finders, by name. `tune`:
    set thresholds too, on even rows, to cost at most `FALSE` of the clean ones.
    """
    searches: list[tuple[str, float | None, Search]] = [
        (f"{n}-gram or whole text", None, _ngram(planted.items, n)) for n in NGRAMS]
    if signature is not None:
        searches.append(("signature", None, _signatures(planted.items, signature)))
    scored = list(_scored(planted.items))
    searches += [*scored, ("13-gram, numbers and neighbours words together", None, _any(
        [searches[NGRAMS.index(13)], scored[0], scored[-1]]))]
    searches += [(name, None, search) for name, search in (extra or {}).items()]
    lines = [_line(name, least, search, planted, tune) for name, least, search in searches]
    return Sheet(title, lines)


def with_other_numbers(question: str, rng: random.Random) -> str:
    """Return a question with every number in digits changed, all else as it was."""
    def other(found: re.Match[str]) -> str:
        old = int(found[0]) if len(found[0]) < 9 else 10**8
        return str(rng.choice([n for n in range(2, 2 * old + 9) if n != old]) if old < 10**4
                   else old + rng.randrange(1, 1000))

    return _NUMBER.sub(other, question)


def in_company(question: str, place: int) -> str:
    """Return a question word for word, with something said before or after it."""
    return (f"Think about this one. {question}", f"{question}\nTake your time.",
            f"Q: {question}")[place % 3]


def _line(name: str, least: float | None, search: Search, planted: Planted, tune: bool) -> Line:
    places, scores = search(planted.clean)
    reach = _reached(places, scores, least)
    order = np.argsort(-np.where(reach, scores, -1.0), kind="stable")[:int(reach.sum())]
    line = Line(name, least, {}, Count(int(reach.sum()), len(reach)), Count(0, 0), [
        (float(scores[row]), planted.clean[row], planted.items[places[row]])
        for row in order[:SHOWN]])
    found = {kind: search([text for _, text in leaks]) for kind, leaks in planted.leaks.items()}
    right = whole = 0
    for kind, (where, score) in found.items():
        hit = _reached(where, score, least)
        line.kinds[kind] = Count(int(hit.sum()), len(hit))
        own = np.array([place for place, _ in planted.leaks[kind]], np.int64)
        right, whole = right + int((hit & (where == own)).sum()), whole + int(hit.sum())
    line.right = Count(right, whole if planted.paired else 0)
    if least is not None and tune:
        line.tuned = _tuned(scores, {kind: score for kind, (_, score) in found.items()})
    return line


def _reached(places: NDArray[np.int64], scores: NDArray[Any],
             least: float | None) -> NDArray[np.bool_]:
    """Tell which rows count as found; scores between languages were held to theirs before."""
    reached: NDArray[np.bool_] = places >= 0
    return reached if least is None else reached & (scores >= np.float32(least))


def _tuned(clean: NDArray[Any], found: Mapping[str, NDArray[Any]],
           ) -> tuple[float, dict[str, Count], Count]:
    """Return the lowest threshold that costs few enough even rows, and what the odd rows say."""
    even = np.sort(clean[::2])[::-1]
    allowed = int(FALSE * len(even))
    least = float(np.nextafter(even[allowed], 2)) if allowed < len(even) else 0.0
    least = max(least, 1e-6)
    return (least, {kind: Count(int((score[1::2] >= least).sum()), len(score[1::2]))
                    for kind, score in found.items()},
            Count(int((clean[1::2] >= least).sum()), len(clean[1::2])))


def _scored(items: Sequence[str]) -> Iterator[tuple[str, float, Search]]:
    """Yield the finders with a score: name, usual threshold, search from a low one on."""
    from mathmill.stages.decontaminate.encoders import open_encoder
    from mathmill.stages.decontaminate.likeness import Likeness
    from mathmill.stages.decontaminate.neighbours import Neighbours

    index = Likeness()
    index.add(items)
    index.close()
    yield "numbers", finders.NUMBERS, partial(index.nearest, least=LOWEST["numbers"],
                                              across=finders.ACROSS)
    for name, least in finders.NEIGHBOURS.items():
        near = Neighbours(open_encoder(name))
        near.add(items)
        near.close()
        kind = f"neighbours {name}"
        yield kind, least, partial(near.nearest, least=LOWEST[kind])


def _any(searches: Sequence[tuple[str, float | None, Search]]) -> Search:
    """Return the search that finds what any of some finds."""
    def search(rows: Sequence[str]) -> Found:
        found = np.full(len(rows), -1, np.int64)
        for _, least, one in searches:
            places, scores = one(rows)
            found = np.where((found < 0) & _reached(places, scores, least), places, found)
        return found, (found >= 0).astype(np.float64)

    return search


def _ngram(items: Sequence[str], n: int) -> Search:
    overlap = Overlap(n)
    for place, item in enumerate(items):
        overlap.add("", str(place), item)

    def search(rows: Sequence[str]) -> Found:
        hits = [overlap.find(row) for row in rows]
        return (np.array([-1 if hit is None else int(hit.place) for hit in hits], np.int64),
                np.array([hit is not None for hit in hits], np.float64))

    return search


def _signatures(items: Sequence[str], signature: Callable[[str], str | None]) -> Search:
    known: dict[str, int] = {}
    for place, item in enumerate(items):
        said = signature(item)
        if said is not None:
            known.setdefault(said, place)

    def search(rows: Sequence[str]) -> Found:
        places = [known.get(signature(row) or "", -1) for row in rows]
        return np.array(places, np.int64), np.array([p >= 0 for p in places], np.float64)

    return search
