from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mathmill.decoding.models import open_model
from mathmill.errors import StepFailed, UsageError
from mathmill.ranks import devices
from mathmill.train import sft
from mathmill.train.sft import training
from mathmill.workbench import Workbench

SETTINGS = {"optimizer": "muon+adamw", "learning_rate": 0.01, "batch_size": 8,
            "schedule": "wsd", "max_length": 128}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize(("settings", "words"), [
    ({"learning_rat": 1.0}, "no setting learning_rat"),
    ({"optimizer": "sgd"}, "optimizer is 'sgd'"),
    ({"schedule": "cosign"}, "schedule is 'cosign'"),
    ({"batch_size": 10, "accumulate": 3}, "no multiple of accumulate 3"),
    ({"batch_size": 0}, "at least 1"),
    ({"form": "code"}, "form is 'code'; it is one of prose, program, function"),
    ({"checkpoints": (0.5, 1.5)}, "checkpoints holds 1.5"),
    ({"checkpoints": (0.0,)}, "checkpoints holds 0.0"),
])
def test_a_setting_that_cannot_be_is_refused_in_one_line(tmp_path, settings, words):
    with pytest.raises(UsageError, match=words):
        sft.run(Workbench(tmp_path), base="x", stages=[{}], **settings)


def test_no_base_and_no_stage_are_refused(tmp_path):
    with pytest.raises(UsageError, match="no base model"):
        sft.run(Workbench(tmp_path), base="", stages=[{}])
    with pytest.raises(UsageError, match="no stage to train"):
        sft.run(Workbench(tmp_path), base="x", stages=[])


def test_the_defaults_are_the_papers(tmp_path):
    recipe = sft.Recipe()
    assert (recipe.optimizer, recipe.learning_rate, recipe.batch_size) == ("adamw", 2e-5, 32)
    assert (recipe.warmup, recipe.weight_decay, recipe.max_length) == (0.03, 0.0, 2048)


def test_a_stage_without_rows_of_its_name_or_of_fitting_length_says_so(
        tmp_path, base_folder, rows_folder):
    bench = Workbench(tmp_path, inputs={"rows": rows_folder})
    with pytest.raises(UsageError, match="wants rows of 'hard', but the step was given rows"):
        sft.run(bench, base=str(base_folder), stages=[{"rows": "hard"}])
    with pytest.raises(StepFailed, match="all 80 rows are longer than 5 tokens"):
        sft.run(bench, base=str(base_folder), stages=[{}], max_length=5)
    with pytest.raises(StepFailed, match="none of 80 rows is a function; form='program' wants"):
        sft.run(bench, base=str(base_folder), stages=[{}], form="program")


@pytest.mark.slow
def test_on_a_gpu_a_stages_model_is_gone_before_the_next_one_is_opened(
        tmp_path, base_folder, rows_folder, monkeypatch):
    """A trainer and its model hold each other: two of 7 billion weights would not fit."""
    models, alive, plain = [], [], training.open_model

    def opened(*words, **more):
        alive.append([model() is not None for model in models])
        model, tokenizer = plain(*words, **more)
        models.append(weakref.ref(model))
        return model, tokenizer

    monkeypatch.setattr(training, "open_model", opened)
    monkeypatch.setattr(devices, "gpus", lambda: 1)
    gc.disable()  # as long as it pleases, Python leaves them
    try:
        sft.run(Workbench(tmp_path, inputs={"rows": rows_folder}), base=str(base_folder),
                stages=[{"steps": 1}, {"steps": 1}], **SETTINGS)
    finally:
        gc.enable()
    assert alive == [[], [False]]


@pytest.mark.slow
def test_two_stages_train_one_after_the_other_and_say_what_they_did(
        tmp_path, base_folder, rows_folder, one_thread):
    bench = Workbench(tmp_path, inputs={"rows": rows_folder})
    sft.run(bench, base=str(base_folder), seed=1, **SETTINGS,
            stages=[{"epochs": 12, "levels": [1, 2, 3]}, {"steps": 10, "levels": [4, 5]}])
    bench.close()
    one, two = bench.facts["stages"]
    assert (one["steps"], two["steps"]) == (round(12 * one["rows"] / 8), 10)
    assert one["rows"] + two["rows"] == 80
    measures = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert {line["stage"] for line in measures} == {1, 2}
    first = [line["loss"] for line in measures if line["stage"] == 1]
    assert first[-1] < 0.6 * first[0]
    second = next(line["loss"] for line in measures if line["stage"] == 2)
    assert second < 0.6 * first[0]  # it began where the first stage ended
    assert measures[-1]["tokens"] == two["tokens"]
    model, tokenizer = open_model(str(tmp_path), device="cpu")
    assert model.dtype == torch.float32
    assert "stage" in (tmp_path / "model" / "CARD.md").read_text(encoding="utf-8")
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": "1 + 1?"}],
                                           add_generation_prompt=True, return_tensors="pt")
    wrote = model.generate(**prompt, max_new_tokens=4, do_sample=False)
    assert wrote.shape[1] <= prompt["input_ids"].shape[1] + 4
    again = Workbench(tmp_path, inputs={"rows": rows_folder})  # as after a kill at the very end
    sft.run(again, base=str(base_folder), seed=1, **SETTINGS,
            stages=[{"epochs": 12, "levels": [1, 2, 3]}, {"steps": 10, "levels": [4, 5]}])
    assert again.facts == bench.facts


