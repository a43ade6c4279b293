"""Verify on shards gives the rows, the drops and the facts of verify on the whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.stages.stage_makers import row

from mathmill.errors import StepFailed
from mathmill.execution.crew import Here
from mathmill.execution.mapping import Mapper
from mathmill.io import read_rows, rows_in, write_rows
from mathmill.stages import verify
from mathmill.types import Drop, Sample
from mathmill.workbench import Workbench


def rows(count: int = 120) -> list[Sample]:
    return [row("What is it?" if n % 7 == 0 else f"What is {n} and one more, in all?",
                str(n + 1 + (n % 5 == 0)), f"Work {n}.", expected=str(n + 1) if n % 3 else None)
            for n in range(count)]


def verified(out: Path, mapper: Mapper | None) -> tuple[list[Sample], list[Drop], dict]:
    write_rows(out / "in" / "rows.parquet", rows(), Sample)
    bench = Workbench(out / "out", inputs={"rows": out / "in"}, mapper=mapper,
                      tools={"truth": truth})
    verify.run(bench, by=["has_digits", "long_enough(5)", "answer_agrees"])
    tally = bench.close()
    return (list(read_rows(rows_in(out / "out"), Sample)),
            list(read_rows(rows_in(out / "out", "drops"), Drop)), tally)


def truth(question: str) -> str | None:
    words = question.split()
    return str(int(words[2]) + 1) if words[2].isdecimal() else None


@pytest.mark.parametrize("size", [1, 32, 120])
def test_shards_change_no_row_no_drop_and_no_fact(tmp_path: Path, size: int) -> None:
    whole = verified(tmp_path / "whole", None)
    sharded = verified(tmp_path / "shards", Mapper(Here, print, rows=size))
    assert sharded == whole
    assert whole[2]["facts"]["rows_in"] == 120
    assert whole[2]["facts"]["truth"]["n"] > 0
    assert 0 < len(whole[0]) < 120


def test_a_shard_of_which_nothing_is_kept_is_no_failure_but_a_whole_is(tmp_path: Path) -> None:
    write_rows(tmp_path / "in" / "rows.parquet", rows(9)[:1], Sample)
    bench = Workbench(tmp_path / "out", inputs={"rows": tmp_path / "in"},
                      mapper=Mapper(Here, print, rows=3))
    with pytest.raises(StepFailed, match=r"kept none of 1 rows .*question without digits: 1"):
        verify.run(bench, by=["has_digits"])
