"""Count votes by mathematical equality: `1/2`, `0.5` and `50%` are one answer, not three.

Why: a majority over strings splits the votes of the right answer among its spellings. But
equality under a policy need not be transitive (24% equals 0.24 and 24, which differ), so
merging whoever equals whom can hand the majority to an answer that nobody gave: here it is
checked, and a group never holds two answers that are known to differ.

Used as: `vote(["1/2", "0.5", None, "2"]).leader.representative` -> `"0.5"`.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from mathmill.errors import UsageError
from mathmill.grading.equal import equal
from mathmill.grading.policy import Policy, named
from mathmill.types import CORRECT, UNDECIDED, WRONG

COMPARED = 64  # distinct answers that are compared pair by pair: 2,016 exact comparisons
ASKED = 128  # pairs of one vote that the symbolic tier may be asked about, at about 10 ms each
FRUITLESS = 3  # such questions without a verdict, after which a text is not asked about again


@dataclass(frozen=True, slots=True)
class Group:
    """Answers that are one answer."""

    representative: str
    "The text with the most weight; of those the shortest, then the first in code points."
    members: tuple[str, ...]
    "Its distinct texts, the representative first."
    weight: float
    "Sum of the weights of its votes; without weights their number."
    places: tuple[int, ...]
    "0-based places of its votes among the answers given."


@dataclass(frozen=True, slots=True)
class Vote:
    """How a vote came out."""

    groups: tuple[Group, ...]
    "The answers given, the heaviest first."
    asked: float
    "Weight of all who were asked, those without an answer among them."
    missing: float
    "Weight of those without an answer."
    leaders: int
    "Groups that share the first place: 0 without any answer, over 1 in a tie."
    margin: float
    "Weight by which the first group leads the second (its own where it is alone)."
    undecided: tuple[tuple[str, str], ...]
    "Representatives of two groups that may yet be one: the grader cannot tell."
    conflicts: tuple[tuple[str, ...], ...]
    "Chains in which each text equals the next and yet the two ends differ."
    unchecked: int
    "Distinct answers beyond `compared`, held against representatives only."

    @property
    def leader(self) -> Group | None:
        """The first group; in a tie the first of them by the order of representatives."""
        return self.groups[0] if self.groups else None

    @property
    def tie(self) -> bool:
        """Whether two groups or more share the first place."""
        return self.leaders > 1

    @property
    def majority(self) -> Group | None:
        """The group with more than half of the weight asked for, if there is one."""
        leader = self.leader
        return leader if leader and not self.tie and leader.weight * 2 > self.asked else None


def vote(answers: Sequence[str | None], policy: str | Policy = "tolerant",
         weights: Sequence[float] | None = None, *, compared: int = COMPARED) -> Vote:
    """Group answers by equality under a policy and say which has the most votes.

    None and blank answers are asked but vote for nothing. Exact comparisons first; the
    symbolic tier, where the policy has it, is asked only where its word can change who leads
    or by how much. The order of the answers changes nothing but `places`. Where equality is
    not transitive the chain is cut, heaviest text first, so that no group holds two texts
    known to differ. Raises UsageError for weights that are negative, not finite or too few.
    """
    each = _weights(len(answers), weights)
    places: dict[str, list[int]] = {}
    for place, answer in enumerate(answers):
        if answer is not None and answer.strip():
            places.setdefault(answer, []).append(place)
    heavy = {text: math.fsum(each[i] for i in found) for text, found in places.items()}
    texts = sorted(places, key=lambda text: (-heavy[text], len(text), text))
    ballot = _Ballot(texts[:compared], [heavy[t] for t in texts[:compared]], named(policy))
    ballot.settle()
    members = [[texts[i] for i in group] for group in ballot.groups]
    for text in texts[compared:]:
        home = next((group for group in members[:compared]
                     if ballot.says(group[0], text, ballot.exact) == CORRECT), None)
        if home is None:
            members.append([text])
        else:
            home.append(text)
    groups = sorted((_group(texts_of, places, each) for texts_of in members),
                    key=lambda g: (-g.weight, len(g.representative), g.representative))
    asked = math.fsum(each)
    first = groups[0].weight if groups else 0.0
    return Vote(
        groups=tuple(groups), asked=asked,
        missing=math.fsum(w for w, a in zip(each, answers, strict=True) if not (a or "").strip()),
        # 0.1 + 0.2 and 0.3 are the same weight.
        leaders=sum(math.isclose(g.weight, first, rel_tol=1e-9) for g in groups),
        margin=first - groups[1].weight if len(groups) > 1 else first,
        undecided=tuple((texts[a[0]], texts[b[0]]) for a, b in ballot.open_pairs()),
        conflicts=tuple(ballot.conflicts), unchecked=max(0, len(texts) - compared))


def _weights(number: int, weights: Sequence[float] | None) -> list[float]:
    """Return a weight for each answer; raises UsageError for what cannot be weighed."""
    if weights is None:
        return [1] * number
    if len(weights) != number or not all(w >= 0 and math.isfinite(w) for w in weights):
        raise UsageError(f"a vote of {number} answers needs {number} weights, finite and not "
                         "negative; give a weight an answer, or none at all")
    return list(weights)


def _group(texts: Sequence[str], places: dict[str, list[int]], each: Sequence[float]) -> Group:
    """Return the group of some texts, its votes counted."""
    found = tuple(sorted(place for text in texts for place in places[text]))
    return Group(texts[0], tuple(texts), math.fsum(each[i] for i in found), found)


@dataclass
class _Ballot:
    """Distinct texts, heaviest first, and what is known about their pairs."""

    texts: list[str]
    weights: list[float]
    policy: Policy
    relation: dict[tuple[int, int], str] = field(default_factory=dict)
    groups: list[list[int]] = field(default_factory=list)
    conflicts: list[tuple[str, ...]] = field(default_factory=list)
    asked: set[tuple[int, int]] = field(default_factory=set)
    fruitless: Counter[int] = field(default_factory=Counter)

    @property
    def exact(self) -> Policy:
        """The policy without its symbolic tier."""
        return replace(self.policy, symbolic=False)

    def says(self, one: str, other: str, policy: Policy) -> str:
        """Return the grader's word on two texts, the same whichever comes first."""
        word = equal(one, other, policy).value
        # The papers' rules round the gold side only: for a vote both ways must agree.
        if policy.rule == "value" or word != CORRECT:
            return word
        return equal(other, one, policy).value

    def settle(self) -> None:
        """Compare all pairs, then ask the symbolic tier about those that matter."""
        exact = self.exact
        for a, b in combinations(range(len(self.texts)), 2):
            self.relation[a, b] = self.says(self.texts[a], self.texts[b], exact)
        self._form()
        if not self.policy.symbolic:
            return
        while any(self._ask(pair) for pair in self._needed()):
            self._form()

    def _ask(self, pair: tuple[int, int]) -> bool:
        """Ask the symbolic tier about a pair, once; tell whether it says they are equal.

        An integral that it cannot compare with three others, at 0.2 s each, it will not
        compare with a fourth.
        """
        if (pair in self.asked or len(self.asked) >= ASKED
                or max(self.fruitless[place] for place in pair) >= FRUITLESS):
            return False
        self.asked.add(pair)
        one, other = (self.texts[place] for place in pair)
        self.relation[pair] = self.says(one, other, self.policy)
        if self.relation[pair] == UNDECIDED:
            self.fruitless.update(pair)
        return self.relation[pair] == CORRECT

    def _of(self, a: int, b: int) -> str:
        return self.relation[min(a, b), max(a, b)]

    def _form(self) -> None:
        """Form the groups: chains of equality, cut where two of a chain are known to differ."""
        self.groups, self.conflicts = [], []
        for chain in _connected(range(len(self.texts)), lambda a, b: self._of(a, b) == CORRECT):
            apart = [(a, b) for a, b in combinations(chain, 2) if self._of(a, b) == WRONG]
            if not apart:
                self.groups.append(chain)
                continue
            shortest = min((self._chain(a, b, chain) for a, b in apart), key=len)
            self.conflicts.append(tuple(self.texts[i] for i in shortest))
            self.groups += self._cut(chain)

    def _cut(self, chain: list[int]) -> list[list[int]]:
        """Part a chain: a text joins the first group it equals one of and differs from none."""
        parts: list[list[int]] = []
        for text in chain:
            home = next((part for part in parts
                         if any(self._of(text, member) == CORRECT for member in part)
                         and not any(self._of(text, member) == WRONG for member in part)), None)
            if home is None:
                parts.append([text])
            else:
                home.append(text)
        return parts

    def _chain(self, start: int, end: int, among: Sequence[int]) -> list[int]:
        """Return the shortest chain of equal texts from one to another (breadth first)."""
        before, queue = {start: start}, deque([start])
        while end not in before:
            here = queue.popleft()
            for there in among:
                if there not in before and self._of(here, there) == CORRECT:
                    before[there] = here
                    queue.append(there)
        path = [end]
        while path[-1] != start:
            path.append(before[path[-1]])
        return path[::-1]

    def open_pairs(self) -> list[tuple[list[int], list[int]]]:
        """Return the pairs of groups that may be one: some pair undecided and none wrong."""
        found = []
        for one, other in combinations(self.groups, 2):
            words = {self._of(a, b) for a in one for b in other}
            if UNDECIDED in words and WRONG not in words:
                found.append((one, other))
        return found

    def _needed(self) -> list[tuple[int, int]]:
        """Return the open pairs whose answer can change who leads, or by how much.

        Groups that may be one by any chain of open pairs count together: where together they
        stay below the two heaviest groups, merging them changes nothing.
        """
        links = self.open_pairs()
        number = {group[0]: sum(self.weights[i] for i in group) for group in self.groups}
        bar = sorted(number.values())[-2:][0] if number else 0.0
        joined = {(one[0], other[0]) for one, other in links}
        heavy: set[int] = set()
        for heads in _connected(list(number), lambda a, b: (a, b) in joined or (b, a) in joined):
            if sum(number[head] for head in heads) >= bar:
                heavy.update(heads)
        return [(min(a[0], b[0]), max(a[0], b[0])) for a, b in links if a[0] in heavy]


def _connected(places: Sequence[int], linked: Callable[[int, int], bool]) -> list[list[int]]:
    """Return the connected parts of a graph, each in ascending order."""
    left, parts = list(places), []
    while left:
        part, edge = [left.pop(0)], 0
        while edge < len(part):
            near = [place for place in left if linked(part[edge], place)]
            left = [place for place in left if place not in near]
            part += near
            edge += 1
        parts.append(sorted(part))
    return parts
