"""The finders that go beyond shared text, as a recipe switches them on; each hit with its item.

Why: a rephrased question shares no run of words with its source. Each finder is a literal of
its own, so that a study can turn one off, and none is on unless a recipe asks: what was made
before they were there keeps its identity. They look at questions only: solutions of different
problems are often alike.

    numbers     {"least": 0.16, "across": 0.23}: shared words, numbers and their order (`likeness`)
    neighbours  {"svd": 0.66, "words": 0.9}: an encoder's name and the least cosine (`neighbours`)
    judge       {"least": 0.08, "prompts": [...]}: a teacher decides on what `numbers` finds from
                that score on, with `teacher` its identity (`judge`)

Used as: `more = Beyond(literals(numbers=True))`, `more.add(...)`, `more.close()`, and then
`with more.judging(bench): more.drops(batch, {}, hits)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mathmill.errors import UsageError
from mathmill.stages.decontaminate.judge import Judge
from mathmill.workbench import Workbench

if TYPE_CHECKING:
    import pyarrow as pa

SWITCHES = ("numbers", "neighbours", "judge", "teacher")
NUMBERS, ACROSS = 0.16, 0.23
"Tuned on half of GSM8K's rephrased questions, of MGSM and of CMATH (docs/decontaminate.md)."
NEIGHBOURS = {"svd": 0.66, "words": 0.9}
MODEL_LEAST = 0.83  # MiniLM finds all paraphrases at one false row in a thousand there
JUDGED = 0.08  # of GSM8K, one rephrased question in 110 scores less, one clean row in 14 more


def literals(*, numbers: bool | float = False,
             neighbours: str | Sequence[str] | Mapping[str, float] = (),
             judge: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the literals of what is switched on, thresholds written out.

    `numbers`: True or the least score. `neighbours`: encoders, or these with their least cosine.
    `judge`: identities of the prompts of a teacher that decides. Raises UsageError.
    """
    found: dict[str, Any] = {}
    if numbers or judge is not None:
        least = float(numbers) if numbers and numbers is not True else NUMBERS
        found["numbers"] = {"least": least, "across": max(ACROSS, least)}
    names = [neighbours] if isinstance(neighbours, str) else list(neighbours)
    if names:
        given = neighbours if isinstance(neighbours, Mapping) else {}
        found["neighbours"] = {name: float(given.get(name, NEIGHBOURS.get(name, MODEL_LEAST)))
                               for name in names}
    if judge is not None:
        found["judge"] = {"least": min(JUDGED, found["numbers"]["least"]),
                          "prompts": list(judge)}
    check(found)
    return found


def check(found: Mapping[str, Any]) -> None:
    """Raise UsageError for what there is not, or that keeps or drops everything."""
    from mathmill.stages.decontaminate.encoders import check_name

    if unknown := set(found) - set(SWITCHES):
        raise UsageError(f"decontaminate has no switch {', '.join(sorted(unknown))}; it has "
                         + ", ".join(SWITCHES))
    thresholds = {f"{kind} {name}": least for kind in ("numbers", "neighbours")
                  for name, least in (found.get(kind) or {}).items()}
    for name in found.get("neighbours") or {}:
        check_name(name)
    for name, least in thresholds.items():
        if not 0 < least <= 1:
            raise UsageError(f"{name}={least}: a score lies above 0 and up to 1; give one there")


class Finder(Protocol):
    """Knows the items; finds for each row the one that it is most like."""

    def add(self, questions: Sequence[str]) -> None:
        """Take items, in the order of their places."""

    def close(self) -> None:
        """All items are in."""

    def find(self, rows: Sequence[str]) -> tuple[Any, Any]:
        """Return the item's place (-1: none) and the score of each row."""


@dataclass
class _Numbers:
    """`Likeness` with its thresholds."""

    least: float
    across: float

    def __post_init__(self) -> None:
        from mathmill.stages.decontaminate.likeness import Likeness

        self.index = Likeness()
        self.add, self.close = self.index.add, self.index.close

    def find(self, rows: Sequence[str]) -> tuple[Any, Any]:
        return self.index.nearest(rows, self.least, self.across)


@dataclass
class _Neighbours:
    """`Neighbours` with an encoder and its threshold."""

    encoder: str
    least: float

    def __post_init__(self) -> None:
        from mathmill.stages.decontaminate.encoders import open_encoder
        from mathmill.stages.decontaminate.neighbours import Neighbours

        self.index = Neighbours(open_encoder(self.encoder))
        self.add, self.close = self.index.add, self.index.close

    def find(self, rows: Sequence[str]) -> tuple[Any, Any]:
        return self.index.nearest(rows, self.least)


