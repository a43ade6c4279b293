"""Rows made ready for a student: rendered as token numbers, cut into batches of like length.

Why: which tokens a student sees, and in which order, is part of the result. Everything here
depends on the rows' order and seeds alone, so that a training that was killed goes on with the
very batch it would have had.

Used as: `render(rows, tokenizer, max_length)`, `plan(lengths, batch, steps, seed)`; which rows
in which order says `train.choice`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from mathmill.decoding.forms import BY_ROW, PROSE, form_of, prompt, target
from mathmill.errors import UsageError
from mathmill.identity import draw
from mathmill.train.items import labelled
from mathmill.train.literals import known
from mathmill.transcripts import OUTPUT, parts
from mathmill.types import Drop

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    rows: str | Sequence[str] | Mapping[str, float] = "rows"
    "Which input of the step they come from; several are shuffled together, whole or in ratios."
    learning_rate: float | None = None
    "A peak rate of this stage's own."

    @classmethod
    def of(cls, literals: Mapping[str, Any]) -> StagePlan:
        """Return the plan for a stage's literals; raises UsageError for what cannot be."""
        known(cls, literals, "a stage has no")
        levels = literals.get("levels")
        stage = cls(**{**literals, "levels": None if levels is None else tuple(levels)})
        for name in ("epochs", "steps", "first", "learning_rate"):
            value = getattr(stage, name)
            if value is not None and value <= 0:
                raise UsageError(f"a stage's {name} is {value}; it must be above 0")
        if not stage.inputs or len(set(stage.inputs)) < len(stage.inputs) or min(
                stage.ratios.values(), default=1) <= 0:
            raise UsageError(f"a stage's rows are {stage.rows!r}; name an input, several "
                             "different ones, or a ratio above 0 for each")
        return stage

    @property
    def inputs(self) -> list[str]:
        """Names of the inputs that the rows come from, in the order of the alphabet."""
        return [self.rows] if isinstance(self.rows, str) else sorted(self.rows)

    @property
    def ratios(self) -> Mapping[str, float]:
        """In which ratios they are mixed; empty where all of them are taken whole."""
        return self.rows if isinstance(self.rows, Mapping) else {}


