"""A student's pass rate: the share of several samples that come to a row's answer.

Why: a level says how hard a problem is for people, a pass rate how hard it is for this student;
rows that it always solves teach it little. A share of few samples is uncertain, so that its
interval stands beside it.

Used as: `Pupil(asking, request, samples=8, ...).rate(rows)`; `of_pool(bench)` where samples
were drawn already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from mathmill.candidates import Candidate, Rated
from mathmill.errors import StepFailed
from mathmill.grading.equal import equal
from mathmill.grading.wilson import wilson
from mathmill.stages.asking import Asking, Usage
from mathmill.stages.select.difficulty import level_by_rate
from mathmill.stages.verify.votes import FIRST_VOTE, answer_of
from mathmill.types import CORRECT, UNDECIDED, WRONG, Problem, Reply, Request, Sample
from mathmill.workbench import Workbench

Row = Problem | Sample
PASS_RATE = "pass_rate"


@dataclass
class Pupil:
    """Asks every question several times and grades what comes."""

    asking: Asking
    request: Callable[..., Request]
    "Question, language, sample, temperature and max_tokens to what is asked."
    samples: int
    temperature: float
    max_tokens: int
    policy: str
    usage: Usage = field(default_factory=Usage)
    "What the questions cost; a question is a unit."
    counts: Counter[str] = field(default_factory=Counter)

    def rate(self, rows: Sequence[Row]) -> Iterator[Rated]:
        """Yield the rating of each row; a question that several rows have is asked once.

        A reply that is cut off or concludes nothing is not right, nor is one that cannot be
        compared (`undecided` counts these); a call that failed is no sample. Raises StepFailed
        where every call failed.
        """
        asked = {(row.question, row.language) for row in rows if known_answer(row)}
        turns = sorted(asked)
        replies = iter(self.asking.all([
            self.request(*turn, sample=FIRST_VOTE + number, temperature=self.temperature,
                         max_tokens=self.max_tokens)
            for turn in turns for number in range(self.samples)]))
        answers = {turn: self._take(list(islice(replies, self.samples))) for turn in turns}
        if turns and self.usage.failed == self.usage.requests:
            raise StepFailed(f"the student failed on all {self.usage.failed} questions (last: "
                             f"{self.usage.last_error[:200]}); mend that and run again")
        for row in rows:
            gold = known_answer(row)
            if gold is None:
                self.counts["without_answer"] += 1
                yield Rated(row.id, PASS_RATE, None, by=self.asking.teacher.name)
                continue
            said = answers[row.question, row.language]
            verdicts = Counter[str]()
            for text, number in Counter(said).items():
                verdicts[WRONG if text is None else equal(gold, text, self.policy).value] += number
            self.counts["undecided"] += verdicts[UNDECIDED]
            right = verdicts[CORRECT]
            yield rated(row.id, right, len(said), self.asking.teacher.name)

    def _take(self, replies: Sequence[Reply]) -> list[str | None]:
        """Count the replies to a question; return what those that came conclude."""
        cost = Usage()
        for reply in replies:
            cost.add(reply)
        self.usage.include(cost)
        came = [reply for reply in replies if reply.finish != "error"]
        answers = [answer_of(reply) for reply in came]
        self.counts["cut_off"] += sum(reply.finish != "stop" for reply in came)
        self.counts["no_answer_read"] += answers.count(None)
        return answers


def known_answer(row: Row) -> str | None:
    """Return the answer that a row's samples are held against: the known one, else its own."""
    if isinstance(row, Sample) and row.expected is not None:
        return row.expected
    return row.answer


def rated(row: str, right: int, samples: int, by: str) -> Rated:
    """Return the rating of a row of whose samples so many are right."""
    if not samples:
        return Rated(row, PASS_RATE, None, 0, 0, by=by)
    low, high = wilson(right, samples)
    return Rated(row, PASS_RATE, level_by_rate(right, samples), right, samples, right / samples,
                 round(low, 4), round(high, 4), by)


def of_pool(bench: Workbench) -> dict[str, tuple[int, int, str]]:
    """Return right samples, samples and model of each problem of input `pool` (Candidate)."""
    found: dict[str, list[Any]] = {}
    models: dict[str, None] = {}
    for batch in bench.batches("pool", Candidate, ["item", "verdict", "model"]):
        for item, verdict, model in zip(*(column.to_pylist() for column in batch.columns),
                                        strict=True):
            one = found.setdefault(item, [0, 0])
            one[0] += verdict == CORRECT
            one[1] += 1
            models[model] = None
    by = ", ".join(models)
    return {item: (right, samples, by) for item, (right, samples) in found.items()}
