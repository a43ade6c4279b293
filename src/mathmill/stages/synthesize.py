"""The stage `synthesize`: seeds and methods in, exactly N new rows out.

Why: "how much data" is the first number of any experiment, so it is counted in *accepted*
rows; and the rows must be the same whoever answered first. Attempt k of a method goes to
seed `order[k % seeds]` as its number `k // seeds`, so the work lies evenly over the seeds
(where one call writes several rows, k counts the calls, and each row counts as an attempt);
attempts are made in waves (`budget`), and what is accepted is the first N in their order.

Used as: `run(bench, methods=[{"method": "metamath.rephrase", "weight": 1.0}],
teacher="symbolic:", samples=10_000)`.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from typing import Any

from mathmill.errors import StepFailed
from mathmill.identity import content_id, draw
from mathmill.io import as_json
from mathmill.stages.asking import TEACHER_FAILED, Asking, Made, Usage, open_asking
from mathmill.stages.budget import ATTEMPTS_A_ROW, PROBE, Budget, Ledger
from mathmill.stages.by_place import by_place
from mathmill.stages.matching import check, weights_of
from mathmill.stages.records import record_of
from mathmill.texts import Text
from mathmill.types import Drop, Method, Problem, Sample, problem_id, sample_id, seed_as_sample
from mathmill.workbench import Workbench

ENDING = "\nThe answer is "  # of every solution (Skywork-Math, section 3)


def run(bench: Workbench, *, methods: Sequence[Mapping[str, Any]], teacher: str, samples: int,
        budget: Mapping[str, Any] | None = None, seed: int = 0,
        include_seeds: bool = False) -> None:
    """Write `samples` accepted rows, or as many as the attempt budget gave; facts say which.

    Input `seeds` (Problem; or Text, for methods that take texts). `methods`: entries with
    `method` (a name among the tool `methods`), `weight`, and whatever else is the method's
    identity. `budget`: the fields of `budget.Budget` that differ from its defaults. `seed`: in
    which order a method visits the seeds. `include_seeds`: the seeds with a worked solution
    come first, beyond `samples`. Tools: `methods`, `open_teacher`, and optionally
    `concurrency`. Raises UsageError, StepFailed, TeacherError.
    """
    limits = Budget.read(budget or {}, samples)
    attempts = samples * ATTEMPTS_A_ROW if limits.attempts is None else limits.attempts
    at_hand: dict[str, Method] = {method.name: method for method in bench.tools["methods"]}
    weights = weights_of(methods, at_hand)
    record = record_of(bench, "seeds", (Problem, Text))
    check(record, [at_hand[name] for name in weights], include_seeds)
    seeds = by_place(bench, "seeds", record)
    if not seeds:
        raise StepFailed("there is no seed to start from; see what the step `seeds` dropped")
    ledger = Ledger.split(samples, attempts, weights)
    unanswered = frozenset(name for name in weights if not getattr(at_hand[name], "answers", True))
    harvest = _Harvest(bench, ledger, limits.per_question, unanswered)
    plans = {name: _Plan(at_hand[name], seeds, seed) for name in weights}
    with open_asking(bench, teacher) as asking:
        bench.keep(_rows(harvest, asking, plans, limits,
                         seeds if include_seeds else []), Sample)
    bench.facts.update(harvest.facts(samples, attempts))


@dataclass
class _Plan:
    """Which seed the next attempt of one method goes to."""

    method: Method
    seeds: Sequence[Problem | Text]
    seed: int
    made: int = 0

    @property
    def together(self) -> int:
        """Return how many attempts one start makes: the rows that one call writes."""
        return int(getattr(self.method, "together", 1))

    def __post_init__(self) -> None:
        """Draw the order in which this method visits the seeds."""
        self.order = array("I", range(len(self.seeds)))
        draw("synthesize", self.seed, self.method.name).shuffle(self.order)

    def next(self) -> tuple[Problem | Text, int]:
        """Return seed and number of the next start."""
        number, place = divmod(self.made, len(self.seeds))
        self.made += 1
        return self.seeds[self.order[place]], number


@dataclass
class _Harvest:
    """What has been accepted and dropped so far, and the rules by which."""

    bench: Workbench
    ledger: Ledger
    per_question: int | None
    unanswered: frozenset[str] = frozenset()
    "Methods whose rows tell no answer yet."
    seen: set[bytes] = field(default_factory=set)
    copies: Counter[str] = field(default_factory=Counter)
    costs: dict[str, Usage] = field(default_factory=dict)
    reasons: dict[str, Counter[str]] = field(default_factory=dict)
    made: int = 0
    from_seeds: int = 0
    first_failed: int = 0
    "Of the first `PROBE` attempts, how many the teacher failed."

    def take_all(self, name: str, came: Made, usage: Usage) -> Iterator[Sample]:
        """Count what one start came to, in the order of the starts; yield what is accepted."""
        self.costs.setdefault(name, Usage()).include(usage)
        for result in came if isinstance(came, tuple) else (came,):
            sample = self.judge(name, result)
            if sample is not None:
                yield sample

    def judge(self, name: str, result: Sample | Drop) -> Sample | None:
        """Count one finished attempt; return its row if it is accepted."""
        account = self.ledger.accounts[name]
        account.made += 1
        self.made += 1
        if isinstance(result, Drop):
            self.first_failed += result.reason == TEACHER_FAILED and self.made <= PROBE
            self._drop(name, result)
            return None
        why, detail = self.fault(result, name not in self.unanswered)
        if not why and account.missing <= 0:
            why, detail = "surplus", "the method had its rows"
        if why:
            self._drop(name, Drop(result.id, why, detail, _safe(as_json(result)), name))
            return None
        account.accepted += 1
        self.take(result)
        return result

    def take(self, sample: Sample) -> None:
        """Remember an accepted row."""
        self.seen.add(bytes.fromhex(sample.id))
        if self.per_question is not None:
            self.copies[sample.problem] += 1

    def fault(self, sample: Sample, answered: bool = True) -> tuple[str, str]:
        """Return why a row cannot be accepted (`` where it can) and what a person should see.

        `answered`: whether it must tell its answer.
        """
        assert sample.id == sample_id(sample.question, sample.solution), \
            f"{sample.method} gave a row an id that is not its content's"
        if not sample.question.strip() or not sample.solution.strip():
            return "empty text", ""
        if answered and not (sample.answer or "").strip():
            return "no answer", sample.solution[-300:]
        if _safe(sample.question + sample.solution) != sample.question + sample.solution:
            return "broken text", "holds half of a Unicode sign"
        if bytes.fromhex(sample.id) in self.seen:
            return "duplicate", "the same question and solution were accepted before"
        if self.per_question is not None and self.copies[sample.problem] >= self.per_question:
            return "question has its rows", f"per_question={self.per_question}"
        return "", ""

    def _drop(self, name: str, drop: Drop) -> None:
        self.reasons.setdefault(name, Counter())[drop.reason] += 1
        self.bench.drop(Drop(drop.id, drop.reason, _safe(drop.detail), _safe(drop.row), name))

    def facts(self, samples: int, attempts: int) -> dict[str, Any]:
        """Return what the report says; raises StepFailed where no row was accepted."""
        accounts = self.ledger.accounts
        accepted = sum(account.accepted for account in accounts.values())
        reasons = sum(self.reasons.values(), Counter())
        if not accepted:
            worst = ", ".join(f"{reason}: {n}" for reason, n in reasons.most_common(3))
            raise StepFailed(f"no row was accepted in {self.made} attempts ({worst}); try another "
                             "teacher, other methods, or seeds that the teacher can read")
        return {
            "rows_in": len(self.bench.drops) + accepted + self.from_seeds,
            "asked": samples, "accepted": accepted, "attempts": self.made,
            "attempt_budget": attempts, "refilled": self.ledger.refilled,
            "ended": "all rows accepted" if accepted >= samples else "attempt budget spent",
            "from_seeds": self.from_seeds,
            "methods": {name: {
                "attempts": account.made, "accepted": account.accepted, "asked": account.asked,
                "ended": "rows accepted" if account.accepted >= account.asked
                else "attempt budget spent",
                "dropped": dict(sorted(self.reasons.get(name, Counter()).items())),
                **self.costs.get(name, Usage()).facts(),
            } for name, account in accounts.items()},
        }


def _rows(harvest: _Harvest, asking: Asking, plans: Mapping[str, _Plan],
          limits: Budget, seeds: Sequence[Problem]) -> Iterator[Sample]:
    """Yield accepted rows wave by wave, until the budget of rows or of attempts is met."""
    yield from _seed_rows(harvest, seeds)
    ledger = harvest.ledger
    wanted = sum(account.rows for account in ledger.accounts.values())
    while True:
        wave = ledger.wave(limits.wave)
        if not wave:
            if limits.refill and ledger.refill():
                continue
            return
        turns = _turns({name: math.ceil(n / plans[name].together) for name, n in wave.items()})
        # A start is made when its turn comes, so that a wave holds no idle generators.
        starts = [partial(plans[name].method.attempt, *plans[name].next()) for name in turns]
        got = sum(account.accepted for account in ledger.accounts.values())

        def tell(done: int, got: int = got, size: int = len(turns)) -> None:
            harvest.bench.show(got, wanted, f"rows, {done}/{size} attempts of this wave")

        results = asking.attempts(starts, tell)
        _stop_if_down(harvest, results)
        for name, (came, usage) in zip(turns, results, strict=True):
            yield from harvest.take_all(name, came, usage)


def _turns(wave: Mapping[str, int]) -> list[str]:
    """Return the methods of a wave's attempts in their order, taking turns."""
    lines = [[name] * n for name, n in wave.items()]
    return [name for turn in zip_longest(*lines) for name in turn if name is not None]


