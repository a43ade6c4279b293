"""Rows of about 1.1 kB for the figures of scale: made of numbers alone, the same on any machine.

Why: time and memory are only worth telling on rows that look like those of a paper, and what a
stage finds can only be checked where somebody put it there.

Words follow Zipf's law, half of them by topic; of 20 topics the first has a third of the rows,
the last one in 250. Questions have 66 words on average and solutions 120, both of lengths that
differ by a factor of ten; questions begin and solutions end with stock phrases. A larger set
begins with the rows of a smaller one. Planted, by place: 2 % copies of a row anywhere before
(half of them in other case and spaces), 2 % copies with one or two words exchanged for a number
of their own, and in 1 row of 2,000 each a whole item of the benchmark, 36 words of one, and 12.

Used as: `folder = made(place, 250_000)` with `rows/`, `test/` and `seeds.jsonl`; `planted(n)`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from dedup_decontaminate import vocabulary

from mathmill.columns import write_batches
from mathmill.io import arrow_schema, read_json, write_json, write_rows
from mathmill.schemas import SCHEMAS
from mathmill.types import Problem, Sample, make_problem

FORM = 8  # of all below: what was written by another is written anew
CHUNK, ITEMS, TOPICS = 10_000, 6_000, 20
QUESTION, SOLUTION = (52, 0.45), (82, 0.5)  # median of the words, spread of its logarithm
LONGEST = 6  # times the median
COPY, NEAR, EVERY = 50, 50, 2_000
RUN, SHORT = 36, 12  # words of an item: found by a 13-gram, and not
ASIDE = 25  # one row in so many may be copied later
METHODS = ("metamath.rephrase", "evolve.deepen", "xwin.new", "metamath.fobar")


@cache
def words() -> tuple[Any, Any, Any]:
    """Return 2^20 ranks by Zipf's law, the words, and what ends a line of a solution."""
    rng = np.random.default_rng(0)
    names = vocabulary(rng)
    law = 1.0 / (np.arange(len(names)) + 5)
    ranks = rng.choice(len(names), 1 << 20, p=law / law.sum())
    a, b = rng.integers(2, 99, 4_000), rng.integers(2, 99, 4_000)
    ends = np.array([f"so ${x} \\times {y} = {x * y}$.\n" if x % 2 else f"= {x + y}.\n"
                     for x, y in zip(a.tolist(), b.tolist(), strict=True)], object)
    return ranks, names, ends


