"""Draw the labelled pairs of every kind, and read the tables of cases that we wrote.

Why: the same pairs come on every machine (the draws are seeded by their own names), so a
figure in docs/conformance.md can be held against a fresh run.

Used as: `generated()` -> thousands of `Pair`s; `written()` -> those of cases/*.jsonl.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from importlib.resources import files

from mathmill.grading.conformance import (
    constants,
    counting,
    expressions,
    figures,
    parts,
    relations,
    transcendental,
    wording,
)
from mathmill.grading.conformance.dress import dressed
from mathmill.grading.conformance.pair import Answer, Maker, Pair, Variant
from mathmill.identity import draw

KINDS: dict[str, Maker] = {**figures.KINDS, **constants.KINDS, **counting.KINDS,
                           **transcendental.KINDS,
                           **expressions.KINDS, **relations.KINDS, **parts.KINDS,
                           **wording.KINDS}
EACH = 160  # pairs of a kind, half of them alike
_TRIES = 4000  # answers drawn of a kind before it must do with fewer pairs


def generated(each: int = EACH, kinds: list[str] | None = None, seed: str = "") -> list[Pair]:
    """Return `each` different pairs of every kind, as many alike as unlike, in a fixed order.

    `seed` gives other pairs of the same kinds: a rule that only fits the ones shipped shows
    on another seed. A kind whose answers run out gives fewer.
    """
    return [pair for kind in (KINDS if kinds is None else kinds)
            for pair in _of_kind(kind, each, draw("conformance", kind, seed))]


def _of_kind(kind: str, each: int, chance: random.Random) -> Iterator[Pair]:
    """Yield the pairs of one kind, half of them alike."""
    left = {True: each - each // 2, False: each // 2}
    seen: set[tuple[str, str, bool]] = set()
    for _ in range(_TRIES):
        if not any(left.values()):
            return
        answer = KINDS[kind](chance)
        for same, variants in ((True, answer.same), (False, answer.other)):
            for variant in chance.sample(variants, min(2, len(variants))):
                pair = _pair(kind, answer, variant, same, chance)
                key = pair.gold, pair.answer, same
                if left[same] and key not in seen and pair.answer != pair.gold:
                    seen.add(key)
                    left[same] -= 1
                    yield pair


def _pair(kind: str, answer: Answer, variant: Variant, same: bool,
          chance: random.Random) -> Pair:
    """Return a rewrite or a change as a pair, dressed as models dress their answers."""
    how, text = variant
    if answer.dress == "plain":
        return Pair(kind, answer.gold, text, same, how)
    text, dress, whole = dressed(text, answer.dress, chance)
    gold = f"${answer.gold}$" if answer.dress == "maths" and chance.random() < 0.15 else answer.gold
    return Pair(kind, gold, text, same, f"{how} + {dress}" if dress else how, whole)


def written() -> list[Pair]:
    """Return the pairs of the tables in cases/*.jsonl; the table's name is the kind."""
    pairs = []
    for table in sorted(files(__package__).joinpath("cases").iterdir(), key=lambda t: t.name):
        if table.name.endswith(".jsonl"):
            for line in table.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                pairs.append(Pair(table.name.removesuffix(".jsonl").replace("_", " "),
                                  row["gold"], row["answer"], row["same"], row["about"]))
    return pairs
