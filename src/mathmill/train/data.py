"""Rows made ready for a student: chosen, rendered, cut into batches of like length.

Why: which rows a stage trains on, and in which order, is part of the result. Everything here
depends on ids and seeds alone: the first 500 rows of a subset lie within its first 1,000, and
a training that was killed goes on with the very batch it would have had.

Used as: `chosen = choose(samples, stage, seed)`, `render(chosen, tokenizer, max_length)`,
`plan(lengths, batch, steps, seed)`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mathmill.decoding.forms import PROSE, prompt, target
from mathmill.errors import StepFailed, UsageError
from mathmill.identity import content_id, draw
from mathmill.types import Drop, Sample

POOL = 32  # batches that are sorted by length together: little padding, order still random


@dataclass(frozen=True, slots=True)
class StagePlan:
    """What one stage trains on and for how long; the literals of a recipe, checked."""

    epochs: float = 3.0
    "Passes over the stage's rows."
    steps: int | None = None
    "Optimiser steps instead of epochs, where given."
    first: int | None = None
    "Only the first rows of one permutation drawn by the seed."
    levels: tuple[int, ...] | None = None
    "Only rows of these levels."
    rows: str = "rows"
    "Which input of the step the rows come from."
    learning_rate: float | None = None
    "A peak rate of this stage's own."

    @classmethod
    def of(cls, literals: Mapping[str, Any]) -> StagePlan:
        """Return the plan for a stage's literals; raises UsageError for what cannot be."""
        unknown = set(literals) - set(cls.__dataclass_fields__)
        if unknown:
            raise UsageError(f"a stage has no {', '.join(sorted(unknown))}; "
                             f"it has {', '.join(cls.__dataclass_fields__)}")
        levels = literals.get("levels")
        stage = cls(**{**literals, "levels": None if levels is None else tuple(levels)})
        for name in ("epochs", "steps", "first", "learning_rate"):
            value = getattr(stage, name)
            if value is not None and value <= 0:
                raise UsageError(f"a stage's {name} is {value}; it must be above 0")
        return stage


@dataclass(frozen=True, slots=True)
class Rendered:
    """Rows as token numbers: the prompt is read, only the answer is learned."""

    tokens: list[list[int]]
    "Prompt, answer and end token of each row."
    prompts: list[int]
    "How many of them are the prompt."
    cut: int
    "Rows that were cut off at the greatest length."

    @property
    def lengths(self) -> list[int]:
        """Tokens of each row."""
        return [len(row) for row in self.tokens]


def choose(samples: Iterable[Sample], stage: StagePlan, seed: int) -> list[Sample]:
    """Return the stage's rows in the order of a permutation drawn by the seed.

    The order rests on each row's id alone, so that subsets of growing `first` are nested and
    a row that is added elsewhere moves no other. Raises StepFailed where no row is left or
    fewer than `first` are there.
    """
    fit = [s for s in samples if stage.levels is None or s.level in stage.levels]
    fit.sort(key=lambda sample: content_id("subset", seed, sample.id))
    if not fit:
        raise StepFailed("no row is left to train on; see the drops of the steps before"
                         if stage.levels is None else
                         f"no row has level {' or '.join(map(str, stage.levels))}; "
                         "choose other levels or rate the rows' difficulty first")
    if stage.first is not None and stage.first > len(fit):
        raise StepFailed(f"{stage.first} rows are asked for, but there are {len(fit)}; "
                         "make more rows or ask for fewer")
    return fit[:stage.first]


def render(samples: Sequence[Sample], tokenizer: Any, max_length: int, too_long: str = "drop",
           form: str = PROSE) -> tuple[Rendered, list[Drop]]:
    """Render rows in a form of `decoding.forms`; return them and those left out.

    Prompt and answer are tokenised apart, so that a prompt in training has the very tokens it
    has in evaluation. A row over `max_length` is dropped, or cut with `too_long="cut"`
    (a row whose prompt alone is that long is always dropped: nothing would be learned). A row
    without the function that a form asks for is dropped with that reason.
    """
    if too_long not in ("drop", "cut"):
        raise UsageError(f"too_long is {too_long!r}; it is `drop` or `cut`")
    fit, answers, dropped = [], [], []
    for sample in samples:
        try:
            answers.append(target(sample.solution, form))
            fit.append(sample)
        except UsageError as error:
            dropped.append(Drop(sample.id, "no program", str(error), method=sample.method))
    prompts = [prompt(tokenizer, sample.question, form) for sample in fit]
    read = tokenizer(prompts, add_special_tokens=False)["input_ids"] if prompts else []
    written = tokenizer(answers, add_special_tokens=False)["input_ids"] if answers else []
    rows, lengths, cut = [], [], 0
    for sample, before, answer in zip(fit, read, written, strict=True):
        whole = [*before, *answer, tokenizer.eos_token_id]
        if len(whole) > max_length:
            if too_long == "drop" or len(before) >= max_length:
                dropped.append(Drop(sample.id, "longer than max_length",
                                    f"{len(whole)} tokens > {max_length}", method=sample.method))
                continue
            whole, cut = whole[:max_length], cut + 1
        rows.append(whole)
        lengths.append(len(before))
    return Rendered(rows, lengths, cut), dropped


def plan(lengths: Sequence[int], batch: int, batches: int, seed: int) -> list[list[int]]:
    """Return the given number of batches, in order, as lists of row numbers.

    Each pass is a fresh shuffle of all rows; within POOL batches, rows of like length go
    together and the batches are shuffled again. A pass's last batch may be smaller.
    """
    made: list[list[int]] = []
    number = 0
    while len(made) < batches:
        random = draw("pass", seed, number)
        order = random.sample(range(len(lengths)), len(lengths))
        cut = []
        for start in range(0, len(order), POOL * batch):
            alike = sorted(order[start:start + POOL * batch], key=lambda row: lengths[row])
            cut += [alike[at:at + batch] for at in range(0, len(alike), batch)]
        random.shuffle(cut)
        made += cut
        number += 1
    return made[:batches]


def pack(lengths: Sequence[int], room: int) -> list[list[int]]:
    """Return row numbers in bins of at most `room` tokens (best fit, longest row first)."""
    bins: list[list[int]] = []
    left: list[tuple[int, int]] = []  # (tokens still free, bin), in order of freedom
    for row in sorted(range(len(lengths)), key=lambda row: (-lengths[row], row)):
        at = bisect_left(left, (lengths[row], -1))
        if at == len(left):
            bins.append([row])
            insort(left, (room - lengths[row], len(bins) - 1))
        else:
            free, number = left.pop(at)
            bins[number].append(row)
            insort(left, (free - lengths[row], number))
    return bins


def mix(parts: Mapping[str, Sequence[Sample]], ratios: Mapping[str, float], seed: int
        ) -> list[Sample]:
    """Return the largest mixture of the parts in the given ratios, as one shuffled list.

    Each part gives the first rows of its own permutation (see `choose`); the part that would
    run out first sets the size. Raises UsageError where ratios and parts do not match.
    """
    if set(parts) != set(ratios) or not parts or min(ratios.values()) <= 0:
        raise UsageError(f"mix needs one ratio above 0 for each of: {', '.join(sorted(parts))}")
    unit = min(len(rows) / ratios[name] for name, rows in parts.items())
    chosen: list[Sample] = []
    for name in sorted(parts):
        count = int(unit * ratios[name] + 1e-9)
        if count:
            chosen += choose(parts[name], StagePlan(first=count), seed)
    return sorted(chosen, key=lambda sample: content_id("mix", seed, sample.id))
