"""Two processes (gloo, on CPUs) learn what one learns; one that dies is told, and they go on."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file

from mathmill.decoding.models import open_model
from mathmill.errors import InputError, StepFailed, UsageError
from mathmill.ranks import devices
from mathmill.ranks.rank import Rank
from mathmill.train import sft, together
from mathmill.train.sft import launching
from mathmill.train.together import Together, check_replaced
from mathmill.workbench import Devices, Workbench
from processes import runs

# Twelve rows a step, in parts of four: of two processes one has two parts, then each half of one.
SETTINGS = {"optimizer": "adamw", "learning_rate": 3e-3, "batch_size": 12, "accumulate": 3,
            "max_length": 128, "checkpoints": (0.25, 0.75, 1.0), "schedule": "constant"}
STEPS = 16


def train(out: Path, rows: Path, base: Path, these: Devices, show=None, **changes) -> Workbench:
    said: list[str] = []
    bench = Workbench(out, inputs={"rows": rows}, tools={"save_seconds": 0.0}, devices=these,
                      show=show or (lambda *words: None), say=said.append)
    bench.facts["said"] = said
    sft.run(bench, base=str(base), stages=[{"steps": STEPS}], seed=2, **{**SETTINGS, **changes})
    bench.close()
    return bench


def weights(out: Path, name: str) -> dict[str, torch.Tensor]:
    return load_file(out / name / "model.safetensors")


def apart(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> float:
    """Return how far two models' weights are apart, at most."""
    assert one.keys() == two.keys()
    return max(float((one[key] - two[key]).abs().max()) for key in one)


def losses(out: Path) -> list[tuple[int, int, float]]:
    """Return (step, tokens read, loss) of each measure."""
    lines = (out / "metrics.jsonl").read_text("utf-8").splitlines()
    return [(line["step"], line["tokens"], line["loss"]) for line in map(json.loads, lines)]


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
def test_two_processes_learn_what_one_learns_killed_and_resumed_whole_in_each_and_split(
        tmp_path, rows_folder, base_folder, one_thread):
    """The killed attempt has the model whole in each process (DDP), the second has it split."""
    single, pair, pids = tmp_path / "single", tmp_path / "pair", list[int]()
    train(single, rows_folder, base_folder, Devices())

    def show(done: int, total: int, words: str) -> None:
        if done >= STEPS // 2 and not pids:
            pids.extend(int(one.name) for one in (pair / "stage-1" / "ranks" / "pids").iterdir())
            os.kill(pids[-1], signal.SIGKILL)

    with pytest.raises(StepFailed, match=r"rank [01] of 2 was killed by SIGKILL") as told:
        train(pair, rows_folder, base_folder, Devices(2), show)
    assert "\n" not in str(told.value)
    assert len(pids) == 2
    assert not any(map(runs, pids)), "no rank is left behind"
    assert not (pair / "model").exists()
    begun = [int(one.parent.name.split("-")[1])
             for one in (pair / "stage-1").glob("checkpoint-*/measures.json")]
    assert begun, "the killed attempt wrote a checkpoint"
    bench = train(pair, rows_folder, base_folder, Devices(2, shard=True))
    (said,) = bench.facts["said"]
    assert re.fullmatch(r"stage 1 trains in 2 processes, the model split over them \(FSDP\):\n  "
                        r"torchrun --standalone --nproc-per-node 2 -m mathmill\.train\.sft\.rank "
                        r"\S+/stage-1/ranks\.json", said)
    (stage,) = bench.facts["stages"]
    assert (stage["processes"], stage["split"]) == (2, True)
    one, two = losses(single), losses(pair)
    assert [line[:2] for line in one] == [line[:2] for line in two], "the rows of every step"
    for (step, _, first), (_, _, second) in zip(one, two, strict=True):
        assert first == pytest.approx(second, abs=1e-4), f"step {step}"
    assert one[-1][2] < 0.9 * one[0][2]
    for name in ("model-025", "model-075", "model"):  # by DDP, by FSDP, by FSDP
        assert apart(weights(single, name), weights(pair, name)) < 1e-4
    assert apart(weights(single, "model-025"), weights(single, "model")) > 1e-2, "much was learned"
    assert sorted(one.name for one in (pair / "stage-1").iterdir()) == ["stage.json"]
    model, _ = open_model(str(pair), device="cpu")
    assert model.dtype == torch.float32


