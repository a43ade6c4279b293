"""What files of rows hold: rows of any shape, read once, each source told beside the others.

Why: questions, solutions and answers stand in other fields in everybody's files; they are found
as `decontaminate` and `dedup` find them, so that what is told here is what those will see.

Used as: `surveys = survey_files(["train.jsonl", "more/*.parquet"], tokens=count)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from mathmill.errors import InputError
from mathmill.grading.answers import extract
from mathmill.grading.files.rows import files_at
from mathmill.io import storable
from mathmill.stages.any_rows import chunks, texts_of
from mathmill.stages.any_tables import footer
from mathmill.stages.seeds import formats
from mathmill.stages.stats.columns import Columns
from mathmill.stages.stats.distinct import Digests, Distinct, scratch
from mathmill.stages.stats.lengths import Lengths
from mathmill.stages.texts.language import code_of, language_of
from mathmill.stages.tokens import row_digests, tiles

Tokens = Callable[[Sequence[str]], Sequence[int]]
"Texts to how many tokens each has."
ANSWERS = STATED, CONCLUDED, NONE = "in a field", "in the solution", "none"
SAME = ("texts", "words", "questions")
"""What rows can share: question and solution letter by letter, their words and signs of maths
(what `dedup` compares), the words and signs of the question."""
NAMED = 5
BEGINNING = 20_000  # characters of a text that tell its language


@dataclass
class Survey:
    """What the rows of one source, or of all together, hold."""

    name: str
    files: int = 0
    bytes: int = 0
    "Of the files."
    unreadable: int = 0
    "Rows that are no JSON object, or lie in a damaged part of a table."
    columns: Columns = field(default_factory=Columns)
    texts: int = 0
    "Rows whose question or text was found."
    lengths: dict[str, Lengths] = field(default_factory=dict)
    "Of questions and solutions, in characters and in tokens."
    languages: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    distinct: dict[str, int] = field(default_factory=dict)
    "How many different ones there are of `SAME`."

    @property
    def rows(self) -> int:
        """Rows that were read."""
        return self.columns.rows

    def include(self, other: Survey) -> None:
        """Take what another source holds, but for what is distinct: sources share rows."""
        self.files += other.files
        self.bytes += other.bytes
        self.unreadable += other.unreadable
        self.columns.include(other.columns)
        self.texts += other.texts
        for name, lengths in other.lengths.items():
            self.lengths.setdefault(name, Lengths()).include(lengths)
        self.languages.update(other.languages)
        self.answers.update(other.answers)

    def told(self) -> dict[str, Any]:
        """Return everything as JSON."""
        return {"name": self.name, "files": self.files, "bytes": self.bytes, "rows": self.rows,
                "unreadable": self.unreadable, "with_text": self.texts,
                "lengths": {name: lengths.told() for name, lengths in self.lengths.items()},
                "languages": dict(self.languages.most_common()),
                "answers": {name: self.answers[name] for name in ANSWERS},
                "distinct": self.distinct,
                "repeats": {name: self.texts - number for name, number in self.distinct.items()},
                "columns": self.columns.told(), "values_in_further_columns": self.columns.further}


@dataclass
class Surveys:
    """What several sources hold."""

    sources: list[Survey]
    together: Survey
    "All of them; the one source's own where there is one."
    named: list[str] = field(default_factory=list)
    "The first rows that could not be read: file, row, why."

    def told(self) -> dict[str, Any]:
        """Return everything as JSON."""
        return {"sources": [one.told() for one in self.sources],
                "together": self.together.told(), "unreadable_rows": self.named}


def survey_files(sources: Sequence[str], name: str | None = None, tokens: Tokens | None = None,
                 tell: Callable[[int], None] = lambda _: None) -> Surveys:
    """Read files, folders and patterns, each a source, and tell what their rows hold.

    `name`: field with the text; None: a shape that is known. `tokens`: counts those of texts.
    `tell` hears how many rows are read. Rows that cannot be read are counted, the first named.
    Memory does not grow with the rows. Raises InputError for a file that cannot be read, or
    where no row of any source can.
    """
    given = [(source, files_at(source)) for source in dict.fromkeys(sources)]
    for file in (file for _, files in given for file in files if file.suffix == ".parquet"):
        footer(file)  # one that is cut off is told before hours go into others
    found, done = Surveys([], Survey("together")), 0
    with scratch() as folder:
        whole = {kind: Distinct(folder) for kind in SAME}
        for source, files in given:
            own = Survey(source, len(files), sum(file.stat().st_size for file in files))
            seen = {kind: Distinct(folder) for kind in SAME} if len(given) > 1 else whole
            for rows in _chunks(files, own, found.named):
                for kind, digests in _add(own, rows, name, tokens).items():
                    seen[kind].add(digests)
                    if seen is not whole:
                        whole[kind].add(digests)
                done += len(rows)
                tell(done)
            own.distinct = {kind: one.count() for kind, one in seen.items()}
            found.sources.append(own)
            found.together.include(own)
        found.together.distinct = {kind: one.count() for kind, one in whole.items()}
    if found.named and not found.together.rows:
        place, _, why = found.named[0].partition(": ")
        raise InputError(place, f"{why} (none of {found.together.unreadable:,} rows can be read)",
                         "check the file")
    return found


def _chunks(files: Sequence[Path], survey: Survey, named: list[str]
            ) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of files, some thousand at a time; count those that cannot be read."""
    def skip(file: str, number: int, why: str) -> None:
        survey.unreadable += 1
        if len(named) < NAMED:
            named.append(f"{file}:{number}: {why}")

    for chunk in chunks(files, skip):
        yield [row for *_, row in chunk]


