"""The stage `verify`: give every row a verdict of three values, and keep whom the recipe says.

Why: about half of Skywork-Math's labels are believed wrong, and TinyGSM checks nothing but
that a program runs; whether that matters is a question one can only ask with verdicts. A row
is put to the checks in turn. Some sift: a row that is unfit is dropped with its reason. The
others decide, until one has. What stays undecided is never silently right or wrong.

Used as: `run(bench, by=["runs", "answer_agrees", "majority"], teacher="symbolic:", votes=5)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from mathmill.candidates import Candidate, as_sample
from mathmill.errors import StepFailed, UsageError
from mathmill.io import as_json
from mathmill.stages.verify.audit import Audit
from mathmill.stages.verify.batches import judged
from mathmill.stages.verify.cases import VALUES, Count, Standing
from mathmill.stages.verify.finding import Check, Inspection
from mathmill.stages.verify.names import ASK, Hand, named, ready
from mathmill.stages.verify.programs import endings
from mathmill.types import CORRECT, UNDECIDED, Drop, Sample
from mathmill.workbench import Facts, Workbench

BATCH = 1024  # rows that are put to a check together


def run(bench: Workbench, *, by: Sequence[str], teacher: str = "", votes: int = 5,
        keep: Sequence[str] | str = (CORRECT, UNDECIDED), policy: str = "tolerant",
        temperature: float = 0.7, seconds: float = 2.0, whole: float = 1e-9,
        prompts: Sequence[str] = (), pool: bool = False) -> None:
    """Write the rows of input `rows` (Sample) with verdicts; drop those not in `keep`.

    `by`: the checks in the order of asking (`names.CHECKS`). `keep`: the verdicts that stay,
    or `label` to keep all, unfit rows too. `policy`: the grader's. `seconds`: what a program
    may take; `whole`: how near a whole number a float it returns is that number. `prompts`:
    identities of those by which votes are asked (identity only). `pool`: the input is of
    Candidate rows, which become samples. Tools: `open_teacher` and
    `solve_request` or `program_request` for votes; `truth` (question -> right answer or
    None), where it is given, has the checks themselves measured in facts["truth"]. Raises
    UsageError, StepFailed, TeacherError, MissingExtra.
    """
    del prompts
    checks, kept = named(by, votes), VALUES if keep == "label" else tuple(keep)
    if not kept or set(kept) - set(VALUES):
        raise UsageError(f"keep={list(kept)}: name some of {', '.join(VALUES)}, "
                         "or say label to keep all")
    # What asks is one conversation with a teacher, and counts what it costs over all rows.
    alone = {check.name for check in checks} & set(ASK)
    bench.map(check, {"by": list(by), "votes": votes, "keep": list(kept), "pool": pool,
                      "asked": {"teacher": teacher, "policy": policy, "seconds": seconds,
                                "temperature": temperature, "whole": whole}},
              merge=merged, sharded=not alone)
    if not bench.kept["rows"]:
        raise StepFailed(
            f"verify kept none of {bench.facts['rows_in']} rows ({_causes(bench.facts)}); keep "
            "more verdicts (keep=label keeps all), add a check, or look at the teacher's replies")


def check(bench: Workbench, *, by: Sequence[str], votes: int, keep: Sequence[str], pool: bool,
          asked: Mapping[str, Any]) -> None:
    """Write the rows of a shard that stay, with verdicts; its facts are counts, for `merged`.

    `asked`: the settings of `names.ready`; the others are those of `run`.
    """
    audit, count = Audit(bench.tools.get("truth"), asked["policy"]), Count()
    with ready(bench, named(by, votes), **asked) as hand:
        looks = [one for one in hand.checks if isinstance(one, Inspection)]
        if len(looks) == len(hand.checks) and not pool:
            bench.keep_batches(judged(bench, looks, keep, audit, count), Sample)
        else:
            rows = (map(as_sample, bench.rows("rows", Candidate)) if pool else
                    bench.rows("rows", Sample))
            bench.keep(_judged(bench, rows, hand, keep, audit, count), Sample)
        bench.facts.update(hand.facts())
    bench.facts.update(count.facts())
    if audit.truth is not None:
        bench.facts["audit"] = audit.counts()


def merged(facts: Sequence[Facts]) -> Facts:
    """Return the facts of the stage from those of its shards."""
    count, audit = Count(), Audit()
    for each in facts:
        count.add(each)
        if "audit" in each:
            audit.add(each["audit"])
    found = {"votes": facts[0]["votes"]} if "votes" in facts[0] else {}
    if programs := [each["programs"] for each in facts if "programs" in each]:
        found["programs"] = endings(programs)
    found |= {"rows_in": count.rows, "verdicts": dict(sorted(count.verdicts.items())),
              "by_check": dict(sorted(count.by_check.items())), "checks": count.checks()}
    return found | ({"truth": audit.facts()} if any("audit" in each for each in facts) else {})


def _causes(facts: Facts) -> str:
    """Return verdicts and faults in a few words."""
    said: Counter[str] = Counter(facts["verdicts"])
    for one in facts["checks"].values():
        said.update(one["faults"])
    return ", ".join(f"{name}: {number}" for name, number in said.items() if number)


def _judged(bench: Workbench, rows: Iterator[Sample], hand: Hand, keep: Sequence[str],
            audit: Audit, count: Count) -> Iterator[Sample]:
    """Yield the rows that stay, with verdicts, in their order."""
    while batch := list(islice(rows, BATCH)):
        ways = [Standing()] * len(batch)
        for check in hand.checks:
            _put(check, batch, ways, count)
        if hand.runner is not None:
            hand.runner.forget()
        for row, way in zip(batch, ways, strict=True):
            said = replace(row, verdict=way.verdict.value, verdict_by=way.verdict_by,
                           checks=row.checks + way.passed)
            stays = way.stays(keep)
            count.note(way)
            if audit.truth is not None:
                audit.note(said.question, said.answer, said.verdict, stays)
            if stays:
                yield said
            else:
                bench.drop(Drop(said.id, way.reason(), way.detail(said.answer, said.expected),
                                as_json(said), said.method))
        bench.show(count.rows, None, "rows checked")


def _put(check: Check, rows: list[Sample], ways: list[Standing], count: Count) -> None:
    """Put a check to the rows that are open to it, which it may fill in."""
    places = [place for place, way in enumerate(ways) if way.open_to(check)]
    count.put[check.name] += len(places)
    for place, found in zip(places, check.find([rows[place] for place in places]), strict=True):
        rows[place] = found.row
        ways[place] = ways[place].after(check, found.verdict, found.fault)
