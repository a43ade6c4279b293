"""The step that values rows: by gradient, as LESS, by the baselines, after a kill, bad rows."""

from __future__ import annotations

import copy
import random
import signal
import time
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from mathmill.errors import InputError, StepFailed, UsageError
from mathmill.io import read_rows, write_rows
from mathmill.texts import Valued
from mathmill.train.influence import reading, run
from mathmill.train.influence.features import Features
from mathmill.train.influence.header import LESS
from mathmill.types import Drop, Problem, Sample, make_problem, sample_id
from mathmill.workbench import Workbench

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

SMALL: dict[str, Any] = {"dimension": 256, "max_length": 128}


def make(draw: random.Random, near: bool) -> Sample:
    """Return a row of the target's kind, or of another."""
    left, right = draw.randrange(40), draw.randrange(40)
    if near:
        question, solution = f"Tom has {left} pens and buys {right} more.", f"{left + right} pens"
    else:
        question = f"Which is longer, {left} or {right}?"
        solution = " ".join(draw.choice(["of", "is", "or", "the", "in"]) for _ in range(8))
    return Sample(id=sample_id(question, solution), question=question, solution=solution,
                  answer=None, expected=None, seed=f"text-{left}", parent="p", method="m")


def rows_at(folder: Path, rows: list[Any], record: type) -> Path:
    write_rows(folder / "rows.parquet", rows, record)
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory, base_folder) -> Path:
    """Return a folder with candidates, a target set, and a reference with two kept states."""
    from mathmill.train import sft

    torch.set_num_threads(1)
    home, draw = tmp_path_factory.mktemp("place"), random.Random(0)
    rows_at(home / "rows", [make(draw, number % 10 == 0) for number in range(120)], Sample)
    rows_at(home / "target", [make_problem(row.question, solution=row.solution, answer="7")
                              for row in (make(draw, True) for _ in range(40))]
            + [make_problem("Nobody has solved this.")], Problem)
    rows_at(home / "learned", [make(draw, number % 2 == 0) for number in range(60)], Sample)
    bench = Workbench(home / "reference", inputs={"rows": home / "learned"})
    sft.run(bench, base=str(base_folder), stages=[{"steps": 24}], lora={"rank": 4}, batch_size=8,
            learning_rate=0.01, keep_optimizer=True, checkpoints=(0.5,), max_length=128)
    return home


def bench_at(out: Path, place: Path, **changes: Any) -> Workbench:
    inputs = {"rows": place / "rows", "target.pens": place / "target",
              "reference": place / "reference", **changes}
    return Workbench(out, inputs=inputs)


def best(bench: Workbench, count: int = 12) -> list[Valued]:
    bench.close()
    return sorted(read_rows(bench.out / "rows.parquet", Valued), key=lambda row: -row.value)[:count]


def near(place: Path) -> set[str]:
    return {row.id for row in read_rows(place / "rows" / "rows.parquet", Sample)
            if "Tom" in row.question}


@pytest.mark.slow
@pytest.mark.parametrize("way", [{}, LESS], ids=["JiuZhang3.0", "LESS"])
def test_rows_of_the_targets_kind_are_worth_most(tmp_path, place, base_folder, way) -> None:
    bench = bench_at(tmp_path, place)
    run.run(bench, targets=["pens"], base=str(base_folder), **SMALL, **way)
    top = best(bench)
    assert len({row.id for row in top} & near(place)) >= 11  # of 12
    assert all(row.how == "gradient" and row.seed.startswith("text-") for row in top)
    assert {row.target for row in top} == ({"pens"} if way else {""})
    kept = bench.facts["checkpoints"]
    assert sum(kept.values()) == pytest.approx(1, abs=1e-3)
    assert list(kept) == (["adapter-050", "adapter"] if way else ["adapter"])
    assert (bench.facts["targets"], bench.kept) == ({"pens": 40}, {"rows": 120})
    assert bench.facts["targets_left_out"] == {"pens": 1}  # nobody has solved it
    whole = Features(tmp_path / "features" / "rows" / "adapter")
    assert (len(whole), whole.header.space.dimension) == (120, 256)
    assert whole.header.direction == ("adam" if way else "gradient")


