"""The verb `choose`: from one pool of samples, what each way of choosing among n comes to.

Ways: the greedy answer; a random one of those that gave an answer (the control: what is left
when the choice knows nothing but that); the majority, by mathematical equality; the best by a
verifier; the vote weighted by a verifier; the oracle, which knows the right one. Where a pool
tells the generator's log-probability, that stands as a verifier beside the trained ones.

Why one pool: the ways meet the same samples, so they can be compared problem by problem; and
every figure is the mean over all draws of n of a problem's samples, not over one lucky draw.

Used as: the runner calls `run(bench, verifiers=["large"], sizes=[1, 8, 48])` with inputs `pool`
(Candidate rows) and `verifier.large`, and the tool `scores(folder, candidates)`.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mathmill.candidates import (
    BEST,
    GREEDY,
    LOGPROB,
    MAJORITY,
    MEAN_LOGPROB,
    NUMBERS,
    ORACLE,
    PAIRS,
    RANDOM,
    SAMPLES,
    WEIGHTED,
    Candidate,
    Choice,
    Scored,
)
from mathmill.errors import StepFailed, UsageError
from mathmill.evaluate.ranking import pair_accuracy, pooled_auc
from mathmill.evaluate.samples import Sampled, expected, over_problems
from mathmill.evaluate.stats import Interval, paired_bootstrap
from mathmill.grading.policy import for_suite
from mathmill.grading.voting import vote
from mathmill.io import read_rows
from mathmill.types import CORRECT, UNDECIDED
from mathmill.workbench import Workbench

SIZES = (1, 2, 4, 8, 16, 32, 48)
COMPARED = ((BEST, MAJORITY), (BEST, GREEDY), (BEST, RANDOM), (WEIGHTED, MAJORITY),
            (WEIGHTED, GREEDY))


@dataclass(frozen=True, slots=True)
class Asked:
    """One problem with all that one generator answered."""

    item: str
    "Id of the problem."
    greedy: Candidate | None
    "The answer at temperature 0, where one was made."
    drawn: tuple[Candidate, ...]
    "The samples, in their order."
    answers: Sampled
    "Which of them are right, and which are equal."


def run(bench: Workbench, *, verifiers: Sequence[str] = (), sizes: Sequence[int] = SIZES,
        seed: int = 0) -> None:
    """Measure every way of choosing on the pool; writes Choice rows, and Scored rows beside.

    Generators (`model` of the candidates) and suites are measured each by itself. Facts:
    `measured`, one table a generator and suite; `scoring`, what each verifier's scores took.
    Raises StepFailed for an empty pool, UsageError for scores that are no probabilities.
    """
    if not sizes or min(sizes) < 1:
        raise UsageError("choose needs at least one number of samples, of at least 1")
    pool = list(bench.rows("pool", Candidate))
    if not any(row.temperature for row in pool):
        raise StepFailed("choose was given no samples (only greedy answers, or nothing); let "
                         "`sample` draw some at a temperature above 0")
    scores = {label: _scored(bench, label, pool) for label in verifiers}
    scores |= _own(pool)
    choices: list[Choice] = []
    tables = []
    for (model, suite), rows in sorted(_parts(pool).items()):
        asked = [_asked(each, suite) for each in rows.values()]
        found = list(_measured(asked, scores, sizes, seed, (model, suite), bench))
        choices += found
        tables.append(_table(model, suite, asked, found, scores, seed))
    bench.keep(choices, Choice)
    bench.facts["measured"] = tables


def _parts(pool: Sequence[Candidate]) -> dict[tuple[str, str], dict[str, list[Candidate]]]:
    """Return the candidates by (model, suite), then by problem."""
    parts: dict[tuple[str, str], dict[str, list[Candidate]]] = {}
    for row in pool:
        parts.setdefault((row.model, row.suite), {}).setdefault(row.item, []).append(row)
    return parts


def _asked(rows: Sequence[Candidate], suite: str) -> Asked:
    """Group a problem's samples by mathematical equality; a group is right if a member is."""
    greedy = next((row for row in rows if not row.temperature), None)
    drawn = sorted((row for row in rows if row.temperature),
                   key=lambda row: (row.sample, row.temperature))
    groups, correct = [-1] * len(drawn), [False] * len(drawn)
    for number, group in enumerate(vote([row.answer for row in drawn], for_suite(suite)).groups):
        right = any(drawn[place].verdict == CORRECT for place in group.places)
        for place in group.places:
            groups[place], correct[place] = number, right
    return Asked(rows[0].item, greedy, tuple(drawn),
                 Sampled(rows[0].item, tuple(correct), tuple(groups)))


