"""Tests of the stage `seeds` as a whole."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from mathmill.errors import InputError, StepFailed, UsageError
from mathmill.io import read_rows, write_rows
from mathmill.stages import seeds
from mathmill.teachers.symbolic import make_problems
from mathmill.types import (
    CORRECT,
    Problem,
    Sample,
    make_problem,
    problem_id,
    sample_id,
    seed_as_sample,
)
from mathmill.workbench import Workbench


def run(folder, source, tools=None, **literals):
    bench = Workbench(folder / "out", tools=tools or {})
    seeds.run(bench, source=str(source), **literals)
    tally = bench.close()
    return list(read_rows(folder / "out" / "rows.parquet", Problem)), bench.drops, tally


def write(folder, rows, name="a.jsonl"):
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_rows_are_mended_and_those_left_out_say_why(tmp_path):
    path = write(tmp_path, [
        {"question": "How  many?", "answer": "4"}, {"answer": "5"},
        {"question": "Prove that 1 < 2."}, {"question": "How many? ", "answer": "4"},
        {"question": "Open question?"}])
    rows, drops, tally = run(tmp_path, path)
    assert [(p.question, p.answer, p.source) for p in rows] == [
        ("How many?", "4", f"{tmp_path.name}/a.jsonl:1"),
        ("Open question?", None, f"{tmp_path.name}/a.jsonl:5")]
    assert all(p.id == problem_id(p.question) for p in rows)
    assert tally["dropped"] == {"no question": 1, "asks for a proof": 1, "duplicate": 1}
    assert "a.jsonl:2" in next(d.detail for d in drops if d.reason == "no question")
    assert tally["facts"]["rows_in"] == 5


def test_a_file_in_which_no_row_has_a_question_names_its_fields(tmp_path):
    path = write(tmp_path, [{"body": "How many?", "result": 4}])
    with pytest.raises(InputError, match=r"fields are body, result.*field map"):
        run(tmp_path, path)
    rows, *_ = run(tmp_path, path, fields={"question": "body", "answer": "result"})
    assert (rows[0].question, rows[0].answer) == ("How many?", "4")


def test_a_file_of_proofs_leaves_no_seed_and_says_so(tmp_path):
    path = write(tmp_path, [{"question": f"Prove that {n} < {n + 1}."} for n in range(3)])
    with pytest.raises(StepFailed, match="asks for a proof: 3"):
        run(tmp_path, path)


def test_half_a_sign_in_a_row_reaches_neither_file(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"question": "How many \\ud800?"}\n{"note": "\\ud800"}\n')
    rows, drops, _ = run(tmp_path, path)
    assert rows[0].question == "How many ??"
    assert len(drops) == 1


def test_a_limit_reads_no_further_and_a_shuffle_drops_the_rest(tmp_path):
    path = write(tmp_path, [{"question": f"What is {n} + 1?"} for n in range(20)])
    rows, drops, _ = run(tmp_path / "one", path, limit=5)
    assert [p.source[-2:] for p in rows] == [":1", ":2", ":3", ":4", ":5"]
    assert not drops
    mixed, drops, _ = run(tmp_path / "two", path, limit=5, shuffle=1)
    assert Counter(d.reason for d in drops) == {"beyond the limit": 15}
    other, *_ = run(tmp_path / "three", path, limit=5, shuffle=2)
    assert mixed != other
    lines = path.read_text().splitlines()
    path.write_text("\n".join(reversed(lines)))
    again, *_ = run(tmp_path / "four", path, limit=5, shuffle=1)
    assert [p.id for p in again] == [p.id for p in mixed]


@pytest.mark.parametrize(("literals", "says"), [
    ({"limit": 0}, "limit=0"), ({"fields": {"answer": "a"}}, "question"),
    ({"fields": {"question": "q", "body": "b"}}, "body"),
])
def test_literals_that_cannot_be_right_are_refused(tmp_path, literals, says):
    with pytest.raises(UsageError, match=says):
        run(tmp_path, write(tmp_path, [{"question": "a"}]), **literals)


def test_the_place_may_differ_from_its_name(tmp_path):
    path = write(tmp_path, [{"question": "How many?"}])
    rows, _, tally = run(tmp_path, "gsm8k/train.jsonl", tools={"path": str(path)})
    assert len(rows) == 1
    assert tally["facts"]["source"] == "gsm8k/train.jsonl"


def test_a_made_world_is_asked_with_the_options_of_its_name(tmp_path):
    asked = {}

    def make(**options):
        asked.update(options)
        for n in range(options["count"]):
            yield make_problem(f"What is {n // 2} + 1?", answer=str(n // 2 + 1))

    rows, _, tally = run(tmp_path, "symbolic:count=6,seed=3,levels=1-3,languages=en+zh,"
                         "families=bakery+shop", tools={"worlds": {"symbolic": make}})
    assert asked == {"count": 6, "seed": 3, "levels": (1, 2, 3), "languages": ("en", "zh"),
                     "families": ("bakery", "shop")}
    assert len(rows) == 3
    assert tally["dropped"] == {"duplicate": 3}


@pytest.mark.parametrize("source", [
    "symbolic:", "symbolic:count=0", "symbolic:count=many", "symbolic:count=3,level=2",
    "symbolic:count=3,levels=0-9", "symbolic:count=3,levels=5-2", "symbolic:count=3,languages=",
    "symbolic:count=3,families=", "symbolic:count=3,familys=bus",
])
def test_a_world_that_is_misnamed_is_refused_in_one_line(tmp_path, source):
    with pytest.raises(UsageError) as caught:
        run(tmp_path, source, tools={"worlds": {"symbolic": lambda **k: iter(())}})
    assert "\n" not in str(caught.value)


def test_a_world_can_be_cut_to_some_of_its_families(tmp_path):
    tools = {"worlds": {"symbolic": make_problems}}
    rows, _, _ = run(tmp_path, "symbolic:count=40,families=bus+jug", tools=tools)
    assert {row.subject for row in rows} == {"bus", "jug"}
    with pytest.raises(UsageError, match="unknown story family 'rocket'; known: ages, bakery"):
        run(tmp_path / "other", "symbolic:count=3,families=rocket", tools=tools)


def sample(question, answer, **more):
    return Sample(id=sample_id(question, "s"), question=question, solution="s", answer=answer,
                  expected=None, seed="", parent="", method="m", **more)


def test_samples_become_seeds_with_only_the_answers_that_are_known(tmp_path):
    write_rows(tmp_path / "in" / "rows.parquet", [
        sample("One?", "1"), sample("Two?", "2", verdict=CORRECT),
        sample("One?", "3", verdict=CORRECT)], Sample)
    bench = Workbench(tmp_path / "out", inputs={"rows": tmp_path / "in"})
    seeds.of_samples(bench)
    bench.close()
    rows = list(read_rows(tmp_path / "out" / "rows.parquet", Problem))
    assert [(p.question, p.answer, p.id) for p in rows] == [
        ("One?", None, problem_id("One?")), ("Two?", "2", problem_id("Two?"))]


def test_a_second_round_keeps_the_first_seed_and_its_solution(tmp_path):
    first = make_problem("One and one?", answer="2", solution="1 + 1 = 2")
    own = seed_as_sample(first, "1 + 1 = 2\nThe answer is 2", "2")
    made = replace(sample("Two and two?", "4"), seed=first.id, parent=first.id)
    again, new = seeds.gather.problem_of(own), seeds.gather.problem_of(made)
    assert (again.id, again.root, again.solution) == (first.id, first.id, own.solution)
    assert (new.root, new.solution) == (first.id, None)
    assert new.source.endswith(made.id)
    assert seed_as_sample(new, "x", "4").seed == first.id


REAL = {  # folder: rows in the files, rows dropped, rows without an answer
    "agieval": (943, 5, 0), "cmath": (960, 24, 0), "contam_gsm8k_rephrased": (1319, 4, 0),
    "gsm8k": (10111, 1319, 0), "gsm_hard": (1319, 0, 0), "jeebench": (450, 0, 0),
    "mgsm": (500, 0, 0), "olympiadbench": (675, 0, 0), "pred_pot": (6253, 2745, 1),
    "scibench": (692, 2, 0), "svamp": (1000, 0, 0), "synth_openmathinstruct2": (100, 0, 0),
}


@pytest.mark.slow
@pytest.mark.parametrize("folder", REAL)
def test_every_row_of_real_data_is_kept_or_dropped(tmp_path, shared_data, folder):
    if not (shared_data / folder).is_dir():
        pytest.skip(f"{folder} is not among the real data")
    rows, drops, tally = run(tmp_path, shared_data / folder)
    read, dropped, unanswered = REAL[folder]
    assert (tally["facts"]["rows_in"], len(drops)) == (read, dropped)
    assert len(rows) + len(drops) == read
    assert sum(p.answer is None for p in rows) == unanswered


def test_answers_of_real_gsm8k_are_numbers_without_commas(tmp_path, shared_data):
    rows, *_ = run(tmp_path, shared_data / "gsm8k" / "train.jsonl")
    assert len(rows) == 7473
    assert all(float(p.answer) is not None and "," not in p.answer for p in rows)
    assert not any("<<" in p.solution or "####" in p.solution for p in rows)
