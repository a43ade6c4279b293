"""Grade a file of responses: the engine of `mathmill grade FILE`.

Why: a grader is trusted once it has been held against labels that people made; this reads
any JSONL or Parquet file, row by row, and says how often it agrees with a label field. The
files whose shape is known need no field names: mathmill's own scores, and the solutions of
four systems that OpenAI published with GSM8K.

Used as: `grade_file(Path("out.jsonl"), gold="answer", pred="response")`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mathmill.errors import InputError
from mathmill.grading.answers import Extracted, extract
from mathmill.grading.equal import grade
from mathmill.grading.interval import wilson
from mathmill.grading.policy import Policy, named
from mathmill.io import read_json_rows
from mathmill.types import CORRECT, UNDECIDED, WRONG, Verdict

SHOWN = 20  # disagreements that a summary keeps for a person to look at


@dataclass(frozen=True, slots=True)
class Graded:
    """One response of a file with its verdict."""

    row: int
    "1-based row of the file."
    system: str
    "Which of the row's responses it is; empty where there is one."
    gold: str
    "The right answer."
    answer: str | None
    "What was found in the response."
    verdict: Verdict
    "The verdict and how it came about."
    label: bool | None
    "What the file says about it; None where it says nothing."


@dataclass(frozen=True, slots=True)
class GradeSummary:
    """What a graded file comes to."""

    path: str
    "The file."
    policy: str
    "Name of the policy."
    total: int
    "Responses graded."
    counts: dict[str, int]
    "Responses by verdict: correct, wrong, undecided."
    accuracy: float
    "Share of correct ones among all (0 for an empty file)."
    interval: tuple[float, float]
    "Wilson's 95 % interval of the accuracy."
    reasons: dict[str, int]
    "Responses by how the verdict came about."
    by_system: dict[str, dict[str, int]]
    "Verdict counts of each system, where rows hold several."
    labelled: int = 0
    "Responses that the file labels."
    agreed: int = 0
    "Labelled responses with the same verdict: correct as true, wrong as false."
    disagreements: tuple[Graded, ...] = ()
    "The first of those with another verdict, undecided ones among them."

    def text(self) -> str:
        """Return the summary for people, several lines."""
        low, high = self.interval
        share = (f"{self.accuracy:.1%} correct, 95 % interval {low:.1%} to {high:.1%}"
                 if self.total else "nothing to grade")
        lines = [f"{self.path}: {self.total:,} responses, {self.policy} matching", share,
                 ", ".join(f"{name} {n:,}" for name, n in self.counts.items())]
        lines += [f"  {reason}: {n:,}" for reason, n in self.reasons.items()]
        for system, counts in self.by_system.items():
            found = ", ".join(f"{name} {n:,}" for name, n in sorted(counts.items()))
            lines.append(f"  {system}: {found}")
        if self.labelled:
            lines.append(f"agrees with {self.agreed:,} of {self.labelled:,} labels")
            lines += [f"  row {row.row}: {row.verdict.value} ({row.verdict.how}), labelled "
                      f"{str(row.label).lower()}; gold {row.gold!r}, answer {row.answer!r}"
                      for row in self.disagreements]
        return "\n".join(lines)


def grade_file(path: Path, gold: str | None = None, pred: str | None = None,
               policy: str | Policy = "tolerant", label: str | None = None) -> GradeSummary:
    """Grade every row of a JSONL or Parquet file and sum up.

    `gold`, `pred` and `label` name fields (dots reach into objects); without `gold` and
    `pred` the file must be of a known shape. Raises InputError for a file or a row that
    cannot be read, UsageError for an unknown policy.
    """
    return summarise(path, named(policy), grade_rows(path, gold, pred, policy, label))


def grade_rows(path: Path, gold: str | None = None, pred: str | None = None,
               policy: str | Policy = "tolerant", label: str | None = None) -> Iterator[Graded]:
    """Yield the verdict on every response of a file, in order, one row in memory at a time."""
    policy = named(policy)
    for number, row in _read(path):
        if gold or pred:
            found = [("", _field(row, gold or "gold", path, number),
                      _field(row, pred or "response", path, number),
                      None if label is None else _field(row, label, path, number))]
        else:
            found = list(_known(row, label, path, number))
        for system, right, response, says in found:
            yield _graded(number, system, right, response, policy,
                          None if says is None else _truth(says, path, number))


def summarise(path: Path, policy: Policy, rows: Iterable[Graded]) -> GradeSummary:
    """Count verdicts, reasons and agreement over graded rows."""
    counts = Counter({CORRECT: 0, WRONG: 0, UNDECIDED: 0})
    reasons: Counter[str] = Counter()
    systems: dict[str, Counter[str]] = {}
    labelled = agreed = 0
    apart: list[Graded] = []
    for row in rows:
        counts[row.verdict.value] += 1
        reasons[f"{row.verdict.value}: {row.verdict.how}"] += 1
        if row.system:
            systems.setdefault(row.system, Counter())[row.verdict.value] += 1
        if row.label is not None:
            labelled += 1
            if row.verdict.value == (CORRECT if row.label else WRONG):
                agreed += 1
            elif len(apart) < SHOWN:
                apart.append(row)
    total = sum(counts.values())
    return GradeSummary(
        path=str(path), policy=policy.name, total=total, counts=dict(counts),
        accuracy=counts[CORRECT] / total if total else 0.0,
        interval=wilson(counts[CORRECT], total), reasons=dict(reasons.most_common()),
        by_system={name: dict(each) for name, each in systems.items()},
        labelled=labelled, agreed=agreed, disagreements=tuple(apart))


def gold_answer(text: str) -> str:
    """Return the answer of a gold field: what a worked solution concludes, or the text."""
    found = extract(text, guess=False)
    return found.text if found.text is not None else text


def _graded(number: int, system: str, gold: Any, response: Any, policy: Policy,
            label: bool | None) -> Graded:
    """Return one response with its verdict; a field that is null counts as empty."""
    right = gold_answer(_text(gold))
    text = _text(response)
    found = extract(text) if text else Extracted(None, "empty response")
    return Graded(number, system, right, found.text, grade(text, right, policy), label)


def _text(value: Any) -> str:
    """Return a field as text: 18.0 as `18.0`, null as nothing."""
    return "" if value is None else value if isinstance(value, str) else str(value)


def _known(row: dict[str, Any], label: str | None, path: Path,
           number: int) -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield (system, gold, response, label) of a row whose shape is known."""
    systems = [name for name, value in row.items()
               if isinstance(value, dict) and "solution" in value]
    if "ground_truth" in row and systems:  # GSM8K's example_model_solutions.jsonl
        for name in systems:
            yield name, row["ground_truth"], row[name]["solution"], row[name].get("is_correct")
    elif "gold" in row and "response" in row:  # mathmill's own scores
        says = None if label is None else _field(row, label, path, number)
        yield str(row.get("suite") or ""), row["gold"], row["response"], says
    else:
        raise InputError(path, f"cannot tell which fields to grade; seen: {', '.join(row)}",
                         "name them with --gold FIELD --pred FIELD", number)


def _field(row: dict[str, Any], name: str, path: Path, number: int) -> Any:
    """Return a field by name, a dot reaching into an object."""
    if name in row:
        return row[name]
    here: Any = row
    for part in name.split("."):
        if not isinstance(here, dict) or part not in here:
            raise InputError(path, f"there is no field {name!r}; seen: {', '.join(row)}",
                             "give the name of a field that every row has", number)
        here = here[part]
    return here


def _truth(value: Any, path: Path, number: int) -> bool:
    """Return a label as true or false."""
    words = {"true": True, "correct": True, "1": True, "yes": True, "1.0": True,
             "false": False, "wrong": False, "incorrect": False, "0": False, "no": False,
             "0.0": False}
    truth = words.get(str(value).strip().lower())
    if truth is None:
        raise InputError(path, f"the label {str(value)[:40]!r} is neither true nor false",
                         "label rows with true/false, 1/0 or correct/wrong", number)
    return truth


def _read(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (1-based row, fields) of a JSONL or Parquet file."""
    if path.suffix != ".parquet":
        yield from read_json_rows(path)
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=1_000):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (pa.ArrowException, OSError) as error:
        raise InputError(path, f"cannot be read as Parquet ({error})",
                         "check the path and the file") from error
