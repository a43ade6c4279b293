"""Choosing among samples: accuracy against their number, how verifiers rank, and what is seen.

Used by `page`: `render(material)`.
"""

from __future__ import annotations

from collections.abc import Mapping

from mathmill.candidates import (
    BEST,
    GREEDY,
    MAJORITY,
    NUMBERS,
    ORACLE,
    PAIRS,
    RANDOM,
    SAMPLES,
    WEIGHTED,
)
from mathmill.report.choices import Chosen, Figure
from mathmill.report.markup import (
    Html,
    count,
    details,
    join,
    para,
    percent,
    points,
    section,
    span,
    table,
    tag,
)
from mathmill.report.material import Material
from mathmill.report.sections.paired import p_value
from mathmill.report.studies import in_words
from mathmill.report.ways import legend, plot

AIM = 0.7
"Pair accuracy from which on a verifier is said to tell right from wrong within a problem."
LEAST = 0.001
"A p below this is written as such."
BLIND = 0.6
"Pair accuracy below which a good pooled area means that it knows how hard a problem is."


def render(material: Material) -> Html:
    """Return the curves, the tables of figures and the plain words."""
    if not material.chosen:
        return Html("")
    seeds = max(len(one.seeds) for one in material.chosen)
    return section(
        "choosing", "Choosing among samples",
        para("One pool of samples a seed; every way meets the same. A figure at n is the mean over "
             "all draws of n of a problem's samples. Intervals (95 %) are the wider of two: over "
             f"problems, and over seeds ({seeds} of each). ",
             tag("b", "random"), " takes any program that gave an answer, ",
             tag("b", "majority"), " the answer most often given (equal in value, however "
             "written), ", tag("b", "best"), " the highest score, ", tag("b", "weighted"),
             " the answer with the highest sum of scores; the ", tag("b", "oracle"),
             " knows which is right.", class_="soft"),
        tag("div", *(_figure(chosen) for chosen in material.chosen), class_="plots"),
        *(_one(chosen) for chosen in material.chosen), *_grids(material))


def _figure(chosen: Chosen) -> Html:
    """Return the curves of one generator, with their names in their colours."""
    problems = next(iter(chosen.figures.values())).problems
    by = f"; verifier: {chosen.own}" if chosen.own else ""
    caption = tag("figcaption", f"{chosen.model} on {chosen.suite}", tag(
        "small", f"accuracy in %, mean of {len(chosen.seeds)} "
                 f"seed{'s' if len(chosen.seeds) > 1 else ''}, n = {count(problems)} problems{by}",
        class_="soft"))
    return tag("figure", caption, plot(chosen, chosen.own), legend(chosen, chosen.own))


def _one(chosen: Chosen) -> Html:
    verifier, n = chosen.own, chosen.sizes[-1]
    others = [v for v in chosen.verifiers if v != verifier]
    return join([
        tag("h3", f"{chosen.model} on {chosen.suite}"), *words(chosen, verifier, n),
        _sizes(chosen, verifier),
        details("With other verifiers, and the generator's own log-probability",
                *(_sizes(chosen, other) for other in others)) if others else "",
        _ranking(chosen), _gaps(chosen)])


def words(chosen: Chosen, verifier: str, n: int) -> list[Html]:
    """Return what was and was not seen, in plain words."""
    said: list[Html] = []
    best = chosen.at(BEST, verifier, n)
    if best is None:
        return [para("No verifier was asked in this run.")]
    for other in (MAJORITY, GREEDY, RANDOM):
        gap, base = chosen.gaps.get((BEST, verifier, other, n)), chosen.at(other, "", n)
        if gap is None or base is None:
            continue
        state = "do not overlap" if best.clear_of(base) else "overlap"
        said.append(para(
            tag("b", f"Best of {n} by {verifier} against {other}: "),
            f"{in_words(gap.mean, gap.low, gap.high)}; {percent(best.mean)} "
            f"{span(best.low, best.high)} against {percent(base.mean)} "
            f"{span(base.low, base.high)}, intervals that {state}"
            + ("." if gap.p is None else f"; paired permutation test over problems, p "
               f"{p_value(gap.p) if gap.p < LEAST else '= ' + p_value(gap.p)}.")))
    pairs = chosen.at(PAIRS, verifier, 0)
    if pairs is None:
        return [*said, para("No problem has right and wrong programs, so how the verifier ranks "
                            "them cannot be told.")]
    area = chosen.auc.get(verifier)
    said.append(para(
        tag("b", "Within a problem"), f", {verifier} ranks the right program above the wrong one "
        f"in {percent(pairs.mean)} of pairs {span(pairs.low, pairs.high)} (by chance: 50; "
        f"{count(pairs.problems)} problems have such pairs). {_verdict(pairs)}"
        + ("" if area is None else f" Over the samples of all problems together the area under "
           f"its curve is {area.mean:.3f} [{area.low:.3f}, {area.high:.3f}]"
           + (": it has learned more about which problems are hard than about which answer is "
              "right." if pairs.mean < BLIND < area.mean else "."))))
    return said