def test_a_small_model_gets_several_gpus_only_where_they_are_asked_for(
        tmp_path, base_folder, monkeypatch):
    monkeypatch.setattr(devices, "gpus", lambda: 8)
    for least, asked, wanted in ((10**8, None, 1), (10**8, 2, 2), (10, None, 8), (10, 2, 2)):
        monkeypatch.setattr(launching, "SMALL", least)
        bench = Workbench(tmp_path, devices=Devices(asked))
        assert launching.processes_of(bench, str(base_folder)) == wanted


def test_several_machines_are_told_their_line_and_a_split_model_with_factors_is_refused(
        tmp_path, rows_folder, base_folder):
    with pytest.raises(StepFailed) as told:
        train(tmp_path / "out", rows_folder, base_folder, Devices(8, nodes=2, shard=True))
    words, line = str(told.value).split("\n")
    assert words.startswith("stage 1 is ready to be trained on 2 machines, the model split over "
                            "them (FSDP); start this on each of them")
    settings = tmp_path / "out" / "stage-1" / "ranks.json"
    assert line == ("torchrun --nnodes 2 --rdzv-backend c10d --rdzv-endpoint HOST:29400 --rdzv-id "
                    f"out-1 --nproc-per-node 8 -m mathmill.train.sft.rank {settings}")
    assert json.loads(settings.read_text("utf-8"))["split"] is True
    with pytest.raises(UsageError, match="--shard splits a model that is trained whole"):
        train(tmp_path / "lora", rows_folder, base_folder, Devices(2, shard=True),
              lora={"rank": 2}, checkpoints=())


def test_a_trainer_that_names_its_own_affairs_otherwise_does_not_write_a_model_in_parts():
    class Whole:
        save_model = _save = _save_checkpoint = _save_optimizer_and_scheduler = print
        _load_from_checkpoint = _load_optimizer_and_scheduler = print

    class Other(Whole):
        _save_optimizer_and_scheduler = None

    check_replaced(Whole())
    with pytest.raises(StepFailed, match="has no Trainer._save_optimizer_and_scheduler, without "
                                         r"which .* install transformers 5.23, or .*--whole"):
        check_replaced(Other())


def test_a_split_model_goes_on_from_a_checkpoint_of_its_own_weights_alone(tmp_path):
    def opened(**held: torch.Tensor) -> torch.nn.Module:
        model = torch.nn.BatchNorm1d(2)  # two weights and three buffers
        save_file({"weight": torch.ones(2), **held}, tmp_path / "model.safetensors")
        trainer = Together()
        trainer.rank, trainer.model = Rank(0, 2, split=True), model
        trainer._load_from_checkpoint(str(tmp_path))
        return model

    model = opened(bias=torch.full((2,), 3.0), running_mean=torch.full((2,), 5.0))
    assert model.bias.tolist() == [3, 3]
    assert model.running_mean.tolist() == [5, 5]
    with pytest.raises(InputError, match=r"not those of the model \(such as bias\); go on with"):
        opened()
    with pytest.raises(InputError, match="such as expert"):
        opened(bias=torch.ones(2), expert=torch.ones(2))


def test_what_several_processes_drop_at_random_is_each_ones_own():
    seeds = []
    for number in range(3):
        trainer = Together()
        trainer.rank, trainer.args = Rank(number, 3), SimpleNamespace(seed=7)
        trainer.begin_together()
        seeds.append(torch.initial_seed())
    assert seeds[0] == 7
    assert len(set(seeds)) == 3


def test_a_trainer_that_counts_each_processs_tokens_alone_is_told_at_the_first_step(monkeypatch):
    asked = []
    monkeypatch.setattr(together, "from_first", lambda count: asked.append(count) or 40)
    trainer = Together()
    trainer.check_count(torch.tensor(40.0))
    trainer.check_count(torch.tensor(33.0))
    assert asked == [40], "one step tells; each question is a wait for the others"
    with pytest.raises(StepFailed, match="does not count the answer tokens of all processes"):
        Together().check_count(torch.tensor(17.0))
