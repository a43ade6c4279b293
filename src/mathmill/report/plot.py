"""The scaling plot: a small drawing of lines, dots and bars, as inline SVG.

Why: one panel a regime, side by side on one scale, so that what is due to data and what is
due to more steps can be seen at a glance. A panel is as wide as a phone, so its letters stay
readable there, and it takes its colours from the page, so it follows dark mode.

Used as: `panel(curve, top=0.8, number=0)`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mathmill.report.curves import Curve, Size
from mathmill.report.markup import Html, count, join, percent, tag
from mathmill.report.scaling import Prediction

WIDTH, HEIGHT = 430, 320
LEFT, RIGHT, TOP, BOTTOM = 46, 16, 14, 44
STEPS = (0.05, 0.1, 0.2, 0.25)
"Distances between the horizontal lines, of which the first that gives at most six is taken."


@dataclass(frozen=True)
class Scale:
    """Where a size and an accuracy lie in the drawing."""

    first: float
    "Smallest size, log10."
    last: float
    "Largest size, log10."
    top: float
    "Accuracy at the upper edge."

    def x(self, rows: float) -> float:
        """Return the place of a size from the left, on a log scale."""
        share = (math.log10(rows) - self.first) / (self.last - self.first)
        return round(LEFT + 8 + share * (WIDTH - LEFT - RIGHT - 16), 1)

    def y(self, accuracy: float) -> float:
        """Return the place of an accuracy from above."""
        return round(HEIGHT - BOTTOM - accuracy / self.top * (HEIGHT - TOP - BOTTOM), 1)


def ceiling(curves: Sequence[Curve]) -> float:
    """Return the accuracy at the upper edge that all panels share: nothing is cut off."""
    most = max(max(max(s.high, *s.shares) for s in c.sizes) for c in curves)
    ahead = max(max(p.high for p in (*c.fits.next, *c.fits.curve)) for c in curves)
    # A wild band must not press the data flat: it may double the room, no more.
    need = min(1.0, max(most, min(ahead, 2 * most)) * 1.05, 1.0)
    step = _step(need)
    return min(1.0, math.ceil(need / step - 1e-9) * step)


def panel(curve: Curve, top: float, number: int) -> Html:
    """Return one curve: seeds, means with intervals, the law with its band, the next sizes."""
    fits = curve.fits
    scale = Scale(math.log10(curve.sizes[0].rows), math.log10(fits.next[-1].rows), top)
    last = curve.sizes[-1]
    words = (f"Accuracy against rows, {curve.name}: {percent(curve.sizes[0].mean)} at "
             f"{count(curve.sizes[0].rows)} rows to {percent(last.mean)} at {count(last.rows)}")
    cut = f"plot-{number}"
    inside = tag("clipPath", tag("rect", x=LEFT, y=TOP, width=WIDTH - LEFT - RIGHT,
                                 height=HEIGHT - TOP - BOTTOM), id=cut)
    return tag("svg", tag("title", words), inside, _axes(curve, scale),
               tag("g", _band(fits.curve, scale), _law(fits.curve, scale, last.rows),
                   clip_path=f"url(#{cut})"),
               *(_measured(size, scale) for size in curve.sizes),
               *(_predicted(p, scale) for p in fits.next),
               viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", class_=f"plot c{number % 2}")


def _step(top: float) -> float:
    return next((step for step in STEPS if top / step <= 6), STEPS[-1])


def _axes(curve: Curve, scale: Scale) -> Html:
    parts: list[Html] = []
    step = _step(scale.top)
    for i in range(round(scale.top / step + 1e-9) + 1):
        y = scale.y(i * step)
        parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y,
                         class_="grid" if i else "axis"))
        parts.append(tag("text", f"{i * step * 100:.0f}", x=LEFT - 8, y=y + 4, class_="end"))
    written = -math.inf
    for rows in (*(s.rows for s in curve.sizes), *(p.rows for p in curve.fits.next)):
        x = scale.x(rows)
        parts.append(tag("line", x1=x, x2=x, y1=HEIGHT - BOTTOM, y2=HEIGHT - BOTTOM + 4,
                         class_="axis"))
        if x - written >= 36:  # room for the widest label, such as 1.25M
            parts.append(tag("text", _short(rows), x=x, y=HEIGHT - BOTTOM + 18, class_="mid"))
            written = x
    parts.append(tag("text", "training rows (log scale)", x=(LEFT + WIDTH - RIGHT) / 2,
                     y=HEIGHT - 6, class_="mid soft"))
    return tag("g", *parts)


def _short(rows: int) -> str:
    """Return a size in few letters: 250, 1k, 1.5k, 2.1M."""
    for unit, letter in ((1_000_000, "M"), (1_000, "k")):
        if rows >= unit:
            return f"{rows / unit:.3g}{letter}"
    return str(rows)


def _band(curve: Sequence[Prediction], scale: Scale) -> Html:
    over = [f"{scale.x(p.rows)},{scale.y(p.high)}" for p in curve]
    under = [f"{scale.x(p.rows)},{scale.y(p.low)}" for p in reversed(curve)]
    return tag("polygon", points=" ".join(over + under), class_="band")


def _law(curve: Sequence[Prediction], scale: Scale, last: int) -> Html:
    """Draw the law, dashed beyond the largest size measured."""
    known = [p for p in curve if p.rows <= last]
    beyond = [p for p in curve if p.rows >= known[-1].rows]

    def line(points: Sequence[Prediction], name: str) -> Html:
        return tag("polyline", points=" ".join(f"{scale.x(p.rows)},{scale.y(p.accuracy)}"
                                               for p in points), class_=name)

    return join([line(known, "law"), line(beyond, "law ahead")])


def _bar(x: float, low: float, high: float, scale: Scale, name: str) -> Html:
    top, bottom = scale.y(min(high, scale.top)), scale.y(low)
    return tag("path", d=f"M{x - 4} {top}h8M{x} {top}V{bottom}M{x - 4} {bottom}h8", class_=name)


def _measured(size: Size, scale: Scale) -> Html:
    x = scale.x(size.rows)
    words = (f"{count(size.rows)} rows: {percent(size.mean)} "
             f"[{percent(size.low)}, {percent(size.high)}], {len(size.shares)} seeds")
    return tag("g", tag("title", words), _bar(x, size.low, size.high, scale, "bar"),
               *(tag("circle", cx=x + 9, cy=scale.y(share), r=2.5, class_="seed")
                 for share in size.shares if len(size.shares) > 1),
               tag("circle", cx=x, cy=scale.y(size.mean), r=4.5, class_="mean"))


def _predicted(found: Prediction, scale: Scale) -> Html:
    x, y = scale.x(found.rows), scale.y(min(found.accuracy, scale.top))
    words = (f"{count(found.rows)} rows, predicted: {percent(found.accuracy)} "
             f"[{percent(found.low)}, {percent(found.high)}]")
    return tag("g", tag("title", words), _bar(x, found.low, found.high, scale, "bar ahead"),
               tag("path", d=f"M{x} {y - 6}l6 6l-6 6l-6 -6z", class_="next"))
