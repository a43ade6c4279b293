"""What all methods share: how a request is asked, and how a failure becomes a drop.

Why: a method reads best as the straight line of its own steps. Lineage (which prompts,
which requests, whose replies) is gathered here while it runs, and a reply that is of no
use ends the attempt with a counted reason, not with an exception in the middle of a run.

Used as: a frozen dataclass derives from `Attempting` and writes `work`.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mathmill.identity import canonical, content_id
from mathmill.methods.prompt import identities, load
from mathmill.methods.replies import Unusable, clean, declines
from mathmill.methods.solve import find_answer, finish_solution
from mathmill.texts import Text
from mathmill.types import (
    Attempt,
    Drop,
    Problem,
    Reply,
    Request,
    Sample,
    problem_id,
    sample_id,
)

_STATED = re.compile(r"\\boxed|####|the (?:final )?answer is\b|答案[是为：:]", re.IGNORECASE)

Asking = Generator[Request, Reply, str]
Working = Generator[Request, Reply, Sample]
Made = Sample | Drop | tuple[Sample | Drop, ...]
"What an attempt comes to; several rows where one call wrote several."


@dataclass
class Trail:
    """What an attempt has asked so far: the lineage of the row that it makes."""

    sample: int
    "Which sample of the replies this attempt asks for."
    language: str
    "Language of the seed, which picks the variant of each prompt."
    prompts: list[str] = field(default_factory=list)
    "Labels of the prompts used, in order."
    requests: list[str] = field(default_factory=list)
    "Ids of the requests, in order."
    teacher: str = ""
    "Name of the teacher, from its replies."


@dataclass(frozen=True)
class Attempting:
    """A method whose work is written as one straight generator."""

    name: str
    "As recipes and rows call it."
    temperature: float = 0.7
    "Sampling temperature of every request (0.7 in Skywork-Math and MetaMath)."
    max_tokens: int = 1024
    "Most tokens of every reply."

    def prompts(self) -> tuple[str, ...]:
        """Return the names of the prompts that this method may use."""
        raise NotImplementedError

    def work(self, seed: Any, number: int) -> Generator[Request, Reply, Made]:
        """Make a row (or all rows of one call), or raise `Unusable`."""
        raise NotImplementedError

    def identity(self) -> Mapping[str, Any]:
        """Return the literals that make this method what it is."""
        literals = {key: list(value) if isinstance(value, tuple) else value
                    for key, value in vars(self).items()}
        return {**literals, "prompts": identities(*self.prompts())}

    def attempt(self, seed: Problem | Text, number: int) -> Attempt:
        """Start attempt `number` at a row from `seed`; whatever the replies, it ends well."""
        try:
            return (yield from self.work(seed, number))
        except Unusable as why:
            return self.drop(seed, why, number)

    def drop(self, seed: Problem | Text, why: Unusable, *number: int) -> Drop:
        """Return the drop for attempt `number` (and the row of its call) at a row from `seed`."""
        return Drop(id=content_id("attempt", self.name, seed.id, *number),
                    reason=why.reason, detail=why.detail, method=self.name,
                    row=canonical({"seed": seed.id, "number": number[0]}))

    def ask(self, trail: Trail, prompt: str, **values: str) -> Asking:
        """Ask one prompt and return the reply's text, or raise `Unusable`."""
        text, _ = yield from self.ask_long(trail, prompt, values)
        return text

    def ask_long(self, trail: Trail, prompt: str, values: dict[str, str], *,
                 stop: tuple[str, ...] = (), temperature: float | None = None,
                 top_p: float = 1.0, partly: bool = False
                 ) -> Generator[Request, Reply, tuple[str, bool]]:
        """Ask one prompt; return the reply's text and whether it was cut off by its length.

        `partly`: a reply that was cut off is of use. Raises `Unusable`.
        """
        request = load(prompt, trail.language).request(
            values, sample=trail.sample, max_tokens=self.max_tokens,
            temperature=self.temperature if temperature is None else temperature)
        request = replace(request, method=self.name, stop=stop, top_p=top_p)
        reply = yield request
        trail.prompts.append(request.prompt)
        trail.requests.append(request.id)
        trail.teacher = reply.teacher
        if reply.finish == "error":
            raise Unusable("teacher failed", reply.error)
        text, cut = clean(reply.text), reply.finish == "length"
        if cut and not (partly and text):
            raise Unusable("cut off", text)
        if not text:
            raise Unusable("empty reply")
        if declines(text) and find_answer(text) is None:
            raise Unusable("declined", text)
        return text, cut

    def solved(self, trail: Trail, question: str, seed: Problem, *, prompt: str = "solve",
               values: Mapping[str, str] | None = None, **fields: Any) -> Working:
        """Have `question` solved and return the finished row.

        `fields` are those of the `Sample` that differ by method: at least `expected`.
        """
        reply = yield from self.ask(trail, prompt, problem=question, **(values or {}))
        finished = finish_solution(reply)
        if finished is None:
            raise Unusable("no answer", reply)
        solution, answer = finished
        row: dict[str, Any] = {"parent": seed.id, "language": seed.language, **fields}
        return Sample(id=sample_id(question, solution), question=question, solution=solution,
                      answer=answer, seed=seed.root, method=self.name,
                      prompts=tuple(trail.prompts), requests=tuple(trail.requests),
                      teacher=trail.teacher, **row)


def same_text(one: str, other: str) -> bool:
    """Tell whether two questions differ by nothing but white space, case or end marks."""
    folded = [" ".join(text.split()).casefold().rstrip(" .?!。？！") for text in (one, other)]
    return folded[0] == folded[1]


def check_problem(text: str, source: str, growth: int = 400) -> str:
    """Return a rewritten problem that passes the checks for failed rewriting.

    Refused with a reason: text that is unchanged, a refusal, words of the prompt that the
    source did not hold, a solution inside the problem, more than twice the source and
    `growth` characters. Raises Unusable.
    """
    if same_text(text, source):
        raise Unusable("unchanged", text)
    if declines(text):
        raise Unusable("declined", text)
    lower, known = text.lower(), source.lower()
    for words in COPIED:
        if words in lower and words not in known:
            raise Unusable("prompt words copied", text)
    if _STATED.search(text) and not _STATED.search(source):
        raise Unusable("answer inside the problem", text)
    if len(text) > 2 * len(source) + growth:
        raise Unusable("too long", text)
    if not any(letter.isalpha() for letter in text):
        raise Unusable("no words", text)
    return text


COPIED = (
    "task:", "rewritten problem", "rephrased problem", "reference problem", "original problem",
    "created problem", "final problem", "given problem", "old text", "new text", "old problem",
    "problem with distractor", "rewrite the problem", "10 to 20 words", "irrelevant fact",
    "same as above", "the above problem", "参照题", "原题", "新题", "改写后的", "本说明",
    "干扰信息",
)


def parent_of(question: str, seed: Problem) -> str:
    """Return the id of the problem a row was made from: the seed's where it is the seed."""
    return seed.id if question == seed.question else problem_id(question)