@pytest.mark.slow
def test_a_reading_that_was_broken_off_ends_with_the_same_bytes(
        tmp_path, place, base_folder, monkeypatch) -> None:
    asked, own = [], reading._block

    def counting(rows: Any, *rest: Any) -> Any:
        asked.append(len(rows))
        return own(rows, *rest)

    monkeypatch.setattr(reading, "ROWS", 16)
    for name, at in (("whole", None), ("broken", 48)):
        bench = bench_at(tmp_path / name, place)

        def show(done: int, total: int | None, words: str, at: int | None = at) -> None:
            if done == at:
                raise KeyboardInterrupt

        bench.show = show
        if at is not None:
            with pytest.raises(KeyboardInterrupt):
                run.run(bench, targets=["pens"], base=str(base_folder), **SMALL)
            with (tmp_path / name / "features/rows/adapter/left_out.jsonl").open("a") as file:
                file.write('{"behind": 48, "id": "half a li')
            bench = bench_at(tmp_path / name, place)
            monkeypatch.setattr(reading, "_block", counting)
        run.run(bench, targets=["pens"], base=str(base_folder), **SMALL)
        bench.close()
    assert sum(asked) == 120 - 48 + 40  # what was written is not read again
    for name in ("rows.f16", "norms.f32", "ids.bin", "left_out.jsonl"):
        one, two = ((tmp_path / run_ / "features" / "rows" / "adapter" / name).read_bytes()
                    for run_ in ("whole", "broken"))
        assert one == two, name
    assert ((tmp_path / "whole" / "rows.parquet").read_bytes()
            == (tmp_path / "broken" / "rows.parquet").read_bytes())
    again = bench_at(tmp_path / "broken", place)
    run.run(again, targets=["pens"], base=str(base_folder), **SMALL)
    assert again.facts["rows_a_second"] == 0.0  # all of them were there


@pytest.mark.slow
def test_a_reading_killed_with_sigkill_ends_with_the_same_bytes(
        tmp_path, place, base_folder, monkeypatch) -> None:
    monkeypatch.setattr(reading, "ROWS", 8)

    def waits(taken: int, *_: object) -> None:
        if taken >= 48:  # however slowly the kill comes, the reading has not ended
            time.sleep(120)

    def reads(out: Path, ends: bool = True) -> None:
        bench = bench_at(out, place)
        bench.show = bench.show if ends else waits
        run.run(bench, targets=["pens"], base=str(base_folder), **SMALL)
        bench.close()

    # A fork has all packages loaded; one thread here, so there is none that it could miss.
    killed = get_context("fork").Process(target=reads, args=(tmp_path / "killed", False))
    killed.start()
    until = time.time() + 60
    blocks = tmp_path / "killed" / "features" / "rows" / "adapter" / "blocks.bin"
    while time.time() < until and killed.is_alive():
        if blocks.exists() and blocks.stat().st_size >= 4 * 16:
            break
        time.sleep(0.002)
    killed.kill()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL, "the reading ended before it could be killed"
    assert not (tmp_path / "killed" / "rows.parquet").exists()
    for name in ("killed", "whole"):
        reads(tmp_path / name)
    for name in ("features/rows/adapter/rows.f16", "features/target.pens/adapter/rows.f16",
                 "rows.parquet"):
        one, two = ((tmp_path / run_ / name).read_bytes() for run_ in ("whole", "killed"))
        assert one == two, name


@pytest.mark.slow
def test_rows_that_cannot_be_valued_are_named_and_dropped(
        tmp_path, place, base_folder, monkeypatch) -> None:
    draw = random.Random(5)
    rows = [make(draw, True) for _ in range(8)]
    bad = replace(rows[3], id="bad", question="Tom has pens. " * 4)  # its length tells it
    long = replace(rows[4], id="long", question="Tom has pens and pens. " * 60)
    given = rows_at(tmp_path / "given", [*rows, bad, long, long, rows[0]], Sample)
    own = reading.Reader.__call__

    def poisoned(self: Any, rows: Any) -> Any:
        made = own(self, rows)
        made[[len(row["input_ids"]) == size for row in rows]] = float("nan")
        return made

    from mathmill.decoding.models import open_tokenizer
    from mathmill.train.data import render

    size = len(render([bad], open_tokenizer(str(place / "reference")), 128)[0].tokens[0])
    monkeypatch.setattr(reading.Reader, "__call__", poisoned)
    for way in ({}, LESS):
        bench = bench_at(tmp_path / f"out-{len(way)}", place, rows=given)
        run.run(bench, targets=["pens"], base=str(base_folder), **SMALL, **way)
        tally = bench.close()
        drops = list(read_rows(bench.out / "drops.parquet", Drop))
        assert sorted((drop.id, drop.reason) for drop in drops) == [
            ("bad", "gradient is not finite"), *[("long", "longer than max_length")] * 2]
        assert tally["kept"]["rows"] == 9  # a row that is there twice has its value twice


