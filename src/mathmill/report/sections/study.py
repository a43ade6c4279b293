"""Studies: every arm over its seeds, its difference to the control, and what that says.

Used by `page`: `render(material)`.
"""

from __future__ import annotations

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
from mathmill.report.sections.paired import p_value
from mathmill.report.studies import Arm, Study


def render(material: Material) -> Html:
    """Return one table a study, effects and their absence alike."""
    if not material.studies:
        return Html("")
    return section(
        "studies", "Studies",
        para("Each arm differs from its control in one thing. Differences are taken seed by seed; "
             "the interval is over those differences (t), so that it holds what varies from run to "
             "run. McNemar's p is over the items of all common seeds and leaves that out: it is "
             "the smaller doubt, shown beside.", class_="soft"),
        *(join([tag("h3", study.name), _table(study), *_words(study)])
          for study in material.studies))


def _table(study: Study) -> Html:
    levels = sorted({level for arm in study.arms for level in arm.levels})
    head = ("arm", "accuracy", "difference, points", "p (McNemar)", "seeds", "items",
            *(f"level {level}" for level in levels))
    return table(head, [_row(arm, levels) for arm in study.arms])


def _row(arm: Arm, levels: list[int]) -> tuple[object, ...]:
    accuracy = Html(percent(arm.mean) + tag("span", span(arm.low, arm.high), class_="ci"))
    difference: object = "control"
    if arm.difference is not None and arm.interval is not None:
        difference = Html(points(arm.difference)
                          + tag("span", span(*arm.interval, signed=True), class_="ci"))
    p = "" if arm.p_items is None else p_value(arm.p_items)
    return (tag("b", arm.name), accuracy, difference, p, count(len(arm.seeds)), count(arm.items),
            *(percent(arm.levels[level]) if level in arm.levels else "" for level in levels))


def _words(study: Study) -> list[Html]:
    control = study.arms[0].name
    return [para(tag("b", arm.name), f" against {control}: {arm.words}.")
            for arm in study.arms if not arm.control]
