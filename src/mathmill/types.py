"""The records that flow through the mill: frozen, few, and flat enough for a Parquet row.

Why: every stage, method, teacher and grader meets the others only in these words. A record
never changes; a stage makes a new one with `dataclasses.replace`. The Parquet schema of
each record stands in `mathmill.schemas`. Every field is described by the string beneath it.

Used as: `from mathmill.types import Problem, Sample`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mathmill.identity import content_id
from mathmill.texts import Text

CORRECT = "correct"
WRONG = "wrong"
UNDECIDED = "undecided"
UNCHECKED = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """A question that a student may be asked, with all that is known about it."""

    id: str
    "Content id of the question (`problem_id`)."
    question: str
    "The text that a student reads."
    answer: str | None = None
    "The answer known to be right; None where nobody knows it."
    solution: str | None = None
    "A worked solution from the source, if it came with one."
    level: int | None = None
    "Difficulty, 1 (easy) to 5 (hard), as the source or a rater says."
    subject: str | None = None
    "Topic or story family, as the source names it."
    language: str = "en"
    "`en` or `zh`."
    source: str = ""
    "Where it came from: data set and row, e.g. `gsm8k/train.jsonl:12`."
    signature: str | None = None
    "Semantic signature (family, program, numbers) where a reader could tell it."
    seed: str | None = None
    "Id of the seed problem from which it descends; None where it is a seed itself."

    @property
    def root(self) -> str:
        """Id of the seed at the end of its line: what its children name as theirs."""
        return self.seed or self.id


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation with a teacher."""

    role: str
    "`system`, `user` or `assistant`."
    content: str
    "The text."


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a teacher: everything that decides the reply, and nothing else."""

    messages: tuple[Message, ...]
    "The conversation, last turn by the user."
    temperature: float = 0.7
    "Sampling temperature; 0 is greedy."
    max_tokens: int = 1024
    "Most tokens the reply may have."
    stop: tuple[str, ...] = ()
    "Texts at which the reply ends."
    sample: int = 0
    "Which of several replies to the same messages this asks for; it also seeds sampling."
    prompt: str = ""
    "Name and version of the prompt (`metamath/rephrase@1`): lineage, not sent."
    top_p: float = 1.0
    "Share of probability that sampling draws from; 1 draws from all."
    logprobs: bool = False
    "Whether the reply's log-probability is asked for, where the teacher offers it."
    method: str = ""
    "Name of the method that asks (`metamath.rephrase`): lineage and routing, not sent."
    _id: str = field(default="", init=False, repr=False, compare=False)
    "The id once it was asked for: journal, engine and reply each want it, at 8 µs."

    @property
    def id(self) -> str:
        """Content id over all that decides the reply (not `prompt`, `method`: lineage)."""
        if not self._id:
            object.__setattr__(self, "_id", self._digest())
        return self._id

    def _digest(self) -> str:
        turns = [[m.role, m.content] for m in self.messages]
        more: list[object] = []  # fields of later versions leave the ids of older requests alone
        if self.top_p != 1.0:
            more.append(["top_p", self.top_p])
        if self.logprobs:
            more.append(["logprobs"])
        return content_id("request", turns, self.temperature, self.max_tokens,
                          list(self.stop), self.sample, *more)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a teacher answered."""

    request: str
    "Id of the request."
    text: str
    "The answer's text; empty when the call failed."
    teacher: str
    "Name of the teacher that answered."
    finish: str = "stop"
    "`stop` (complete), `length` (cut off: never a whole answer) or `error`."
    prompt_tokens: int = 0
    "Tokens read, as the teacher counts them."
    completion_tokens: int = 0
    "Tokens written, as the teacher counts them."
    seconds: float = 0.0
    "Wall time of the call."
    error: str = ""
    "Why the call failed, where `finish` is `error`."
    reasoning: str = ""
    "What the model thought before or beside its answer; never a part of the answer."
    cached_tokens: int = 0
    "Those of the tokens read that the teacher had at hand and charges less for."
    cost: float | None = None
    "US dollars at the price known then; None where none is known."
    logprob: float | None = None
    "Log-probability of the answer, summed over its tokens, where the teacher told it."
    found: bool = False
    "Whether it was in the journal already (or bought for another asker): nothing was paid now."


