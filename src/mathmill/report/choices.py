"""What the ways of choosing among samples came to, over the seeds of a run.

Why: a seed trains a generator and a verifier anew, so seeds differ in what no resampling of
problems shows; every figure here is the mean over seeds, with the wider of two intervals: over
problems (bootstrap of each problem's mean) and over seeds (Student's t).

Used as: `for one in read_choices({"choice.0": 0}, bench, graph, stats): one.at("best", "v", 48)`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mathmill.candidates import BEST, GREEDY, MAJORITY, NUMBERS, PAIRS, RANDOM, SAMPLES, Choice
from mathmill.errors import StepFailed
from mathmill.io import read_rows
from mathmill.report.graph import Graph
from mathmill.report.statistics import Statistics
from mathmill.workbench import Workbench

RANKED = (PAIRS, NUMBERS, SAMPLES)


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over seeds with its interval."""

    mean: float
    "Mean over seeds."
    low: float
    "Lower end of the wider interval."
    high: float
    "Upper end of it."
    seeds: tuple[float, ...]
    "Each seed's own, in the order of the seeds."
    problems: int
    "Problems, n of the interval over them."
    p: float | None = None
    "Of a difference at the most samples: the paired permutation test over problems."

    def clear_of(self, other: Figure) -> bool:
        """Tell whether the two intervals do not overlap."""
        return self.low > other.high or self.high < other.low


Key = tuple[str, str, int]
"""Way, verifier (empty for none), n (0 for pairs)."""


@dataclass(frozen=True)
class Chosen:
    """One generator on one suite."""

    model: str
    "Label of the generator."
    suite: str
    "The suite."
    seeds: tuple[int, ...]
    "Seeds."
    figures: Mapping[Key, Figure]
    "By way, verifier and n."
    gaps: Mapping[tuple[str, str, str, int], Figure]
    "Difference of a way to another on the same problems: (way, verifier, against, n)."
    auc: Mapping[str, Figure]
    "Area under the curve over all problems' samples, by verifier."
    kinds: Mapping[str, int]
    "How the samples' programs ended, over all seeds."
    facts: tuple[Mapping[str, Any], ...]
    "What `choose` measured, by seed."

    @property
    def sizes(self) -> tuple[int, ...]:
        """Return the numbers of samples, ascending."""
        return tuple(sorted({n for way, _, n in self.figures if way == MAJORITY}))

    @property
    def verifiers(self) -> tuple[str, ...]:
        """Return the labels of the verifiers, the generator's own log-probability last."""
        return tuple(dict.fromkeys(verifier for way, verifier, _ in self.figures if way == BEST))

    @property
    def own(self) -> str:
        """Return the verifier of the generator's own label, else the first; empty for none."""
        named = self.verifiers
        return self.model if self.model in named else next(iter(named), "")

    def at(self, way: str, verifier: str, n: int) -> Figure | None:
        """Return a figure; greedy has the same at every n."""
        return self.figures.get((way, verifier, 1 if way == GREEDY else n))


def read_choices(literal: Mapping[str, int] | None, bench: Workbench, graph: Graph,
                 stats: Statistics) -> tuple[Chosen, ...]:
    """Return each generator and suite over the seeds: `{input name: seed}` of `choose` steps.

    Raises StepFailed where seeds did not meet the same problems.
    """
    values: dict[tuple[str, str], dict[int, dict[Key, dict[str, float]]]] = {}
    tables: dict[tuple[str, str], dict[int, Mapping[str, Any]]] = {}
    for name, seed in sorted((literal or {}).items(), key=lambda pair: pair[1]):
        for row in read_rows(bench.inputs[name] / "rows.parquet", Choice):
            key = (row.way, row.verifier, 0 if row.way in RANKED else row.n)
            values.setdefault((row.model, row.suite), {}).setdefault(seed, {}).setdefault(
                key, {})[row.item] = row.value
        for table in graph.input(name).facts["measured"]:
            tables.setdefault((table["model"], table["suite"]), {})[seed] = table
    return tuple(_chosen(*names, values[names], tables[names], stats) for names in values)


