"""The stage `verify`: give every row a verdict of three values, and keep whom the recipe says.

Why: about half of Skywork-Math's labels are believed wrong; whether that matters is a
question one can only ask with verdicts. A row is put to the checks in turn until one of
them decides: `answer_agrees` where the right answer is known, `majority` among fresh
solutions by the teacher. What stays undecided is never silently right or wrong.

Used as: `run(bench, by=["answer_agrees", "majority"], teacher="symbolic:", votes=5)`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from mathmill.errors import StepFailed, UsageError
from mathmill.grading.answers import extract
from mathmill.grading.equal import equal
from mathmill.grading.voting import Vote, vote
from mathmill.io import as_json
from mathmill.stages.asking import Asking, Usage, open_asking
from mathmill.types import CORRECT, UNDECIDED, WRONG, Drop, Reply, Sample, Verdict
from mathmill.workbench import Workbench

VALUES = (CORRECT, WRONG, UNDECIDED)
BATCH = 1024  # rows whose votes are asked for together
# Votes are numbered from here, so that they are other samples than any that made a row:
# a vote that is the row's own reply would always agree with it.
FIRST_VOTE = 1_000_000
_CHECK = re.compile(r"^(answer_agrees|majority)(?:\((\d+)\))?$")


def run(bench: Workbench, *, by: Sequence[str], teacher: str = "", votes: int = 5,
        keep: Sequence[str] | str = (CORRECT, UNDECIDED), policy: str = "tolerant",
        temperature: float = 0.7, prompts: Sequence[str] = ()) -> None:
    """Write the rows of input `rows` (Sample) with verdicts; drop those not in `keep`.

    `by`: `answer_agrees`, `majority` or `majority(k)`, in the order of asking. `keep`: the
    verdicts that stay, or `label` to keep all. `policy`: the grader's. `prompts`: identities
    of those by which votes are asked (identity only). Tools: `open_teacher`
    and `solve_request` for majority; `truth` (question -> right answer or None), where it is
    given, has the checks themselves measured in facts["truth"]. Raises UsageError,
    StepFailed, TeacherError.
    """
    del prompts
    checks, kept_values = _checks(by, votes), VALUES if keep == "label" else tuple(keep)
    if not kept_values or set(kept_values) - set(VALUES):
        raise UsageError(f"keep={list(kept_values)}: name some of {', '.join(VALUES)}, "
                         "or say label to keep all")
    audit = _Audit(bench.tools.get("truth"), policy)
    facts = _Count()
    asks = any(name == "majority" for name, _ in checks)
    if asks:
        with open_asking(bench, teacher) as asking:
            voters = _Voters(bench, asking, policy, temperature)
            bench.keep(_judged(bench, checks, kept_values, audit, facts, voters), Sample)
            bench.facts["votes"] = {"asked": voters.asked, "unreadable": voters.unreadable,
                                    **dict(sorted(voters.close.items())),
                                    **asking.usage.facts(),
                                    "methods": {name: usage.facts()
                                                for name, usage in voters.costs.items()}}
    else:
        voters = _Voters(bench, None, policy, temperature)
        bench.keep(_judged(bench, checks, kept_values, audit, facts, voters), Sample)
    bench.facts.update(rows_in=facts.rows, verdicts=dict(sorted(facts.verdicts.items())),
                       by_check=dict(sorted(facts.by_check.items())))
    if audit.truth is not None:
        bench.facts["truth"] = audit.facts()
    if not bench.kept["rows"]:
        raise StepFailed(
            f"verify kept none of {facts.rows} rows ({dict(facts.verdicts)}); keep more verdicts "
            "(keep=label keeps all), add a check, or look at the teacher's replies")


def _checks(by: Sequence[str], votes: int) -> list[tuple[str, int]]:
    """Read the names of checks; raises UsageError for one that there is not."""
    checks = []
    for text in by:
        found = _CHECK.match(text)
        if found is None or (found[1] == "answer_agrees" and found[2]):
            raise UsageError(f"no check is called {text!r}; there are: answer_agrees, majority, "
                             "majority(k)")
        number = int(found[2] or votes)
        if found[1] == "majority" and number < 1:
            raise UsageError(f"{text} with {number} votes decides nothing; ask for 1 or more")
        checks.append((found[1], number))
    if not checks:
        raise UsageError("verify without a check gives no verdict; name one in `by`")
    return checks


@dataclass
class _Count:
    """Verdicts so far."""

    rows: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    by_check: Counter[str] = field(default_factory=Counter)


def _judged(bench: Workbench, checks: Sequence[tuple[str, int]], keep: Sequence[str],
            audit: _Audit, count: _Count, voters: _Voters) -> Iterator[Sample]:
    """Yield the rows that stay, with verdicts, in their order."""
    rows = bench.rows("rows", Sample)
    while batch := list(islice(rows, BATCH)):
        verdicts: list[tuple[str, Verdict]] = [("", Verdict(UNDECIDED, "not checked"))] * len(batch)
        for name, number in checks:
            places = [i for i, (_, verdict) in enumerate(verdicts) if verdict.value == UNDECIDED]
            open_rows = [batch[i] for i in places]
            found = ([answer_agrees(row, voters.policy) for row in open_rows]
                     if name == "answer_agrees" else voters.verdicts(open_rows, number))
            for place, verdict in zip(places, found, strict=True):
                verdicts[place] = (name, verdict)
        for row, (name, verdict) in zip(batch, verdicts, strict=True):
            count.rows += 1
            count.verdicts[verdict.value] += 1
            count.by_check[f"{name}: {verdict.value}"] += 1
            stays = verdict.value in keep
            audit.note(row, verdict.value, stays)
            said = replace(row, verdict=verdict.value, verdict_by=f"{name}: {verdict.how}",
                           checks=row.checks + ((name,) if verdict.value == CORRECT else ()))
            if stays:
                yield said
            else:
                reason = "wrong answer" if verdict.value == WRONG else f"verdict {verdict.value}"
                bench.drop(Drop(row.id, reason, f"{said.verdict_by}; answer {row.answer!r}, "
                                f"expected {row.expected!r}"[:500], as_json(said), row.method))
        bench.show(count.rows, None, "rows checked")


def answer_agrees(row: Sample, policy: str = "tolerant") -> Verdict:
    """Compare a row's answer with the one known to be right; undecided where none is known."""
    if row.expected is None:
        return Verdict(UNDECIDED, "no known answer")
    if row.answer is None:
        return Verdict(UNDECIDED, "the row has no answer")
    return equal(row.expected, row.answer, policy)


