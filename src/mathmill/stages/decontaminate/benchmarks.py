"""Benchmarks in memory: all that a row is compared with, read and indexed once a process.

Why: the benchmark side is small and the rows are many, so whoever does a shard of rows reads the
benchmarks whole, and does so once for all of its shards. What is found in a batch rests on these
and on the batch alone.

Used as: `known = bench.once("benchmarks", lambda: Benchmarks(bench, against=["gsm8k"], ...))`;
`known.drops(batch, hits)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mathmill.errors import StepFailed
from mathmill.stages.decontaminate.finders import Beyond
from mathmill.stages.decontaminate.meaning import Reader, Twins, unread
from mathmill.stages.decontaminate.runs import Texts
from mathmill.stages.overlap import Overlap
from mathmill.types import Problem
from mathmill.workbench import Workbench

if TYPE_CHECKING:
    import pyarrow as pa


class Benchmarks:
    """The indexes of all benchmarks of a step."""

    def __init__(self, bench: Workbench, *, against: Sequence[str], lengths: Sequence[int],
                 fold: str, fields: Sequence[str], signatures: bool,
                 beyond: Mapping[str, Any]) -> None:
        """Read the inputs `against.<name>`; see `stage.run`.

        Raises StepFailed where one has no item, and what `Beyond` raises.
        """
        self._indexes = [Overlap(length, fold) for length in lengths]
        reader: Reader = bench.tools.get("signature") or unread
        self.twins, self.more = Twins(reader), Beyond(beyond)
        self.facts = {name: self._read(bench, name, signatures) for name in against}
        "Of each benchmark: its items, and how many of them have what."
        self._texts = Texts(self._indexes, list(fields))
        self.more.close()
        self.kinds = ["ngram", "whole text", "signature", *self.more.kinds]
        "Names under which hits are counted, each after that of its benchmark."

    def drops(self, batch: pa.RecordBatch, hits: Counter[str]) -> dict[int, tuple[str, str]]:
        """Return reason and detail, by place, of the rows that share something with an item."""
        found = self._texts.drops(batch, hits)
        if self.twins.places:
            found = self.twins.drops(batch, found, hits)
        return self.more.drops(batch, found, hits)

    def _read(self, bench: Workbench, name: str, signatures: bool) -> dict[str, Any]:
        """Index one benchmark; return its facts."""
        items = signed = short = 0
        for item in bench.rows(f"against.{name}", Problem):
            items += 1
            place = item.source or item.id[:12]
            for number, index in enumerate(self._indexes):
                way = index.add(name, place, item.question)
                short += way == "whole" and number == 0
                if item.solution:
                    # A short solution ("48 + 24 = 72") is no text of its own: only its runs count.
                    index.add(name, place, item.solution, whole=False)
            signed += signatures and self.twins.add(name, place, item)
            self.more.add(name, place, item.question)
        if not items:
            raise StepFailed(f"the benchmark {name} has no item; see what its step dropped")
        return {"items": items, "with_signature": signed, "shorter_than_ngram": short}