def _add(survey: Survey, rows: Sequence[dict[str, Any]], name: str | None, tokens: Tokens | None
         ) -> dict[str, Digests]:
    """Take some rows; return the digests of what they can share, by its name."""
    survey.columns.add(rows)
    questions, solutions = [], []
    for row in rows:
        shape = formats.read(row)  # once: it is a third of the time that a row takes
        found = (texts_of(row, name) if name is not None or shape is None else
                 (storable(shape[1].question), storable(shape[1].solution)))
        if found is None:
            continue
        question, solution = found[0], found[1] or ""
        questions.append(question)
        solutions.append(solution)
        survey.languages[_language(row, question)] += 1
        stated = shape is not None and shape[1].answer and not shape[1].concluded
        survey.answers[STATED if stated else _concluded(
            solution or ("" if name is None else question))] += 1
    survey.texts += len(questions)
    _measure(survey, questions, solutions, tokens)
    return {"texts": _exact(questions, solutions),
            "words": _words([f"{q}\n{s}" for q, s in zip(questions, solutions, strict=True)]),
            "questions": _words(questions)}


def _measure(survey: Survey, questions: Sequence[str], solutions: Sequence[str],
             tokens: Tokens | None) -> None:
    """Take the lengths of questions, and of solutions where there are any."""
    for what, texts in (("question", questions),
                        ("solution", [text for text in solutions if text.strip()])):
        if not texts:
            continue
        counts = {"characters": [len(text) for text in texts]}
        if tokens is not None:
            counts["tokens"] = list(tokens(texts))
        for unit, numbers in counts.items():
            survey.lengths.setdefault(f"{what}, {unit}", Lengths()).add(
                np.array(numbers, np.int64))


def _language(row: Mapping[str, Any], question: str) -> str:
    """Return the language that a row says it is in, else that of its question."""
    said = row.get("language") or row.get("lang")
    return code_of(said if isinstance(said, str) else None) or language_of(question[:BEGINNING])


def _concluded(solution: str) -> str:
    """Return whether a solution that stands alone ends on an answer that can be read."""
    return CONCLUDED if solution and extract(solution, guess=False).text else NONE


def _exact(questions: Sequence[str], solutions: Sequence[str]) -> Digests:
    """Return 64 bits over each question and solution, letter by letter."""
    return np.frombuffer(b"".join(
        blake2b(f"{question}\0{solution}".encode("utf-8", "replace"), digest_size=8).digest()
        for question, solution in zip(questions, solutions, strict=True)), np.uint64)


def _words(texts: Sequence[str]) -> Digests:
    """Return 64 bits over the words and signs of maths of each text."""
    import pyarrow as pa

    return np.concatenate([np.zeros(0, np.uint64), *(
        row_digests(tile)[:, 0] for _, tile in tiles(pa.array(texts, pa.string())))])
