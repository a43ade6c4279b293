"""Which rows say again what another says: by text, by question, by program, or nearly so.

Why: of TinyGSM's 12.3 million rows 11.0 million questions are unique; whether the rest, or
the many that tell one calculation with other names and numbers, are worth training on is a
question for a study, so each rule is a word in the recipe. The first row in the order of the rows
stays, whatever the rules; only of a cluster of near duplicates it is the best (`keepers`).

What a row says is 128 bits a rule, found on shards and kept in files (`near`: 72 bytes, `minhash`);
in memory is one rule at a time. Equal bits are found by sorting a 64th of them at a time, so that
time grows with the rows and 12 million fit in half a gigabyte.

Used as: `repeats = find(bench, Sample, ["text", "structure"])`; `repeats.reason(place)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mathmill.errors import UsageError
from mathmill.stages.records import record_called
from mathmill.stages.select.structure import skeleton_of, structure_of
from mathmill.stages.tokens import Array, row_digests, tiles
from mathmill.texts import Text
from mathmill.types import Sample
from mathmill.workbench import Facts, Workbench

if TYPE_CHECKING:
    import pyarrow as pa

Places = NDArray[np.int64]
REASONS = {"text": "near duplicate", "question": "same question",
           "program": "same program structure", "structure": "same question and structure",
           "near": "nearly the same words"}
NEAR = "near"  # the rule that is no equality: `near.with_near` finds its rows
DIGESTS, HALVES = "digests", (0, 1)
PARTS = 64  # in which equal digests are looked for one after another


@dataclass(frozen=True, slots=True)
class Repeats:
    """The rows that repeat another, an earlier one but by the rule `near`."""

    rows: int
    "How many rows there are in all."
    places: Places
    "Those that repeat one, ascending."
    firsts: Places
    "For each of them the place of the row that it repeats."
    rules: NDArray[np.int8]
    "For each of them the number of the first rule by which it does."
    clusters: Places = field(default_factory=lambda: np.zeros(0, np.int64))
    "For each of them the number of its cluster of near duplicates, or 0; empty without `near`."

    def within(self, start: int, end: int) -> slice:
        """Return where the repeats among rows `start` to `end` stand in `places`."""
        found = np.searchsorted(self.places, [start, end])
        return slice(int(found[0]), int(found[1]))


def check(rules: Sequence[str]) -> None:
    """Raise UsageError for a rule that there is not."""
    for rule in rules:
        if rule not in REASONS:
            raise UsageError(f"duplicates={list(rules)}: name some of {', '.join(REASONS)}, or "
                             "none of them")


def find(bench: Workbench, record: type, rules: Sequence[str]) -> Repeats:
    """Return the rows of input `rows` that repeat an earlier one by any of the rules.

    `text`: question and solution alike but for case, white space and punctuation that is no
    sign of maths; `question`: the question alone; `program`: programs alike but for names and
    constants; `structure`: such programs under questions alike but for names and numbers. Of
    texts `text` and `near` alone can be asked. `near` is left to `near.with_near`. Raises
    UsageError for another rule.
    """
    if record is Text and set(rules) - {"text", NEAR}:
        raise UsageError(f"duplicates={list(rules)}: texts hold no question and no program; name "
                         "`text`, `near` or none")
    rows, plain = bench.count("rows"), [rule for rule in rules if rule != NEAR]
    if plain:
        bench.map(digested, {"record": record.__name__, "rules": plain}, merge=nothing)
    places, firsts = np.zeros(0, np.int64), np.zeros(0, np.int64)
    by = np.zeros(0, np.int8)
    for number, rule in enumerate(rules):
        if rule == NEAR:
            continue
        digests = np.empty((rows, 2), np.uint64)
        for half in HALVES:
            digests[:, half] = bench.column(DIGESTS, f"{rule} {half}")
        again, first = repeated(digests)
        new = ~np.isin(again, places, assume_unique=True)
        places = np.concatenate([places, again[new]])
        firsts = np.concatenate([firsts, first[new]])
        by = np.concatenate([by, np.full(int(new.sum()), number, np.int8)])
    if plain:
        bench.discard(DIGESTS)
    order = np.argsort(places)
    return Repeats(rows, places[order], firsts[order], by[order])


def digested(bench: Workbench, *, record: str, rules: Sequence[str]) -> None:
    """Keep what the rows of a shard say, as 128 bits a rule; all that finding repeats takes."""
    kind, done = record_called(record), 0

    def blocks() -> Iterator[dict[str, Array]]:
        nonlocal done
        for batch in bench.batches("rows", kind, ["text"] if kind is Text else [
                "question", "solution"]):
            yield {f"{rule} {half}": found[:, half] for rule in rules for found in [
                _digests(rule, batch, kind is Sample)] for half in HALVES}
            done += len(batch)
            bench.show(done, None, "rows read")

    bench.keep_columns(DIGESTS, blocks(), {
        f"{rule} {half}": "uint64" for rule in rules for half in HALVES})


def nothing(facts: Sequence[Facts]) -> Facts:
    """Return no facts: what a part has kept is all that it says."""
    return {}


def repeated(digests: Array) -> tuple[Places, Places]:
    """Return the places of rows whose digest an earlier row has, and of the first that has it.

    `digests`: shape (rows, 2). Rows of two zeros have none, and repeat nothing.
    """
    again, firsts = [], []
    part = (digests[:, 0] >> np.uint64(58)).astype(np.uint8)
    for number in range(PARTS):
        here = np.flatnonzero(part == number)
        if number == 0:
            here = here[digests[here].any(axis=1)]
        own = digests[here]
        order = np.lexsort((own[:, 1], own[:, 0]))  # stable: of equals the first row comes first
        own, here = own[order], here[order]
        same = np.zeros(len(own), np.bool_)
        same[1:] = (own[1:] == own[:-1]).all(axis=1)
        heads = here[np.maximum.accumulate(np.where(same, 0, np.arange(len(own))))] if len(
            own) else here
        again.append(here[same])
        firsts.append(heads[same])
    places = np.concatenate(again)
    order = np.argsort(places)
    return places[order], np.concatenate(firsts)[order]


def whole_texts(samples: pa.RecordBatch) -> pa.Array:
    """Return question and solution of samples as one text each."""
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(samples.column("question"), samples.column("solution"),
                                       "\n")


def _digests(rule: str, batch: pa.RecordBatch, samples: bool) -> Array:
    """Return 128 bits a row over what a rule compares; zeros for a row that it cannot read."""
    if rule in ("text", "question"):
        texts = batch if rule == "text" and samples else batch.select([0])
        return np.concatenate([np.zeros((0, 2), np.uint64),
                               *(row_digests(*tile.columns) for _, tile in tiles(texts))])
    question, solution = batch.columns
    found = np.zeros((len(batch), 2), np.uint64)
    for place, (asked, code) in enumerate(zip(question.to_pylist(), solution.to_pylist(),
                                              strict=True)):
        structure = structure_of(code or "")
        if structure is not None:
            key = f"{skeleton_of(asked)}\n{structure}" if rule == "structure" else structure
            digest = blake2b(key.encode("utf-8", "replace"), digest_size=16).digest()
            found[place] = np.frombuffer(digest, np.uint64)
    return found
