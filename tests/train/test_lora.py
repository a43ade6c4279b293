"""Factors trained in place of weights: what is left behind, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from mathmill.decoding.models import open_model
from mathmill.errors import InputError, UsageError
from mathmill.train import sft
from mathmill.train.lora import (
    Lora,
    attach,
    factor_name,
    is_adapted,
    open_adapter,
    read_kept,
    read_moments,
)
from mathmill.workbench import Workbench

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

SETTINGS: dict[str, Any] = {
    "optimizer": "adamw", "learning_rate": 0.01, "batch_size": 8, "schedule": "linear",
    "warmup": 0.0, "max_length": 128, "lora": {"rank": 4}, "keep_optimizer": True,
    "checkpoints": (0.5, 1.0), "seed": 2}


@pytest.mark.parametrize(("settings", "words"), [
    ({"lora": {"rang": 4}}, "lora has no rang; it has rank, alpha, dropout, targets"),
    ({"lora": {"rank": 0}}, "a rank of at least 1"),
    ({"lora": {"dropout": 1.0}}, "a dropout below 1"),
    ({"lora": {"targets": ()}}, "at least one target"),
    ({"keep_optimizer": True}, "wants lora={...} and optimizer='adamw'"),
    ({"keep_optimizer": True, "lora": {}, "optimizer": "muon+adamw"}, "optimizer='adamw'")])
def test_factors_that_cannot_be_are_refused_before_anything_runs(settings, words) -> None:
    with pytest.raises(UsageError, match=words):
        sft.Recipe.of(settings)


def test_the_embedded_base_has_a_rate_of_its_own_for_factors() -> None:
    assert sft.defaults("some/model", {"lora": {}}) == {}
    assert sft.defaults("embedded:", {})["optimizer"] == "muon+adamw"
    factors = sft.defaults("embedded:", {"lora": {"rank": 8}})
    assert factors["optimizer"] == "adamw"
    assert factors["learning_rate"] > sft.defaults("embedded:", {})["learning_rate"]


def test_a_model_without_the_targets_is_refused(letters) -> None:
    with pytest.raises(UsageError, match="this model has no query"):
        attach(letters[0], Lora.of({"targets": ["query"]}), seed=0)


def test_names_of_factors_hold_no_words_of_another_package() -> None:
    name = "model.layers.0.self_attn.q_proj.lora_A.default.weight"
    assert factor_name(name) == "model.layers.0.self_attn.q_proj.A"


def train(out: Path, base: Path, rows: Path, show: Any = None, **tools: Any) -> None:
    bench = Workbench(out, inputs={"rows": rows}, tools=tools)
    if show:
        bench.show = show
    sft.run(bench, base=str(base), stages=[{"steps": 20}, {"steps": 20}], **SETTINGS)
    bench.close()
    assert bench.facts["checkpoints"] == {"adapter-050": 20}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, base_folder, rows_folder) -> Path:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("whole")
    train(out, base_folder, rows_folder)
    return out


@pytest.mark.slow
def test_the_adapter_on_the_base_is_the_merged_model(whole, base_folder) -> None:
    merged, tokenizer = open_model(str(whole), device="cpu")
    assert not is_adapted(merged)
    base, _ = open_model(str(base_folder), device="cpu")
    ids = torch.tensor([tokenizer("Tom has 3 pens and buys 4 more.")["input_ids"]])
    with torch.no_grad():
        plain, wanted = base(ids).logits, merged(ids).logits
        made = open_adapter(base, whole / "adapter")(ids).logits
    assert torch.allclose(made, wanted, atol=1e-4)
    assert not torch.allclose(plain, wanted, atol=1e-2)  # something was learned


@pytest.mark.slow
def test_only_factors_moved_and_their_moments_are_kept(whole, base_folder) -> None:
    own, old = (open_model(str(place), device="cpu")[0].state_dict()
                for place in (whole, base_folder))
    moved = {name for name, weight in own.items() if not torch.equal(weight, old[name])}
    assert moved
    assert all("_proj" in name and "self_attn" in name for name in moved)
    kept = read_kept(whole / "adapter")
    assert (kept["step"], kept["stage"], kept["betas"]) == (20, 2, [0.9, 0.95])
    assert read_kept(whole / "adapter-050")["step"] == 20
    moments = read_moments(whole / "adapter-050")
    assert all(bool((moment >= 0).all()) for name, moment in moments.items()
               if name.startswith("square."))
    assert moments["mean.model.layers.0.self_attn.q_proj.A"].shape == (4, 32)
    assert sorted(place.name for place in whole.iterdir() if place.is_dir()) == [
        "adapter", "adapter-050", "model", "stage-1", "stage-2"]
    config = (whole / "adapter" / "adapter_config.json").read_text(encoding="utf-8")
    assert str(base_folder) not in config  # nothing tells on which machine it was made


@pytest.mark.slow
def test_the_mean_rate_since_the_state_before_is_kept(tmp_path, base_folder, rows_folder) -> None:
    bench = Workbench(tmp_path, inputs={"rows": rows_folder})
    sft.run(bench, base=str(base_folder), stages=[{"steps": 10}],
            **{**SETTINGS, "checkpoints": (0.4,)})
    # `linear` falls to 0 over the ten steps; step n stands at (n - 0.5) / 10.
    falling = [0.01 * (1 - (step + 0.5) / 10) for step in range(10)]
    first, last = (read_kept(tmp_path / name)["rate"] for name in ("adapter-040", "adapter"))
    assert first == pytest.approx(sum(falling[:4]) / 4)
    assert last == pytest.approx(sum(falling[4:]) / 6)


@pytest.mark.slow
def test_a_training_of_factors_that_was_broken_off_ends_with_the_same_factors(
        tmp_path, whole, base_folder, rows_folder) -> None:
    def breaking(done: int, total: int, words: str) -> None:
        if "stage 2" in words and done >= 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, base_folder, rows_folder, breaking, save_seconds=0.0)
    assert list((tmp_path / "stage-2").glob("checkpoint-*"))
    train(tmp_path, base_folder, rows_folder, save_seconds=0.0)
    for name in ("adapter/adapter_model.safetensors", "adapter/moments.safetensors",
                 "adapter/kept.json", "model/model.safetensors"):
        assert (tmp_path / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.mark.slow
def test_an_adapter_of_another_model_or_none_is_refused_in_one_line(
        tmp_path, whole, letters) -> None:
    with pytest.raises(InputError, match="holds no adapter; give the folder of a training"):
        open_adapter(letters[0], tmp_path)
    import copy

    with pytest.raises(InputError, match="cannot be laid on this model"):
        open_adapter(copy.deepcopy(letters[0]), whole / "adapter")
    shutil.copytree(whole / "adapter", tmp_path / "bare")
    (tmp_path / "bare" / "moments.safetensors").unlink()
    with pytest.raises(InputError, match="train the reference with keep_optimizer=True"):
        read_moments(tmp_path / "bare")
