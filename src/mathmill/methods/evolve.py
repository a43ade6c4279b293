"""Evolve: rewrite a problem step by step into another, then have it solved.

Skywork-Math's five operators make a problem harder or new (its "Evol-style" augmenter,
section 3.1); `easier` and `easier_new` are WizardMath's downward evolution (section 2.2).
`trajectory` takes one to five steps, each with an operator drawn at random, each from the
text that the step before left; any of the seven can be had as a method of one step.

Why one solution at the end only: the texts between are means, and solving them would cost
as much as the row itself. Each rewriting is checked for the ways in which rewriting fails
(unchanged, refused, prompt words copied, solution inside, far too long).

Used as: `evolve.trajectory.attempt(seed, number)`, by `synthesize`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mathmill.identity import draw
from mathmill.methods.attempt import (
    Asking,
    Attempting,
    Trail,
    Working,
    check_problem,
    parent_of,
)
from mathmill.methods.replies import section
from mathmill.types import Problem

UPWARD = ("new", "constrain", "deepen", "concretise", "more_steps")
DOWNWARD = ("easier", "easier_new")
LEAVES_TOPIC = frozenset({"new", "easier_new"})  # what the seed says of its topic ends here


@dataclass(frozen=True)
class Evolving(Attempting):
    """What one step and a trajectory share."""

    def step(self, trail: Trail, operator: str, text: str) -> Asking:
        """Return `text` rewritten by an operator, or raise `Unusable`."""
        reply = yield from self.ask(trail, f"evolve/{operator}", problem=text)
        rewritten = section(reply, "Rewritten problem", "Rewritten question", "改写后的题目",
                            "新题目")
        return check_problem(rewritten, text)

    def walk(self, seed: Problem, number: int, operators: tuple[str, ...]) -> Working:
        """Apply the operators in turn and have the last text solved."""
        trail = Trail(number, seed.language)
        before = text = seed.question
        for operator in operators:
            before, text = text, (yield from self.step(trail, operator, text))
        kept = LEAVES_TOPIC.isdisjoint(operators)
        return (yield from self.solved(
            trail, text, seed, expected=None, parent=parent_of(before, seed),
            subject=seed.subject if kept else None))


@dataclass(frozen=True)
class Rewrite(Evolving):
    """One step with one operator."""

    operator: str = "new"
    "One of `UPWARD` or `DOWNWARD`."

    def prompts(self) -> tuple[str, ...]:
        """Return the operator's prompt and the solver's."""
        return (f"evolve/{self.operator}", "solve")

    def work(self, seed: Problem, number: int) -> Working:
        """Rewrite once and solve."""
        return (yield from self.walk(seed, number, (self.operator,)))


@dataclass(frozen=True)
class Trajectory(Evolving):
    """Up to `max_turns` steps; length and operators are drawn by seed and attempt."""

    name: str = "evolve.trajectory"
    operators: tuple[str, ...] = UPWARD
    "What each step is drawn from."
    max_turns: int = 5
    "Longest trajectory (5 in Skywork-Math)."

    def prompts(self) -> tuple[str, ...]:
        """Return the prompts of all operators and the solver's."""
        return (*(f"evolve/{operator}" for operator in self.operators), "solve")

    def drawn(self, seed: Problem, number: int) -> tuple[str, ...]:
        """Return the operators of this attempt, in order."""
        chance = draw(self.name, seed.id, number)
        return tuple(chance.choice(self.operators)
                     for _ in range(chance.randint(1, self.max_turns)))

    def work(self, seed: Problem, number: int) -> Working:
        """Rewrite along the drawn operators and solve the last text."""
        return (yield from self.walk(seed, number, self.drawn(seed, number)))


new = Rewrite("evolve.new", operator="new")
constrain = Rewrite("evolve.constrain", operator="constrain")
deepen = Rewrite("evolve.deepen", operator="deepen")
concretise = Rewrite("evolve.concretise", operator="concretise")
more_steps = Rewrite("evolve.more_steps", operator="more_steps")
easier = Rewrite("evolve.easier", operator="easier")
easier_new = Rewrite("evolve.easier_new", operator="easier_new")
trajectory = Trajectory()
