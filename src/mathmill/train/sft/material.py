"""A stage's rows on disk as token numbers, and the batches in which they are learned.

Why: millions of rows are chosen by their ids, read once in the order of their file, and learned
in the order that the seed drew; at no time are they all in memory. What was written stays until
the training is done, so that one that was killed need not tokenise again.

Used as: `material = prepare(bench, recipe, stage, 1, tokenizer)`, by `train.sft.run`.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mathmill.decoding.forms import BY_ROW, TOOL, form_of
from mathmill.errors import StepFailed, UsageError
from mathmill.train.choice import Picked, Table, join, pick, table
from mathmill.train.data import Rendered, StagePlan, pack, pack_consecutive, plan, render
from mathmill.train.items import Items, Joined, laid
from mathmill.train.recording import Span
from mathmill.train.sft.recipe import CONSECUTIVE, Recipe
from mathmill.train.shelf import FACTS, Shelf, fill
from mathmill.types import Drop, Sample
from mathmill.workbench import Workbench

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = "tokens"  # in the step's folder, while it trains
DROPS, ORDER = "drops.jsonl", "order.npy"
TOGETHER = 256  # rows that are tokenised at once; a token of theirs takes 300 bytes meanwhile


class _Row(NamedTuple):
    id: str
    question: str
    solution: str
    method: str


@dataclass(frozen=True)
class Material:
    """One stage, ready to be learned."""

    number: int
    "Of the stage, from 1."
    items: Items
    "Rows, or rows that share a sequence, in order."
    batches: list[array[int]]
    "Items of each batch, of all passes; `accumulate` batches make one optimiser step."
    read: list[int]
    "Tokens of each batch."
    steps_a_pass: float
    "Optimiser steps of one pass."
    facts: dict[str, Any]
    "Rows, those cut or left out, steps."


def prepare(bench: Workbench, recipe: Recipe, stage: StagePlan, number: int, tokenizer: Any
            ) -> Material:
    """Return a stage's material, from disk where an earlier attempt left it.

    A continuous training goes through whole passes; otherwise the steps are the epochs'
    rounded. Raises UsageError for rows that were not given, StepFailed where none is left.
    """
    import numpy as np

    folder = bench.out / FOLDER / f"stage-{number}"
    # A folder is one step's; where it is not, as in a test, what others left there is not ours.
    of = json.loads(json.dumps([recipe.seed, recipe.max_length, recipe.too_long, recipe.form,
                                recipe.learn_output, recipe.template, asdict(stage)]))
    shelf = Shelf.open(folder)
    if shelf is None or shelf.facts.pop("of", None) != of:
        shelf = _fill(bench, recipe, stage, folder, tokenizer, of)
    items = _laid(shelf, np.load(folder / ORDER), recipe)
    part = recipe.batch_size // recipe.accumulate
    if stage.steps is None and recipe.continuous:
        a_pass = -(-len(items) // part)
        batches, steps_a_pass = max(1, round(stage.epochs * a_pass)), a_pass / recipe.accumulate
    else:
        steps_a_pass = len(items) / recipe.batch_size
        steps = stage.steps or max(1, round(stage.epochs * steps_a_pass))
        batches = steps * recipe.accumulate
    lengths = items.lengths(shelf.lengths).tolist()
    made = plan(lengths, part, batches, recipe.seed, ordered=recipe.packing == CONSECUTIVE)
    return Material(number, items, made, [sum(lengths[item] for item in batch) for batch in made],
                    steps_a_pass, {**shelf.facts, "steps": -(-len(made) // recipe.accumulate)})


def joined(stages: Sequence[Material], accumulate: int
           ) -> tuple[Joined, list[array[int]], list[Span]]:
    """Return stages as one training: all items, the batches through them, each stage's part.

    An optimiser step that lies in two stages counts to the one in which it begins.
    """
    batches: list[array[int]] = []
    spans, before = [], 0
    read: list[int] = []
    for stage in stages:
        batches += [array("I", [item + before for item in batch]) if before else batch
                    for batch in stage.batches]
        read += stage.read
        before += len(stage.items)
    begin = 0
    for stage in stages:
        end = begin + len(stage.batches)
        first = -(-begin // accumulate) * accumulate
        spans.append(Span(stage.number, [sum(read[at:at + accumulate])
                                         for at in range(first, end, accumulate)],
                          stage.steps_a_pass))
        begin = end
    return Joined([stage.items for stage in stages]), batches, spans


def drops(out: Path, stages: int) -> Iterator[Drop]:
    """Yield the rows that were left out, each once however many stages would have had it."""
    seen = set()
    for number in range(1, stages + 1):
        with (out / FOLDER / f"stage-{number}" / DROPS).open(encoding="utf-8") as lines:
            for line in lines:
                drop = Drop(**json.loads(line))
                if drop.id not in seen:
                    seen.add(drop.id)
                    yield drop


def _laid(shelf: Shelf, order: NDArray[Any], recipe: Recipe) -> Items:
    """Return the rows in order, one an item or as many as fit."""
    import numpy as np

    if not recipe.packing:
        return Items(shelf, order)
    lengths = shelf.lengths[order].tolist()
    if recipe.packing == CONSECUTIVE:
        return Items(shelf, order, np.array(pack_consecutive(lengths, recipe.max_length)))
    rows, starts = laid(pack(lengths, recipe.max_length))
    return Items(shelf, order[rows], starts)


def _fill(bench: Workbench, recipe: Recipe, stage: StagePlan, folder: Path, tokenizer: Any,
          of: Any) -> Shelf:
    """Choose the stage's rows and write them to its folder as token numbers."""
    for name in stage.inputs:
        if name not in bench.inputs:
            raise UsageError(f"a stage wants rows of {name!r}, but the step was given "
                             f"{', '.join(sorted(bench.inputs)) or 'nothing'}")
    mixed = len(stage.inputs) > 1
    picked = pick({name: _table(bench, name, recipe.seed, mixed) for name in stage.inputs}, stage)
    facts: dict[str, Any] = {"of": of}
    shelf = fill(folder, _rendered(bench, recipe, picked, tokenizer, folder, facts), facts)
    shelf.facts.pop("of")
    if not shelf.facts["rows"]:
        (folder / FACTS).unlink()
        count = sum(len(one.places) for one in picked.values())
        wanted = "holds a ```python block" if recipe.form == TOOL else "is a function"
        raise StepFailed(
            f"none of {count} rows {wanted}; form={recipe.form!r} wants rows made by "
            "methods that write programs" if facts.get("no_program", 0) > facts["too_long"] else
            f"all {count} rows are longer than {recipe.max_length} tokens; "
            "raise max_length or cut them (too_long)")
    return shelf


