"""What a run cost: tokens, seconds, and money where a price is known.

Used as: `spent = cost(graph)`; `spent.tokens`, `spent.seconds`, `spent.by_verb`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mathmill.report.graph import Graph, Node

NO_PRICE = "no price known"


@dataclass(frozen=True)
class Tokens:
    """Tokens bought from a teacher."""

    read: int = 0
    "Tokens of the prompts."
    written: int = 0
    "Tokens of the replies."

    def __add__(self, other: Tokens) -> Tokens:
        """Return both together."""
        return Tokens(self.read + other.read, self.written + other.written)


@dataclass(frozen=True)
class Spent:
    """What one verb cost."""

    verb: str
    "The verb."
    steps: int
    "Steps of it."
    seconds: float
    "Their wall time together."
    tokens: Tokens
    "Their tokens together."


@dataclass(frozen=True)
class Cost:
    """What a whole run cost."""

    by_verb: tuple[Spent, ...]
    "In the order in which the verbs ran."

    @property
    def seconds(self) -> float:
        """Return the wall time of all steps, added up."""
        return sum(spent.seconds for spent in self.by_verb)

    @property
    def tokens(self) -> Tokens:
        """Return the tokens of all steps, added up."""
        return sum((spent.tokens for spent in self.by_verb), Tokens())

    @property
    def money(self) -> str:
        """Return the price in words."""
        return NO_PRICE if self.tokens != Tokens() else "nothing was bought"


def cost(graph: Graph) -> Cost:
    """Return what the steps of a run cost, by verb."""
    order = dict.fromkeys(node.verb for node in graph.steps)
    return Cost(tuple(_spent(verb, list(graph.verbs(verb))) for verb in order))


def tokens(facts: Mapping[str, Any]) -> Tokens:
    """Return the tokens that a step's facts tell of.

    Read from `tokens_in` and `tokens_out`; where they do not stand at the top, added up over
    `methods`, or taken from `votes`, where `verify` keeps its teacher's account.
    """
    if "tokens_in" in facts or "tokens_out" in facts:
        return Tokens(int(facts.get("tokens_in", 0)), int(facts.get("tokens_out", 0)))
    votes = facts.get("votes")
    if isinstance(votes, Mapping):
        return tokens(votes)
    methods = facts.get("methods")
    if isinstance(methods, Mapping):
        return sum((tokens(m) for m in methods.values() if isinstance(m, Mapping)), Tokens())
    return Tokens()


def _spent(verb: str, nodes: list[Node]) -> Spent:
    return Spent(verb, len(nodes), sum(node.seconds for node in nodes),
                 sum((tokens(node.facts) for node in nodes
                      if node.verb not in ("train", "evaluate")), Tokens()))
