"""All that the sections of a report draw on, gathered once.

Why: every section gets the same reading of the run, so that no two of them can disagree.

Used as: `material = gather(bench, title="...", ...)`; sections take it as their argument.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mathmill.accounting import Account
from mathmill.errors import StepFailed
from mathmill.report.account import account_of
from mathmill.report.choices import Chosen, read_choices
from mathmill.report.cost import Cost, Paid, cost, paid
from mathmill.report.curves import Curve, read_curves
from mathmill.report.graph import Graph, walk
from mathmill.report.lineage import Family, Trace, family, pick_examples
from mathmill.report.markup import Html, percent, span, tag
from mathmill.report.scores import MEASURES, Count, Result, load
from mathmill.report.statistics import Statistics
from mathmill.report.studies import Study, read_studies
from mathmill.workbench import Workbench


@dataclass(frozen=True)
class Material:
    """One run, read."""

    title: str
    "Title of the report."
    graph: Graph
    "Its steps."
    measure: str
    "`strict` or `tolerant`: the matching by which headline, curves and studies are counted."
    results: Mapping[str, Result]
    "Scores by input name."
    main: Result | None
    "The model of which the headline speaks."
    models: tuple[Result, ...]
    "Scores that belong to no curve and no study, and the main one."
    pairs: tuple[tuple[Result, Result], ...]
    "Models to compare on the same items."
    curves: tuple[Curve, ...]
    "The scaling sweep."
    studies: tuple[Study, ...]
    "Arms against controls."
    chosen: tuple[Chosen, ...]
    "What ways of choosing among samples came to, by generator and suite."
    examples: tuple[Trace, ...]
    "Rows with their story."
    family: Family | None
    "All that came of the first example's seed."
    cost: Cost
    "What the run cost."
    paid: tuple[Paid, ...]
    "What each teacher was paid by this run's folder."
    stats: Statistics
    "Intervals and tests, handed in by the pipeline."
    account: Account | None = None
    "What its models cost, where a model that was trained here wrote rows."

    def accuracy(self, count: Count, measure: str | None = None) -> Html:
        """Return an accuracy with its Wilson interval: `41.3 % [38.2, 44.5]`."""
        solved = count.solved(measure or self.measure)
        low, high = self.stats.wilson(solved, count.total)
        return Html(percent(solved / count.total) + tag("span", span(low, high), class_="ci"))


def gather(bench: Workbench, title: str, *,
           curves: Mapping[str, Sequence[Mapping[str, Any]]] | None,
           arms: Sequence[Mapping[str, Any]] | None, pairs: Sequence[Sequence[str]] | None,
           main: str | None, measure: str, choices: Mapping[str, int] | None = None) -> Material:
    """Read the run behind a report step.

    Raises StepFailed for a curve with a hole, a study without a control, or a name that is
    no input; InputError for an unfinished step.
    """
    if measure not in MEASURES:
        raise StepFailed(f"a report cannot measure {measure!r}; choose one of "
                         f"{', '.join(MEASURES)}")
    graph, stats = walk(bench), Statistics(bench.tools)
    results = load(bench, graph)
    found = read_curves(curves, results, measure, stats)
    studies = read_studies(arms, results, measure, stats)
    inside = {cell["score"] for cells in (curves or {}).values() for cell in cells}
    inside |= {arm["score"] for arm in arms or ()}
    headline = _main(main, results, curves)
    models = tuple(r for name, r in results.items() if name not in inside or r is headline)
    examples = pick_examples(graph)
    first = next((t for t in examples if t.seed and t.sample and t.method != "seed"), None)
    return Material(
        title, graph, measure, results, headline, models, _pairs(pairs, results, models, headline),
        found, studies, read_choices(choices, bench, graph, stats), examples,
        family(graph, first.seed.id) if first and first.seed else None,
        cost(graph), tuple(paid(bench.home)) if bench.home else (), stats,
        account_of(graph, bench.tools["sheet"](bench.terms.prices) if "sheet" in bench.tools
                   else None))


def _main(name: str | None, results: Mapping[str, Result],
          curves: Mapping[str, Sequence[Mapping[str, Any]]] | None) -> Result | None:
    """Return the named score; else the largest run of the first curve; else the first."""
    if name is not None:
        if name not in results:
            raise StepFailed(f"the report's main score {name!r} is no input of it; it has "
                             f"{', '.join(results) or 'none'}")
        return results[name]
    for cells in (curves or {}).values():
        largest = max(cells, key=lambda cell: (cell["rows"], -cell["seed"]))
        return results[largest["score"]]
    return next(iter(results.values()), None)


def _pairs(names: Sequence[Sequence[str]] | None, results: Mapping[str, Result],
           models: Sequence[Result], main: Result | None) -> tuple[tuple[Result, Result], ...]:
    """Return the pairs named; where none are, the main model against each other model."""
    if names is None:
        return tuple((main, other) for other in models if main is not None and other is not main)
    missing = [name for pair in names for name in pair if name not in results]
    if missing:
        raise StepFailed(f"the report is to compare {missing[0]!r}, which is no input of it; it "
                         f"has {', '.join(results)}")
    return tuple((results[a], results[b]) for a, b in names)