class Lesson(Protocol):
    """What is rendered of a row: a `Sample`, or these four of its fields."""

    @property
    def id(self) -> str: ...  # noqa: D102 - as in Sample
    @property
    def question(self) -> str: ...  # noqa: D102
    @property
    def solution(self) -> str: ...  # noqa: D102
    @property
    def method(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Rendered:
    """Rows as token numbers: the prompt is read, only the answer is learned."""

    tokens: list[list[int]]
    "Prompt, answer and end token of each row."
    prompts: list[int]
    "How many of them are the prompt."
    cut: int
    "Rows that were cut off at the greatest length."
    silent: list[list[tuple[int, int]]] = field(default_factory=list)
    "Runs of tokens (first, behind the last) of each row that are not learned; none where empty."
    kept: list[int] = field(default_factory=list)
    "Places, among the rows given, of those that are here."

    @property
    def lengths(self) -> list[int]:
        """Tokens of each row."""
        return [len(row) for row in self.tokens]

    def row(self, place: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return a row's tokens and labels (`IGNORED` where nothing is learned)."""
        return labelled(self.tokens[place], self.prompts[place],
                        self.silent[place] if self.silent else ())


def render(samples: Iterable[Lesson], tokenizer: Any, max_length: int, too_long: str = "drop",
           form: str = PROSE, learn_output: bool = True) -> tuple[Rendered, list[Drop]]:
    """Render rows in a form of `decoding.forms`, or each in its own; return also those left out.

    Prompt and answer are tokenised apart, so that a prompt in training has the very tokens it
    has in evaluation. A row over `max_length` is dropped, or cut with `too_long="cut"`
    (a row whose prompt alone is that long is always dropped: nothing would be learned). A row
    without the program that a form asks for is dropped with that reason. `learn_output`:
    whether what code printed is learned as the rest of a solution is.
    """
    if too_long not in ("drop", "cut"):
        raise UsageError(f"too_long is {too_long!r}; it is `drop` or `cut`")
    fit, prompts, answers, dropped = [], [], [], []
    for place, sample in enumerate(samples):
        own = form_of(sample.solution) if form == BY_ROW else form
        try:
            answers.append(target(sample.solution, own))
        except UsageError as error:
            dropped.append(Drop(sample.id, "no program", str(error), method=sample.method))
            continue
        prompts.append(prompt(tokenizer, sample.question, own))
        fit.append((place, sample))
    read = tokenizer(prompts, add_special_tokens=False)["input_ids"] if prompts else []
    written, silent = _written(tokenizer, answers, learn_output)
    made = Rendered([], [], 0, [], [])
    cut = 0
    for (place, sample), before, answer, quiet in zip(fit, read, written, silent, strict=True):
        whole = [*before, *answer, tokenizer.eos_token_id]
        if len(whole) > max_length:
            if too_long == "drop" or len(before) >= max_length:
                dropped.append(Drop(sample.id, "longer than max_length",
                                    f"{len(whole)} tokens > {max_length}", method=sample.method))
                continue
            whole, cut = whole[:max_length], cut + 1
        made.tokens.append(whole)
        made.prompts.append(len(before))
        made.silent.append([(len(before) + first, len(before) + behind)
                            for first, behind in quiet])
        made.kept.append(place)
    return Rendered(made.tokens, made.prompts, cut, made.silent, made.kept), dropped


def _written(tokenizer: Any, answers: list[str], learn_output: bool
             ) -> tuple[list[list[int]], list[list[tuple[int, int]]]]:
    """Return the answers' tokens, and of each the runs that are not learned."""
    if learn_output or not any("```" in answer for answer in answers):
        tokens = tokenizer(answers, add_special_tokens=False)["input_ids"] if answers else []
        return tokens, [[] for _ in answers]
    encoded = tokenizer(answers, add_special_tokens=False, return_offsets_mapping=True)
    silent = []
    for answer, offsets in zip(answers, encoded["offset_mapping"], strict=True):
        begins = [begin for begin, _ in offsets]
        silent.append([(bisect_left(begins, first), bisect_left(begins, behind))
                       for first, behind in printed_places(answer)])
    return encoded["input_ids"], silent


def printed_places(answer: str) -> list[tuple[int, int]]:
    """Return where an answer holds what code printed: (first character, behind the last).

    The line that opens an output is the student's own; what follows, down to the end of the
    closing line, is put there by whoever runs the code.
    """
    found = []
    for part in parts(answer):
        if part.kind == OUTPUT:
            text = answer[part.start:part.end]
            opened = text.find("\n", len(text) - len(text.lstrip("\n")))
            if opened >= 0:
                found.append((part.start + opened,
                              min(part.start + len(text.rstrip("\n")) + 1, part.end)))
    return found


def plan(lengths: Sequence[int], batch: int, batches: int, seed: int, ordered: bool = False
         ) -> list[array[int]]:
    """Return the given number of batches, in order, as row numbers.

    Each pass is a fresh shuffle of all rows; within POOL batches, rows of like length go
    together and the batches are shuffled again. A pass's last batch may be smaller. `ordered`:
    the first pass keeps the order in which rows stand, and none sorts by length.
    """
    assert len(lengths), "there is nothing to make batches of"
    made: list[array[int]] = []
    number = 0
    while len(made) < batches:
        random = draw("pass", seed, number)
        if ordered:
            count = len(lengths)
            order = array("I", random.sample(range(count), count) if number else range(count))
            made += [order[at:at + batch] for at in range(0, count, batch)]
        else:
            order = array("I", random.sample(range(len(lengths)), len(lengths)))
            cut = []
            for start in range(0, len(order), POOL * batch):
                alike = sorted(order[start:start + POOL * batch], key=lambda row: lengths[row])
                cut += [array("I", alike[at:at + batch]) for at in range(0, len(alike), batch)]
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


def pack_consecutive(lengths: Sequence[int], room: int) -> list[int]:
    """Return where each bin of at most `room` tokens begins, rows staying in order, and the end.

    JiuZhang3.0's way: a row that does not fit any more begins the next bin.
    """
    starts, used = [0], 0
    for row, length in enumerate(lengths):
        if used + length > room and row > starts[-1]:
            starts.append(row)
            used = 0
        used += length
    return [*starts, len(lengths)] if len(lengths) else [0]
