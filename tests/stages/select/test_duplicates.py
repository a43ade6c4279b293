"""Tests of the rules by which `select` finds rows that repeat an earlier one."""

from __future__ import annotations

import json
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage_makers import row

from mathmill import columns
from mathmill.errors import UsageError
from mathmill.io import read_rows, write_rows
from mathmill.programs import make_function
from mathmill.stages import select
from mathmill.stages.select.duplicates import repeated
from mathmill.types import Sample
from mathmill.workbench import Workbench


def program(question: str, body: str) -> Sample:
    return row(question, None, make_function(question, body))


ROWS = [
    program("Tom has 3 red pens and buys 4.", "pens = 3\nresult = pens + 4"),
    program("tom has  3 RED pens: and buys 4.", "pens = 3\nresult = pens + 4"),  # the same text
    program("Tom has 3 red pens and buys 4.", "total = 3 + 4\nresult = total"),  # other solution
    program("Ann has 7 red pens and buys 12.", "red = 7\nresult = 12 + red"),  # other numbers
    program("Ann sells 7 caps for 12 each.", "caps = 7\nresult = caps + 12"),  # other story
    row("No program", "4", "in words"), row("No program", "4", "in other words")]


def run(folder, rows, **literals):
    write_rows(folder / "in" / "rows.parquet", rows, Sample)
    bench = Workbench(folder / "out", inputs={"rows": folder / "in"})
    select.run(bench, how="all", **literals)
    return list(read_rows(folder / "out" / "rows.parquet", Sample)), bench.drops, bench.close()


@pytest.mark.parametrize(("rules", "left"), [
    ([], [0, 1, 2, 3, 4, 5, 6]), (["text"], [0, 2, 3, 4, 5, 6]), (["question"], [0, 3, 4, 5]),
    (["structure"], [0, 1, 2, 4, 5, 6]), (["program"], [0, 2, 5, 6]),
    (["text", "structure"], [0, 2, 4, 5, 6])])
def test_each_rule_is_a_switch_and_the_first_row_stays(tmp_path, rules, left):
    kept, drops, tally = run(tmp_path, ROWS, duplicates=rules)
    assert [ROWS.index(next(r for r in ROWS if r.id == k.id)) for k in kept] == left
    assert len(drops) == len(ROWS) - len(left)
    assert sum(fact["rows"] for fact in tally["facts"]["duplicates"].values()) == len(drops)


def test_programs_that_differ_in_brackets_alone_are_two_solutions(tmp_path):
    rows = [program("Two of 3 and 4?", f"result = {sum_}") for sum_ in ("(3 + 4) * 2", "3 + 4 * 2")]
    assert len(run(tmp_path, rows, duplicates=["text"])[0]) == 2


def test_a_drop_names_its_rule_and_the_row_that_it_repeats(tmp_path):
    _, drops, tally = run(tmp_path, ROWS, duplicates=["text", "structure"])
    assert [(d.id, d.reason, d.detail) for d in drops] == [
        (ROWS[1].id, "near duplicate", f"of {ROWS[0].id}"),
        (ROWS[3].id, "same question and structure", f"of {ROWS[0].id}")]
    assert json.loads(drops[1].row)["question"] == ROWS[3].question
    assert tally["facts"]["duplicates"]["structure"] == {
        "reason": "same question and structure", "rows": 1}


def test_a_rule_that_there_is_not_is_refused(tmp_path):
    with pytest.raises(UsageError, match="nearby"):
        run(tmp_path, ROWS, duplicates=["nearby"])


@given(st.lists(st.integers(0, 5), max_size=60), st.integers(0, 99))
def test_the_first_of_equal_digests_is_found(values, seed):
    rng = random.Random(seed)
    digest = {value: [rng.getrandbits(64), rng.getrandbits(64)] for value in range(6)}
    digest[0] = [0, 0]  # a row that cannot be read repeats nothing
    digest[1][0] = digest[2][0]  # half of a digest is not enough
    digest[3][0] >>= 6
    again, firsts = repeated(np.array([digest[v] for v in values], np.uint64).reshape(-1, 2))
    first: dict[int, int] = {}
    expected = [(place, first[v]) for place, v in enumerate(values)
                if v and first.setdefault(v, place) != place]
    assert list(zip(again.tolist(), firsts.tolist(), strict=True)) == expected


def test_rows_in_any_number_of_batches_give_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "ROWS_A_GROUP", 100)
    rng = random.Random(0)
    rows = [row(f"Question {rng.randrange(500)} of many?", "1", "x = 1") for _ in range(1_050)]
    kept, drops, tally = run(tmp_path, rows)
    assert len(kept) == len({r.question for r in rows})
    assert Counter(r.question for r in kept).most_common(1)[0][1] == 1
    assert len(kept) + len(drops) == tally["facts"]["rows_in"] == 1_050
    assert [r.id for r in kept] == list(dict.fromkeys(r.id for r in rows))
