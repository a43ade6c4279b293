"""The symbolic teacher: answers the prompts that any model gets, by its grammar, in text.

Why: it makes the whole pipeline run and be tested without a model; and with an error rate
it is a teacher whose every mistake is known.

Used as: `reply = await SymbolicTeacher(error_rate=0.2).answer(request)`.
"""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass
from fractions import Fraction

from mathmill.errors import UsageError
from mathmill.identity import draw
from mathmill.teachers.symbolic import authoring
from mathmill.teachers.symbolic.creation import create
from mathmill.teachers.symbolic.grammar import delexicalise, grammar
from mathmill.teachers.symbolic.inspiration import (
    KEPT,
    Wish,
    imagine,
    read_wish,
    told_program,
)
from mathmill.teachers.symbolic.leaks import same_problem
from mathmill.teachers.symbolic.mistakes import draw_mistake
from mathmill.teachers.symbolic.prompts import Asked, last_turn, read_prompt, variants
from mathmill.teachers.symbolic.quantities import Impossible, parse_number
from mathmill.teachers.symbolic.reader import Reading, answer_of, language_of, read
from mathmill.teachers.symbolic.rewriting import OPERATORS, insert_fact, rephrase
from mathmill.teachers.symbolic.solution import STYLES, carry_out, make_plan, write_done
from mathmill.teachers.symbolic.story import Story
from mathmill.teachers.symbolic.tables import Ask
from mathmill.types import Reply, Request

DECLINE = "I am sorry, but I cannot read this problem."
SOLVE = ("Solve the problem step by step.", "Find the value of the unknown variable.")
REPHRASE = "Rephrase the problem without changing its meaning or its answer."
DECLARE = "Turn the question and its answer into one statement."
REWRITE = "Rewrite the problem: "
CREATE = ("Create a new problem from the reference, check it by solving it, "
          "and correct it if needed.")
INSERT = "Insert one irrelevant fact that does not change the answer."
COMPARE = "Tell whether the two problems are the same problem told twice."
RATE = "Rate the difficulty of the problem from 1 to 5."
PLAIN = 0.4
"Share of sampled solutions in the plain style; the others are drawn from all styles."
_TOKEN = re.compile("[\u4e00-\u9fff]|[^\\s\u4e00-\u9fff]+")


class _Unread(Exception):
    """The teacher cannot read what it was given."""


def count_tokens(text: str) -> int:
    """Return the tokens of a text as this teacher counts: words, and single Chinese letters."""
    return len(_TOKEN.findall(text))