@dataclass(frozen=True, slots=True)
class Sample:
    """A question with one solution to it: a candidate training row, with its lineage."""

    id: str
    "Content id of question and solution (`sample_id`)."
    question: str
    "The text that the student reads."
    solution: str
    "The text that the student learns to write, ending in `The answer is ...`."
    answer: str | None
    "What the solution concludes; None when no answer could be found in it."
    expected: str | None
    "The answer that is known to be right; None for a new problem."
    seed: str
    "Id of the seed problem from which it descends."
    parent: str
    "Id of the problem from which it was made directly (the seed's where that is the seed)."
    method: str
    "Augmentation method and variant, e.g. `metamath.fobar`, `evolve.deepen`."
    prompts: tuple[str, ...] = ()
    "Names and versions of the prompts used, in order."
    requests: tuple[str, ...] = ()
    "Ids of the requests whose replies made it, in order."
    teacher: str = ""
    "Name of the teacher."
    level: int | None = None
    "Difficulty, 1 to 5, where known."
    subject: str | None = None
    "Topic or story family, where known."
    language: str = "en"
    "`en` or `zh`."
    signature: str | None = None
    "Semantic signature of the question, where a reader could tell it."
    verdict: str = UNCHECKED
    "`correct`, `wrong`, `undecided`, or empty while unchecked."
    verdict_by: str = ""
    "The check that gave the verdict and why, e.g. `majority(3 of 5)`."
    checks: tuple[str, ...] = ()
    "Every check passed so far, in order."

    @property
    def problem(self) -> str:
        """Id of the question, shared by all samples that answer it."""
        return problem_id(self.question)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of comparing an answer with what it should be."""

    value: str
    "`correct`, `wrong` or `undecided`."
    how: str = ""
    "The tier or check that settled it, or why it could not be settled."


@dataclass(frozen=True, slots=True)
class Score:
    """One test item answered by one model and graded twice."""

    item: str
    "Id of the test problem."
    suite: str
    "Name of the suite."
    question: str
    "The test question."
    gold: str
    "The right answer."
    response: str
    "What the model wrote."
    answer: str | None
    "The answer extracted from it; None when none was found."
    strict: str
    "Verdict under the papers' strict matching."
    tolerant: str
    "Verdict under tolerant matching."
    finish: str
    "`stop`, `length` where the response was cut off, `rounds` where its code was run too often."
    tokens: int
    "Tokens of the response."
    level: int | None = None
    "Difficulty of the item, where known."
    subject: str | None = None
    "Topic or family of the item, where known."


@dataclass(frozen=True, slots=True)
class Drop:
    """A row that was left out, kept beside the data with its reason."""

    id: str
    "Id of the row (a sample's, a problem's, or of the attempt that failed)."
    reason: str
    "Short and countable: `duplicate`, `no answer`, `13-gram in test`, ..."
    detail: str = ""
    "What a person would want to see: the matched text, the reply that could not be read."
    row: str = ""
    "The dropped row itself as JSON, where there was one."
    method: str = ""
    "The method that made it, where one did."


Attempt = Generator[Request, Reply, Sample | Drop | tuple[Sample | Drop, ...]]
"""A method at work: yields requests, is sent their replies, returns a row or a drop.

Where one call writes several rows it returns all that came of it; each counts as an attempt.
"""


class CallFailed(Exception):
    """Thrown into an attempt whose call failed for good: it goes on without, or is a drop."""


class Method(Protocol):
    """One way to make a training row from a seed. Implementations: `mathmill.methods`.

    A method may also have `together` (how many rows one start asks for at once; else 1),
    `answers` (whether its rows tell their answers: those of programs do not until they are
    run; else True) and `takes` (`problems` or `texts`: what its seeds are; else problems).
    """

    @property
    def name(self) -> str:
        """As recipes and rows call it, e.g. `metamath.fobar`."""
        ...

    def identity(self) -> Mapping[str, Any]:
        """Return the literals that make this method what it is (prompts, switches)."""
        ...

    def attempt(self, seed: Problem | Text, number: int) -> Attempt:
        """Start attempt `number` (0, 1, ...) at a row from `seed`; all draws depend on both."""
        ...


def problem_id(question: str) -> str:
    """Return the id of a question: the same text (white space folded) has the same id."""
    return content_id("problem", " ".join(question.split()))


def sample_id(question: str, solution: str) -> str:
    """Return the id of a question together with one solution."""
    return content_id("sample", " ".join(question.split()), solution.strip())


def make_problem(question: str, **fields: Any) -> Problem:
    """Return a `Problem` with its id filled in from its question."""
    return Problem(id=problem_id(question), question=question, **fields)


def seed_as_sample(problem: Problem, solution: str, answer: str | None) -> Sample:
    """Return a seed problem with its own solution as a training row (method `seed`)."""
    return Sample(
        id=sample_id(problem.question, solution), question=problem.question,
        solution=solution, answer=answer, expected=problem.answer, seed=problem.root,
        parent=problem.id, method="seed", level=problem.level, subject=problem.subject,
        language=problem.language, signature=problem.signature,
    )
