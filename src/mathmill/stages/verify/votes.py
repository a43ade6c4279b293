"""The checks that ask the teacher again: `majority`, `prose_agrees`, `programs_agree`.

Why: where no answer is known, agreement of fresh solutions is the only evidence there is.
Prose votes and program votes differ in what is asked and in how an answer is got out of it;
all are counted by mathematical equality, and an unreadable reply makes agreement harder.

Used as: `Votes("majority", 5, prose(bench, 0.7), asking, "tolerant").find(rows)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from mathmill.errors import StepFailed
from mathmill.grading.answers import extract
from mathmill.grading.equal import equal
from mathmill.grading.voting import Vote, vote
from mathmill.stages.asking import Asking, Usage
from mathmill.stages.verify.finding import Finding
from mathmill.types import UNDECIDED, Reply, Request, Sample, Verdict
from mathmill.workbench import Progress, Workbench

# Votes are numbered from here, so that they are other samples than any that made a row:
# a vote that is the row's own reply would always agree with it.
FIRST_VOTE = 1_000_000
Ask = Callable[[Sample, int], Request]
Read = Callable[[Sequence[Sample], Sequence[Reply]], list[str | None]]


@dataclass(frozen=True)
class Ballot:
    """How a vote is asked for, and how the answers are got out of replies."""

    ask: Ask
    "Row and number of the vote to its request."
    read: Read
    "Rows and their replies, one by one, to what each concludes; None where it is nothing."


def prose(bench: Workbench, temperature: float) -> Ballot:
    """Return the ballot of worked solutions in words. Tool `solve_request`."""
    request = bench.tools["solve_request"]

    def ask(row: Sample, number: int) -> Request:
        asked: Request = request(row.question, row.language, sample=number,
                                 temperature=temperature)
        return asked

    return Ballot(ask, lambda rows, replies: [answer_of(reply) for reply in replies])


def programs(bench: Workbench, temperature: float,
             run: Callable[[Sequence[str]], list[str | None]]) -> Ballot:
    """Return the ballot of programs, each run by `run` (texts to answers).

    Tools `program_request` (as `solve_request`) and, where a reply must be tidied before it
    runs, `read_program` (question, reply's text -> program text, or None).
    """
    request, tidy = bench.tools["program_request"], bench.tools.get("read_program")

    def ask(row: Sample, number: int) -> Request:
        asked: Request = request(row.question, row.language, sample=number,
                                 temperature=temperature)
        return asked

    def read(rows: Sequence[Sample], replies: Sequence[Reply]) -> list[str | None]:
        def text_of(row: Sample, reply: Reply) -> str:
            if reply.finish != "stop":
                return ""  # cut off: what stands there is no whole program
            return (tidy(row.question, reply.text) if tidy else reply.text) or ""

        return run([text_of(*pair) for pair in zip(rows, replies, strict=True)])

    return Ballot(ask, read)


@dataclass
class Tally:
    """What the votes of one check came to."""

    asked: int = 0
    unreadable: int = 0
    close: Counter[str] = field(default_factory=Counter)

    def facts(self) -> dict[str, Any]:
        """Return the counts as JSON."""
        return {"asked": self.asked, "unreadable": self.unreadable,
                **dict(sorted(self.close.items()))}


@dataclass
class Votes:
    """Fresh solutions by the teacher, asked once a question and batch."""

    name: str
    number: int
    ballot: Ballot
    asking: Asking
    policy: str
    show: Progress
    costs: dict[str, Usage]
    "What the votes cost, by the method of the row; shared by all checks that ask."
    sieve: bool = False
    tally: Tally = field(default_factory=Tally)

    def find(self, rows: Sequence[Sample]) -> list[Finding]:
        """Return a verdict a row, by `number` votes on its question."""
        questions = {row.problem: row for row in rows}
        turns = [(row, FIRST_VOTE + place) for row in questions.values()
                 for place in range(self.number)]
        replies = self.asking.all(
            [self.ballot.ask(row, number) for row, number in turns],
            lambda done: self.show(done, len(turns), "votes of this batch"))
        answers = self.ballot.read([row for row, _ in turns], replies)
        self._account(turns, replies, answers)
        given = iter(answers)
        counts = {question: vote(list(islice(given, self.number)), self.policy)
                  for question in questions}
        for count in counts.values():
            self.tally.close["ties"] += count.tie
            self.tally.close["led by one vote"] += count.margin == 1
            self.tally.close["not transitive"] += bool(count.conflicts)
        return [Finding(row, by_vote(row.answer, counts[row.problem], self.policy))
                for row in rows]

    def _account(self, turns: Sequence[tuple[Sample, int]], replies: Sequence[Reply],
                 answers: Sequence[str | None]) -> None:
        """Count what was asked and what it cost; raises StepFailed where every call failed."""
        for start in range(0, len(turns), self.number):
            cost = Usage()
            for reply in replies[start:start + self.number]:
                cost.add(reply)
            self.costs.setdefault(turns[start][0].method, Usage()).include(cost)
        self.tally.asked += len(turns)
        self.tally.unreadable += sum(said is None for said in answers)
        if turns and self.asking.usage.failed == self.asking.usage.requests:
            raise StepFailed(f"the teacher failed on all {len(turns)} votes (last: "
                             f"{self.asking.usage.last_error[:200]}); mend that and run again")


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