@dataclass(frozen=True)
class SymbolicTeacher:
    """A `Teacher` that reads and writes the symbolic world.

    Tokens are words (what white space parts) and single Chinese characters. Replies depend
    on the request's id and the error rate alone.
    """

    name: str = "symbolic:"
    error_rate: float = 0.0
    "Share of solutions that go wrong, 0 to 1."
    compact: bool = False
    """Whether programs are spelled in one short way (`programs.COMPACT`), not in many, and what
    is written from a text has plain solutions and keeps most of the text's sentences."""

    def __post_init__(self) -> None:
        """Refuse a rate that is no share."""
        if not 0 <= self.error_rate <= 1:
            raise UsageError(f"error_rate must be between 0 and 1, not {self.error_rate}")

    async def answer(self, request: Request) -> Reply:
        """Return the reply; a problem it cannot read is declined as a model would."""
        started = time.perf_counter()
        text, _ = self._work(request)
        finish = "stop"
        cuts = [text.find(stop) for stop in request.stop if stop and stop in text]
        if cuts:
            text = text[:min(cuts)].rstrip()
        tokens = list(_TOKEN.finditer(text))
        if len(tokens) > request.max_tokens:
            text = text[:tokens[request.max_tokens - 1].end()] if request.max_tokens > 0 else ""
            finish = "length"
        return Reply(
            request=request.id, text=text, teacher=self.name, finish=finish,
            prompt_tokens=sum(count_tokens(turn.content) for turn in request.messages),
            completion_tokens=min(len(tokens), max(0, request.max_tokens)),
            seconds=time.perf_counter() - started, cost=0.0)

    def mistake(self, request: Request) -> str | None:
        """Return the kind of error (`mistakes.KINDS`) in the reply to a request, None if right.

        Of programs: `faults.KINDS`; of ten programs in one reply all that are, by commas.
        """
        return self._work(request)[1]

    def _work(self, request: Request) -> tuple[str, str | None]:
        """Return the whole reply and the kind of mistake in it."""
        asked = read_prompt(request)
        rng = draw("symbolic reply", request.id)
        try:
            return self._do(asked, request, rng)
        except (_Unread, Impossible):
            return DECLINE, None

    def _do(self, asked: Asked, request: Request, rng: random.Random) -> tuple[str, str | None]:
        """Do the task of a prompt; raises _Unread where task or problem is unknown."""
        wish = read_wish(last_turn(request))
        if wish is not None:
            return self._write(wish, request, rng)
        if asked.task == DECLARE:
            return f"Statement: {declare(asked)}", None
        if asked.task == COMPARE:
            same = same_problem(asked.fields.get("first", ""), asked.fields.get("second", ""))
            if same is None:
                raise _Unread
            return f"Verdict: {'same' if same else 'different'}", None
        reading = _find_problem(asked)
        if asked.task in SOLVE:
            return self._solve(reading, request, rng)
        if asked.task in authoring.TASKS:
            if reading.ending and asked.task != authoring.WRITE:
                raise _Unread
            text, kinds_made = authoring.author(asked.task, reading, authoring.Spelling(
                request, rng, self.error_rate, self.compact))
            return text, ", ".join(kinds_made) or None
        if asked.task == REPHRASE:
            return f"Rephrased problem: {rephrase(reading, rng)}", None
        if asked.task == INSERT:
            return f"Problem with distractor: {insert_fact(reading, rng)}", None
        if asked.task == RATE:
            return f"Level: {max(1, min(5, reading.story.level))}", None
        if reading.ending:
            raise _Unread
        if asked.task == CREATE:
            kinds: list[str | None] = []

            def check(story: Story) -> str:
                text, kind = self._solve(Reading(story, ()), request, rng)
                kinds.append(kind)
                return text

            return create(reading, rng, check), kinds[0] if kinds else None
        operator = OPERATORS.get(asked.task.removeprefix(REWRITE).removesuffix("."))
        if operator is None or not asked.task.startswith(REWRITE):
            raise _Unread
        return f"Rewritten problem: {operator(reading, rng)}", None

    def _write(self, wish: Wish, request: Request,
               rng: random.Random) -> tuple[str, str | None]:
        """Return a problem that a text gives rise to, with its solution, and the mistake in it."""
        story, problem = imagine(wish, rng, KEPT if self.compact else 0.0)
        reading = Reading(story, ())
        if not wish.tool:
            solution, kind = self._solve(reading, request, rng, self.compact)
            return f"Problem: {problem}\nSolution: {solution}", kind
        made = authoring.Spelling(request, rng, self.error_rate, self.compact).made(reading)
        return f"Problem: {problem}\nSolution:\n{told_program(made, story, rng)}", made.mistake

    def _solve(self, reading: Reading, request: Request, rng: random.Random,
               plainly: bool = False) -> tuple[str, str | None]:
        """Return a solution, in a style drawn where the request samples, and its mistake."""
        plan = make_plan(reading.story, reading.answer)
        plain = request.temperature <= 0 or plainly or rng.random() < PLAIN
        style = 0 if plain else rng.randrange(STYLES)
        done, final = carry_out(plan)
        luck = draw("symbolic mistake", request.id)
        if luck.random() >= self.error_rate:
            return write_done(reading.story, done, final, style, plan.as_share), None
        wrong = draw_mistake(plan, final, reading.story, luck)
        return write_done(reading.story, wrong.done, wrong.final, style,
                          plan.as_share), wrong.kind


def _find_problem(asked: Asked) -> Reading:
    """Return the prompt's problem as read; raises _Unread where it has no answer."""
    for text in variants(asked.fields.get("problem", "")):
        reading = read(text)
        if reading is not None and answer_of(reading) is not None:
            return reading
    raise _Unread


def declare(asked: Asked) -> str:
    """Return the statement that a question and its answer make; raises _Unread."""
    question, answer = asked.fields.get("question", ""), asked.fields.get("answer", "")
    number = _number_in(answer)
    language = language_of(question)
    gap = re.compile(r"(?<=[.?!])\s+" if language == "en" else r"(?<=[。？！])\s*")
    sentences = [part for part in gap.split(" ".join(question.split())) if part]
    if not sentences or number is None:
        raise _Unread
    key, words = delexicalise(sentences[-1], language)
    for form in grammar(language).questions.get(key, ()):
        bound = form.bind(words)
        if bound is not None and form.family is not None and form.source is not None:
            assert isinstance(form.source, Ask), "only questions are kept as questions"
            statement = form.source.phrasings[language][form.place][1]
            return statement.format_map({**bound, "ans": number})
    raise _Unread


def _number_in(text: str) -> str | None:
    """Return an answer's text if it is a number of this world."""
    try:
        value: Fraction = parse_number(text.strip())
    except (ValueError, ZeroDivisionError):
        return None
    return text.strip() if value >= 0 else None
