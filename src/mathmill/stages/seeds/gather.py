"""The stage `seeds`: read a source, mend its rows, leave out what cannot be a seed.

Why: a bad seed costs as many teacher calls as a good one, and each of its children is bad.
Left out, with reason: rows without a question, proofs, questions seen before.

Used as: `run(bench, source="gsm8k/train.jsonl")`, or
`run(bench, source="symbolic:count=300,seed=1,levels=1-5,languages=en")`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from mathmill.errors import InputError, StepFailed, UsageError
from mathmill.identity import content_id, draw
from mathmill.io import as_json
from mathmill.stages.seeds import formats, place, text
from mathmill.stages.seeds.seen import Seen
from mathmill.types import CORRECT, Drop, Problem, Sample, make_problem
from mathmill.workbench import Workbench

LANGUAGES = ("en", "zh")
FIELDS = ("question", "answer", "solution", "level", "subject", "language")


def run(bench: Workbench, *, source: str, content: str = "", limit: int | None = None,
        fields: Mapping[str, str] | None = None, shuffle: int | None = None) -> None:
    """Write the problems of a source as rows.

    `source`: a path, `hf:owner/name[:config][/split]` or `symbolic:...`; where the bench has
    the tool `path`, that is the place to read and the literal is only its name.
    `content`: what `content_digest` said (identity only). `limit`: most problems to keep; in the
    order of the file, or of a shuffle with seed `shuffle`. `fields`: ours -> theirs, for rows
    of an unknown shape. Raises InputError (unreadable, or no row with a question), UsageError.
    """
    del content
    if limit is not None and limit < 1:
        raise UsageError(f"limit={limit} keeps no seed at all; give a limit of 1 or more")
    if unknown := set(fields or ()) - set(FIELDS) or (fields and {"question"} - set(fields)):
        raise UsageError(f"the field map says {sorted(fields or ())}, which is wrong about "
                         f"{sorted(unknown)}; map question and, if there, {', '.join(FIELDS[1:])}")
    place_of = str(bench.tools.get("path", source))
    counts: Counter[str] = Counter()
    problems = (_made(bench, place_of, counts) if place_of.startswith("symbolic:")
                else _read(bench, place_of, fields, counts))
    unique = _unique(bench, problems)
    if shuffle is not None:
        unique = _shuffled(unique, shuffle)
    kept = bench.keep(_limited(bench, unique, limit, stop=shuffle is None), Problem)
    bench.facts.update(rows_in=kept + len(bench.drops), source=source,
                       formats=dict(sorted(counts.items())))
    if not kept:
        why = bench.drops.reasons.most_common(3)
        raise StepFailed(f"{source}: not one seed is left of {len(bench.drops)} rows ("
                         + ", ".join(f"{reason}: {n}" for reason, n in why)
                         + "); give problems that ask for an answer")


def of_samples(bench: Workbench, *, limit: int | None = None) -> None:
    """Write the questions of an earlier step's samples (input `rows`) as seeds.

    Their answer is the one known to be right: what was expected, or what a check found
    correct; None for a new problem that nothing has checked. The first of each question stays.
    `source` names the row it was, and `seed` the problem from which that row descends, so that
    lineage runs through any number of rounds.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"limit={limit} keeps no seed at all; give a limit of 1 or more")
    problems = (problem_of(sample) for sample in bench.rows("rows", Sample))
    kept = bench.keep(_limited(bench, _unique(bench, problems), limit, stop=True), Problem)
    bench.facts["rows_in"] = kept + len(bench.drops)
    if not kept:
        raise StepFailed("the step before made no row, so there is no seed; see its drops")


def problem_of(sample: Sample) -> Problem:
    """Return the question of a sample as a problem, with the answer known to be right."""
    known = sample.answer if sample.verdict == CORRECT else sample.expected
    own = sample.method == "seed"  # the source's own solution, which came with the seed
    return make_problem(sample.question, answer=known, level=sample.level,
                        solution=sample.solution if own or sample.verdict == CORRECT else None,
                        subject=sample.subject, language=sample.language,
                        source=f"{sample.method}:{sample.id}", signature=sample.signature,
                        seed=None if sample.parent == sample.seed == sample.problem
                        else sample.seed)


