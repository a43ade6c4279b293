"""Tests of the stage `decontaminate`."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import replace
from itertools import cycle

import pytest
from stage_makers import row

from mathmill import columns
from mathmill.errors import StepFailed, UsageError
from mathmill.io import read_rows, write_rows
from mathmill.stages import decontaminate
from mathmill.types import Drop, Problem, Sample, make_problem
from mathmill.workbench import Workbench

LONG = " ".join(f"w{i}" for i in range(35))


def run(folder, rows, benchmarks, record=Sample, signature=None, **literals):
    inputs = {"rows": folder / "in"}
    write_rows(folder / "in" / "rows.parquet", rows, record)
    for name, items in benchmarks.items():
        inputs[f"against.{name}"] = folder / name
        write_rows(folder / name / "rows.parquet", items, Problem)
    bench = Workbench(folder / "out", inputs=inputs,
                      tools={"signature": signature} if signature else {})
    decontaminate.run(bench, **{"against": sorted(benchmarks), **literals})
    return list(read_rows(folder / "out" / "rows.parquet", record)), bench.drops, bench.close()


def test_shared_text_and_shared_meaning_are_dropped_with_their_source(tmp_path):
    items = [make_problem(LONG, source="test:1", answer="7"),
             make_problem("twin", source="test:2", signature="sig", solution=LONG[::-1])]
    rows = [row("clean"), row(f"so {LONG}"), row("other", solution=f"x {LONG[::-1]}"),
            row("in other words", signature="sig")]
    kept, drops, tally = run(tmp_path, rows, {"gsm8k": items})
    assert [r.question for r in kept] == ["clean"]
    assert [d.reason for d in drops] == ["30-gram in gsm8k"] * 2 + ["same signature as gsm8k"]
    assert "question shares with test:1: w0 w1" in drops[0].detail
    assert tally["facts"]["against"]["gsm8k"] == {
        "items": 2, "with_signature": 1, "shorter_than_ngram": 1,
        "rows_hit": {"ngram": 2, "signature": 1, "whole text": 0}}


def test_the_reader_tells_the_meaning_where_no_row_carries_it_and_may_be_switched_off(tmp_path):
    def signature(question):
        return question.split()[-1] if question.startswith("readable") else None

    rows, items = [row("readable 7"), row("other 7")], [make_problem("readable that is 7")]
    rows.append(row("readable anew 7", signature="its seed's, which it has left"))
    kept, _, tally = run(tmp_path / "1", rows, {"b": items}, signature=signature)
    assert [r.question for r in kept] == ["other 7"]
    assert tally["facts"]["rows_without_signature"] == 1
    kept, *_ = run(tmp_path / "2", rows, {"b": items}, signature=signature, signatures=False)
    assert len(kept) == 3


def test_problems_are_cleaned_like_samples(tmp_path):
    kept, drops, _ = run(tmp_path, [make_problem(LONG), make_problem("q")],
                         {"b": [make_problem(LONG + " end")]}, Problem)
    assert [p.question for p in kept] == ["q"]
    assert drops[0].reason == "30-gram in b"


def test_fields_say_where_to_look(tmp_path):
    rows = [row("q", solution=LONG)]
    kept, *_ = run(tmp_path, rows, {"b": [make_problem(LONG)]}, fields=["question"])
    assert len(kept) == 1


def test_a_benchmark_that_shares_every_row_is_one_line(tmp_path):
    with pytest.raises(StepFailed, match=r"nothing is left of 1 rows \(30-gram in b: 1\)"):
        run(tmp_path, [row(LONG)], {"b": [make_problem(LONG)]})
    with pytest.raises(StepFailed, match="no item"):
        run(tmp_path, [row(LONG)], {"b": []})
    with pytest.raises(StepFailed, match="no row came in"):
        run(tmp_path, [], {"b": [make_problem(LONG)]})


@pytest.mark.parametrize("literals", [
    {"ngram": 7}, {"ngram": 31}, {"against": []}, {"against": ["math"]}, {"fields": ["answer"]},
    {"fields": []}, {"fold": "digits"}, {"ngram": [13, 7]}, {"ngram": []}, {"ngram": [8, 8]}])
def test_what_cannot_be_right_is_refused(tmp_path, literals):
    with pytest.raises(UsageError):
        run(tmp_path, [row()], {"b": [make_problem(LONG)]}, **literals)


def real(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_rephrased_real_test_items_share_few_runs_with_their_source(tmp_path, shared_data):
    items = [make_problem(r["question"], source=f"test:{i}")
             for i, r in enumerate(real(shared_data / "gsm8k" / "test.jsonl"))]
    rows = [row(r["text"].removeprefix("Question:").split("\nAnswer:")[0].strip() or "empty")
            for r in real(shared_data / "contam_gsm8k_rephrased" / "rephrase_gsm8k.jsonl")]
    for ngram, hits in ((10, 11), (13, 0)):  # as the set's own card says
        *_, tally = run(tmp_path / str(ngram), rows, {"gsm8k": items}, ngram=ngram,
                        signatures=False)
        assert tally["facts"]["against"]["gsm8k"]["rows_hit"]["ngram"] == hits
    copies = [row(f"A story. {p.question} Think.") for p in items] + [row("clean")]
    kept, *_ = run(tmp_path / "copies", copies, {"gsm8k": items}, signatures=False)
    assert [r.question for r in kept] == ["clean"]


def test_neither_numbers_nor_punctuation_hide_a_copy_where_letters_are_compared(tmp_path):
    item = make_problem("Tom has 3 red apples and 4 green pears; he gives 2 of each to Ann, then "
                        "how many are left?", source="test:1")
    rows = [row("So Tom has 71 red apples and 9 green pears: he gives 5 of each to Ann then rests"),
            row("Tom has red hats and green caps in 3 of the 4 boxes he gives")]
    for fold, left in (("letters", 1), ("words", 2), ("none", 2)):
        kept, *_ = run(tmp_path / fold, rows, {"b": [item]}, fold=fold, ngram=13)
        assert len(kept) == left


def test_the_first_length_drops_and_the_others_are_counted_in_the_same_pass(tmp_path):
    words = LONG.split()
    rows = [row(" ".join(["so", *words[:n]]), solution=f"{n} is it") for n in (7, 8, 12, 13, 20)]
    kept, drops, tally = run(tmp_path, rows, {"b": [make_problem(LONG)]}, ngram=[13, 8])
    assert len(kept) == 3
    assert [d.reason for d in drops] == ["13-gram in b"] * 2
    assert tally["facts"]["rows_with_run"] == {"13": 2, "8": 4}
    assert (tally["facts"]["ngram"], tally["facts"]["fold"]) == (13, "words")


def test_rows_pass_in_batches_and_drops_go_to_their_file(tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "ROWS_A_GROUP", 10)
    rows = [row(f"{LONG} {n}" if n % 2 else f"clean row {n}") for n in range(101)]
    kept, drops, tally = run(tmp_path, rows, {"b": [make_problem(LONG)]})
    assert [r.question for r in kept] == [r.question for r in rows[::2]]
    assert (len(drops), tally["dropped"]) == (50, {"30-gram in b": 50})
    assert [d.id for d in drops] == [r.id for r in rows[1::2]]  # read back from the file
    assert [d.id for d in read_rows(tmp_path / "out" / "drops.parquet", Drop)] == [
        r.id for r in rows[1::2]]


@pytest.mark.slow
def test_time_is_linear_and_memory_flat_in_the_rows(tmp_path):
    """A third of the rows and all of them, each in a process of its own."""
    rows = [row(f"{' '.join(random.Random(n).sample(LONG.split(), 30))} {n}") for n in range(2_000)]
    child = ("import resource, sys, time\nfrom pathlib import Path\n"
             "from mathmill.stages import decontaminate, select\n"
             "from mathmill.workbench import Workbench\nhere = Path(sys.argv[1])\n"
             "bench = Workbench(here / sys.argv[2], inputs={'rows': here, 'against.b': here})\n"
             "work, more = {'select': (select.run, {'how': 'all'}), 'decontaminate': ("
             "decontaminate.run, {'against': ['b'], 'ngram': 13})}[sys.argv[2]]\n"
             "began = time.process_time()\nwork(bench, **more)\nbench.close()\n"
             "print(time.process_time() - began, "
             "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)")
    sizes = (20_000, 60_000)
    spent: dict[str, list[list[float]]] = {"select": [], "decontaminate": []}
    for size in sizes:
        for name, record in (("rows", Sample), ("against", Problem)):
            folder = tmp_path / str(size) / name
            many = (replace(one, id=f"{n:032x}", question=f"{one.question} {n}")
                    for n, one in zip(range(size), cycle(rows), strict=False))
            write_rows(folder / "rows.parquet", many if record is Sample
                       else [make_problem("no row has these few words in it")], record)
        for stage, found in spent.items():
            code = child.replace("'against.b': here", "'against.b': here.parent / 'against'")
            found.append([float(word) for word in subprocess.run(
                [sys.executable, "-c", code, str(folder.parent / "rows"), stage], check=True,
                capture_output=True, text=True).stdout.split()])
    for (few, low), (many_, high) in spent.values():
        assert many_ < 5 * few  # 3 where time is linear, 9 where it is a square
        assert high - low < 40  # MiB; the 40,000 rows more are 100 MiB as records
