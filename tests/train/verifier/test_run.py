"""A verifier learns what can be learned, nothing from dealt labels, and survives a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mathmill.candidates import Candidate
from mathmill.decoding.bundles import Bundle
from mathmill.decoding.models import open_model
from mathmill.decoding.verifier import new_verifier, scores
from mathmill.errors import StepFailed, UsageError
from mathmill.evaluate.ranking import pair_accuracy, pooled_auc
from mathmill.io import read_json, read_rows, write_rows
from mathmill.train.verifier import run as training
from mathmill.train.verifier.data import gather, shuffled
from mathmill.train.verifier.objective import Task, objective, parts
from mathmill.train.verifier.run import run
from mathmill.train.verifier.settings import Settings
from mathmill.workbench import Workbench
from verifier_cases import make_candidate, toy

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

QUICK = {"epochs": 4, "batch_size": 8, "held_out": 0.2}


def bench(folder: Path, base: Path, rows: list[Candidate], **tools: Any) -> Workbench:
    write_rows(folder / "pool" / "rows.parquet", rows, Candidate)
    return Workbench(folder / "out", {"pool": folder / "pool", "generator": base},
                     {"pair_accuracy": pair_accuracy, "pooled_auc": pooled_auc, **tools})


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return {**load_file(folder / "verifier" / "model.safetensors"),
            **load_file(folder / "verifier" / "verifier_head.safetensors")}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def ranked(verifier: Path, rows: list[Candidate]) -> float:
    found: dict[str, list[tuple[float, bool]]] = {}
    for row, value in zip(rows, scores(verifier, rows), strict=True):
        found.setdefault(row.item, []).append((value, row.verdict == "correct"))
    shares = [pair_accuracy([v for v, _ in each], [ok for _, ok in each])
              for each in found.values()]
    return sum(share or 0.0 for share in shares) / len(shares)


def test_where_a_long_program_is_left_out_either_side_still_weighs_half(base_folder: Path) -> None:
    rows = [make_candidate("a", "Tom has 9 pens.", text, ok, sample=place) for place, (text, ok) in
            enumerate((("x = 1", True), ("x = 2", True), ("x = 3", False),
                       ("x = 4" + " + 4" * 200, False)))]
    groups, _ = gather(rows, Settings())
    ((task,), long) = training._tasks(groups, open_model(str(base_folder))[1], Settings(), 200)
    assert long == 1
    assert dict(zip(task.right, task.weights, strict=True)) == {True: 0.25, False: 0.5}


def test_the_base_s_weights_are_asked_for_by_its_name(tmp_path: Path, base_folder: Path) -> None:
    with pytest.raises(UsageError, match="base model's name"):
        run(bench(tmp_path, base_folder, toy(4)), init="base")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, base_folder: Path) -> Workbench:
    made = bench(tmp_path_factory.mktemp("trained"), base_folder, toy(160))
    run(made, **QUICK)
    return made


def test_it_ranks_programs_that_a_reader_can_tell_apart(trained: Workbench) -> None:
    last = trained.facts["passes"][-1]
    assert last["pair_accuracy"] > 0.95
    assert last["auc"] > 0.95
    assert last["pair_accuracy_numbers"] == last["pair_accuracy"]
    assert trained.facts["passes"][0]["loss"] > last["loss"]
    assert ranked(trained.out, toy(30)) > 0.95


def test_it_leaves_a_folder_facts_and_metrics(trained: Workbench) -> None:
    data = trained.facts["data"]
    assert data["groups"] == 160
    assert data["candidates"] == 640
    assert data["held_out"] > 10
    assert sorted(each.name for each in trained.out.iterdir()) == ["metrics.jsonl", "verifier"]
    assert data["learned"] == 160 - data["held_out"]
    card = (trained.out / "verifier" / "CARD.md").read_text()
    assert "within-problem pair accuracy" in card
    assert f"from {data['learned']} problems with\n{4 * data['learned']} programs" in card
    assert len((trained.out / "metrics.jsonl").read_text().splitlines()) == 4
    assert read_json(trained.out / "verifier" / "verifier.json") == {
        "form": "program", "confidence": False}


@pytest.mark.slow
def test_it_learns_nothing_from_labels_that_were_dealt_out(
        tmp_path: Path, base_folder: Path) -> None:
    groups, _ = gather(toy(160), Settings())
    dealt = [make_candidate(group.item, group.question, program.response, label, sample=place)
             for group in shuffled(groups, seed=1)
             for place, (program, label) in enumerate(
                 zip(group.programs, group.right, strict=True))]
    made = bench(tmp_path, base_folder, dealt)
    run(made, **QUICK)
    assert abs(ranked(made.out, toy(160)) - 0.5) < 0.2


@pytest.mark.parametrize("more", [
    {}, pytest.param({"confidence": True, "lm": 0.5, "pairwise": 1.0}, marks=pytest.mark.slow)],
    ids=["the paper's", "all terms"])
def test_a_killed_training_ends_with_the_very_same_weights(
        tmp_path: Path, base_folder: Path, more: dict[str, Any]) -> None:
    rows, settings = toy(40), {**QUICK, "epochs": 2, **more}
    whole = bench(tmp_path / "whole", base_folder, rows)
    run(whole, **settings)
    killed = bench(tmp_path / "killed", base_folder, rows, save_seconds=0.0)

    def kill(done: int, total: int | None, words: str) -> None:
        if done == 6:
            raise KeyboardInterrupt

    killed.show = kill
    with pytest.raises(KeyboardInterrupt):
        run(killed, **settings)
    assert (killed.out / "checkpoint.pt").exists()
    again = bench(tmp_path / "killed", base_folder, rows)
    steps: list[int] = []
    again.show = lambda done, total, words: steps.append(done)
    run(again, **settings)
    assert steps[0] == 7, "it went on, it did not begin anew"
    assert same(weights(whole.out), weights(again.out))
    for one, other in zip(whole.facts["passes"], again.facts["passes"], strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


@pytest.mark.parametrize(("settings", "moves"), [
    ({"head_only": True}, {"head.weight", "head.bias"}),
    ({"head_only": True, "confidence": True}, {"head.weight", "head.bias", "confidence"}),
    ({"init": "scratch", "seed": 1, "learning_rate": 1e-9, "adam_rate": 1e-9}, None)])
def test_what_each_way_of_training_moves(tmp_path: Path, base_folder: Path,
                                         settings: dict[str, Any], moves: Any) -> None:
    made = bench(tmp_path, base_folder, toy(20))
    run(made, **{**QUICK, "epochs": 1, **settings})
    before = open_model(str(base_folder))[0].state_dict()
    after = weights(made.out)
    moved = {name for name in after if name not in before
             or not torch.equal(after[name], before[name])}
    if moves is None:
        assert "model.layers.0.mlp.up_proj.weight" in moved, "weights from scratch are others"
    else:
        assert moved == moves


def _tasks() -> list[Task]:
    return [Task(Bundle([3, 4, number], [[5, 6], [7], [8, 9, 10]]), (True, False, False),
                 (0.5, 0.25, 0.25)) for number in range(5, 9)]


@pytest.mark.parametrize("settings", [
    {}, {"supervision": "last"}, {"pairwise": 1.0}, {"lm": 1.0}, {"confidence": True}],
    ids=["tokens", "last", "pairs", "lm", "confidence"])
def test_a_step_in_parts_is_the_step_in_one(base_folder: Path, settings: dict[str, Any]) -> None:
    """The objective is a sum over problems, whatever batch and packing they come in."""
    made = new_verifier(open_model(str(base_folder))[0], settings.get("confidence", False)).train()
    torch.manual_seed(0)
    torch.nn.init.normal_(made.head.weight)
    chosen, tasks = Settings.of(settings), _tasks()
    whole = objective(made, tasks, chosen, 1).item()
    assert len(list(parts(tasks, 20))) == 2
    apart = sum(objective(made, part, chosen, 1).item() for part in parts(tasks, 20))
    made.shares = False
    unpacked = objective(made, tasks, chosen, 1).item()
    assert apart == pytest.approx(whole, rel=1e-5)
    assert unpacked == pytest.approx(whole, rel=1e-5)


def test_a_head_that_says_nothing_costs_log_two_a_problem(base_folder: Path) -> None:
    made = new_verifier(open_model(str(base_folder))[0])
    for settings in (Settings(), Settings(supervision="last")):
        loss = objective(made, _tasks(), settings, 1).item()
        assert loss == pytest.approx(4 * 0.693147, abs=1e-4)
    pairs = objective(made, _tasks(), Settings(pairwise=1.0), 1).item()
    assert pairs == pytest.approx(8 * 0.693147, abs=1e-4)


def test_nothing_to_learn_from_is_said_with_its_cure(tmp_path: Path, base_folder: Path) -> None:
    right = [row for row in toy(9) if row.verdict == "correct"]
    with pytest.raises(StepFailed, match="none has both right and wrong programs"):
        run(bench(tmp_path, base_folder, right), **QUICK)
    with pytest.raises(UsageError, match="no model to make a verifier of"):
        run(Workbench(tmp_path / "none", {"pool": tmp_path / "pool"}), **QUICK)


def test_programs_that_are_too_long_are_left_out_and_counted(
        tmp_path: Path, base_folder: Path) -> None:
    rows = [*toy(20), make_candidate("item 0", toy(1)[0].question, "x = 1\n" * 90, False)]
    made = bench(tmp_path, base_folder, rows)
    run(made, **{**QUICK, "epochs": 1, "max_length": 80})
    assert made.facts["data"]["too_long"] == 1
    assert list(read_rows(made.inputs["pool"] / "rows.parquet", Candidate)) == rows
