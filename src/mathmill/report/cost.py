"""What a run cost: replies, tokens, seconds, and money, by verb, teacher and method.

Why: the figure that decides between two methods is what an *accepted* row costs: with all the
attempts that failed, and the votes that were asked about it. Accepted is a row that the last
check that looked at it kept (`verify` or `decontaminate`; the step itself where none did).

Two sums are told apart. What replies were *worth*: what they cost when they were bought,
perhaps by another run whose journal is shared. And what this run *paid*: read from its account
`spent.jsonl`, which holds all its invocations, and calls that were billed but brought nothing.

Money is in whole picodollars (10^-12 US dollars), so that sums are exact.

Used as: `spent = cost(graph)`; `spent.tokens`, `spent.by_verb`, `spent.per_row`;
`paid(home)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from mathmill.dollars import PICO, in_words
from mathmill.io import files_of, read_json_rows, read_parquet_rows, rows_in
from mathmill.report.graph import Graph, Node

NO_PRICE = "no price known"
CHECKS = ("verify", "decontaminate")
ACCOUNT = "spent.jsonl"


@dataclass(frozen=True)
class Tokens:
    """Tokens of a teacher's replies."""

    read: int = 0
    "Tokens of the prompts."
    written: int = 0
    "Tokens of the replies."

    def __add__(self, other: Tokens) -> Tokens:
        """Return both together."""
        return Tokens(self.read + other.read, self.written + other.written)

    @property
    def all(self) -> int:
        """Return both as one number."""
        return self.read + self.written


