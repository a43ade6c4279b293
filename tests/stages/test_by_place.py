"""Tests of rows by their place."""

from __future__ import annotations

import pytest

from mathmill.io import write_rows
from mathmill.stages import by_place as module
from mathmill.stages.by_place import Laid, by_place
from mathmill.texts import Text, make_text
from mathmill.workbench import Workbench


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("rows")
    rows = [make_text(f"Text {n}.", source=f"a:{n}", title=None if n % 2 else "T")
            for n in range(12_000)]
    write_rows(tmp_path / "in" / "rows.parquet", rows, Text)
    return Workbench(tmp_path / "out", inputs={"seeds": tmp_path / "in"}), rows


def test_many_rows_are_laid_out_and_read_by_place(bench, monkeypatch):
    desk, rows = bench
    monkeypatch.setattr(module, "HELD", 10)
    laid = by_place(desk, "seeds", Text)
    assert isinstance(laid, Laid)
    assert len(laid) == len(rows)
    for place in (0, 1, 9_999, 10_000, 11_999, -1):
        assert laid[place] == rows[place]
    assert laid[9_998:10_002] == rows[9_998:10_002]
    assert list(laid) == rows
    assert not list(desk.out.iterdir()), "the file goes with its use"
    with pytest.raises(IndexError):
        laid[12_000]


def test_few_rows_are_held(bench):
    desk, rows = bench
    assert by_place(desk, "seeds", Text) == rows
