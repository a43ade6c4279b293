"""The stage `texts`: read documents, leave out what is unfit, cut, and mix by weights.

Why: one pass over the sources writes what is fit beside the step, so that how much each source
has is known before it is mixed; a second pass takes each source's share. Memory holds a row of
the sources and about 100 bytes a text, however long they are.

Used as: `run(bench, sources=[{"source": "shipped:", "weight": 1}, ...], count=5_000)`.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np

from mathmill.columns import count_rows, read_batches
from mathmill.errors import StepFailed, UsageError
from mathmill.io import as_json, read_rows
from mathmill.stages.select.duplicates import repeated
from mathmill.stages.texts import cut as cutting
from mathmill.stages.texts.fitness import Rules
from mathmill.stages.texts.mix import Mask, chosen, portions, spread, weights_of
from mathmill.stages.texts.reading import Reading
from mathmill.stages.tokens import Array, row_digests, tiles
from mathmill.texts import Text
from mathmill.types import Drop
from mathmill.workbench import Workbench


def run(bench: Workbench, *, sources: Sequence[Mapping[str, Any]], count: int | None = None,
        cut: str = "prose", characters: int | None = None, shortest: int = 100,
        languages: Sequence[str] = ("en",), licences: Sequence[str] | None = None,
        seed: int = 0) -> None:
    """Write the texts of all sources (Text), mixed by their weights, evenly spread.

    `sources`: as `origin.listed` writes them; tool `paths`: where each lies, tool `worlds`:
    functions that make texts, by name. `count`: texts in all; without it as many as the weights
    allow, or all. `cut`: `prose`, `tool` or `all`, `characters` a snippet. `shortest`: fewest
    characters. `licences`: texts of any other, or of none, go. `seed`: which texts of a source
    that has more than its share. Raises UsageError, InputError, StepFailed.
    """
    rules, most = checked(count=count, cut=cut, characters=characters, shortest=shortest,
                          languages=languages, licences=licences)
    names = [str(entry["source"]) for entry in sources]
    weights = weights_of(names, [entry.get("weight") for entry in sources])
    paths = bench.tools.get("paths", names)
    readings = [Reading(bench, str(path), entry, rules, cut, most, bench.out / f"read-{n}.parquet")
                for n, (path, entry) in enumerate(zip(paths, sources, strict=True))]
    try:
        for reading in readings:
            reading.check()
        for reading in readings:
            reading.read()
        digests = [_digests(reading.aside) for reading in readings]
        able = _unique(bench, readings, digests)
        left = [int(mask.sum()) for mask in able]
        for name, n in zip(names, left, strict=True):
            if not n:
                raise StepFailed(f"{name}: each of its texts repeats one of an earlier source; "
                                 "leave this source out")
        taken = portions(names, left, weights, count)
        stays = [chosen(*each, seed) for each in zip(digests, able, taken, strict=True)]
        rows = [compress(read_rows(reading.aside, Text), mask.tolist())
                for reading, mask in zip(readings, stays, strict=True)]
        tally = _Tally()
        kept = bench.keep(tally.counting(spread(rows, taken)), Text)
    finally:
        for reading in readings:
            reading.aside.unlink(missing_ok=True)
    bench.facts.update(rows_in=kept + len(bench.drops), cut=cut, characters=most,
                       **tally.facts(), sources=[
        {**reading.facts(), "weight": entry.get("weight"), "texts": n, "left_over": have - n}
        for reading, entry, n, have in zip(readings, sources, taken, left, strict=True)])


def checked(*, count: int | None = None, cut: str = "prose", characters: int | None = None,
            **rules: Any) -> tuple[Rules, int]:
    """Return the rules of fitness and the characters of a snippet.

    Raises UsageError for a setting of `run` that there is not, or that cannot be right.
    """
    rules.pop("seed", None)
    known = [each.name for each in dataclasses.fields(Rules)]
    if unknown := set(rules) - set(known):
        raise UsageError(f"texts has no setting {sorted(unknown)[0]!r}; it has count, cut, "
                         f"characters, {', '.join(known)}, seed")
    if count is not None and count < 1:
        raise UsageError(f"count={count} takes no text at all; give 1 or more")
    return Rules(**rules), cutting.check(cut, characters)


@dataclass
class _Tally:
    """What the texts that stay are."""

    counts: dict[str, Counter[str]] = field(default_factory=lambda: {
        name: Counter() for name in ("kinds", "licences", "languages")})
    characters: int = 0
    texts: int = 0

    def counting(self, rows: Iterator[Text]) -> Iterator[Text]:
        """Count rows as they pass."""
        for row in rows:
            self.counts["kinds"][row.kind] += 1
            self.counts["licences"][row.licence or "not told"] += 1
            self.counts["languages"][row.language] += 1
            self.characters += len(row.text)
            self.texts += 1
            yield row

    def facts(self) -> dict[str, Any]:
        """Return the counts as JSON."""
        return {**{name: dict(counts.most_common()) for name, counts in self.counts.items()},
                "mean_characters": round(self.characters / max(self.texts, 1), 1)}


def _digests(path: Path) -> Array:
    """Return 128 bits a text, equal where only case, blanks and punctuation differ."""
    found = [row_digests(tile) for batch in read_batches(path, Text, ["text"])
             for _, tile in tiles(batch.column("text"))]
    return np.concatenate([np.zeros((0, 2), np.uint64), *found])


def _unique(bench: Workbench, readings: Sequence[Reading], digests: Sequence[Array]
            ) -> list[Mask]:
    """Drop texts that an earlier one repeats, of whichever source; return which stay."""
    starts = np.cumsum([0, *map(len, digests[:-1])])
    again, firsts = repeated(np.concatenate(digests))
    first_of = dict(zip(again.tolist(), firsts.tolist(), strict=True))
    wanted = set(firsts.tolist())
    sources: dict[int, str] = {}
    able = [np.ones(len(part), np.bool_) for part in digests]
    for reading, start, mask in zip(readings, starts.tolist(), able, strict=True):
        assert count_rows(reading.aside) == len(mask)
        if not again.size:
            continue
        for place, text in enumerate(read_rows(reading.aside, Text), start):
            if place in wanted:
                sources[place] = text.source
            elif place in first_of:
                mask[place - start] = False
                reading.dropped["duplicate"] += 1
                bench.drop(Drop(text.id, "duplicate",
                                f"{text.source} repeats {sources[first_of[place]]}",
                                as_json(text)))
    return able
