"""Tests of which record a step's rows are."""

from __future__ import annotations

import pytest
from stage_makers import problems, row

from mathmill.candidates import Rated
from mathmill.errors import InputError
from mathmill.io import write_rows
from mathmill.stages.records import record_of
from mathmill.texts import Text, Valued, make_text, text_id
from mathmill.types import Drop, Problem, Sample
from mathmill.workbench import Workbench

ROWS = {Problem: problems(1), Sample: [row()], Valued: [Valued("a", "b", 0.5, "gradient")],
        Text: [make_text("Some maths.", kind="web", source="a:1", licence="CC0", part=2)],
        Rated: [Rated("a", "pass_rate", 3, 4, 8, 0.5, 0.2, 0.8, "s")],
        Drop: [Drop("a", "duplicate")]}


def bench(folder, record):
    write_rows(folder / "in" / "rows.parquet", ROWS[record], record)
    return Workbench(folder / "out", inputs={"rows": folder / "in"})


@pytest.mark.parametrize("record", [Problem, Sample, Valued, Rated, Text])
def test_a_file_says_itself_what_it_holds(tmp_path, record):
    desk = bench(tmp_path, record)
    assert record_of(desk, "rows", (Problem, Rated, Sample, Text, Valued)) is record
    assert list(desk.rows("rows", record)) == ROWS[record]


def test_records_that_a_step_does_not_take_are_named(tmp_path):
    with pytest.raises(InputError, match="holds texts; this step takes problems or samples"):
        record_of(bench(tmp_path, Text), "rows")
    with pytest.raises(InputError, match="holds samples; this step takes problems or texts"):
        record_of(bench(tmp_path / "b", Sample), "rows", (Problem, Text))
    with pytest.raises(InputError, match="holds neither problems nor samples"):
        record_of(bench(tmp_path / "c", Drop), "rows")


def test_the_same_words_have_the_same_id_and_root():
    one, other = make_text("Some  maths.\n"), make_text("Some maths.", kind="book")
    assert one.id == other.id == one.root == one.whole == text_id("Some maths.")
    assert make_text("Other maths.", whole=one.id).whole == one.id