def _chosen(model: str, suite: str, seeds: Mapping[int, Mapping[Key, Mapping[str, float]]],
            tables: Mapping[int, Mapping[str, Any]], stats: Statistics) -> Chosen:
    keys = list(dict.fromkeys(key for parts in seeds.values() for key in parts
                              if all(key in each for each in seeds.values())))
    figures, gaps = {}, {}
    most = max((n for _, _, n in keys), default=0)
    for key in keys:
        parts = [each[key] for each in seeds.values()]
        if key[0] not in RANKED and len({frozenset(part) for part in parts}) > 1:
            raise StepFailed(f"the seeds of {model} on {suite} did not meet the same problems; "
                             "choose from pools of the same suite")
        figures[key] = figure(parts, stats)
    for key, other in _compared(keys):
        found = [{item: each[key][item] - each[other][item] for item in each[key]}
                 for each in seeds.values()]
        gap = figure(found, stats, low=-1.0)
        if key[2] == most:
            gap = replace(gap, p=stats.sign_flip(list(_over_seeds(found).values())))
        gaps[key[0], key[1], other[0], key[2]] = gap
    areas: dict[str, list[Mapping[str, float]]] = {}
    for table in tables.values():
        for verifier, area in table["auc"].items():
            if area is not None:
                areas.setdefault(verifier, []).append(area)
    kinds: Counter[str] = Counter()
    for table in tables.values():
        kinds.update(table["kinds"])
    problems = min(table["problems"] for table in tables.values())
    return Chosen(model, suite, tuple(seeds), figures, gaps,
                  {name: _area(found, problems, stats) for name, found in areas.items()},
                  kinds, tuple(tables.values()))


def _compared(keys: Sequence[Key]) -> Iterator[tuple[Key, Key]]:
    """Yield each way that a verifier has a word in, beside what it is held against."""
    for way, verifier, n in keys:
        if not verifier or way in RANKED:
            continue
        for other in ((MAJORITY, "", n), (GREEDY, "", 1), (RANDOM, "", n)):
            if other in keys:
                yield (way, verifier, n), other


def figure(parts: Sequence[Mapping[str, float]], stats: Statistics, low: float = 0.0) -> Figure:
    """Return the mean over seeds of what each problem came to, with the wider interval.

    `parts`: a seed's value of each problem (of pairs, only of those that have some). `low`: the
    least that a value can be, below 0 for differences.
    """
    shares = tuple(math.fsum(part.values()) / len(part) for part in parts)
    mean = math.fsum(shares) / len(shares)
    items = _over_seeds(parts)
    # Wilson's interval, which equal values get there, is one of a share.
    under, over = (mean, mean) if low < 0 and len(set(items.values())) == 1 else (
        stats.over_problems(list(items.values())))
    under, over = min(under, mean), max(over, mean)
    if len(shares) > 1:
        _, least, most = stats.mean(shares)
        under, over = min(under, least), max(over, most)
    return Figure(mean, max(low, under), min(1.0, over), shares, len(items))


def _over_seeds(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return each problem's mean over the seeds that have it, in the order of the ids."""
    items: dict[str, list[float]] = {}
    for part in parts:
        for item, value in part.items():
            items.setdefault(item, []).append(value)
    return {item: math.fsum(each) / len(each) for item, each in sorted(items.items())}


def _area(found: Sequence[Mapping[str, float]], problems: int, stats: Statistics) -> Figure:
    """Return the mean area over seeds, with the wider of both intervals."""
    values = tuple(each["value"] for each in found)
    low, high = (math.fsum(each[end] for each in found) / len(found) for end in ("low", "high"))
    if len(values) > 1:
        _, least, most = stats.mean(values)
        low, high = min(low, least), max(high, most)
    return Figure(math.fsum(values) / len(values), max(0.0, low), min(1.0, high), values,
                  problems)