@dataclass
class _Voters:
    """Fresh solutions by the teacher, asked once a question and batch."""

    bench: Workbench
    asking: Asking | None
    policy: str
    temperature: float
    asked: int = 0
    unreadable: int = 0
    close: Counter[str] = field(default_factory=Counter)
    costs: dict[str, Usage] = field(default_factory=dict)

    def verdicts(self, rows: Sequence[Sample], number: int) -> list[Verdict]:
        """Return a verdict a row, by `number` votes on its question."""
        assert self.asking is not None, "majority opens the teacher before it asks"
        request = self.bench.tools["solve_request"]
        questions = {row.problem: row for row in rows}
        requests = [request(row.question, row.language, sample=FIRST_VOTE + place,
                            temperature=self.temperature)
                    for row in questions.values() for place in range(number)]

        def tell(done: int) -> None:
            self.bench.show(done, len(requests), "votes of this batch")

        replies = iter(self.asking.all(requests, tell))
        ballots: dict[str, list[str | None]] = {}
        for question, row in questions.items():
            given = list(islice(replies, number))
            ballots[question] = [answer_of(reply) for reply in given]
            cost = Usage()
            for reply in given:
                cost.add(reply)
            self.costs.setdefault(row.method, Usage()).include(cost)
        counts = {question: vote(votes, self.policy) for question, votes in ballots.items()}
        self.asked += len(requests)
        self.unreadable += sum(said is None for votes in ballots.values() for said in votes)
        for count in counts.values():
            self.close["ties"] += count.tie
            self.close["led by one vote"] += count.margin == 1
            self.close["not transitive"] += bool(count.conflicts)
        if requests and self.asking.usage.failed == self.asking.usage.requests:
            raise StepFailed(f"the teacher failed on all {len(requests)} votes (last: "
                             f"{self.asking.usage.last_error[:200]}); mend that and run again")
        return [by_vote(row.answer, counts[row.problem], self.policy) for row in rows]


