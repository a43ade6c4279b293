"""Rows whose question means the same as an item's, by semantic signature.

Why: a twin with the same story and numbers in other words, or in another language, leaks just
as well; where a reader can tell what a question means nothing else need be compared.

Used as: `twins = Twins(reader)`; `twins.add("gsm8k", "test:3", item)`; `twins.drops(batch, ...)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mathmill.types import Problem

if TYPE_CHECKING:
    import pyarrow as pa

Reader = Callable[[str], str | None]


@dataclass
class Twins:
    """Finds rows whose question means the same as an item's."""

    reader: Reader
    places: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, suite: str, place: str, item: Problem) -> bool:
        """Remember what an item means; tell whether anybody can say."""
        signature = item.signature or self.reader(item.question)
        if signature:
            self.places.setdefault(signature, (suite, place))
        return bool(signature)

    def drops(self, batch: pa.RecordBatch, found: dict[int, tuple[str, str]],
              hits: Counter[str]) -> dict[int, tuple[str, str]]:
        """Return what was found, and the other rows that mean the same as an item.

        The row's own signature may be its seed's (a rephrased question keeps it), so that
        what the question itself says is looked at too.
        """
        rows = zip(batch.column("question").to_pylist(), batch.column("signature").to_pylist(),
                   strict=True)
        more = dict(found)
        for place, (question, own) in enumerate(rows):
            if place in found:
                continue
            said = [s for s in dict.fromkeys((self.reader(question), own)) if s is not None]
            hits["unsigned"] += not said
            signature = next((s for s in said if s in self.places), None)
            if signature is not None:
                suite, item = self.places[signature]
                hits[f"{suite}/signature"] += 1
                more[place] = (f"same signature as {suite}",
                               f"{item} means the same: {signature}")
        return more


def unread(question: str) -> None:
    """Read no question: the bench has no reader of signatures."""
