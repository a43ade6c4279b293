"""Tests of the rule `near` in the stage: one row of a cluster stays, the others name it."""

from __future__ import annotations

import json
import random

import pytest
from near_makers import drawn
from stage_makers import row

from mathmill.errors import UsageError
from mathmill.io import read_rows, write_rows
from mathmill.pipeline import seeds, select
from mathmill.stages import select as stage
from mathmill.texts import Text, text_id
from mathmill.types import Problem, Sample, make_problem
from mathmill.workbench import Workbench

WORDS = drawn(random.Random(0), 200)
OTHER = " ".join(drawn(random.Random(1), 50))


def varied(place: int) -> str:
    """Return a question with one of its words changed."""
    return " ".join([*WORDS[:place], "changed", *WORDS[place + 1:]])


def run(folder, rows, record=Sample, **literals):
    write_rows(folder / "in" / "rows.parquet", rows, record)
    bench = Workbench(folder / "out", inputs={"rows": folder / "in"})
    literals = {"duplicates": ["near"], **literals}
    stage.run(bench, how="all", **literals)
    kept = list(read_rows(folder / "out" / "rows.parquet", record))
    return kept, list(bench.drops), bench.close()["facts"]


ROWS = [row(varied(3), "4", "So 4."), row(OTHER, "4", "So 4."),
        row(varied(3), "4", "so 4 ."), row(varied(40), "4", "So 4.", verdict="correct"),
        row(varied(4), "4", "So it must be 4.")]


def test_of_a_cluster_the_best_row_stays_and_the_others_name_it_and_the_cluster(tmp_path):
    kept, drops, facts = run(tmp_path, ROWS)
    assert [r.id for r in kept] == [ROWS[1].id, ROWS[3].id]
    assert [(d.id, d.reason, d.detail) for d in drops] == [
        (ROWS[n].id, "nearly the same words", f"of {ROWS[3].id}, cluster 1") for n in (0, 2, 4)]
    assert json.loads(drops[2].row)["question"] == ROWS[4].question
    assert facts["duplicates"] == {"near": {"reason": "nearly the same words", "rows": 3}}
    assert facts["near"] == {
        "threshold": 0.7, "words": 5, "bands": 14, "rows": 8, "recall_at_threshold": 0.565,
        "clusters": 1, "largest": 4, "same_words": 1, "pairs_compared": 2, "pairs_alike": 2,
        "rows_not_compared_out": 0}


def test_rows_that_an_equality_has_told_are_not_looked_at_again(tmp_path):
    rules = ["near", "text"]
    kept, drops, facts = run(tmp_path, ROWS, duplicates=rules)
    assert [r.id for r in kept] == [ROWS[1].id, ROWS[3].id]
    assert [(d.reason, d.detail) for d in drops] == [
        ("nearly the same words", f"of {ROWS[3].id}, cluster 1"),
        ("near duplicate", f"of {ROWS[0].id}"),
        ("nearly the same words", f"of {ROWS[3].id}, cluster 1")]
    assert [facts["duplicates"][rule]["rows"] for rule in rules] == [2, 1]
    assert facts["near"]["same_words"] == 0


def test_the_threshold_is_a_switch(tmp_path):
    assert len(run(tmp_path, ROWS, near={"threshold": 0.99})[0]) == 4
    for literals, says in (({"near": {"threshold": 2}}, "threshold=2"),
                           ({"near": {"treshold": 0.8}}, "no switch"), ({"nearer": 1}, "no swi")):
        with pytest.raises(UsageError, match=says):
            run(tmp_path, ROWS, **literals)


def test_problems_are_compared_by_question_and_a_seed_stays(tmp_path):
    rows = [make_problem(varied(3), solution="A long solution to it.", seed="s"),
            make_problem(varied(9), solution="Short.", seed=None), make_problem(OTHER)]
    kept, drops, _ = run(tmp_path, rows, Problem)
    assert [r.id for r in kept] == [rows[1].id, rows[2].id]
    assert [d.detail for d in drops] == [f"of {rows[1].id}, cluster 1"]


def test_texts_are_compared_and_the_longer_stays(tmp_path):
    rows = [Text(text_id(text), text, "web", "here:1", None, "en", text_id(text))
            for text in (varied(3), OTHER, varied(9) + " and on")]
    kept, _, _ = run(tmp_path, rows, Text)
    assert [r.id for r in kept] == [rows[1].id, rows[2].id]


def test_steps_without_the_rule_keep_their_identity():
    rows = seeds("symbolic:count=4")
    assert "near" not in select(rows, duplicates=("text", "structure")).literals
    near = select(rows, duplicates=("text", "near"), threshold=0.8).literals["near"]
    assert near == {"threshold": 0.8, "words": 5, "bands": 14, "rows": 8}
    assert (select(rows, duplicates=("near",)).literals["near"]["threshold"]) == 0.7
    with pytest.raises(UsageError, match="name near"):
        select(rows, threshold=0.8)
