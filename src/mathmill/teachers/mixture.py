"""Several teachers under one name: by weights, one after the other, or by what is asked.

Why: data by several models is less alike, a small model can do the bulk and a large one the
rest, and each prompt has the model that is best at it. Whatever decides is a function of the
request, so that a rerun asks each teacher just what it was asked before, and finds it.

- `Mixture` draws one member a request. Each member has a number from (its name, the request),
  and the smallest -log(number) / weight wins: the shares are the weights'; order does not
  matter; and where weights or members change, only as many requests move as must, so most of
  what was bought is found again.
- `Fallback` asks the next member where one declines or fails.
- `Routes` go by the method that asks, or by the prompt.

Replies name the member that wrote them. Each member has its own journal entries, under its own
name: what it wrote here is found where it is asked alone, and the other way round.

Used as: `Mixture([(small, 0.7), (large, 0.3)])`, by `registry.open_teacher`.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase

from mathmill.errors import TeacherError, UsageError
from mathmill.identity import canonical
from mathmill.teachers.base import Teacher, ask_all, at_once, together
from mathmill.teachers.declining import declines_outright
from mathmill.types import Reply, Request

IN_FLIGHT = 64  # requests worth waiting at once for a member that does not say
_WEIGHT = re.compile(r"\s*([-+.\d][^\s*|()]*)\s*\*\s*(.*)", re.DOTALL)
_VERSION = re.compile(r"(?:\.[a-z]{2})?@\d+$")  # of a prompt's label: `solve.zh@1`
log = logging.getLogger(__name__)


class Several:
    """What all teachers made of teachers have in common."""

    def __init__(self, name: str, members: Sequence[Teacher]) -> None:
        """Take the members, the identity of the whole as its name."""
        self.name = name
        self.teachers = list(members)

    @property
    def in_flight(self) -> int:
        """How many requests are worth waiting at once: those of all members."""
        return sum(getattr(member, "in_flight", IN_FLIGHT) for member in self.teachers)

    @property
    def at_once(self) -> int:
        """How many samples of one prompt are worth asking for at once: as any member takes."""
        return max(map(at_once, self.teachers))

    async def aclose(self) -> None:
        """Let every member close what it opened, also where one of them cannot."""
        closes = [close for member in self.teachers
                  if (close := getattr(member, "aclose", None)) is not None]
        for result in await asyncio.gather(*(close() for close in closes),
                                           return_exceptions=True):
            if isinstance(result, BaseException):
                raise result


class Mixture(Several):
    """Each request goes to one member, drawn by weight; the same on every machine."""

    def __init__(self, members: Sequence[tuple[Teacher, float]], name: str = "") -> None:
        """Take members with weights above 0; `name` is by default made of theirs."""
        weights = shares((member.name, weight) for member, weight in members)
        super().__init__(name or mixture_name(weights), [member for member, _ in members])
        self._drawn: list[tuple[Teacher, bytes, float]] = [
            (member, hashlib.blake2b(member.name.encode(), digest_size=32).digest(),
             weights[member.name])
            for member in {each.name: each for each in self.teachers}.values()]

    def member(self, request: Request) -> Teacher:
        """Return who answers a request."""
        text = request.id.encode()

        def distance(drawn: tuple[Teacher, bytes, float]) -> float:
            _, key, weight = drawn
            number = int.from_bytes(hashlib.blake2b(text, digest_size=8, key=key).digest())
            return -math.log((number + 0.5) / 2.0**64) / weight

        return min(self._drawn, key=distance)[0]

    async def answer(self, request: Request) -> Reply:
        """Return the reply of the member that was drawn."""
        return await self.member(request).answer(request)

    async def answer_all(self, requests: Sequence[Request]) -> list[Reply]:
        """Return the replies of the members that were drawn for each of several samples."""
        shares: dict[int, tuple[Teacher, list[Request]]] = {}
        for request in requests:
            member = self.member(request)
            shares.setdefault(id(member), (member, []))[1].append(request)
        found = await together([ask_all(member, own) for member, own in shares.values()])
        replies = {reply.request: reply for part in found for reply in part}
        return [replies[request.id] for request in requests]


class Fallback(Several):
    """The first member answers; where it declines or fails, the next."""

    def __init__(self, members: Sequence[Teacher], name: str = "",
                 declined: Callable[[str], bool] = declines_outright) -> None:
        """Take the members in their order; `declined` tells of a text whether it declines."""
        super().__init__(name or fallback_name([member.name for member in members]), members)
        self._declined = declined
        self._out: set[str] = set()  # members that can answer nothing
        self._held = False

    def hold(self) -> None:
        """Send nothing more: a member that is told to stop is no reason to ask the next."""
        self._held = True

    async def answer(self, request: Request) -> Reply:
        """Return the first reply that neither failed nor declines, or else the last.

        A member that can answer nothing at all (TeacherError) is said aloud, once, and not
        asked again; that of the last stops the run.
        """
        return (await self.answer_all([request]))[0]

    async def answer_all(self, requests: Sequence[Request]) -> list[Reply]:
        """Return such a reply to each of several samples of one prompt."""
        good: dict[str, Reply] = {}
        for member in self.teachers[:-1]:
            rest = [request for request in requests if request.id not in good]
            if not rest or member.name in self._out:
                continue
            try:
                replies = await ask_all(member, rest)
            except TeacherError as error:
                if self._held:
                    raise
                if member.name not in self._out:
                    self._out.add(member.name)
                    log.warning("%s; %s goes on without it", error, self.name)
                continue
            for request, reply in zip(rest, replies, strict=True):
                if reply.finish == "length" or (
                        reply.finish == "stop" and not self._declined(reply.text)):
                    good[request.id] = reply
        rest = [request for request in requests if request.id not in good]
        if rest:
            last = await ask_all(self.teachers[-1], rest)
            good.update(zip((request.id for request in rest), last, strict=True))
        return [good[request.id] for request in requests]


class Routes(Several):
    """Who answers is told by the method that asks, or by the prompt."""

    def __init__(self, routes: Sequence[tuple[str, Teacher]], name: str) -> None:
        """Take patterns with teachers; the first that fits decides, so the last is `*`."""
        super().__init__(name, list({member.name: member for _, member in routes}.values()))
        self._routes = list(routes)
        self._known: dict[tuple[str, str], Teacher] = {}

    def member(self, request: Request) -> Teacher:
        """Return who answers a request; raises TeacherError where no pattern fits."""
        asked = request.method, request.prompt
        if asked not in self._known:
            words = {request.method, request.prompt, _VERSION.sub("", request.prompt)}
            found = [teacher for pattern, teacher in self._routes
                     if any(fnmatchcase(word, pattern) for word in words if word or pattern == "*")]
            if not found:
                raise TeacherError(f"{self.name}: no route fits the method {request.method!r} or "
                                   f'the prompt {request.prompt!r}; add one, or "*" for the rest')
            self._known[asked] = found[0]
        return self._known[asked]

    async def answer(self, request: Request) -> Reply:
        """Return the reply of the teacher on whose route the request is."""
        return await self.member(request).answer(request)

    async def answer_all(self, requests: Sequence[Request]) -> list[Reply]:
        """Return the replies to several samples of one prompt, which are on one route."""
        return await ask_all(self.member(requests[0]), requests)


def shares(members: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Return each member's share of 1, to six digits; one that is named twice gets both."""
    weights: dict[str, float] = {}
    for name, weight in members:
        if not 0 < weight < math.inf:
            raise UsageError(f"mix: the weight {weight:g} of {name} must be above 0")
        weights[name] = weights.get(name, 0.0) + weight
    whole = sum(weights.values())
    return {name: float(f"{weight / whole:.6g}") for name, weight in weights.items()}


