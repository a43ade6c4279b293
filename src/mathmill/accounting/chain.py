"""Which part of an account a step belongs to, and what a finished model rests on.

Why: the parts are those of the paper (calls of the teacher; synthesis, selection and training by
machine hours), and which a step is follows from who takes what it makes: a training whose model
a `synthesize` asks made the synthesizer, one through which a `value` looks belongs to selection;
a training on which only such were built (the school before a synthesizer) goes with them.
The paper counts no checks, no evaluation, and does not say whether it counts the training of the
synthesizer; here the first are the rest, and the second has a part of its own.

Used as: `parts(works)[step]`, `for student in students(works): ...`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mathmill.accounting.lines import API, SELECTION, SYNTHESIS, SYNTHESIZER, TRAINING

REST = "not in the paper's account"
ASIDE = {"teacher", "reference", "values", "ratings", "base", "model", "target",
         "against", "texts"}
"Inputs by which no rows come in."


@dataclass(frozen=True)
class Work:
    """A step, as an account sees it."""

    id: str
    "Its id."
    verb: str
    "What it does."
    name: str
    "What people call it."
    inputs: Mapping[str, str]
    "Ids of the steps that it takes, by the name under which it does."
    asks: bool = False
    "Whether it asked a teacher, or is about to."


@dataclass(frozen=True)
class Student:
    """A trained model on which nothing else was built, and all that it rests on."""

    names: tuple[str, ...]
    "What its trainings are called: several where only their seeds or settings differ."
    trainings: tuple[str, ...]
    "Their ids."
    rests_on: tuple[str, ...]
    "Ids of all steps behind them, in order."
    rows_of: tuple[str, ...]
    "Ids of the `synthesize` steps whose rows it was trained on."
    synthetic: bool
    "Whether a synthesizer wrote any of these."


def holds_synthesizer(works: Sequence[Work]) -> bool:
    """Tell whether a model that was trained here writes rows here."""
    return SYNTHESIZER in parts(works).values()


def parts(works: Sequence[Work]) -> dict[str, str]:
    """Return the part of every step, by its id."""
    verbs = {work.id: work.verb for work in works}
    teachers = {work.inputs["teacher"] for work in works
                if work.verb == "synthesize" and "teacher" in work.inputs}
    looked_through = {work.inputs["reference"] for work in works
                      if work.verb == "value" and "reference" in work.inputs}
    found = {}
    for work in works:
        if work.verb == "train":
            found[work.id] = (SYNTHESIZER if work.id in teachers else
                              SELECTION if work.id in looked_through else TRAINING)
        elif work.verb == "value":
            found[work.id] = SELECTION
        elif work.verb == "synthesize":
            own = verbs.get(work.inputs.get("teacher", ""))
            found[work.id] = API if own is None else SYNTHESIS
        else:
            found[work.id] = API if work.asks and "teacher" not in work.inputs else REST
    for work in reversed(works):  # what was built on a training decides where it belongs
        built = {found[each.id] for each in works if each.verb == "train"
                 and each.inputs.get("base") == work.id}
        if found[work.id] == TRAINING and built and TRAINING not in built:
            found[work.id] = SYNTHESIZER if SYNTHESIZER in built else SELECTION
    return found


def students(works: Sequence[Work]) -> list[Student]:
    """Return the students, those that rest on the same steps as one."""
    known = {work.id: work for work in works}
    part = parts(works)
    built_on = {work.inputs["base"] for work in works if work.verb == "train"
                and "base" in work.inputs}
    groups: dict[tuple[str, ...], list[Work]] = {}
    for work in works:
        if part[work.id] == TRAINING and work.id not in built_on:
            behind = _behind(work, known)
            ordered = tuple(each.id for each in works if each.id in behind)
            groups.setdefault(ordered, []).append(work)
    found = []
    for behind_ids, trained in groups.items():
        rows = tuple(dict.fromkeys(rows_of(trained[0], known)))
        if rows:
            found.append(Student(tuple(work.name for work in trained),
                                 tuple(work.id for work in trained), behind_ids, rows,
                                 any(part[each] == SYNTHESIS for each in rows)))
    return found


def _behind(work: Work, known: Mapping[str, Work]) -> set[str]:
    """Return the ids of all steps behind one."""
    found: set[str] = set()
    edge = list(work.inputs.values())
    while edge:
        step = edge.pop()
        if step in known and step not in found:
            found.add(step)
            edge += known[step].inputs.values()
    return found


def rows_of(work: Work, known: Mapping[str, Work]) -> Iterator[str]:
    """Yield the ids of the nearest `synthesize` steps from which a step's rows came."""
    for name, step in work.inputs.items():
        if name.partition(".")[0] in ASIDE or step not in known:
            continue
        if known[step].verb == "synthesize":
            yield step
        else:
            yield from rows_of(known[step], known)
