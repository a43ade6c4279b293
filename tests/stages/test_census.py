"""A census tells rows that are right, near, both, and what nobody can read; the page says so."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from stage_makers import row

from mathmill.errors import StepFailed
from mathmill.io import write_rows
from mathmill.report.sections.census import render
from mathmill.stages import census
from mathmill.types import Problem, Sample, make_problem
from mathmill.workbench import Workbench

TRUTH = {"pens 1": "4", "pens 2": "5", "cups 1": "6"}
ROWS = [row("pens 1", "4"), row("pens 1", "4.0", "Otherwise."), row("pens 2", "9"),
        row("cups 1", "6"), row("cups 1", None), row("unread", "4")]


def run(folder, target, sets) -> Workbench:
    inputs = {"target": folder / "target"}
    write_rows(folder / "target" / "rows.parquet", target, Problem)
    for number, parts in enumerate(sets):
        for place, part in enumerate(parts):
            inputs[f"rows.{number}.{place}"] = folder / f"{number}-{place}"
            write_rows(folder / f"{number}-{place}" / "rows.parquet", part, Sample)
    bench = Workbench(folder / "out", inputs, {
        "truth": TRUTH.get, "kind": lambda text: text.split()[0] if text in TRUTH else None})
    census.run(bench, sets=["first", "second"][:len(sets)])
    return bench


def test_rows_are_counted_by_set_over_all_its_steps(tmp_path):
    bench = run(tmp_path, [make_problem("pens 2"), make_problem("unread")],
                [[ROWS[:3], ROWS[3:]], [[ROWS[3]]]])
    assert bench.facts["kinds"] == ["pens"]
    assert bench.facts["sets"] == {
        "first": {"rows": 6, "read": 5, "right": 3, "near": 3, "near_right": 2},
        "second": {"rows": 1, "read": 1, "right": 1, "near": 0, "near_right": 0}}


def test_a_target_that_nobody_can_read_is_no_census(tmp_path):
    with pytest.raises(StepFailed, match="no problem of the target can be read"):
        run(tmp_path, [make_problem("unread")], [[ROWS]])


def test_the_page_gives_shares_and_leaves_out_what_has_none(tmp_path):
    bench = run(tmp_path, [make_problem("pens 2")], [[ROWS], [[ROWS[3]]]])
    page = str(render(SimpleNamespace(graph=SimpleNamespace(
        verbs=lambda verb: [SimpleNamespace(facts=bench.facts)] if verb == "census" else []))))
    for cell in ("83.3", "50.0", "33.3", "66.7"):
        assert cell in page
    assert str(render(SimpleNamespace(graph=SimpleNamespace(verbs=lambda verb: [])))) == ""
