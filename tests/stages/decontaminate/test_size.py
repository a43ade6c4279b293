"""Tests of `stages.decontaminate.size`: what will not fit into memory is told before the start."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathmill.errors import UsageError
from mathmill.pipeline import contamination
from mathmill.stages.decontaminate import size, stage
from mathmill.types import Problem, make_problem
from mathmill.workbench import Workbench

ITEM = "Nora keeps 14 hens, each lays 3 eggs a day. How many eggs are there in a week?"
ROWS = [{"question": f"{ITEM} Say {n}.", "picture": "x" * 500} for n in range(1000)]
WORDS = 1000 * 20


@pytest.fixture
def free(monkeypatch):
    def set_to(room):
        monkeypatch.setattr(size, "free_memory", lambda: room)
    return set_to


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "a.parquet")
    return tmp_path


@pytest.mark.parametrize(("name", "least", "most"), [
    ("a.jsonl", 0.95, 1.05), ("a.parquet", 0.95, 1.05), ("a.jsonl.gz", 0.05, 20)])
def test_words_are_told_from_the_first_rows(files, name, least, most):
    assert least * WORDS < size._words(files / name, None) < most * WORDS


def test_a_benchmark_that_memory_will_not_hold_is_told_before_it_is_read(files, free, monkeypatch):
    rows, out = files / "rows.jsonl", files / "clean.jsonl"
    rows.write_text(json.dumps({"question": "What is left of 7 and 5 boats?"}))
    free(WORDS * (size.RUNS + size.NUMBERS) * 11 // 10)
    assert contamination.clean([str(rows)], [str(files / "a.jsonl")], out).items == 1000
    for switches in (contamination.Switches(neighbours=("words",)),
                     contamination.Switches(ngram=13)):
        free(WORDS * 200)
        with monkeypatch.context() as patch:
            patch.setattr("mathmill.stages.decontaminate.files.read_texts", None)
            with pytest.raises(UsageError, match=(
                    r"a.jsonl: this benchmark of about 20,000 words takes about "
                    r"\d.\d MB of memory, and 4.0 MB are free; give a smaller benchmark or fewer "
                    r"finders, or say --force")):
                contamination.clean([str(rows)], [str(files / "a.jsonl")], out, switches)
    assert contamination.clean([str(rows)], [str(files / "a.jsonl")], out, force=True).kept == 1
    free(None)
    assert contamination.clean([str(rows)], [str(files / "a.jsonl")], out).kept == 1


def test_a_step_says_so_and_goes_on(tmp_path, free):
    for name, asked in (("rows", "What is left of 7 and 5 boats?"), ("against.hens", ITEM)):
        Workbench(tmp_path / name).keep([make_problem(asked, answer="1")], Problem)
    for room, lines in ((100, 1), (1 << 30, 0)):
        free(room)
        said: list[str] = []
        bench = Workbench(tmp_path / f"out{room}", say=said.append, inputs={
            name: tmp_path / name for name in ("rows", "against.hens")})
        stage.run(bench, against=["hens"])
        assert bench.kept == {"rows": 1}
        assert len(said) == lines
        assert all("takes about" in line for line in said)