@dataclass(frozen=True)
class Bought:
    """Replies that were used, and what they were worth."""

    calls: int = 0
    "Replies."
    found: int = 0
    "Of these, how many were in the journal already."
    tokens: Tokens = Tokens()
    "Their tokens."
    pico: int = 0
    "What they cost when they were bought."
    pico_found: int = 0
    "Of this, what had been paid before."
    unpriced: int = 0
    "Replies of which nobody knows what they cost."

    def __add__(self, other: Bought) -> Bought:
        """Return both together."""
        return Bought(self.calls + other.calls, self.found + other.found,
                      self.tokens + other.tokens, self.pico + other.pico,
                      self.pico_found + other.pico_found, self.unpriced + other.unpriced)

    def money(self, share: int = 1) -> str:
        """Return what they were worth in words, or that of one of `share` rows."""
        if self.unpriced:
            return NO_PRICE
        return in_words(self.pico // share) if share else "–"


@dataclass(frozen=True)
class Spent:
    """What one verb cost."""

    verb: str
    "The verb."
    steps: int
    "Steps of it."
    seconds: float
    "Their wall time together."
    bought: Bought
    "Their replies together."

    @property
    def tokens(self) -> Tokens:
        """Return their tokens together."""
        return self.bought.tokens


@dataclass(frozen=True)
class Accepted:
    """What one method's accepted rows cost."""

    method: str
    "The method."
    check: str
    "The step that looked at its rows last, and kept them."
    rows: int
    "Rows that it kept."
    made: Bought
    "Replies of all attempts, also of those that failed."
    voted: Bought
    "Replies that were asked for to check its rows."

    @property
    def all(self) -> Bought:
        """Return both together."""
        return self.made + self.voted


@dataclass(frozen=True)
class Cost:
    """What a whole run cost."""

    by_verb: tuple[Spent, ...]
    "In the order in which the verbs ran."
    by_teacher: Mapping[str, Bought]
    "By the teacher's name."
    per_row: tuple[Accepted, ...]
    "By method."

    @property
    def seconds(self) -> float:
        """Return the wall time of all steps, added up."""
        return sum(spent.seconds for spent in self.by_verb)

    @property
    def bought(self) -> Bought:
        """Return all replies."""
        return sum((spent.bought for spent in self.by_verb), Bought())

    @property
    def tokens(self) -> Tokens:
        """Return the tokens of all steps, added up."""
        return self.bought.tokens

    @property
    def money(self) -> str:
        """Return the price in words."""
        return self.bought.money() if self.bought != Bought() else "nothing was bought"


@dataclass(frozen=True)
class Paid:
    """What one teacher was paid by a run, over all its invocations."""

    teacher: str
    "Its name."
    invocations: int
    "How often it was opened and asked something new."
    calls: int
    "Calls."
    tokens: Tokens
    "Their tokens."
    pico: int
    "What they cost."
    assumed: int
    "Calls of which nobody told the cost, so that they are counted at their worst case."
    pico_assumed: int
    "What these are counted at."


def cost(graph: Graph) -> Cost:
    """Return what the steps of a run cost."""
    order = dict.fromkeys(node.verb for node in graph.steps)
    teachers: dict[str, Bought] = {}
    for node in graph.steps:
        found = _of(node)
        if found != Bought():
            name = graph.teacher(str(node.literals.get("teacher") or "unnamed"))
            teachers[name] = teachers.get(name, Bought()) + found
    return Cost(tuple(_spent(verb, list(graph.verbs(verb))) for verb in order), teachers,
                tuple(_accepted(graph)))


def bought(facts: Mapping[str, Any]) -> Bought:
    """Return the replies that a step's facts tell of.

    Read from `tokens_in` and its neighbours; where they do not stand at the top, added up over
    `methods`, or taken from `votes`, `rating` or `judging`, where `verify`, `select` and
    `decontaminate` keep their teacher's account.
    """
    if "tokens_in" in facts or "tokens_out" in facts:
        calls = int(facts.get("requests", 0))
        return Bought(calls, int(facts.get("found", 0)),
                      Tokens(int(facts.get("tokens_in", 0)), int(facts.get("tokens_out", 0))),
                      int(facts.get("picodollars", 0)), int(facts.get("picodollars_found", 0)),
                      int(facts.get("unpriced", calls or 1)))  # as in runs before there were prices
    for name in ("votes", "rating", "judging"):
        if isinstance(facts.get(name), Mapping):
            return bought(facts[name])
    methods = facts.get("methods")
    if isinstance(methods, Mapping):
        return sum((bought(m) for m in methods.values() if isinstance(m, Mapping)), Bought())
    return Bought()


def paid(home: Path) -> list[Paid]:
    """Return what each teacher was paid by the run in a folder; none where nothing was.

    Raises InputError for an account that cannot be read.
    """
    path = home / ACCOUNT
    whole: dict[str, Paid] = {}
    for _, row in read_json_rows(path) if path.exists() else ():
        spent, held, assumed = row["spent"], row["held"], row["assumed"]
        old = whole.get(row["teacher"]) or Paid(row["teacher"], 0, 0, Tokens(), 0, 0, 0)
        unknown = (assumed, held)  # what a killed process held may have been billed
        whole[row["teacher"]] = Paid(
            old.teacher, old.invocations + 1, old.calls + spent["calls"] + held["calls"],
            old.tokens + Tokens(spent["tokens_in"] + held["tokens_in"],
                                spent["tokens_out"] + held["tokens_out"]),
            old.pico + _pico((spent, held)), old.assumed + sum(u["calls"] for u in unknown),
            old.pico_assumed + _pico(unknown))
    return list(whole.values())


def _accepted(graph: Graph) -> Iterable[Accepted]:
    """Yield what each method's rows cost, by the step that checked them last."""
    data = {node.id for node in graph.ancestors(*graph.data)}
    ends: dict[str, list[Node]] = {}
    for node in graph.verbs("synthesize"):
        checks = [check for check in graph.verbs(*CHECKS) if node in graph.ancestors(check)]
        checks = [check for check in checks if check.id in data] or checks or [node]
        ends.setdefault(checks[-1].id, []).append(node)
    for end, makers in ends.items():
        check = graph.by_id(end)
        kept = Counter(row["method"] for row in _rows(check))
        behind = {maker.id for maker in makers}
        voters = [node for node in graph.ancestors(check)
                  if behind & {before.id for before in graph.ancestors(node)}]
        for method in dict.fromkeys(name for maker in makers for name in _methods(maker)):
            made = [_methods(maker)[method] for maker in makers if method in _methods(maker)]
            voted = [found[method] for node in voters
                     if method in (found := _methods(node, "votes"))]
            yield Accepted(method, check.name, kept[method], sum(made, Bought()),
                           sum(voted, Bought()))


def _methods(node: Node, inside: str = "") -> dict[str, Bought]:
    """Return the replies of each method that a step's facts tell of."""
    facts = node.facts.get(inside) if inside else node.facts
    found = facts.get("methods") if isinstance(facts, Mapping) else None
    return ({name: bought(each) for name, each in found.items() if isinstance(each, Mapping)}
            if isinstance(found, Mapping) else {})


def _rows(node: Node) -> Iterable[Mapping[str, Any]]:
    path = rows_in(node.folder)
    return (row for file in (files_of(path) if path.exists() else ())
            for _, row in read_parquet_rows(file, ["method"]))


def _of(node: Node) -> Bought:
    # Train and evaluate count the tokens of their own models, which nobody bought.
    return Bought() if node.verb in ("train", "evaluate") else bought(node.facts)


def _spent(verb: str, nodes: list[Node]) -> Spent:
    return Spent(verb, len(nodes), sum(node.seconds for node in nodes),
                 sum((_of(node) for node in nodes), Bought()))


def _pico(amounts: Iterable[Mapping[str, Any]]) -> int:
    return sum(int(Decimal(amount["dollars"]) * PICO) for amount in amounts)