def answer_of(reply: Reply) -> str | None:
    """Return what a reply concludes; None where it was cut off, failed, or concludes nothing."""
    return extract(reply.text).text if reply.finish == "stop" else None


def majority(answer: str | None, votes: Sequence[str | None], policy: str = "tolerant") -> Verdict:
    """Return whether an answer is the one that more than half of the votes give.

    A vote without an answer counts among those asked, so that it makes a majority harder.
    No strict majority, or an answer that cannot be compared with it: undecided.
    """
    return by_vote(answer, vote(votes, policy), policy)


def by_vote(answer: str | None, count: Vote, policy: str = "tolerant") -> Verdict:
    """Return the verdict on an answer by a vote that is already counted."""
    asked, leader = round(count.asked), count.majority
    most = round(count.leader.weight) if count.leader else 0
    if leader is None:
        shared = f", a tie of {count.leaders}" if count.tie else ""
        return Verdict(UNDECIDED, f"no majority ({most} of {asked}{shared})")
    if answer is None:
        return Verdict(UNDECIDED, "the row has no answer")
    # A spelling that cannot be compared may be compared with another of the same group.
    value = next((value for text in leader.members
                  if (value := equal(text, answer, policy).value) != UNDECIDED), UNDECIDED)
    return Verdict(value, f"majority ({most} of {asked})")


@dataclass
class _Audit:
    """How often the verdicts are right, where a teacher knows the truth."""

    truth: Any
    policy: str
    confusion: Counter[str] = field(default_factory=Counter)
    stays: Counter[tuple[bool, str]] = field(default_factory=Counter)

    def note(self, row: Sample, verdict: str, stays: bool) -> None:
        """Hold one verdict against the truth."""
        if self.truth is None:
            return
        right = self.truth(row.question)
        found = (Verdict(WRONG) if right is None or row.answer is None
                 else equal(right, row.answer, self.policy))
        fact = ("unknown" if right is None or found.value == UNDECIDED
                else "right" if found.value == CORRECT else "wrong")
        self.confusion[f"{verdict}, truly {fact}"] += 1
        self.stays[stays, fact] += 1

    def facts(self) -> dict[str, Any]:
        """Return counts, and precision and recall of keeping right and finding wrong rows."""
        kept_right, kept_wrong = self.stays[True, "right"], self.stays[True, "wrong"]
        lost_right, lost_wrong = self.stays[False, "right"], self.stays[False, "wrong"]
        called_right = self.confusion[f"{CORRECT}, truly right"]
        called_wrong = self.confusion[f"{WRONG}, truly wrong"]
        return {
            "n": kept_right + kept_wrong + lost_right + lost_wrong,
            "unknown": self.stays[True, "unknown"] + self.stays[False, "unknown"],
            "confusion": dict(sorted(self.confusion.items())),
            "kept_right": kept_right, "kept_wrong": kept_wrong,
            "dropped_right": lost_right, "dropped_wrong": lost_wrong,
            "kept": _measured(kept_right, kept_right + kept_wrong, kept_right + lost_right),
            "verdict_correct": _measured(
                called_right, called_right + self.confusion[f"{CORRECT}, truly wrong"],
                kept_right + lost_right),
            "verdict_wrong": _measured(
                called_wrong, called_wrong + self.confusion[f"{WRONG}, truly right"],
                kept_wrong + lost_wrong),
        }


def _measured(hits: int, called: int, there: int) -> dict[str, Any]:
    """Return precision and recall with their counts; None where nothing was called or there."""
    return {"hits": hits, "called": called, "there": there,
            "precision": hits / called if called else None,
            "recall": hits / there if there else None}
