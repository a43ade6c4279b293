"""TinyGSM's routes: ten problems with programs in one call, or problems first, then programs.

Why two: one call is cheaper by the row and gave most of the paper's data; two let a problem
be changed on purpose (harder, with irrelevant facts) and its program be asked for with more
care. A reply that holds ten problems makes ten rows; what of it cannot be used is a drop of
its own. No row tells an answer: that comes from running its program (`verify`).

Used as: `program.ten.attempt(seed, number)`, by `synthesize`.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from copy import deepcopy
from dataclasses import dataclass

from mathmill.methods.attempt import Attempting, Made, Trail, same_text
from mathmill.methods.irrelevant import Switches, draw_switches, insert_sentence
from mathmill.methods.program.code import body_of
from mathmill.methods.program.items import Item, read_items, read_questions
from mathmill.methods.replies import Unusable, declines
from mathmill.programs import make_function
from mathmill.types import (
    CallFailed,
    Drop,
    Problem,
    Reply,
    Request,
    Sample,
    problem_id,
    sample_id,
)

TEN = 10  # problems a call, as the prompts say
BEYOND = (f"\nProblem {TEN + 1}:",)  # where a model that goes on is stopped
END = "<end of program>"
SHORTEST, LONGEST = 20, 4000  # characters of a question

Rows = tuple[Sample | Drop, ...]
Working = Generator[Request, Reply, Made]


@dataclass(frozen=True)
class Programming(Attempting):
    """What the routes share: rows of several problems a call."""

    max_tokens: int = 4096
    temperature: float = 1.0
    "Of the problems: only sampling makes ten others of the same seed."

    @property
    def together(self) -> int:
        """Return how many rows one start asks for."""
        return TEN

    @property
    def answers(self) -> bool:
        """Tell that the rows hold no answer until their programs are run."""
        return False

    def row(self, trail: Trail, seed: Problem, question: str, program: str,
            parent: str) -> Sample:
        """Return the row of a question and the text that holds its program, or raise Unusable."""
        solution = make_function(question, body_of(program))
        return Sample(id=sample_id(question, solution), question=question, solution=solution,
                      answer=None, expected=None, seed=seed.root, parent=parent,
                      method=self.name, prompts=tuple(trail.prompts),
                      requests=tuple(trail.requests), teacher=trail.teacher,
                      language=seed.language)

    def few(self, seed: Problem, items: Sequence[Item], number: int, text: str) -> Rows:
        """Return the drop that tells of a reply with fewer problems than were asked for."""
        if len(items) >= TEN:
            return ()
        why = Unusable("fewer problems than asked", f"{len(items)} of {TEN}: {text}")
        return (self.drop(seed, why, number, TEN),)


@dataclass(frozen=True)
class Ten(Programming):
    """One call that writes ten problems, each followed by its program."""

    name: str = "program.ten"

    def prompts(self) -> tuple[str, ...]:
        """Return the one prompt."""
        return ("program/ten",)

    def work(self, seed: Problem, number: int) -> Working:
        """Return a row or a drop for each problem of the reply."""
        trail = Trail(number, seed.language)
        text, cut = yield from self.ask_long(trail, "program/ten", {"problem": seed.question},
                                             stop=BEYOND, partly=True)
        items = read_items(text, cut)[:TEN]
        if not items:
            raise Unusable("cut off" if cut else "no problem in the reply", text)
        seen: list[str] = []
        rows: list[Sample | Drop] = []
        for place, item in enumerate(items):
            try:
                question = checked(item, seed, seen)
                rows.append(self.row(trail, seed, question, item.code, seed.id))
            except Unusable as why:
                rows.append(self.drop(seed, why, number, place))
        return (*rows, *self.few(seed, items, number, text))


@dataclass(frozen=True)
class Two(Programming):
    """One call that writes ten problems, then one call each for their programs."""

    name: str = "program.two"
    prompt: str = "program/questions"
    "The prompt that asks for the problems."
    inserts: bool = False
    "Whether the seed is given an irrelevant sentence first (`methods.irrelevant`)."
    code_temperature: float = 0.2
    "Of the programs: they should be right, not different."

    def prompts(self) -> tuple[str, ...]:
        """Return both prompts."""
        return (self.prompt, "program/write")

    def work(self, seed: Problem, number: int) -> Working:
        """Return a row or a drop for each problem of the first reply."""
        trail, source = Trail(number, seed.language), seed.question
        if self.inserts:
            source, switches = self.variant(seed, number)
            trail.prompts.append(switches.label)
        text, cut = yield from self.ask_long(trail, self.prompt, {"problem": source},
                                             stop=BEYOND, partly=True)
        items = read_questions(text, cut)[:TEN]
        if not items:
            raise Unusable("cut off" if cut else "no problem in the reply", text)
        parent = problem_id(source) if self.inserts else seed.id
        seen: list[str] = []
        rows: list[Sample | Drop] = []
        for place, item in enumerate(items):
            own = deepcopy(trail)
            try:
                question = checked(item, seed, seen)
                code, _ = yield from self.ask_long(
                    own, "program/write", {"problem": question}, stop=(END,),
                    temperature=self.code_temperature)
                rows.append(self.row(own, seed, question, code, parent))
            except Unusable as why:
                rows.append(self.drop(seed, why, number, place))
            except CallFailed as why:  # the other programs are paid for, or can still be had
                rows.append(self.drop(seed, Unusable("teacher failed", str(why)), number, place))
        return (*rows, *self.few(seed, items, number, text))

    def variant(self, seed: Problem, number: int) -> tuple[str, Switches]:
        """Return the seed with an irrelevant sentence, and its switches; raises Unusable."""
        switches = draw_switches(seed, number)
        return insert_sentence(seed, switches, number)


def checked(item: Item, seed: Problem, seen: list[str]) -> str:
    """Return an item's question if it can be one; note it among those `seen`.

    Raises Unusable: `cut off`, `no words`, `too short`, `too long`, `declined`, `code inside
    the problem`, `unchanged`, `repeated in the reply`.
    """
    text = item.question
    if item.torn:
        raise Unusable("cut off", f"{text}\n{item.code}")
    if not any(letter.isalpha() for letter in text):
        raise Unusable("no words", f"{text}\n{item.code}")
    if len(text) < (SHORTEST if text.isascii() else SHORTEST // 3):
        raise Unusable("too short", text)
    if len(text) > LONGEST:
        raise Unusable("too long", text)
    if declines(text):
        raise Unusable("declined", text)
    if "```" in text or "result =" in text or "\ndef " in text:
        raise Unusable("code inside the problem", text)
    if same_text(text, seed.question):
        raise Unusable("unchanged", text)
    if any(same_text(text, other) for other in seen):
        raise Unusable("repeated in the reply", text)
    seen.append(text)
    return text


ten = Ten()
two = Two()
two_distractor = Two("program.two_distractor", prompt="program/questions_distractor",
                     inserts=True)
