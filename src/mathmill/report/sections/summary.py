"""The first screen: the result in one sentence, what it rests on, and the key figures.

Used by `page`: `headline(material)`, `render(material)`.
"""

from __future__ import annotations

from mathmill.candidates import BEST, GREEDY, MAJORITY, PAIRS
from mathmill.dollars import in_words as dollars
from mathmill.report.choices import Chosen
from mathmill.report.curves import Curve
from mathmill.report.markup import (
    TIED,
    Html,
    count,
    join,
    para,
    percent,
    points,
    seconds,
    span,
    tag,
    tile,
)
from mathmill.report.material import Material
from mathmill.report.scores import counted
from mathmill.report.studies import UNSEEN, in_words

NEAR_ZERO = 0.02
"An accuracy whose upper bound is below this is called near zero: no ability is shown."


def headline(material: Material) -> str:
    """Return the run's result as one sentence."""
    if material.curves:
        return _curve_sentence(material.curves[0])
    if material.chosen:
        return choice_sentence(material.chosen[0])
    if material.main is not None:
        return accuracy_sentence(material, material.main.label)
    if material.graph.steps:
        kept = sum(node.rows_kept for node in material.graph.data)
        return f"{count(kept)} rows of training data; no model was scored in this run"
    return "This run made nothing that could be reported"


def accuracy_sentence(material: Material, label: str) -> str:
    """Return what the main model solves, in words, near zero plainly said.

    Suite by suite where there are several: a share of all items together would hide that a
    model can do the one and not the other.
    """
    assert material.main is not None
    found = {}
    for suite in material.main.suites:
        grades = counted(material.main.of(suite))
        solved = grades.solved(material.measure)
        low, high = material.stats.wilson(solved, grades.total)
        found[suite] = (high < NEAR_ZERO, f"{percent(solved / grades.total)} {span(low, high)}, "
                                          f"n = {count(grades.total)}")
    if len(found) == 1:
        nothing, figures = next(iter(found.values()))
        return f"{label} is near zero: {figures}" if nothing else f"{label} solves {figures}"
    return f"{label} solves " + "; ".join(
        f"on {suite} {'near zero, ' if nothing else ''}{figures}"
        for suite, (nothing, figures) in found.items())


def choice_sentence(chosen: Chosen) -> str:
    """Return what the best of all samples by the verifier solves, beside the other choices."""
    n = chosen.sizes[-1]
    found = {way: chosen.at(way, chosen.own if way == BEST else "", n)
             for way in (BEST, MAJORITY, GREEDY)}
    said = {way: f"{percent(one.mean)} {span(one.low, one.high)}"
            for way, one in found.items() if one is not None}
    rest = [words + said[way] for way, words in ((MAJORITY, "their majority "),
                                                 (GREEDY, "one greedy answer ")) if way in said]
    if BEST not in said:
        return f"Of {n} samples, {' and '.join(rest)}"
    return f"The best of {n} samples by a verifier solves {said[BEST]}" + (
        f"; {' and '.join(rest)}" if rest else "")


def _curve_sentence(curve: Curve) -> str:
    first, last = curve.sizes[0], curve.sizes[-1]
    rise = (f"from {percent(first.mean)} at {count(first.rows)} rows "
            f"to {percent(last.mean)} at {count(last.rows)}")
    if not curve.apart:
        return f"More data made no difference that this run could see: {rise}"
    if curve.gain < 0:
        return f"More data hurt: accuracy fell {rise}"
    return f"More data helped: accuracy rose {rise}"


def _intervals(curve: Curve) -> str:
    """Return what the headline rests on: both intervals, and how they were come by."""
    first, last = curve.sizes[0], curve.sizes[-1]
    state = "do not overlap" if curve.apart else "overlap"
    return (f"The 95{TIED}% intervals {span(first.low, first.high)} and "
            f"{span(last.low, last.high)} {state}; {curve.name}, seeds: "
            f"{len(curve.seeds)}, test items: {count(first.items)}.")


def render(material: Material) -> Html:
    """Return the lines under the headline, and the tiles."""
    said = [para(line, class_="lead") for line in _lines(material)]
    return join([*said, tag("div", *_tiles(material), class_="tiles")])


