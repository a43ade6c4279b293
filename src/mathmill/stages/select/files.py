"""Files without what says the same twice: any JSONL or Parquet in, the same rows but once out.

Why: many have data of their own and want just this. Rows keep every field as it came; each row
that is left out stands in a file beside the output with the row that is kept for it, so that a
person can judge both.

Files are read twice, and for near duplicates a third time: nothing of a row is held but 24
bytes, and 80 for near duplicates.

Used as: `summary = dedup_files(files, out, Near(threshold=0.8))`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mathmill.errors import InputError
from mathmill.grading.files.rows import files_at
from mathmill.stages.any_rows import (
    Places,
    RowsFile,
    Sifted,
    beside,
    chunks,
    texts_of,
    unknown,
)
from mathmill.stages.select.clusters import clustered
from mathmill.stages.select.duplicates import REASONS, repeated, whole_texts
from mathmill.stages.select.keepers import left_out, ranks
from mathmill.stages.select.minhash import Near, Sketches
from mathmill.stages.select.near import told
from mathmill.stages.tokens import row_digests, tiles
from mathmill.types import CORRECT, WRONG

if TYPE_CHECKING:
    import pyarrow as pa

Tell = Callable[[int, str], None]
"Hears how many rows are done, and with what."
VERDICTS = (CORRECT, WRONG)


@dataclass
class Deduped(Sifted):
    """What became of the rows."""

    near: dict[str, Any] | None = None
    "Settings and counts of near duplicates, where those were asked for."

    def text(self) -> str:
        """Return the counts for people."""
        lines = [self.told("compared")]
        if self.near is not None:
            lines.append(f"  near: threshold {self.near['threshold']}, {self.near['clusters']:,} "
                         f"clusters, the largest of {self.near['largest']:,} rows; "
                         f"{self.near['pairs_compared']:,} pairs compared")
        return "\n".join(lines)


def dedup_files(files: Sequence[str], out: Path, near: Near | None = None,
                name: str | None = None, tell: Tell = lambda _, __: None) -> Deduped:
    """Write the rows of files, each text once; return the counts.

    Rows are alike if they have the same words and signs of maths; with `near`, if they share so
    many of their shingles. `name`: field with the text; None: a shape that is known. Rows whose
    text cannot be found are left out and counted. Raises UsageError; InputError for a file that
    cannot be read, or that changes meanwhile.
    """
    sources = files_at(files)
    summary = Deduped(out, beside(out, sources))
    with RowsFile(out, sources) as kept, RowsFile(summary.aside, ()) as left:
        summary.notes = kept.notes
        seen, source = Places(), _Source(sources, name, tell)
        reason = REASONS["text" if near is None else "near"]
        goes, stays, numbers = (_equal(source, seen) if near is None
                                else _near(source, seen, summary, near))
        repeats = dict(zip(goes.tolist(), zip(stays.tolist(), numbers.tolist(), strict=True),
                           strict=True))
        place = 0

        for chunk in chunks(sources, summary.skips(left)):
            fit = []
            for row in chunk:
                if texts_of(row[2], name) is None:
                    summary.pass_over(left, row[0], row[1], unknown(row[2]), row[2])
                elif place in repeats:
                    keeper, cluster = repeats[place]
                    summary.drop(left, row, reason, f"of {seen.name(keeper)}" + (
                        f", cluster {cluster}" if cluster else ""))
                else:
                    fit.append(row[2])
                place += 1
            kept.write(fit)
            summary.rows += len(chunk)
            summary.kept += len(fit)
            tell(place, "rows written")
        if place != len(seen):
            raise InputError(sources[0], f"{place:,} rows, and {len(seen):,} when read before: "
                             "one of the files changed", "give the command again")
    return summary


@dataclass(frozen=True)
class _Source:
    """The rows of files as columns; those without a text have nulls."""

    files: Sequence[Path]
    name: str | None
    tell: Tell

    def batches(self, seen: Places | None, words: str) -> Iterator[pa.RecordBatch]:
        """Yield rows by the thousand; `seen` notes where they stand."""
        import pyarrow as pa

        done = 0
        for chunk in chunks(self.files, lambda *_: None):
            if seen is not None:
                seen.note(chunk)
            texts = [texts_of(row, self.name) for *_, row in chunk]
            done += len(chunk)
            self.tell(done, words)
            yield pa.record_batch({
                "question": pa.array([text and text[0] for text in texts], pa.string()),
                "solution": pa.array([text and (text[1] or "") for text in texts], pa.string()),
                "seed": pa.array([row.get("method") == "seed" for *_, row in chunk], pa.bool_()),
                "verdict": pa.array([verdict if (verdict := row.get("verdict")) in VERDICTS
                                     else None for *_, row in chunk], pa.string())})


Found = tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]
"Rows that go, those that stay for them, and the numbers of their clusters."


def _equal(source: _Source, seen: Places) -> Found:
    """Find rows with the words and signs of an earlier one."""
    digests = [np.zeros((0, 2), np.uint64)]
    for batch in source.batches(seen, "rows read"):
        found = [row_digests(tile) for _, tile in tiles(whole_texts(batch))]
        own = np.concatenate(found)
        own[batch.column("question").is_null().to_numpy(zero_copy_only=False)] = 0
        digests.append(own)
    again, first = repeated(np.concatenate(digests))
    return again, first, np.zeros(len(again), np.int64)


def _near(source: _Source, seen: Places, summary: Deduped, near: Near) -> Found:
    """Find near duplicates; put their counts into the summary."""
    sketches, rank = Sketches(near), [np.zeros(0, np.uint64)]
    for batch in source.batches(seen, "rows sketched"):
        sketches.add(whole_texts(batch))
        rank.append(ranks(batch.column("seed"), batch.column("verdict"),
                          batch.column("solution")))
    clusters = clustered(sketches, lambda: map(whole_texts, source.batches(
        None, "rows compared")), summary.out.parent)
    found = left_out(clusters.firsts, np.concatenate(rank))
    summary.near = told(near, clusters, found[2])
    return found
