"""The plot of accuracy against the number of samples: a line with its band for each way.

Why: whether a verifier is worth its samples is read off where its line leaves the majority's
and the greedy one, and whether the bands still overlap there.

Used as: `plot(chosen, "large")`, which returns inline SVG in the page's own colours.
"""

from __future__ import annotations

import math

from mathmill.candidates import BEST, GREEDY, MAJORITY, ORACLE, RANDOM, WEIGHTED
from mathmill.report.choices import Chosen, Figure
from mathmill.report.markup import Html, percent, span, tag
from mathmill.report.plot import BOTTOM, HEIGHT, LEFT, RIGHT, STEPS, TOP, WIDTH

WAYS = (ORACLE, BEST, WEIGHTED, MAJORITY, GREEDY, RANDOM)
"From the line that is mostly highest to the lowest."


def lines(chosen: Chosen, verifier: str) -> dict[str, list[tuple[int, Figure]]]:
    """Return each way's figures by n, with `verifier` for those that need one."""
    found: dict[str, list[tuple[int, Figure]]] = {}
    for way in WAYS:
        named = verifier if way in (BEST, WEIGHTED) else ""
        points = [(n, figure) for n in chosen.sizes
                  if (figure := chosen.at(way, named, n)) is not None]
        if points:
            found[way] = points
    return found


def plot(chosen: Chosen, verifier: str) -> Html:
    """Return the drawing: n on a scale of doublings, accuracy from 0 to a round figure above."""
    ways = lines(chosen, verifier)
    highest = max(figure.high for points in ways.values() for _, figure in points)
    step = next((s for s in STEPS if min(1.0, highest * 1.03) / s <= 6), STEPS[-1])
    top = min(1.0, math.ceil(min(1.0, highest * 1.03) / step - 1e-9) * step)
    last = max(1.0, math.log2(chosen.sizes[-1]))

    def x(n: int) -> float:
        return round(LEFT + 8 + math.log2(n) / last * (WIDTH - LEFT - RIGHT - 16), 1)

    def y(share: float) -> float:
        return round(HEIGHT - BOTTOM - share / top * (HEIGHT - TOP - BOTTOM), 1)

    words = "; ".join(f"{way} {percent(points[-1][1].mean)}" for way, points in ways.items())
    drawn = [tag("title", f"Accuracy against samples, {chosen.model} on {chosen.suite}; at "
                          f"{chosen.sizes[-1]}: {words}")]
    for i in range(round(top / step + 1e-9) + 1):
        drawn += [tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y(i * step), y2=y(i * step),
                      class_="grid" if i else "axis"),
                  tag("text", f"{i * step * 100:.0f}", x=LEFT - 8, y=y(i * step) + 4,
                      class_="end")]
    for n in chosen.sizes:
        drawn += [tag("line", x1=x(n), x2=x(n), y1=HEIGHT - BOTTOM, y2=HEIGHT - BOTTOM + 4,
                      class_="axis"),
                  tag("text", str(n), x=x(n), y=HEIGHT - BOTTOM + 18, class_="mid")]
    drawn.append(tag("text", "samples (doublings)", x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 6,
                     class_="mid soft"))
    for way, points in ways.items():
        over = [f"{x(n)},{y(f.high)}" for n, f in points]
        under = [f"{x(n)},{y(f.low)}" for n, f in reversed(points)]
        dots = [tag("circle", tag("title", f"{way}, {n} samples: {percent(f.mean)} "
                                           f"{span(f.low, f.high)}"),
                    cx=x(n), cy=y(f.mean), r=3, class_="mean")
                for n, f in points if way != GREEDY or n == 1]
        drawn.append(tag("g", tag("polygon", points=" ".join(over + under), class_="band"),
                         tag("polyline", points=" ".join(f"{x(n)},{y(f.mean)}"
                                                         for n, f in points),
                             class_="law ahead" if way == GREEDY else "law"),
                         *dots, class_=f"way-{way}"))
    return tag("svg", *drawn, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", class_="plot")


def legend(chosen: Chosen, verifier: str) -> Html:
    """Return the names of the ways in their colours."""
    return tag("ul", *(tag("li", tag("i", class_=f"way-{way}"), way)
                       for way in lines(chosen, verifier)), class_="legend")