def mixture_name(weights: dict[str, float]) -> str:
    """Return the identity of a mixture: shares and members, in the order of their names."""
    return "mix:" + "|".join(f"{weights[name]:g}*{_enclosed(name)}" for name in sorted(weights))


def fallback_name(members: Sequence[str], declined: Sequence[str] = ()) -> str:
    """Return the identity of a fallback: its members in their order, and what else declines."""
    more = f"#declined={canonical(list(declined))}" if declined else ""
    return "fallback:" + "|".join(map(_enclosed, members)) + more


def routes_name(routes: Sequence[tuple[str, str]]) -> str:
    """Return the identity of routes: patterns and members, in the order in which they are tried."""
    return "routes:" + "|".join(f"{pattern}={_enclosed(name)}" for pattern, name in routes)


def judge(declined: Sequence[str]) -> Callable[[str], bool]:
    """Return what tells whether a text declines: as usual, or as one of some patterns says."""
    patterns = [re.compile(pattern) for pattern in declined]

    def judged(text: str) -> bool:
        return declines_outright(text) or any(pattern.search(text) for pattern in patterns)

    return judged if patterns else declines_outright


def read_weighted(name: str, rest: str) -> list[tuple[str, float]]:
    """Return (member, weight) of `0.7*A|0.3*B`; a member without a weight has 1."""
    found = []
    for part in split(name, rest):
        match = _WEIGHT.fullmatch(part)
        if match is None:
            found.append((_bare(part), 1.0))
            continue
        try:
            weight = float(match[1])
        except ValueError:
            raise UsageError(f"{name}: {match[1]!r} is no weight; write for example "
                             "mix:0.7*openai:small|0.3*openai:large") from None
        if not 0 < weight < math.inf:
            raise UsageError(f"{name}: the weight {match[1]} must be above 0")
        found.append((_bare(match[2]), weight))
    return found


def read_order(name: str, rest: str) -> list[str]:
    """Return the members of `A|B`."""
    return [_bare(part) for part in split(name, rest)]


def split(name: str, rest: str) -> list[str]:
    """Return the parts between bars that stand in no parentheses; raises UsageError."""
    parts, depth = [""], 0
    for sign in rest:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            break
        if sign == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    if depth or len(parts) < 2 or not all(part.strip() for part in parts):
        raise UsageError(f"{name}: name two teachers or more with | between them, those that hold "
                         "a | themselves in parentheses: fallback:openai:a|(mix:openai:b|openai:c)")
    return [part.strip() for part in parts]


def _bare(part: str) -> str:
    """Return a part without the parentheses that enclose it."""
    text = part.strip()
    return text[1:-1].strip() if text.startswith("(") and text.endswith(")") else text


def _enclosed(name: str) -> str:
    return f"({name})" if "|" in name else name