def _verdict(pairs: Figure) -> str:
    if pairs.low <= 0.5 <= pairs.high:
        return "That is not told from chance."
    if pairs.low > AIM:
        return f"That is above {AIM:.0%}, with its whole interval."
    return f"That is {'above' if pairs.mean > AIM else 'not above'} {AIM:.0%}" + (
        ", though not with its whole interval." if pairs.mean > AIM else ".")


def _cell(found: Figure | None) -> object:
    if found is None:
        return "–"
    return Html(percent(found.mean) + tag("span", span(found.low, found.high), class_="ci"))


def _sizes(chosen: Chosen, verifier: str) -> Html:
    """Return the table of every way at every n, each seed's own figures folded below."""
    ways = [(way, verifier if way in (BEST, WEIGHTED) else "")
            for way in (GREEDY, RANDOM, MAJORITY, BEST, WEIGHTED, ORACLE)]
    there = [(way, by) for way, by in ways if chosen.at(way, by, chosen.sizes[-1]) is not None]
    rows = [(str(n), *(_cell(chosen.at(way, by, n)) for way, by in there)) for n in chosen.sizes]
    each = [(str(n), str(seed), *(
        percent(figure.seeds[place]) if (figure := chosen.at(way, by, n)) else "–"
        for way, by in there)) for n in chosen.sizes for place, seed in enumerate(chosen.seeds)]
    known = {GREEDY: "greedy (pass@1)", ORACLE: "oracle (pass@n)"}
    head = [known.get(way, way) for way, _ in there]
    return join([
        table(("n", *head), rows, caption=f"{chosen.model} on {chosen.suite}, verifier: "
                                          f"{verifier or 'none'}"),
        details("Every seed", table(("n", "seed", *head), each, words=2))])


def _ranking(chosen: Chosen) -> Html:
    """Return how each verifier ranks, within problems and over all."""
    rows = []
    for verifier in chosen.verifiers:
        area = chosen.auc.get(verifier)
        rows.append((
            tag("b", verifier), *(_cell(chosen.at(way, verifier, 0))
                                  for way in (PAIRS, NUMBERS, SAMPLES)),
            "–" if area is None else Html(f"{area.mean:.3f}" + tag(
                "span", f"[{area.low:.3f}, {area.high:.3f}]", class_="ci"))))
    if not rows:
        return Html("")
    return table(
        ("verifier", "pairs of programs", "both gave an answer", "pairs of samples",
         "area, all problems"), rows,
        caption=f"How right programs of {chosen.model} are ranked above wrong ones of the same "
                "problem (mean over problems; equal programs count once but among samples), and "
                "over all problems")


def _gaps(chosen: Chosen) -> Html:
    """Return the paired differences at every n."""
    rows = [(tag("b", f"{way}, {verifier}" if verifier else way), against,
             *(_gap(chosen.gaps.get((way, verifier, against, n))) for n in chosen.sizes))
            for way, verifier, against in dict.fromkeys(key[:3] for key in chosen.gaps)]
    if not rows:
        return Html("")
    return details("Paired differences on the same problems, in points", table(
        ("way", "against", *(f"n = {n}" for n in chosen.sizes)), rows, words=2))


def _gap(found: Figure | None) -> object:
    if found is None:
        return "–"
    return Html(points(found.mean) + tag("span", span(found.low, found.high, True), class_="ci"))


def _grids(material: Material) -> list[Html]:
    """Return, for each suite with several generators or verifiers, the grid of the two."""
    found: dict[str, list[Chosen]] = {}
    for chosen in material.chosen:
        found.setdefault(chosen.suite, []).append(chosen)
    return [_grid(suite, group) for suite, group in found.items()
            if len(group) > 1 or len(_trained(group[0])) > 1]


def _trained(chosen: Chosen) -> list[str]:
    """Return the verifiers that were trained: those that also weigh a vote."""
    return [v for v in chosen.verifiers if (WEIGHTED, v, chosen.sizes[-1]) in chosen.figures]


def _grid(suite: str, group: list[Chosen]) -> Html:
    """Return generators across, ways of choosing down, as the paper's Figure 4."""
    n = min(chosen.sizes[-1] for chosen in group)
    plain: Mapping[str, str] = {GREEDY: "greedy, one answer", MAJORITY: f"majority of {n}"}
    rows: list[tuple[object, ...]] = [
        (words_, *(_cell(chosen.at(way, "", n)) for chosen in group))
        for way, words_ in plain.items()]
    verifiers = dict.fromkeys(v for chosen in group for v in _trained(chosen))
    rows += [(tag("b", f"best of {n} by {verifier}"),
              *(_cell(chosen.at(BEST, verifier, n)) for chosen in group))
             for verifier in verifiers]
    return table(("chosen by", *(f"generator {chosen.model}" for chosen in group)), rows,
                 caption=f"Generator by verifier on {suite}")