def opened(switches: Mapping[str, Any]) -> dict[str, Finder]:
    """Return the finders that are switched on, by the words that a report has for them."""
    found: dict[str, Finder] = {}
    if numbers := switches.get("numbers"):
        # With a judge it looks lower: what is unsure is put before the teacher.
        lower = (switches.get("judge") or {}).get("least", 1.0)
        found["numbers"] = _Numbers(min(numbers["least"], lower), min(numbers["across"], lower))
    for name, least in sorted((switches.get("neighbours") or {}).items()):
        found[f"neighbours {name}"] = _Neighbours(name, least)
    return found


class Beyond:
    """All finders of a step, and the judge where there is one."""

    def __init__(self, switches: Mapping[str, Any]) -> None:
        """Open what is switched on; raises UsageError for what cannot be, MissingExtra."""
        check(switches)
        if (switches.get("judge") is None) != (switches.get("teacher") is None):
            raise UsageError("a judge needs a teacher and a teacher a judge; give both")
        self._switches = dict(switches)
        self._finders = opened(switches)
        self._items: list[tuple[str, str, str]] = []
        self._judge: Judge | None = None

    @property
    def kinds(self) -> list[str]:
        """Names under which hits are counted."""
        return [*self._finders, *(["judge"] if self._switches.get("judge") else [])]

    def add(self, suite: str, place: str, question: str) -> None:
        """Take one item of a benchmark."""
        if self._finders:
            self._items.append((suite, place, question))

    def close(self) -> None:
        """Index the items: all are in."""
        questions = [question for *_, question in self._items]
        for finder in self._finders.values():
            finder.add(questions)
            finder.close()

    @contextmanager
    def judging(self, bench: Workbench) -> Iterator[None]:
        """Open the judge's teacher for as long as rows pass, where there is a judge."""
        if not self._switches.get("judge"):
            yield
            return
        with Judge.opened(bench, self._switches["teacher"]) as self._judge:
            yield

    def drops(self, batch: pa.RecordBatch, found: dict[int, tuple[str, str]],
              hits: Counter[str]) -> dict[int, tuple[str, str]]:
        """Return what was found, and the other rows that a finder hits, each with its item."""
        more = dict(found)
        if not self._finders:
            return more
        questions = batch.column("question").to_pylist()
        for kind, finder in self._finders.items():
            open_ = [place for place in range(len(questions)) if place not in more]
            items, scores = finder.find([questions[place] or "" for place in open_])
            near = {place: (int(item), float(score)) for place, item, score in zip(
                open_, items, scores, strict=True) if item >= 0}
            spared = self._judged(kind, near, questions)
            for place, (item, score) in near.items():
                suite, where, text = self._items[item]
                verdict = spared.get(place)
                if verdict == "different" or (verdict == "unclear" and not self._sure(
                        kind, questions[place], text, score)):
                    continue
                by = "judge" if verdict == "same" else kind
                hits[f"{suite}/{by}"] += 1
                more[place] = (f"{by}: like an item of {suite}",
                               f"{where} ({kind} {score:.2f}): {text}")
        return more

    def _judged(self, kind: str, near: Mapping[int, tuple[int, float]],
                questions: Sequence[str]) -> dict[int, str]:
        """Return what the judge says of each candidate; nothing without a judge."""
        if self._judge is None or not near:
            return {}
        places = list(near)
        words = self._judge.decide([(questions[place], self._items[near[place][0]][2])
                                    for place in places])
        return dict(zip(places, words, strict=True))

    def _sure(self, kind: str, question: str, item: str, score: float) -> bool:
        """Tell whether a score alone would drop the row, where the judge could not say."""
        from mathmill.stages.decontaminate.reading import is_chinese

        if kind != "numbers":
            return True
        far = is_chinese(question) != is_chinese(item)
        return score >= float(self._switches["numbers"]["across" if far else "least"])

    def facts(self) -> dict[str, Any]:
        """Return what the report should know; empty where nothing is switched on."""
        if not self._finders:
            return {}
        found: dict[str, Any] = {"beyond": {
            kind: self._switches[kind] for kind in ("numbers", "neighbours")
            if self._switches.get(kind)}}
        if self._judge is not None:
            found |= {"judge": self._judge.facts(), "judging": self._judge.usage()}
        return found
