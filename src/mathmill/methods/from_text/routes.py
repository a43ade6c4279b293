"""The methods: a text goes in, a problem with its solution comes out, in one call.

Why: one method a kind, so that shares, costs and drops are told by kind; JiuZhang3.0 asks most
texts by one kind at random (`any_of`) and those of an encyclopedia by all of them (`every_of`).
In the short form the same methods ask a synthesizer that has learned what the long prompts say.

Sampling is the paper's repository's where it says so: a teacher at 0.6, 2,500 tokens; a
synthesizer of prose at 1.0, 2,500 tokens; one of programs at 0.1 and top-p 0.95, 5,000 tokens.

Used as: `from_text.group()[0].attempt(text, number)`, by `synthesize`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mathmill.identity import draw
from mathmill.methods.attempt import Attempting, Trail, Working
from mathmill.methods.from_text.kinds import KINDS, Kind
from mathmill.methods.from_text.reading import read_pair, written
from mathmill.methods.prompt import Prompt, load
from mathmill.methods.replies import Unusable, clean
from mathmill.texts import Text
from mathmill.types import Attempt, CallFailed, Drop, Request, Sample, sample_id

HEADING = "\n\nText:\n"  # where the input begins, in every prompt of these
_PLACE = HEADING + "{{text}}"


@dataclass(frozen=True)
class FromText(Attempting):
    """One kind of problem from a text, with its solution."""

    name: str = "from_text.grade"
    temperature: float = 0.6
    max_tokens: int = 2500
    kind: str = "grade"
    "One of `KINDS`."
    short: bool = False
    "Whether the prompt is the few words that a trained synthesizer knows."
    answers: bool = True
    "Whether a row must conclude with an answer; JiuZhang3.0's need not."
    top_p: float = 1.0
    "Share of probability that sampling draws from."

    @property
    def takes(self) -> str:
        """Tell that its seeds are texts."""
        return "texts"

    @property
    def tool(self) -> bool:
        """Tell whether its solutions are programs."""
        return self._kind.tool

    @property
    def _kind(self) -> Kind:
        return KINDS[self.kind]

    @property
    def _prompt(self) -> str:
        return f"from_text/{self.kind}{'_short' if self.short else ''}"

    def prompts(self) -> tuple[str, ...]:
        """Return the one prompt."""
        return (self._prompt,)

    def asked(self, text: Text, sample: int = 0) -> Request:
        """Return the request that asks for a problem from this text."""
        request = load(self._prompt, text.language).request(
            {"text": text.text}, sample=sample, temperature=self.temperature,
            max_tokens=self.max_tokens)
        return replace(request, method=self.name, top_p=self.top_p)

    def question(self, text: Text) -> str:
        """Return the very text that is asked: what a synthesizer is trained to read."""
        return self.asked(text).messages[-1].content

    def reply(self, row: Sample, text: Text) -> str:
        """Return a row as the reply that would make it: what a synthesizer is trained to write.

        Raises Unusable (`not read back`) where no reply would.
        """
        whole = written(row.question, row.solution)
        try:
            pair = self.read(clean(whole), text)
        except Unusable as why:
            raise Unusable("not read back", f"{why.reason}: {whole}") from None
        if (pair.question, pair.solution) != (row.question, row.solution):
            raise Unusable("not read back", whole)
        return whole

    def read(self, reply: str, text: Text) -> Any:
        """Return the `Pair` of a reply; raises Unusable."""
        return read_pair(reply, instruction(load(self._prompt, text.language)), text.text,
                         tool=self.tool, answers=self.answers)

    def work(self, seed: Text, number: int) -> Working:
        """Ask once and return the row of the reply."""
        trail = Trail(number, seed.language)
        reply, _ = yield from self.ask_long(trail, self._prompt, {"text": seed.text},
                                            top_p=self.top_p)
        pair = self.read(reply, seed)
        return Sample(id=sample_id(pair.question, pair.solution), question=pair.question,
                      solution=pair.solution, answer=pair.answer, expected=None, seed=seed.root,
                      parent=seed.id, method=self.name, prompts=tuple(trail.prompts),
                      requests=tuple(trail.requests), teacher=trail.teacher,
                      level=self._kind.level, subject=self._kind.words, language="en")


@dataclass(frozen=True)
class AnyOf:
    """One kind of a group for each text, drawn by the text; or every kind."""

    group: tuple[FromText, ...]
    "The kinds."
    name: str = "from_text.any"
    "As recipes and rows call it."
    every: bool = False
    "Whether a start asks for every kind; else for one, and the next start for another."

    @property
    def takes(self) -> str:
        """Tell that its seeds are texts."""
        return "texts"

    @property
    def together(self) -> int:
        """Return how many rows one start asks for."""
        return len(self.group) if self.every else 1

    @property
    def answers(self) -> bool:
        """Tell whether its rows must conclude with an answer."""
        return all(method.answers for method in self.group)

    def identity(self) -> Mapping[str, Any]:
        """Return the literals that make it what it is."""
        return {"name": self.name, "every": self.every,
                "group": [dict(method.identity()) for method in self.group]}

    def attempt(self, seed: Any, number: int) -> Attempt:
        """Start attempt `number` at a row (or one of every kind) from a text.

        The kinds of a text come in an order that its id draws, so that attempts 0, 1, ... ask
        for each of them once before any comes again.
        """
        if not self.every:
            random = draw("from_text", [method.kind for method in self.group], seed.id)
            order = random.sample(range(len(self.group)), len(self.group))
            turn, place = divmod(number, len(order))
            row = yield from self.group[order[place]].attempt(seed, turn)
            assert isinstance(row, Sample | Drop), "a method of this room makes one row"
            return replace(row, method=self.name)
        rows: list[Sample | Drop] = []
        for method in self.group:
            try:
                row = yield from method.attempt(seed, number)
            except CallFailed as why:  # the other kinds can still be had
                row = method.drop(seed, Unusable("teacher failed", str(why)), number)
            assert isinstance(row, Sample | Drop), "a method of this room makes one row"
            rows.append(replace(row, method=self.name))
        return tuple(rows)


def group(*, short: bool = False, tool: bool = False, answers: bool = True,
          kinds: Iterable[str] | None = None, **more: Any) -> tuple[FromText, ...]:
    """Return a method a kind: the eight of prose, or the two of programs.

    `short`: for a trained synthesizer. `answers`: whether rows must conclude with an answer.
    `kinds`: only these. `more`: fields of `FromText` in the place of the paper's.
    """
    sampling: dict[str, Any] = {}
    if short:
        sampling = ({"temperature": 0.1, "top_p": 0.95, "max_tokens": 5000} if tool else
                    {"temperature": 1.0})
    wanted = [kind for kind in KINDS.values() if kind.tool == tool]
    if kinds is not None:
        asked = set(kinds)
        assert asked <= {kind.key for kind in wanted}, f"no such kinds: {sorted(asked)}"
        wanted = [kind for kind in wanted if kind.key in asked]
    return tuple(FromText(name=f"from_text.{kind.key}", kind=kind.key, short=short,
                          answers=answers, **{**sampling, **more}) for kind in wanted)


def any_of(methods: Sequence[FromText], name: str = "from_text.any") -> AnyOf:
    """Return the method that asks each text by one of these, at random."""
    return AnyOf(tuple(methods), name)


def every_of(methods: Sequence[FromText], name: str = "from_text.every") -> AnyOf:
    """Return the method that asks each text by all of these."""
    return AnyOf(tuple(methods), name, every=True)


def method_of(row: Sample, methods: Sequence[FromText | AnyOf]) -> FromText | None:
    """Return which of some methods has the kind that made a row; None where none has.

    A row tells its kind by its prompt, in whichever form it was asked and under whatever name.
    """
    made = {label.partition("@")[0].partition(".")[0].removesuffix("_short")
            for label in row.prompts}
    for method in methods:
        for one in method.group if isinstance(method, AnyOf) else (method,):
            if f"from_text/{one.kind}" in made:
                return one
    return None


def instruction(prompt: Prompt) -> str:
    """Return a prompt without its place for the text."""
    assert prompt.body.endswith(_PLACE), f"{prompt.label} must end in its text"
    return prompt.body.removesuffix(_PLACE)