@pytest.mark.slow
def test_where_every_row_is_too_long_the_step_says_so(tmp_path, place, base_folder) -> None:
    long = [replace(make(random.Random(number), True), question="Tom has pens. " * 90)
            for number in range(3)]
    bench = bench_at(tmp_path, place, rows=rows_at(tmp_path / "given", long, Sample))
    with pytest.raises(StepFailed, match=r"none of 3 rows has a value \(longer than max_length"):
        run.run(bench, targets=["pens"], base=str(base_folder), **SMALL)


@pytest.mark.slow
def test_a_reference_that_broke_is_said_to_be_so(tmp_path, place, base_folder) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    broken = tmp_path / "reference"
    shutil.copytree(place / "reference", broken)
    file = broken / "adapter" / "adapter_model.safetensors"
    save_file({name: tensor * float("nan") for name, tensor in load_file(file).items()}, file)
    bench = bench_at(tmp_path / "out", place, reference=broken)
    with pytest.raises(StepFailed, match=r"first 120 rows are all not finite \(row \w{32} is"):
        run.run(bench, targets=["pens"], base=str(base_folder), **SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("by", ["random", "perplexity", "one_shot", "verifier"])
def test_the_baselines_are_ways_of_the_same_step(tmp_path, place, by) -> None:
    bench = bench_at(tmp_path, place)
    bench = Workbench(tmp_path, inputs=bench.inputs, tools={
        "score": lambda rows: [float("Tom" in row.question) for row in rows]})
    run.run(bench, targets=["pens"], by=by, shots=2, **SMALL)
    top = best(bench)
    assert {row.how for row in top} == {by}
    assert bench.kept["rows"] == 120
    if by == "verifier":
        assert {row.id for row in top} == near(place)


@pytest.mark.slow
def test_features_of_another_making_are_not_gone_on_with(tmp_path, place, base_folder) -> None:
    run.run(bench_at(tmp_path, place), targets=["pens"], base=str(base_folder), **SMALL)
    with pytest.raises(UsageError, match=r"of another making \(seed: 0 and 1\)"):
        run.run(bench_at(tmp_path, place), targets=["pens"], base=str(base_folder), seed=1, **SMALL)


def test_a_step_without_targets_or_adapter_is_refused(tmp_path) -> None:
    rows = rows_at(tmp_path / "rows", [make(random.Random(0), True)], Sample)
    bench = Workbench(tmp_path / "out", inputs={"rows": rows, "reference": tmp_path})
    with pytest.raises(UsageError, match="no target set"):
        run.run(bench, base="x")
    with pytest.raises(InputError, match=r"holds no adapter; train the reference with lora"):
        run.run(bench, targets=["rows"], base="x")


@pytest.mark.parametrize(("settings", "words"), [
    ({"by": "luck"}, "by is 'luck'; it is one of gradient, random, perplexity"),
    ({"dimension": 100}, "multiple of 8"), ({"seed": -1}, "0 or more"),
    ({"dimensions": 8}, "a value has no setting dimensions"),
    ({"over": "min"}, "over is 'min'; it is one of mean, max"), ({"shots": 0}, "at least 1")])
def test_a_setting_that_cannot_be_is_refused_in_one_line(settings, words) -> None:
    with pytest.raises(UsageError, match=words):
        run.Settings.of(settings)


def test_adams_step_is_that_of_the_formula(letters) -> None:
    from mathmill.train.influence.gradients import Reader
    from mathmill.train.influence.projection import Projection
    from mathmill.train.lora import Lora, attach

    reader = Reader(attach(copy.deepcopy(letters[0]), Lora.of({"rank": 2}), 0))
    mean, square = torch.randn(reader.size), torch.rand(reader.size)
    lens = reading.Lens(reader, Projection(reader.size, 8), None, "m", (mean, square), (0.9, 0.99))
    gradient = torch.randn(3, reader.size)
    want = (0.9 * mean + 0.1 * gradient) / (0.99 * square + 0.01 * gradient ** 2 + 1e-8) ** 0.5
    assert torch.allclose(lens.steps(gradient), want)
    silent = lens.header(run.Settings.of({"learn_output": False}), "gradient")
    assert not silent.learn_output  # it decides the numbers, so the header tells it