def _lines(material: Material) -> list[str]:
    lines = []
    if material.curves:
        lines.append(_intervals(material.curves[0]))
    for curve in material.curves[1:]:
        seen = "" if curve.apart else f": {UNSEEN}"
        lines.append(f"At {curve.name}, the same sizes differ by {points(curve.gain)} points "
                     f"({percent(curve.sizes[0].mean)} to {percent(curve.sizes[-1].mean)}){seen}.")
    if material.curves:
        curve = material.curves[0]
        ahead = curve.fits.next[0]
        lines.append(f"With {count(ahead.rows)} rows, the law that best foretold the held-out "
                     f"sizes ({curve.fits.chosen.name}) expects {percent(ahead.accuracy)} "
                     f"{span(ahead.low, ahead.high)}.")
    if material.curves and material.main is not None and material.main in material.models:
        name = material.main.label
        lines.append(accuracy_sentence(material, f"The model {name}") + ".")
    lines += [line for one in material.chosen[:1] for line in _choice_lines(one)]
    if material.studies:
        arms = [arm for study in material.studies for arm in study.arms if not arm.control]
        none = sum(arm.words.startswith(UNSEEN) for arm in arms)
        lines.append(f"Comparisons with a control: {len(arms)}. An effect is seen in "
                     f"{len(arms) - none} of them; in {none}, none that this run could see.")
    return lines


def _choice_lines(chosen: Chosen) -> list[str]:
    """Return what the verifier gains over the other choices, and how it ranks."""
    n, lines = chosen.sizes[-1], []
    for other in (MAJORITY, GREEDY):
        gap = chosen.gaps.get((BEST, chosen.own, other, n))
        if gap is not None:
            lines.append(f"Best of {n} against {other}: {in_words(gap.mean, gap.low, gap.high)}.")
    pairs = chosen.at(PAIRS, chosen.own, 0)
    if pairs is not None:
        lines.append(f"Within a problem the verifier ranks right above wrong in "
                     f"{percent(pairs.mean)} of pairs {span(pairs.low, pairs.high)}; chance is 50.")
    return lines


def _choice_tiles(chosen: Chosen) -> list[Html]:
    """Return the key figures of choosing: the best of all samples, and the greedy answer."""
    n, tiles = chosen.sizes[-1], []
    for way, by, words in ((BEST, chosen.own, f"solved by the best of {n} by the verifier"),
                           (MAJORITY, "", f"by the majority of {n}"),
                           (GREEDY, "", "by one greedy answer (pass@1)")):
        found = chosen.at(way, by, n)
        if found is not None:
            tiles.append(tile(percent(found.mean), words,
                              f"{span(found.low, found.high)}, n = {count(found.problems)}, "
                              f"{len(chosen.seeds)} seeds, {chosen.model} on {chosen.suite}"))
    return tiles


def _tiles(material: Material) -> list[Html]:
    tiles = []
    graph = material.graph
    if graph.data:
        lost = sum(node.rows_dropped for node in graph.ancestors(*graph.data))
        kept = sum(node.rows_kept for node in graph.data)
        tiles.append(tile(count(kept), "rows of training data",
                          f"{count(lost)} left out, each with its reason"))
    for suite in () if material.main is None else material.main.suites:
        assert material.main is not None
        grades = counted(material.main.of(suite))
        low, high = material.stats.wilson(grades.solved(material.measure), grades.total)
        which = f"of {suite} " if len(material.main.suites) > 1 else ""
        tiles.append(tile(percent(grades.share(material.measure)),
                          f"{which}solved by {material.main.label}",
                          f"{span(low, high)}, n = {count(grades.total)}, {material.measure}"))
    tiles += [each for one in material.chosen[:1] for each in _choice_tiles(one)]
    if material.curves:
        curve = material.curves[0]
        tiles.append(tile(points(curve.gain), "points from the smallest to the largest size",
                          f"{len(curve.sizes)} sizes, {len(curve.seeds)} "
                          f"seed{'s' if len(curve.seeds) > 1 else ''}, {curve.name}"))
    spent = material.cost
    bought = spent.tokens.read + spent.tokens.written
    tiles.append(tile(seconds(spent.seconds), "of work in all steps",
                      f"{count(bought)} teacher tokens; {_money(material)}"))
    return tiles


def _money(material: Material) -> str:
    """Return what the run paid, or else what its replies were worth."""
    if material.paid:
        return f"{dollars(sum(account.pico for account in material.paid))} paid"
    return material.cost.money