def _key(row: Candidate) -> tuple[str, str]:
    """Return what a verifier reads of a candidate: equal programs are one to it."""
    return row.item, row.response


def _scored(bench: Workbench, label: str, pool: Sequence[Candidate]) -> dict[str, float]:
    """Return a verifier's score of each candidate, by id; each program is scored once.

    What a killed attempt scored is read back.
    """
    programs = {_key(row): row for row in pool if row.temperature}
    table = f"scores-{label}"
    path, begun = bench.out / f"{table}.parquet", time.perf_counter()
    if path.exists():
        found = {row.candidate: row.score for row in read_rows(path, Scored)}
    else:
        values = bench.tools["scores"](Path(bench.inputs[f"verifier.{label}"]),
                                       list(programs.values()))
        found = {row.id: float(value)
                 for row, value in zip(programs.values(), values, strict=True)}
    bench.keep((Scored(id_, label, score) for id_, score in found.items()), Scored, table)
    wrong = next((value for value in found.values() if not 0 <= value <= 1), None)
    if wrong is not None:
        raise UsageError(f"the verifier {label} scored a program with {wrong}; its scores must be "
                         "probabilities, or they cannot weigh a vote")
    seconds = time.perf_counter() - begun
    bench.facts.setdefault("scoring", {})[label] = {
        "candidates": sum(bool(row.temperature) for row in pool), "programs": len(programs),
        "seconds": round(seconds, 3),
        "seconds_per_1000": round(1000 * seconds / max(1, len(programs)), 3)}
    return {row.id: found[programs[_key(row)].id] for row in pool if row.temperature}


def _own(pool: Sequence[Candidate]) -> dict[str, dict[str, float]]:
    """Return the generator's own log-probabilities as scores, where every sample has one."""
    rows = [row for row in pool if row.temperature]
    if any(row.logprob is None for row in rows):
        return {}
    return {LOGPROB: {row.id: row.logprob or 0.0 for row in rows},
            MEAN_LOGPROB: {row.id: (row.logprob or 0.0) / max(1, row.tokens) for row in rows}}


def _measured(asked: Sequence[Asked], scores: Mapping[str, Mapping[str, float]],
              sizes: Sequence[int], seed: int, names: tuple[str, str],
              bench: Workbench) -> Iterator[Choice]:
    """Yield what every way comes to on every problem, then each verifier's pairs."""
    model, suite = names
    most = min(len(each.drawn) for each in asked)
    fitting = [n for n in sizes if n <= most]
    for done, each in enumerate(asked):
        bench.show(done, len(asked), f"problems of {model}")
        if each.greedy is not None:
            yield Choice(model, suite, each.item, GREEDY, "", 1,
                         float(each.greedy.verdict == CORRECT), True)
        blind = replace(each.answers, scores=tuple(float(g >= 0) for g in each.answers.groups))
        for n in fitting:
            for way, measure, item in ((RANDOM, "best", blind), (MAJORITY, "vote", blind),
                                       (ORACLE, "pass", blind)):
                yield Choice(model, suite, each.item, way, "", n,
                             *expected(item, measure, n, seed))
        for label, values in scores.items():
            yield from _by_verifier(each, label, [values[row.id] for row in each.drawn], fitting,
                                    seed, names)


