"""The scaling plot: accuracy against training rows, the law through it, and the next size.

Used by `page`: `render(material)`.
"""

from __future__ import annotations

from mathmill.report.curves import Curve
from mathmill.report.markup import (
    Html,
    count,
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
from mathmill.report.plot import ceiling, panel
from mathmill.report.scaling import Fits

ALIKE = 0.01
"Laws whose held-out errors differ by less than a point are not told apart by a run like this."


def render(material: Material) -> Html:
    """Return the panels, the sizes in figures, and the laws."""
    if not material.curves:
        return Html("")
    top = ceiling(material.curves)
    figures = [tag("figure", tag("figcaption", _capital(curve.name), tag(
        "small", f"accuracy in %, mean of {len(curve.seeds)} "
                 f"seed{'s' if len(curve.seeds) > 1 else ''}, n = {count(curve.sizes[0].items)}",
        class_="soft")), panel(curve, top, number)) for number, curve in enumerate(material.curves)]
    return section(
        "scaling", "How accuracy grows with data",
        para("Filled dots are means over seeds, the rings beside them single runs. Bars are "
             "95 % intervals, the wider of seed-to-seed and item sampling. The line is the law "
             "that best foretold the largest sizes from the smaller ones; its band and the "
             "diamonds reach to sizes that nobody has trained.", class_="soft"),
        tag("div", *figures, class_="plots"), *_why_two(material),
        *(join([tag("h3", _capital(curve.name)), _sizes(curve), _laws(curve.fits),
                _said(curve.fits)]) for curve in material.curves))


def _why_two(material: Material) -> list[Html]:
    if len(material.curves) < 2:
        return []
    return [para("At fixed epochs a larger set also means more optimiser steps; at fixed steps "
                 "only the data differ. What is seen on the one but not on the other is due to the "
                 "steps, not to the number of rows.")]


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _sizes(curve: Curve) -> Html:
    rows: list[tuple[object, ...]] = [
        (count(size.rows), Html(percent(size.mean) + tag("span", span(size.low, size.high),
                                                         class_="ci")),
         *(percent(share) for share in size.shares)) for size in curve.sizes]
    ahead: list[tuple[object, ...]] = [
        (tag("i", f"{count(p.rows)}, predicted"),
         Html(percent(p.accuracy) + tag("span", span(p.low, p.high), class_="ci")),
         *("" for _ in curve.seeds)) for p in curve.fits.next]
    return table(("rows", "accuracy", *(f"seed {seed}" for seed in curve.seeds)), rows + ahead,
                 caption="Every cell of the sweep")


def _laws(fits: Fits) -> Html:
    rows = []
    for law in fits.laws:
        name = tag("b", law.name, " (chosen)") if law is fits.chosen else law.name
        values = "; ".join(f"{key} = {value:.3g} [{law.intervals[key][0]:.3g}, "
                           f"{law.intervals[key][1]:.3g}]" for key, value in law.parameters.items())
        rows.append((name, tag("code", law.formula), tag("span", values, class_="wide"),
                     f"{law.held_out * 100:.1f}", f"{law.r2:.3f}",
                     f"{law.chosen_share * 100:.0f} %"))
    return table(("law", "accuracy =", "fitted to all sizes", "held-out error, points", "R²",
                  "wins in bootstrap"), rows, words=3,
                 caption="Three laws; the smallest error at held-out sizes decides, not R²")


def _said(fits: Fits) -> Html:
    rivals = [law.name for law in fits.laws
              if law is not fits.chosen and law.held_out - fits.chosen.held_out < ALIKE]
    slope = next(law for law in fits.laws if law.name == "log-linear")
    low, high = slope.intervals["b"]
    said = (f"The log-linear slope is {points(slope.parameters['b'])} points for ten times "
            f"the data {span(low, high, True)}. ")
    if rivals:
        said += (f"At this noise the {fits.chosen.name} cannot be told from the "
                 f"{' or the '.join(rivals)}; the intervals of the predictions include that doubt.")
    else:
        said += f"The {fits.chosen.name} foretold the largest sizes best, by a point or more."
    return para(said)
