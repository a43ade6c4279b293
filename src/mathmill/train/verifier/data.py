"""Candidates made into groups: a problem with some right and some wrong programs, weighed.

Why: a verifier that is trained on all candidates alike learns how hard a problem is, for that
alone explains most of the labels, and then it cannot choose among the answers to one problem.
Where every problem's right programs weigh as much as its wrong ones, nothing about the
problem tells the label, and only the program is left to learn from. The same program twice
counts once, or the commonest would outweigh the rest.

Used as: `groups, facts = gather(candidates, settings)`; `train, check = hold_out(groups, ...)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mathmill.candidates import Candidate
from mathmill.identity import content_id, draw
from mathmill.train.verifier.settings import Settings
from mathmill.types import CORRECT, UNDECIDED


@dataclass(frozen=True, slots=True)
class Group:
    """One problem with the programs that are learned from (or measured on)."""

    item: str
    "Id of the problem."
    question: str
    "Its text."
    programs: tuple[Candidate, ...]
    "Different ones; right ones first."
    right: tuple[bool, ...]
    "Their labels."


def gather(candidates: Iterable[Candidate], settings: Settings
           ) -> tuple[list[Group], dict[str, int]]:
    """Return the groups, in the order of their problems' ids, and what was left out.

    Which programs of a problem are taken, where there are more than `most`, hangs on the seed
    and their text alone. Samples that are undecided are left out.
    """
    problems: dict[str, dict[str, Candidate]] = {}
    facts: Counter[str] = Counter()
    for row in candidates:
        facts["candidates"] += 1
        if row.verdict == UNDECIDED:
            facts["undecided"] += 1
            continue
        here = problems.setdefault(row.item, {})
        facts["same program"] += row.response in here
        here.setdefault(row.response, row)
    groups = []
    for item in sorted(problems):
        rows = sorted(problems[item].values(),
                      key=lambda row: content_id("taken", settings.seed, row.item, row.response))
        right = [row for row in rows if row.verdict == CORRECT]
        wrong = [row for row in rows if row.verdict != CORRECT]
        if settings.balance and not (right and wrong):
            facts["problems with only right programs" if right else
                  "problems with only wrong programs"] += 1
            continue
        taken = (*right[:settings.most], *wrong[:settings.most])
        groups.append(Group(item, taken[0].question, taken,
                            tuple(row.verdict == CORRECT for row in taken)))
    facts["problems"] = len(problems)
    facts["groups"] = len(groups)
    facts["programs"] = sum(len(group.programs) for group in groups)
    return groups, dict(facts)


def weigh(right: Sequence[bool], balance: bool) -> tuple[float, ...]:
    """Return what each of a problem's programs counts, 1 in all: half on either side, or alike."""
    sides = Counter(right)
    weights = [0.5 / sides[label] if balance else 1 / len(right) for label in right]
    return tuple(weight / sum(weights) for weight in weights)


def hold_out(groups: Sequence[Group], share: float, seed: int
             ) -> tuple[list[Group], list[Group]]:
    """Return (to train on, to measure on): a share of the problems, drawn by their meaning.

    Problems of one signature stay together, so that no twin of a measured one is trained on.
    """
    train: list[Group] = []
    check: list[Group] = []
    for group in groups:
        mark = group.programs[0].signature or group.item
        (check if draw("held out", seed, mark).random() < share else train).append(group)
    return train, check


def shuffled(groups: Sequence[Group], seed: int) -> list[Group]:
    """Return the groups with their labels dealt out anew within each problem: the control.

    The numbers of right and wrong stay; what a program says then tells nothing.
    """
    dealt = []
    for group in groups:
        programs = list(group.programs)
        draw("shuffled labels", seed, group.item).shuffle(programs)
        dealt.append(replace(group, programs=tuple(programs)))
    return dealt
