"""The rule `near` of duplicates: of rows that say nearly the same, one stays.

Why: a teacher that is asked twice writes the same again with a word changed, and no rule of
equality sees it. Rows that an equality has told already are not looked at again.

Used as: `repeats = with_near(bench, Sample, repeats, number, Near(threshold=0.8))`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mathmill.stages.records import record_called
from mathmill.stages.select.clusters import Clusters, clustered
from mathmill.stages.select.duplicates import Repeats, nothing, whole_texts
from mathmill.stages.select.keepers import left_out, ranks
from mathmill.stages.select.minhash import Near, Numbers, Sketches
from mathmill.stages.tokens import Array
from mathmill.texts import Text
from mathmill.types import UNCHECKED, Problem, Sample
from mathmill.workbench import Workbench

if TYPE_CHECKING:
    import pyarrow as pa

SKETCHES = "sketches"
COLUMNS = {Sample: ["question", "solution", "method", "verdict"],
           Problem: ["question", "solution", "seed"], Text: ["text"]}
"What a row is compared by, and what its rank rests on."


def with_near(bench: Workbench, record: type, repeats: Repeats, number: int, near: Near
              ) -> Repeats:
    """Return the repeats with the near duplicates among the other rows of input `rows`.

    Samples are compared by question and solution, problems by their question. `number`: that of
    the rule. The facts tell the settings, and how many clusters and comparisons there were.
    """
    left = np.ones(repeats.rows, np.bool_)
    left[repeats.places] = False
    bench.map(sketched, {"record": record.__name__, "near": asdict(near)}, merge=nothing)
    clusters = clustered(_Kept(bench, near, left), lambda: (
        _texts(record, batch) for batch in _left(bench, record, left, COLUMNS[record][:2])),
        bench.out)
    goes, stays, cluster = left_out(clusters.firsts, bench.column(SKETCHES, "rank")[left])
    bench.discard(SKETCHES)
    bench.facts["near"] = told(near, clusters, cluster)
    rows = np.flatnonzero(left)
    places = np.concatenate([repeats.places, rows[goes]])
    order = np.argsort(places)
    return Repeats(
        repeats.rows, places[order], np.concatenate([repeats.firsts, rows[stays]])[order],
        np.concatenate([repeats.rules, np.full(len(goes), number, np.int8)])[order],
        np.concatenate([np.zeros(len(repeats.places), np.int64), cluster])[order])


def sketched(bench: Workbench, *, record: str, near: Mapping[str, Any]) -> None:
    """Keep sketch and rank of the rows of a shard, those too that an equality tells."""
    kind, settings, done = record_called(record), Near(**near), 0

    def blocks() -> Iterator[dict[str, Any]]:
        nonlocal done
        for batch in bench.batches("rows", kind, COLUMNS[kind]):
            own = Sketches(settings)
            own.add(_texts(kind, batch))
            yield {"whole": own.wholes(), "rank": _ranks(kind, batch),
                   **{f"band {band}": own.keys(band) for band in range(settings.bands)}}
            done += len(batch)
            bench.show(done, None, "rows sketched")

    bench.keep_columns(SKETCHES, blocks(), {"whole": "uint64", "rank": "uint64", **{
        f"band {band}": "uint32" for band in range(settings.bands)}})


@dataclass(frozen=True)
class _Kept:
    """The sketches of some of the rows, read a column at a time: in memory is one band."""

    bench: Workbench
    near: Near
    left: np.ndarray[Any, Any]

    def wholes(self) -> Array:
        found: Array = self.bench.column(SKETCHES, "whole")[self.left]
        return found

    def keys(self, band: int) -> Numbers:
        found: Numbers = self.bench.column(SKETCHES, f"band {band}")[self.left]
        return found


def told(near: Near, clusters: Clusters, cluster: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return what the facts say; `cluster`: the number of the cluster of each row that goes."""
    sizes = np.unique(cluster, return_counts=True)[1] + 1
    return {**asdict(near), "recall_at_threshold": round(near.recall(near.threshold), 3),
            "clusters": len(sizes), "largest": int(sizes.max(initial=0)),
            "same_words": clusters.identical, "pairs_compared": clusters.compared,
            "pairs_alike": clusters.alike, "rows_not_compared_out": clusters.uncompared}


def _left(bench: Workbench, record: type, left: np.ndarray[Any, Any], columns: list[str]
          ) -> Iterator[pa.RecordBatch]:
    """Yield the rows that no other rule has told."""
    import pyarrow as pa

    start = 0
    for batch in bench.batches("rows", record, columns):
        here = left[start:start + len(batch)]
        start += len(batch)
        yield batch if here.all() else batch.filter(pa.array(here))


def _texts(record: type, batch: pa.RecordBatch) -> pa.Array:
    return whole_texts(batch) if record is Sample else batch.column(0)


def _ranks(record: type, batch: pa.RecordBatch) -> np.ndarray[Any, Any]:
    """Return the ranks of rows as far as their record has what a rank rests on."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if record is Sample:
        return ranks(pc.equal(batch.column("method"), "seed"), batch.column("verdict"),
                     batch.column("solution"))
    unchecked = pa.repeat(UNCHECKED, len(batch))
    if record is Problem:
        return ranks(pc.is_null(batch.column("seed")), unchecked, batch.column("solution"))
    return ranks(pa.repeat(False, len(batch)), unchecked, batch.column("text"))