@pytest.mark.slow
def test_parts_of_a_batch_give_the_weights_of_the_whole_batch(
        tmp_path, base_folder, rows_folder, one_thread):
    for name, parts in (("whole", 1), ("parts", 4)):
        bench = Workbench(tmp_path / name, inputs={"rows": rows_folder})
        sft.run(bench, base=str(base_folder), stages=[{"steps": 1}], accumulate=parts,
                optimizer="adamw", learning_rate=1e-3, warmup=0.0, schedule="constant",
                batch_size=80, max_length=128)
    one, two = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    before = load_file(base_folder / "model.safetensors")
    for key in one:
        # AdamW's first step is about the gradient's sign, so a few tiny gradients may flip.
        alike = torch.isclose(one[key], two[key], atol=1e-4).float().mean()
        assert alike > 0.98, key
    assert not any(torch.equal(one[key], before[key]) for key in one)


@pytest.mark.slow
def test_packing_trains_through_trl_on_the_same_number_of_tokens(
        tmp_path, base_folder, rows_folder, one_thread):
    bench = Workbench(tmp_path, inputs={"rows": rows_folder})
    sft.run(bench, base=str(base_folder), stages=[{"epochs": 1}], packing=True,
            **{**SETTINGS, "batch_size": 1})
    (stage,) = bench.facts["stages"]
    measures = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert measures[-1]["tokens"] == stage["tokens"]
    assert measures[-1]["loss"] < measures[0]["loss"]


PROGRAM = """
import sys, json, torch
torch.set_num_threads(1)
from pathlib import Path
from mathmill.train import sft
from mathmill.workbench import Workbench
out, base, rows = map(Path, sys.argv[1:4])
if __name__ == "__main__":
    bench = Workbench(out, inputs={"rows": rows}, tools={"save_seconds": 0.0})
    sft.run(bench, base=str(base), stages=[{"steps": 40}, {"steps": 60}], seed=2,
            checkpoints=(0.3, 0.5, 0.9, 1.0), **json.loads(sys.argv[4]))
    bench.close()
"""


@pytest.mark.slow
def test_a_training_killed_with_sigkill_goes_on_to_the_same_weights_and_losses(
        tmp_path, base_folder, rows_folder):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    source = str(Path(sft.__file__).parents[3])

    def start(out: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, str(program), str(out), str(base_folder), str(rows_folder),
             json.dumps(SETTINGS)], env={**os.environ, "PYTHONPATH": source})

    assert start(tmp_path / "whole").wait(timeout=120) == 0
    killed, until = start(tmp_path / "killed"), time.time() + 120
    while time.time() < until and killed.poll() is None:
        steps = [int(place.parent.name.split("-")[1]) for place in
                 (tmp_path / "killed" / "stage-2").glob("checkpoint-*/measures.json")]
        if any(step >= 20 for step in steps):
            break
        time.sleep(0.005)
    assert killed.poll() is None, "the training ended before it could be killed"
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "killed" / "model").exists()
    assert start(tmp_path / "killed").wait(timeout=120) == 0
    for name in ("model", "model-030", "model-050", "model-090"):  # the last after the kill
        one, two = (load_file(tmp_path / run / name / "model.safetensors")
                    for run in ("whole", "killed"))
        assert one.keys() == two.keys()
        assert all(torch.equal(one[key], two[key]) for key in one)
    lines = [[{**json.loads(line), "tokens_per_second": 0} for line in
              (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
             for name in ("whole", "killed")]
    assert lines[0] == lines[1]
    kept = sorted(place.name for place in (tmp_path / "killed").glob("model*"))
    assert kept == ["model", "model-030", "model-050", "model-090"]
    early, _ = open_model(str(tmp_path / "killed" / "model-030"), device="cpu")
    assert early.dtype == torch.float32
    card = (tmp_path / "killed" / "model-030" / "CARD.md").read_text(encoding="utf-8")
    assert "after 30 of the training's steps" in card
