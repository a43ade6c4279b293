r"""A model that solves with code: it writes, its code is run, it is shown the output, it goes on.

Why: JiuZhang3.0 and its like score a tool model so, in at most four rounds (papers: 2.6). All
items take a round together, so that batches stay full and the sandbox gets many programs at
once; a kill costs one batch, for every round's texts and outputs are kept as they come. What a
model goes on from has the tokens that its training rows have: answer and outputs are one text.

Used as: `told = converse(bench, writers, prompts, Bounds(512, 64, rounds=4), journal)`, by
`evaluate.run` for the form `tool`.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from mathmill.decoding.generation import STOPS, Ask, Generated
from mathmill.decoding.prompts import plan
from mathmill.evaluate.writers import Writers
from mathmill.grading.answers import extract
from mathmill.grading.sandbox.cells import Cells, Shown
from mathmill.grading.sandbox.outcome import VALUE
from mathmill.io import append_line
from mathmill.transcripts import CLOSE, OPEN_OUTPUT, OUTPUT, PYTHON, WORDS, parts
from mathmill.workbench import Workbench

ROUNDS = "rounds"  # a response's `finish` where it asked for a run after the last round
ASKS = OPEN_OUTPUT.rstrip("\n")  # what a model writes where it wants to see an output
ERRORS = 20  # different ones that facts name


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may be written."""

    tokens: int
    "Most tokens of one round."
    batch: int
    "Items that are written on together."
    rounds: int
    "Times that a model may write on an item; its code is run after each but the last."


@dataclass(slots=True)
class Told:
    """One item's response as it grows."""

    text: str = ""
    "All that the model wrote and was shown."
    cells: list[str] = field(default_factory=list)
    "The code of each round."
    shown: list[Shown] = field(default_factory=list)
    "What came of each run."
    tokens: int = 0
    "Tokens that the model wrote."
    finish: str = ""
    "`stop`, `length` (a round was cut off) or `rounds`; empty while a run is asked for."

    def take(self, written: str, tokens: int, finish: str) -> None:
        """Add what was written in a round; see whether it asks for a run."""
        self.text += written
        self.tokens += tokens
        found = parts(written)
        code = [part.text for part in found if part.kind == PYTHON]
        # As in JiuZhang3.0's code, a response that ends with its code wants to see the output
        # (there only where nothing is boxed in it).
        if finish == "stop" and code and found[-1].kind == PYTHON:
            self.cells.append("\n".join(code))
            if not found[-1].closed:
                self.text = f"{self.text.rstrip()}\n{CLOSE}\n"
        else:
            self.finish = finish

    def see(self, shown: Shown) -> None:
        """Add what the run of all code so far is shown as."""
        self.shown.append(shown)
        self.text += ("" if self.text.endswith("\n") else "\n") + output_block(shown.text)

    def generated(self) -> Generated:
        """Return it as any other response."""
        return Generated(self.text.strip(), self.tokens, self.finish)

    def said(self) -> str:
        """Return what an answer is looked for in: what stands behind the last code.

        Not its output where it raised. A number in code or in an error answers nothing, but an
        answer declared before the last code counts where none is declared behind it.
        """
        found = parts(self.text.strip())
        last = max((place for place, part in enumerate(found) if part.kind == PYTHON), default=-1)
        tail = found[last + 1:]
        if tail and tail[0].kind == OUTPUT and self.shown and self.shown[-1].kind != VALUE:
            tail = tail[1:]
        words = "\n".join(part.text for part in found if part.kind == WORDS)
        behind = "\n".join(part.text for part in tail)
        declared = [extract(text, guess=False).text for text in (behind, words)]
        return words if declared[1] and not declared[0] else behind


def output_block(text: str) -> str:
    """Return an output as it stands in a solution; a fence in it cannot close it."""
    return f"{OPEN_OUTPUT}{text.replace(CLOSE, chr(39) * 3)}\n{CLOSE}\n"