def _read(bench: Workbench, source: str, fields: Mapping[str, str] | None,
          counts: Counter[str]) -> Iterator[Problem]:
    """Yield the problems of files or of a hub's set; drop rows that hold none."""
    seen: set[str] = set()
    rows = questions = 0
    for raw in place.rows_at(source):
        rows += 1
        found = formats.read_mapped(raw.row, fields) if fields else formats.read(raw.row)
        where = f"{raw.place}:{raw.number}"
        parts = found[1] if found else None
        question = text.clean(parts.question) if parts else ""
        if found is None or parts is None or not question:
            seen.update(map(str, raw.row))
            bench.drop(Drop(content_id("row", where), "no question",
                            f"row {where} has the fields {', '.join(map(str, raw.row))}"[:500],
                            json.dumps(raw.row, ensure_ascii=False, default=str)
                            .encode("utf-8", "replace").decode()))
            continue
        questions += 1
        counts[found[0]] += 1
        problem = _problem(question, parts, where)
        if text.asks_for_proof(question, problem.answer is not None):
            bench.drop(Drop(problem.id, "asks for a proof", question[:500], as_json(problem)))
            continue
        if questions % 1000 == 0:
            bench.show(questions, None, "problems read")
        yield problem
    if rows and not questions:
        raise InputError(source, f"no row has a question; the fields are {', '.join(sorted(seen))}"[
            :600], 'say which one it is with a field map, such as {"question": "body", '
            '"answer": "result"}')


def _problem(question: str, parts: formats.Parts, where: str) -> Problem:
    """Return the record of a row whose question is already clean."""
    language = parts.language if parts.language in LANGUAGES else text.language_of(question)
    return make_problem(
        question, answer=text.clean(parts.answer or "") or None,
        solution=text.clean(parts.solution or "") or None, level=parts.level,
        subject=text.clean(parts.subject or "") or None, language=language, source=where)


def _made(bench: Workbench, source: str, counts: Counter[str]) -> Iterator[Problem]:
    """Yield problems of a made world, told apart by the name before the colon."""
    options = world_options(source)
    worlds = bench.tools.get("worlds", {})
    if "symbolic" not in worlds:
        raise UsageError(f"{source}: no world of this name is at hand; give a file of problems")
    for problem in worlds["symbolic"](**options):
        counts["symbolic"] += 1
        if counts["symbolic"] % 1000 == 0:
            bench.show(counts["symbolic"], options["count"], "problems made")
        yield problem


def world_options(source: str) -> dict[str, Any]:
    """Read `symbolic:count=300,seed=1,levels=1-5,languages=en+zh,families=a+b`.

    Raises UsageError for an option that is unknown or no number.
    """
    options: dict[str, Any] = {"count": 0, "seed": 0}
    for part in filter(None, source.partition(":")[2].split(",")):
        name, _, value = part.strip().partition("=")
        try:
            if name in ("count", "seed"):
                options[name] = int(value)
            elif name == "levels":
                low, _, high = value.partition("-")
                levels = tuple(range(int(low), int(high or low) + 1))
                if not levels or levels[0] < 1 or levels[-1] > 5:
                    raise ValueError
                options[name] = levels
            elif name in ("languages", "families") and value:
                options[name] = tuple(value.split("+"))
            else:
                raise ValueError
        except ValueError:
            raise UsageError(f"{source}: cannot read {part!r}; write symbolic:count=300,seed=1,"
                             "levels=1-5,languages=en+zh,families=bakery+shop") from None
    if options["count"] < 1:
        raise UsageError(f"{source}: an empty seed set; say how many, as in symbolic:count=300")
    return options


def _unique(bench: Workbench, problems: Iterator[Problem]) -> Iterator[Problem]:
    """Let the first of each question through; drop the others."""
    with Seen(bench.out) as seen:
        for problem in problems:
            first = seen.first(problem.id, problem.source)
            if first is None:
                yield problem
            else:
                bench.drop(Drop(problem.id, "duplicate", f"{problem.source} repeats {first}",
                                as_json(problem)))


def _shuffled(problems: Iterator[Problem], seed: int) -> Iterator[Problem]:
    """Yield all problems in an order that depends on their set and the seed alone."""
    rows = sorted(problems, key=lambda problem: problem.id)
    draw("seeds", seed).shuffle(rows)
    yield from rows


def _limited(bench: Workbench, problems: Iterator[Problem], limit: int | None,
             stop: bool) -> Iterator[Problem]:
    """Yield at most `limit` problems; read no further, or drop what a shuffle left over."""
    for number, problem in enumerate(problems, 1):
        if limit is None or number <= limit:
            yield problem
            if stop and number == limit:
                return
        else:
            bench.drop(Drop(problem.id, "beyond the limit", problem.source))