def _table(bench: Workbench, name: str, seed: int, mixed: bool) -> Table:
    return join(table(zip(batch["id"].to_pylist(), batch["level"].to_pylist(), strict=True),
                      seed, mixed)
                for batch in bench.batches(name, Sample, ["id", "level"]))


def _rendered(bench: Workbench, recipe: Recipe, picked: Mapping[str, Picked], tokenizer: Any,
              folder: Path, facts: dict[str, Any]) -> Iterator[Rendered]:
    """Yield the chosen rows as tokens, in the order of their files.

    When all are through, the order in which they are learned stands on disk, and the counts
    stand in `facts`.
    """
    import numpy as np

    counts, forms, sources = Counter[str](), Counter[str](), Counter[str]()
    ranks: list[NDArray[Any]] = []
    cut = 0
    with (folder / DROPS).open("w", encoding="utf-8") as file:
        for name, one in picked.items():
            for begin, rows in _chosen(bench, name, one.places):
                made, dropped = render(rows, tokenizer, recipe.max_length, recipe.too_long,
                                       recipe.form, recipe.learn_output)
                for drop in dropped:
                    counts[drop.reason] += 1
                    file.write(json.dumps(asdict(drop)) + "\n")
                if recipe.form == BY_ROW:
                    forms.update(form_of(rows[place].solution) for place in made.kept)
                ranks.append(one.ranks[begin:begin + len(rows)][made.kept])
                sources[name] += len(made.kept)
                cut += made.cut
                yield made
    np.save(folder / ORDER, np.argsort(np.concatenate(ranks), kind="stable").astype(np.uint32))
    facts.update(rows=sources.total(), too_long=counts.pop("longer than max_length", 0), cut=cut)
    for label, part in (("no_program", counts.total()), ("forms", dict(sorted(forms.items()))),
                        ("sources", dict(sources) if len(sources) > 1 else None)):
        if part:
            facts[label] = part


def _chosen(bench: Workbench, name: str, places: NDArray[Any]
            ) -> Iterator[tuple[int, Sequence[_Row]]]:
    """Yield an input's chosen rows in runs, each with how many chosen ones stand before it."""
    import numpy as np

    before = done = 0
    for batch in bench.batches(name, Sample, list(_Row._fields)):
        end = before + len(batch)
        count = int(np.searchsorted(places[done:], end))
        wanted = np.zeros(len(batch), dtype=bool)
        wanted[places[done:done + count] - before] = True
        rows = [_Row(*row) for row in compress(
            zip(*(batch[field].to_pylist() for field in _Row._fields), strict=True), wanted)]
        for at in range(0, count, TOGETHER):
            yield done + at, rows[at:at + TOGETHER]
        before, done = end, done + count