def converse(bench: Workbench, writers: Writers, prompts: Sequence[Sequence[int]],
             bounds: Bounds, journal: Path) -> list[Told]:
    """Return a response to each prompt (token ids); facts of the runs go to the bench.

    `journal`: where every batch and every round's outputs are kept before they are used; what
    stands there is not made again. Raises MissingExtra or UsageError without a sandbox.
    """
    told = [Told() for _ in prompts]
    live, made, running = list(range(len(prompts))), 0, 0.0
    known = _known(journal)
    with journal.open("a", encoding="utf-8") as file, Cells() as cells:
        for number in range(1, bounds.rounds + 1):
            ids = _so_far(writers.tokenizer, [prompts[place] for place in live],
                          [told[place].text for place in live])
            batches = plan([len(one) for one in ids], bounds.batch)
            kept = list(islice(known, len(batches)))
            written = writers.decode([Ask(ids[at], bounds.tokens, stops=(ASKS, *STOPS))
                                      for at in batch] for batch in batches[len(kept):])
            for at_batch, batch in enumerate(batches):
                outs = kept[at_batch] if at_batch < len(kept) else None
                if outs is None:
                    wrote = next(written)
                    outs = [[out.text, out.tokens, out.finish] for out in wrote]
                    made += sum(out.tokens for out in wrote)
                    append_line(file, json.dumps(outs))
                for at, out in zip(batch, outs, strict=True):
                    told[live[at]].take(*out)
                bench.show(sum(bool(one.finish) for one in told), len(told),
                           f"items answered, in round {number}")
            live = [place for place in live if not told[place].finish]
            if not live or number == bounds.rounds:
                break
            runs = next(known, None)
            if runs is None:
                begun = time.perf_counter()
                runs = [[one.text, one.kind] for one in cells.run(
                    [told[place].cells for place in live])]
                running += time.perf_counter() - begun
                append_line(file, json.dumps(runs))
            for place, run in zip(live, runs, strict=True):
                told[place].see(Shown(*run))
    for place in live:
        told[place].finish = told[place].finish or ROUNDS
    bench.facts |= {"tokens_made": made, "programs": cells.runs,
                    "execution_seconds": round(running, 3)}
    return told


def table_of(told: Sequence[Told]) -> dict[str, Any]:
    """Return how a suite's responses ran: rounds, those that wanted more, ends of their runs."""
    runs = [shown for one in told for shown in one.shown]
    return {"rounds": {str(count): number for count, number in sorted(
                Counter(len(one.shown) + 1 for one in told).items())},
            "wanted_more": sum(one.finish == ROUNDS for one in told),
            "no_program": sum(not one.cells for one in told),
            "kinds": dict(Counter(shown.kind for shown in runs).most_common()),
            "errors": dict(Counter(shown.error for shown in runs if shown.error)
                           .most_common(ERRORS))}


def _so_far(tokenizer: Any, prompts: Sequence[Sequence[int]], texts: Sequence[str]
            ) -> list[list[int]]:
    """Return prompts with the responses so far, tokenised apart from them as in training."""
    if not any(texts):
        return [list(ids) for ids in prompts]
    written = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
    return [[*ids, *more] for ids, more in zip(prompts, written, strict=True)]


def _known(journal: Path) -> Iterator[list[Any]]:
    """Yield what a killed attempt made, in the order in which it is wanted again.

    A torn last line is cut off now, before anything is appended.
    """
    whole = lines = 0
    if journal.exists():
        with journal.open("rb") as found:
            for line in found:
                if not line.endswith(b"\n"):
                    break
                whole, lines = whole + len(line), lines + 1
        with journal.open("r+b") as file:
            file.truncate(whole)

    def read() -> Iterator[list[Any]]:
        if lines:
            with journal.open("rb") as file:
                yield from map(json.loads, islice(file, lines))

    return read()