def texts(rng: np.random.Generator, topics: Any, shape: tuple[int, float], ends: int
          ) -> list[list[str]]:
    """Return the words of a text for each topic; every so many words one that ends a line."""
    ranks, names, lines = words()
    median, spread = shape
    lengths = np.clip(median * np.exp(spread * rng.standard_normal(len(topics))),
                      median // 4, LONGEST * median).astype(np.int64)
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    rank = ranks[rng.integers(0, len(ranks), bounds[-1])]
    place = np.arange(bounds[-1]) - np.repeat(bounds[:-1], lengths)
    # The rarer half of the words stands for the topic: 211 places further for each.
    rank = np.where(rank > 40, (rank + np.repeat(topics, lengths) * 211) % len(names), rank)
    flat = names[rank]
    numbers = place % 8 == 5
    flat[numbers] = rng.integers(2, 2_000, int(numbers.sum())).astype(str).astype(object)
    last = place % ends == ends - 1
    flat[last] = (lines[rng.integers(0, len(lines), int(last.sum()))] if shape == SOLUTION else
                  flat[last] + ".")
    whole, marks = flat.tolist(), bounds.tolist()
    return [whole[start:end] for start, end in pairwise(marks)]


@cache
def items() -> list[str]:
    """Return the questions of the benchmark."""
    rng = np.random.default_rng(99)
    return [" ".join(one) + "?" for one in texts(rng, rng.integers(0, TOPICS, ITEMS), QUESTION, 11)]


@cache
def stock() -> tuple[list[str], list[str]]:
    """Return stock phrases of eight words: four a topic to begin with, four to end with."""
    rng = np.random.default_rng(5)
    names = words()[1]
    made = [" ".join(names[rng.integers(0, 400, 8)]) for _ in range(8 * TOPICS)]
    return [f"{one}." for one in made[::2]], [f"{one}:" for one in made[1::2]]


def answers(rng: np.random.Generator, size: int) -> tuple[list[str], list[str | None]]:
    """Return answers as written and as known: one in ten wrong, one in eight not plain alike."""
    value, kind = rng.integers(1, 9_999, size).tolist(), rng.integers(0, 40, size).tolist()
    written, known = [], []
    for n, k in zip(value, kind, strict=True):
        said: str = str(n)
        right: str | None = said
        if k < 4:
            said = str(n + 1)
        elif k < 6:
            said = f"{n}.0"
        elif k == 6:
            said, right = f"\\frac{{{n}}}{{7}}", f"{n}/7"
        elif k == 7:
            said = f"{n:,}"
        elif k == 8:
            said = f"${n}$"
        elif k == 9:
            right = None
        written.append(said)
        known.append(right)
    return written, known


def chunk(number: int, aside: list[tuple[str, str]]) -> tuple[list[str], list[str], Any, Any]:
    """Return questions, solutions, topics and answers of a chunk; rows to copy go to `aside`."""
    rng = np.random.default_rng([11, number])
    law = 1.0 / np.arange(1, TOPICS + 1) ** 1.3
    topics = rng.choice(TOPICS, CHUNK, p=law / law.sum())
    written, known = answers(rng, CHUNK)
    openings, endings = stock()
    which = rng.integers(0, 4, (2, CHUNK))
    opens, closes = ((4 * topics + one).tolist() for one in which)
    questions = [f"{openings[at]} {' '.join(one)}?" for at, one in zip(
        opens, texts(rng, topics, QUESTION, 11), strict=True)]
    solutions = [f"{' '.join(one)} {endings[at]} the answer is \\boxed{{{said}}}.".replace(
        "\n ", "\n") for at, one, said
                 in zip(closes, texts(rng, topics, SOLUTION, 14), written, strict=True)]
    for place in range(3, CHUNK, EVERY):
        item = (number * (CHUNK // EVERY) + place // EVERY) % ITEMS
        questions[place] = items()[item]
        for other, length in ((place + 500, RUN), (place + 1_000, SHORT)):
            run = long_item(item).split()
            questions[other] += " " + " ".join(run[:length])
    own = [(questions[place], solutions[place]) for place in range(5, CHUNK, ASIDE)]
    before = aside or own
    copied = rng.integers(0, len(before), (2, CHUNK // COPY)).tolist()
    for turn, (place, source) in enumerate(zip(range(1, CHUNK, COPY), copied[0], strict=True)):
        questions[place], solutions[place] = before[source]
        if turn % 2:
            questions[place] = questions[place].upper().replace(" ", "  ")
    for place, source in zip(range(2, CHUNK, NEAR), copied[1], strict=True):
        question, solutions[place] = before[source]
        edited = question.split(" ")
        for at in rng.integers(0, len(edited), 1 + place // NEAR % 2).tolist():
            edited[at] = str(CHUNK * number + place)
        questions[place] = " ".join(edited)
    aside += own
    return questions, solutions, topics, (written, known)


@cache
def long_item(number: int) -> str:
    """Return an item of at least `RUN` words, from a number on."""
    return next(one for one in (items() * 2)[number:] if len(one.split()) >= RUN)


def planted(count: int) -> dict[str, int]:
    """Return how many copies, and rows that a 13-gram finds, there are among so many rows."""
    return {"copies": -(-(count - 1) // COPY),
            "contaminated": sum(-(-max(0, count - first) // EVERY) for first in (3, 503))}


def batches(count: int, seeds: Path) -> Iterator[Any]:
    """Yield rows as Arrow batches of samples; write them as JSON lines in GSM8K's form too."""
    import pyarrow as pa

    schema, aside = arrow_schema(Sample), list[tuple[str, str]]()
    with seeds.open("w", encoding="utf-8") as lines:
        for number in range(-(-count // CHUNK)):
            size = min(CHUNK, count - number * CHUNK)
            asked, solved, topics, (written, known) = chunk(number, aside)
            rng = np.random.default_rng([12, number])
            raw = rng.bytes(16 * 3 * CHUNK).hex()
            ids, parents, requests = ([raw[at:at + 32] for at in range(
                32 * CHUNK * part, 32 * CHUNK * (part + 1), 32)] for part in range(3))
            levels = [None if draw < 5 else draw - 4 for draw in rng.integers(
                0, 10, CHUNK).tolist()]
            given: dict[str, list[Any]] = {
                "id": ids, "question": asked, "solution": solved, "answer": written,
                "expected": known, "seed": parents, "parent": parents, "level": levels,
                "method": [METHODS[row % 4] for row in range(CHUNK)],
                "subject": [f"topic {one}" for one in topics.tolist()],
                "prompts": [["made@1"]] * CHUNK, "requests": [[one] for one in requests],
                "teacher": ["made"] * CHUNK, "language": ["en"] * CHUNK,
                "verdict": [""] * CHUNK, "verdict_by": [""] * CHUNK, "checks": [[]] * CHUNK}
            lines.writelines(json.dumps({"question": q, "answer": f"{s}\n#### {a}"}) + "\n"
                             for q, s, a in zip(asked[:size], solved, written, strict=False))
            yield pa.record_batch([
                pa.array(given.get(name, [None] * CHUNK)[:size], schema.field(name).type)
                for name in SCHEMAS[Sample]], schema=schema)


def made(place: Path, count: int) -> Path:
    """Return the folder of so many rows, which stand there from before or are written now.

    `count`: 10,000 or more, for rows are copied from the chunk before, the first of itself.
    """
    folder = place / f"{count}-rows"
    facts = folder / "made.json"
    if not facts.exists() or read_json(facts)["form"] != FORM:
        folder.mkdir(parents=True, exist_ok=True)
        write_rows(folder / "test" / "rows.parquet", [
            make_problem(text, source=f"test:{n}") for n, text in enumerate(items())], Problem)
        size = 0

        def counted() -> Iterator[Any]:
            nonlocal size
            for batch in batches(count, folder / "seeds.jsonl"):
                size += batch.nbytes
                yield batch

        write_batches(folder / "rows" / "rows.parquet", counted(), Sample)
        write_json(facts, {
            "form": FORM, "rows": count, "arrow": size,
            "parquet": (folder / "rows" / "rows.parquet").stat().st_size,
            "json": (folder / "seeds.jsonl").stat().st_size})
    return folder
