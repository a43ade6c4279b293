"""One of several programs that a model wrote for a problem: sampled, run and graded.

Why: pass@k, votes, verifiers and the data that verifiers learn from all read one pool of
samples. A row holds the problem too, so that a pool can be read alone, and everything that a
way of choosing may use: what was written, what it returned, which model wrote it and how sure
it was. How rows are stored stands in `mathmill.io`, as for every record.

What ways of choosing among the samples come to is a row a problem too (`Choice`).

Used as: `bench.rows("pool", Candidate)`; made by `evaluate.pool`, chosen by `evaluate.choosing`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mathmill.identity import content_id
from mathmill.types import Sample, sample_id

GREEDY, RANDOM, MAJORITY, BEST, WEIGHTED, ORACLE = (
    "greedy", "random", "majority", "best", "weighted", "oracle")
"Ways of choosing one of n samples; the last one knows which is right."
PAIRS, NUMBERS, SAMPLES = "pairs", "pairs that gave an answer", "pairs of samples"
"How a verifier ranks (right, wrong) pairs of a problem: of distinct programs, of samples."
LOGPROB, MEAN_LOGPROB = "log-probability", "mean log-probability"
"The generator's own confidence, standing as a verifier."

DRAWN = "drawn"
"Method of a row that was one of several samples."


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sample of one problem, with its outcome and verdict."""

    id: str
    "Content id of all that tells this sample from others (`candidate_id`)."
    item: str
    "Id of the problem; all samples of it share this."
    suite: str
    "Name of the table of problems that it stands in."
    question: str
    "The problem's text."
    gold: str
    "The answer known to be right."
    response: str
    "What the model wrote, as it wrote it: the body of the program."
    program: str
    "The whole function that was run, question included; empty where no program was found."
    answer: str | None
    "What running it returned, as an answer text; None where it returned no answer."
    kind: str
    "How it ended: `value`, `error`, `timeout`, `memory`, `refused`, `crashed`, or `no program`."
    error: str
    "The exception's class, or why it was refused or holds no answer; empty else."
    verdict: str
    "`correct`, `wrong` or `undecided`: the answer against the gold one."
    model: str
    "Label of the model (or of its checkpoint) that wrote it."
    temperature: float
    "Sampling temperature; 0 is greedy."
    sample: int
    "Number of the sample among those of its problem, model and temperature, from 0."
    tokens: int
    "Tokens of the response, the end token not counted."
    finish: str
    "`stop`, or `length` where the response was cut off."
    logprob: float | None = None
    "Log-probability of the response by its own model at temperature 1, summed over its tokens."
    level: int | None = None
    "Difficulty of the problem, where known."
    subject: str | None = None
    "Topic of the problem, where known."
    signature: str | None = None
    "Semantic signature of the problem, where known."


@dataclass(frozen=True, slots=True)
class Scored:
    """What a verifier says of one candidate."""

    candidate: str
    "Id of the candidate; one of those with the same program stands for all."
    verifier: str
    "Label of the verifier."
    score: float
    "Probability of being right, as it says."


@dataclass(frozen=True, slots=True)
class Choice:
    """What one way of choosing among n samples comes to on one problem."""

    model: str
    "Label of the generator."
    suite: str
    "The suite."
    item: str
    "Id of the problem."
    way: str
    "A way of choosing, or a kind of pairs."
    verifier: str
    "Label of the verifier that chooses; empty where none does."
    n: int
    "Samples that may be chosen among; of pairs, the programs that they are of."
    value: float
    "Chance of a right answer over all draws of n; of pairs, the share ranked rightly."
    exact: bool
    "Whether the value is exact; else it is a mean over 4,000 draws."


@dataclass(frozen=True, slots=True)
class Rated:
    """How hard one row is, by one way of telling: a feature that stands beside the row."""

    id: str
    "Id of the row: of a problem, or of a sample."
    how: str
    "The way of telling: `pass_rate`, `teacher` or `steps`."
    level: int | None
    "1 (easy) to 5 (hard); None where it could not be told."
    right: int | None = None
    "Of a student's samples, those that came to the row's answer."
    samples: int | None = None
    "Samples that came."
    rate: float | None = None
    "Share of these that are right; None where none came, or no answer is known."
    low: float | None = None
    "Lower end of Wilson's 95 % interval of that share."
    high: float | None = None
    "Upper end."
    by: str = ""
    "Who was asked; empty where nobody was."


def candidate_id(item: str, suite: str, model: str, temperature: float, sample: int,
                 response: str) -> str:
    """Return the id of a sample: its place in the pool and what it says."""
    return content_id("candidate", item, suite, model, temperature, sample, response)


def as_sample(row: Candidate) -> Sample:
    """Return a candidate as a row that a student may learn from: what a model taught itself."""
    return Sample(
        id=sample_id(row.question, row.program), question=row.question, solution=row.program,
        answer=row.answer, expected=row.gold, seed=row.item, parent=row.item, method=DRAWN,
        teacher=row.model, level=row.level, subject=row.subject, signature=row.signature)