def _by_verifier(each: Asked, label: str, values: Sequence[float], sizes: Sequence[int],
                 seed: int, names: tuple[str, str]) -> Iterator[Choice]:
    """Yield what a verifier's choices come to on one problem, and how it ranks its pairs."""
    # A program that gave no answer is chosen only where none gave one.
    below = min(values) - 1.0
    item = replace(each.answers, scores=tuple(
        value if group >= 0 else below
        for value, group in zip(values, each.answers.groups, strict=True)))
    ways = [(BEST, "best", item)]
    if label not in (LOGPROB, MEAN_LOGPROB):  # which is no weight: it is negative
        ways.append((WEIGHTED, "weighted vote", replace(item, scores=tuple(values))))
    for n in sizes:
        for way, measure, it in ways:
            yield Choice(*names, each.item, way, label, n, *expected(it, measure, n, seed))
    settled = [place for place, row in enumerate(each.drawn) if row.verdict != UNDECIDED]
    once = list({_key(each.drawn[place]): place for place in settled}.values())
    for way, places in ((PAIRS, once), (SAMPLES, settled),
                        (NUMBERS, [p for p in once if each.answers.groups[p] >= 0])):
        share = pair_accuracy([values[p] for p in places],
                              [each.answers.correct[p] for p in places])
        if share is not None:
            yield Choice(*names, each.item, way, label, len(places), share, True)


def _table(model: str, suite: str, asked: Sequence[Asked], found: Sequence[Choice],
           scores: Mapping[str, Mapping[str, float]], seed: int) -> dict[str, Any]:
    """Return the facts of one generator on one suite: every figure with its interval."""
    parts: dict[tuple[str, str, int], dict[str, float]] = {}
    drawn: Counter[tuple[str, str, int]] = Counter()
    for row in found:
        key = (row.way, row.verifier, 0 if row.way in (PAIRS, NUMBERS, SAMPLES) else row.n)
        parts.setdefault(key, {})[row.item] = row.value
        drawn[key] += not row.exact
    rows = [row for each in asked for row in each.drawn]
    return {
        "model": model, "suite": suite, "problems": len(asked),
        "samples": min(len(each.drawn) for each in asked),
        "curve": [{"way": way, "verifier": verifier, "n": n, "problems": len(part),
                   "drawn": drawn[way, verifier, n],
                   **_figure(over_problems(list(part.values()), seed))}
                  for (way, verifier, n), part in parts.items()],
        "auc": {label: None if area is None else _figure(area) for label, area in (
            (label, _auc(asked, values, seed)) for label, values in scores.items())},
        "paired": list(_paired(parts, seed)),
        "kinds": dict(Counter(f"{row.kind} {row.error}".strip() for row in rows).most_common()),
        "verdicts": dict(Counter(row.verdict for row in rows)),
        "cut_off": sum(row.finish == "length" for row in rows),
        "temperatures": dict(Counter(f"{row.temperature:g}" for row in rows)),
        "tokens": math.fsum(row.tokens for row in rows) / max(1, len(rows))}


def _figure(found: Interval) -> dict[str, float]:
    return {"value": found.value, "low": found.low, "high": found.high}


def _auc(asked: Sequence[Asked], values: Mapping[str, float], seed: int) -> Interval | None:
    """Return the pooled area under the curve over all samples of all problems."""
    rows = [(values[row.id], right, number) for number, each in enumerate(asked)
            for row, right in zip(each.drawn, each.answers.correct, strict=True)
            if row.verdict != UNDECIDED]
    scores, right, owner = zip(*rows, strict=True) if rows else ((), (), ())
    return pooled_auc(scores, right, owner, seed) if rows else None


def _paired(parts: Mapping[tuple[str, str, int], Mapping[str, float]],
            seed: int) -> Iterator[dict[str, Any]]:
    """Yield the differences of two ways on the same problems, with their intervals."""
    for way, other in COMPARED:
        for (name, verifier, n), part in parts.items():
            control = parts.get((other, "", 1 if other == GREEDY else n))
            if name == way and control is not None:
                gaps = [part[item] - control[item] for item in sorted(part)]
                yield {"way": way, "verifier": verifier, "against": other, "n": n,
                       **_figure(paired_bootstrap(gaps, seed))}
