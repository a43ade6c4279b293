"""A piece of mathematical text that is no problem, and what such a piece is worth.

Why: JiuZhang3.0 writes problems from whatever speaks of mathematics: pages, books, papers,
threads. A text is a seed as a problem is one: its id is what the rows made from it name as
theirs. How both records are stored stands in `mathmill.schemas`.

Used as: `bench.rows("texts", Text)`; made by `stages.texts`, valued by `train.influence`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mathmill.identity import content_id

KINDS = ("web", "book", "paper", "qa", "encyclopedia", "other")
"What a text can have been cut from."


@dataclass(frozen=True, slots=True)
class Text:
    """A snippet of mathematical text, as it is shown to a teacher."""

    id: str
    "Content id of the text (`text_id`)."
    text: str
    "The snippet itself."
    kind: str = "other"
    "What it was cut from: `web`, `book`, `paper`, `qa`, `encyclopedia` or `other`."
    source: str = ""
    "Where it came from: place and row, e.g. `pages/math.jsonl:12`."
    licence: str | None = None
    "Under what terms it may be used, as its source says; None where nobody said."
    language: str = "en"
    "`en` or `zh`."
    whole: str = ""
    "Id of the document that it was cut from; its own where it is the whole document."
    part: int = 0
    "Which piece of the document it is, from 0."
    title: str | None = None
    "Heading of the document or of its section, where there is one."

    @property
    def root(self) -> str:
        """Id that its children name as their seed: its own."""
        return self.id


@dataclass(frozen=True, slots=True)
class Valued:
    """What one row is worth to a target, by one way of telling."""

    id: str
    "Id of the row."
    seed: str
    "Id of the text, or problem, from which the row descends."
    value: float
    "The more the better; on which scale, the way says."
    how: str
    "The way of telling: `gradient`, `perplexity`, ..."
    target: str = ""
    "Name of the target set that gave this value; empty for all together."


def text_id(text: str) -> str:
    """Return the id of a text: the same words (white space folded) have the same id."""
    return content_id("text", " ".join(text.split()))


def make_text(text: str, **fields: Any) -> Text:
    """Return a `Text` with its id, and that of its whole where none is given, filled in."""
    own = text_id(text)
    return Text(id=own, text=text, **{"whole": own, **fields})
