"""Contamination outside a recipe: files cleaned of a benchmark, and the finders put to the test.

Why: the finders belong to a stage, the world that plants leaks to a teacher; here the one is
handed the other.

Used as: `clean(files, against, out, Switches(ngram=13))`; `print(self_test())`, `self_test(data)`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathmill.errors import UsageError
from mathmill.packed import PACKED
from mathmill.workbench import Terms, Workbench

if TYPE_CHECKING:
    from mathmill.stages.decontaminate.files import Summary
    from mathmill.stages.decontaminate.trial import Found, Planted, Search

ITEMS, CLEAN = 600, 2_000
"Questions of the world's benchmark, and others of other meaning, in the self-test."
PARTS = ("benchmark", "leaks", "clean")
PUBLIC = ("gsm8k/test", "contam_gsm8k_rephrased/rephrase_gsm8k", "gsm8k/train")
"Where the three parts lie in a folder of public sets."
SUFFIXES = (".jsonl", ".parquet", *PACKED)


@dataclass(frozen=True)
class Switches:
    """What drops rows of files; as the verb's, but for `numbers`, which is on."""

    ngram: int = 30
    "Words in a run, 8 to 30."
    numbers: bool | float = True
    "Whether shared numbers, order and words do, or from what score on."
    neighbours: Sequence[str] = ()
    "Encoders in whose space nearness does."
    judge: str | None = None
    "A teacher that decides on what `numbers` finds."
    field: str | None = None
    "Field of the rows with the text; None: a shape that is known."
    item: str | None = None
    "The same of the benchmark's rows."


def clean(files: Sequence[str], against: Sequence[str], out: Path,
          switches: Switches = Switches(), *, terms: Terms | None = None,
          home: Path | None = None, force: bool = False,
          tell: Callable[[int], None] = lambda _: None) -> Summary:
    """Write the rows of files that share nothing with benchmark files; return the counts.

    `home`: folder whose journal a judge's replies go to, under `terms`. `force`: go on where the
    benchmark will hardly fit into memory. `tell` hears how many rows are compared. Raises
    UsageError, InputError.
    """
    from mathmill.methods import sameness
    from mathmill.stages.decontaminate.files import Choices, clean_files
    from mathmill.stages.decontaminate.finders import literals
    from mathmill.teachers import registry, symbolic

    judge = switches.judge
    beyond = literals(numbers=switches.numbers, neighbours=switches.neighbours,
                      judge=None if judge is None else sameness.prompts())
    bench = None
    if judge is not None:
        beyond["teacher"] = registry.identity(judge)
        folder = home or out.parent
        bench = Workbench(folder, home=folder, terms=terms or Terms(), tools={
            "open_teacher": registry.opener(judge), "teacher": judge,
            "judge_request": sameness.same_request, "read_judgement": sameness.read_judgement})
    choices = Choices(switches.ngram, beyond, switches.field, switches.item)
    return clean_files(files, against, out, choices, bench, signature=symbolic.signature,
                       force=force, tell=tell)


def self_test(data: Path | None = None) -> Iterator[str]:
    """Yield sheets of what each finder finds and takes: of our own world, then of `data`.

    `data`: a folder with files `benchmark`, `leaks` and `clean` (.jsonl or .parquet; leak i is of
    item i where there are as many), or one of public sets with GSM8K. Raises UsageError.
    """
    from mathmill.stages.decontaminate.trial import measure
    from mathmill.teachers import symbolic

    files = None if data is None else _parts(data)
    for language in ("en", "zh"):
        planted = _world(language)
        yield measure(planted, f"World of our own, {language}: {len(planted.items):,} items, "
                      f"{len(planted.clean):,} clean rows of the same templates",
                      signature=symbolic.signature, extra={"judge (symbolic:)": _judge(planted)},
                      ).text()
    if files is not None:
        planted = _real(*files)
        yield measure(planted, f"{data}: {len(planted.items):,} items of {files[0].name}, "
                      f"{len(planted.clean):,} clean rows of {files[2].name}",
                      ).text(shown=3)


def _world(language: str) -> Planted:
    """Return leaks of questions of the symbolic world, and others that mean something else."""
    from mathmill.stages.decontaminate.trial import Planted
    from mathmill.teachers import symbolic
    from mathmill.teachers.symbolic.leaks import KINDS, leak

    items = list(symbolic.make_problems(ITEMS, 1, (language,)))
    meanings = {item.signature for item in items}
    others = symbolic.make_problems(CLEAN + ITEMS, 2, (language,))
    fit = [other.question for other in others if other.signature not in meanings][:CLEAN]
    leaks: dict[str, list[tuple[int, str]]] = {kind: [] for kind in KINDS}
    for place, item in enumerate(items):
        for kind in KINDS:
            told = leak(kind, item.question, random.Random(place))
            if told is not None and told != item.question:
                leaks[kind].append((place, told))
    return Planted([item.question for item in items], leaks, fit)


def _judge(planted: Planted) -> Search:
    """Return the search of a judge that is right about this world, put before what is near."""
    import numpy as np

    from mathmill.stages.decontaminate.encoders import open_encoder
    from mathmill.stages.decontaminate.finders import JUDGED, NEIGHBOURS
    from mathmill.stages.decontaminate.likeness import Likeness
    from mathmill.stages.decontaminate.neighbours import Neighbours
    from mathmill.teachers.symbolic.leaks import same_problem

    index, near = Likeness(), Neighbours(open_encoder("words"))
    for finder in (index, near):
        finder.add(planted.items)
        finder.close()

    def search(rows: Sequence[str]) -> Found:
        found = np.full(len(rows), -1)
        for places, _ in (index.nearest(rows, JUDGED, JUDGED),
                          near.nearest(rows, NEIGHBOURS["words"])):
            for row in np.flatnonzero((places >= 0) & (found < 0)):
                if same_problem(planted.items[int(places[row])], rows[int(row)]):
                    found[row] = places[row]
        return found, (found >= 0).astype(np.float64)

    return search


def _parts(data: Path) -> tuple[Path, Path, Path]:
    """Return the three files of a folder of real data; raises UsageError where they are not."""
    for names in (PARTS, PUBLIC):
        found = [next((path for suffix in SUFFIXES
                       if (path := data / f"{name}{suffix}").is_file()), None) for name in names]
        if all(found):
            one, two, three = (path for path in found if path is not None)
            return one, two, three
    raise UsageError(f"{data}: give a folder with the files benchmark, leaks and clean (.jsonl or "
                     f".parquet), or one with {', '.join(PUBLIC)}")


def _real(benchmark: Path, leaks: Path, clean_rows: Path) -> Planted:
    """Return what three files hold, and copies of the items made by rule beside the leaks."""
    from mathmill.stages.decontaminate.files import read_texts
    from mathmill.stages.decontaminate.trial import Planted, in_company, with_other_numbers

    def questions(file: Path) -> list[Any]:
        return [question for _, question, _ in read_texts(file)]

    items = questions(benchmark)
    rows = {number: question for number, question, _ in read_texts(leaks)}
    # A row without a text (two are empty) is a leak that nobody can find: it counts as missed.
    told = [(place, rows.get(place + 1, "")) for place in range(max(rows, default=0))]
    made = {"verbatim": [(place, in_company(item, place)) for place, item in enumerate(items)],
            "rephrased": told,
            "numbers changed": [(place, with_other_numbers(item, random.Random(place)))
                                for place, item in enumerate(items) if any(
                                    c.isdecimal() for c in item)]}
    return Planted(items, made, questions(clean_rows), paired=len(told) == len(items))