def _stop_if_down(harvest: _Harvest, results: Sequence[tuple[Made, Usage]]) -> None:
    """Raise StepFailed where the teacher fails most of the first attempts or a whole wave."""
    failed = [usage.last_error for came, usage in results if _failed(came)]
    probing = harvest.made < PROBE
    early = harvest.first_failed + (len(failed) if probing else 0)
    tried = harvest.made + len(results)
    if failed and ((probing and tried >= PROBE and early * 2 > tried) or (
            len(results) >= PROBE and len(failed) == len(results))):
        raise StepFailed(
            f"the teacher failed on {early if probing else len(failed)} of "
            f"{tried if probing else len(results)} attempts (last: {failed[-1][:200]}); mend "
            "that and run again: the replies that came are in the journal")


def _failed(came: Made) -> bool:
    """Tell whether the teacher's failing left nothing of a start."""
    rows = came if isinstance(came, tuple) else (came,)
    return not any(isinstance(row, Sample) for row in rows) and any(
        isinstance(row, Drop) and row.reason == TEACHER_FAILED for row in rows)


def _seed_rows(harvest: _Harvest, seeds: Sequence[Problem]) -> Iterator[Sample]:
    """Yield the seeds that carry a worked solution and an answer; drop the others."""
    for problem in seeds:
        why, detail, row = "seed without a worked solution", problem.source, as_json(problem)
        if problem.solution and problem.answer:
            solution = problem.solution.rstrip()
            if not solution.endswith(ENDING + problem.answer):
                solution += ENDING + problem.answer
            sample = seed_as_sample(problem, solution, problem.answer)
            why, detail = harvest.fault(sample)
            row = as_json(sample)
            if not why:
                harvest.from_seeds += 1
                harvest.take(sample)
                yield sample
                continue
        harvest.bench.drop(Drop(content_id("seed row", problem_id(problem.question)), why,
                                detail, row, "seed"))


def _safe(text: str) -> str:
    """Return text that a file can hold: half signs become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
