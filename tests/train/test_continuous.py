"""One pass through synthetic rows and then the SFT set, with one optimiser and one schedule."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mathmill.errors import UsageError
from mathmill.io import write_rows
from mathmill.train import sft
from mathmill.types import Sample, sample_id
from mathmill.workbench import Workbench

JIUZHANG = {"optimizer": "adamw", "learning_rate": 3e-3, "schedule": "wsd", "warmup": 0.03,
            "decay": 0.6, "floor": 0.1, "packing": "consecutive", "continuous": True,
            "form": "by_row", "batch_size": 4, "max_length": 256}
STAGES = [{"epochs": 1, "rows": {"prose": 2.0, "tool": 1.0}}, {"epochs": 2, "rows": "known"}]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def as_tool(row: Sample) -> Sample:
    code = row.solution.split(" =")[0]
    solution = (f"```python\nprint({code})\n```\n```output\n{row.answer}\n```\n"
                f"Tom has \\boxed{{{row.answer}}} pens.")
    return replace(row, id=sample_id(row.question, solution), solution=solution)


@pytest.fixture(scope="module")
def parts(samples, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("parts")
    for name, rows in (("prose", samples[:50]), ("tool", [as_tool(row) for row in samples[:25]]),
                       ("known", samples[50:])):
        write_rows(folder / name / "rows.parquet", rows, Sample)
    return {name: folder / name for name in ("prose", "tool", "known")}


def train(out: Path, parts: dict[str, Path], base: Path, stages=STAGES, **changes) -> Workbench:
    show = changes.pop("show", lambda *words: None)
    bench = Workbench(out, inputs=parts, tools={"save_seconds": 0.0}, show=show)
    sft.run(bench, base=str(base), stages=stages, seed=3, **{**JIUZHANG, **changes})
    bench.close()
    return bench


def weights(out: Path, name: str = "model") -> dict[str, torch.Tensor]:
    return load_file(out / name / "model.safetensors")


def equal(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


def lines(out: Path) -> list[dict]:
    return [{**json.loads(line), "tokens_per_second": 0}
            for line in (out / "metrics.jsonl").read_text("utf-8").splitlines()]


def test_a_stages_own_rate_has_no_place_in_one_schedule(tmp_path):
    with pytest.raises(UsageError, match="continuous=True has one schedule"):
        sft.run(Workbench(tmp_path), base="x", stages=[{"learning_rate": 1.0}], continuous=True)


@pytest.mark.parametrize(("settings", "words"), [
    ({"packing": "tight"}, "packing is 'tight'; it is one of False, True, consecutive"),
    ({"floor": 1.5}, "floor is 1.5; it is a share"),
    ({"form": "row"}, "form is 'row'; it is one of prose, program, function, tool, by_row")])
def test_what_cannot_be_is_refused_in_one_line(settings, words):
    with pytest.raises(UsageError, match=words):
        sft.Recipe.of(settings)


@pytest.mark.slow
def test_a_training_through_both_stages_that_was_stopped_goes_on_bit_for_bit(
        tmp_path, parts, base_folder):
    whole = train(tmp_path / "whole", parts, base_folder, checkpoints=(0.5,))
    first, second = whole.facts["stages"]
    assert (first["rows"], first["forms"], first["sources"]) == (
        75, {"prose": 50, "tool": 25}, {"prose": 50, "tool": 25})
    assert (second["rows"], second["forms"]) == (30, {"prose": 30})
    measured = lines(tmp_path / "whole")
    ends = {line["stage"]: line for line in measured}  # the last of each stage
    for number, stage in enumerate((first, second), 1):
        assert ends[number]["step"] == stage["steps"]
        assert ends[number]["tokens"] == stage["tokens"]
        assert ends[number]["loss"] == pytest.approx(stage["loss"], abs=1e-4)
    assert (ends[1]["epoch"], ends[2]["epoch"]) == (1, 2), "every row, exactly so often"
    rates = [line["learning_rate"] / JIUZHANG["learning_rate"] for line in measured]
    assert rates == sorted(rates, reverse=True), "no second warm-up where the second stage begins"
    assert (rates[0], rates[-1]) == pytest.approx((1.0, 0.1))
    assert not (tmp_path / "whole" / "tokens").exists()
    steps = first["steps"] + second["steps"]
    for at in (2, first["steps"] + 1):  # within the first stage, and within the second
        def stop(done: int, _: int, words: str, at: int = at) -> None:
            if done > at and "steps of stage" in words:
                raise KeyboardInterrupt

        out = tmp_path / f"stopped-{at}"
        with pytest.raises(KeyboardInterrupt):
            train(out, parts, base_folder, checkpoints=(0.5,), show=stop)
        assert 0 < len(list((out / "stage-1").glob("checkpoint-*"))) <= at < steps
        train(out, parts, base_folder, checkpoints=(0.5,))
        for name in ("model", "model-050"):
            assert equal(weights(out, name), weights(tmp_path / "whole", name))
        assert lines(out) == measured


@pytest.mark.slow
def test_the_optimiser_goes_on_where_stages_apart_would_begin_anew(tmp_path, parts, base_folder):
    changes = {"batch_size": 64, "packing": False, "schedule": "constant", "warmup": 0.0,
               "learning_rate": 1e-3}
    stage = {"steps": 3, "rows": "prose"}
    train(tmp_path / "through", parts, base_folder, [stage, stage], **changes)
    train(tmp_path / "single", parts, base_folder, [{**stage, "steps": 6}], **changes)
    train(tmp_path / "apart", parts, base_folder, [stage, stage], continuous=False,
          **changes)
    through, single, apart = (weights(tmp_path / name) for name in ("through", "single", "apart"))
    # Each step sees all rows, so that only rounding tells six steps from twice three.
    far = [max(float((through[key] - other[key]).abs().max()) for key in through)
           for other in (single, apart)]
    assert far[0] < 1e-5
    assert far[1] > 1e-4
