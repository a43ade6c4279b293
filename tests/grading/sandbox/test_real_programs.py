"""Programs that models wrote, and people published, return here what they returned there."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]

# Rows of Program-of-Thoughts' GSM8K file (1-based) whose recorded value is another, and why.
UNASSIGNED = {193, 210, 332, 663, 797, 963, 1114, 1242}  # no `ans`: here the last variable counts
SLOW = {826}  # 40 million turns of a loop: 2 seconds are not enough, their 5 were


@pytest.fixture(scope="module")
def published() -> ModuleType:
    pytest.importorskip("pydantic_monty", reason="the sandbox needs mathmill[sandbox]")
    spec = importlib.util.spec_from_file_location(
        "real_programs", ROOT / "benchmarks" / "real_programs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["real_programs"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_every_program_of_gsm_hard_returns_its_target(
        published: ModuleType, shared_data: Path) -> None:
    assert published.gsm_hard(shared_data) == (1_319, [])


@pytest.mark.slow
def test_the_policy_of_gsm_hard_finds_every_program_right(
        published: ModuleType, shared_data: Path, tmp_path: Path) -> None:
    from mathmill.grading.sandbox.files import ExecOptions, exec_file

    summary = exec_file(shared_data / "gsm_hard" / "gsmhardv2.jsonl", "code",
                        tmp_path / "out.jsonl", "target", ExecOptions(policy="gsm_hard"))
    assert summary.verdicts == {"correct": 1_319}
    assert "100.0% correct" in summary.text()


def test_program_of_thoughts_on_svamp_gives_each_recorded_value(
        published: ModuleType, shared_data: Path) -> None:
    held = published.numeric(shared_data, "svamp_s0_e-1_11_24_14_38")
    assert (held.rows, held.same, held.recorded, held.theirs) == (999, 999, 851, 851)
    assert round(held.theirs / held.rows, 3) == 0.852  # as published
    assert held.ours == 848  # three of them are right only without their sign


@pytest.mark.slow
def test_program_of_thoughts_on_gsm8k_gives_the_recorded_values_but_nine(
        published: ModuleType, shared_data: Path) -> None:
    held = published.numeric(shared_data, "gsm8K_s0_e-1_11_17_10_20")
    apart = {words[0] for words in held.apart}
    assert apart <= UNASSIGNED | SLOW
    assert apart >= UNASSIGNED
    assert (held.rows, held.recorded) == (1_318, 943)  # 71.55 %: published as 71.6
    assert abs(held.theirs - 943) <= 2
    assert abs(held.ours - 943) <= 2


@pytest.mark.slow
@pytest.mark.parametrize(("name", "rows", "right", "ours"), [
    ("svamp_zs_s0_e-1_11_18_20_12", 999, 708, 698),  # theirs takes the first of a tuple
    ("multiarith_zs_s0_e-1_11_19_20_12", 599, 552, 551),  # theirs drops the sign
    ("gsm8K_zs_s0_e-1_11_19_09_55", 1_317, 750, 747)])
def test_zero_shot_programs_give_the_published_accuracies(
        published: ModuleType, shared_data: Path, name: str, rows: int, right: int,
        ours: int) -> None:
    held = published.numeric(shared_data, name)
    assert (held.rows, held.recorded) == (rows, right)
    assert held.same >= rows - 3  # SymPy orders the entries of a dict otherwise since
    assert abs(held.theirs - right) <= 1
    assert abs(held.ours - ours) <= 1
    assert abs(held.recorded / held.rows - published.NUMERIC[name][0]) < 0.001


@pytest.mark.slow
def test_votes_over_programs_of_aqua_lead_where_the_published_ones_do(
        published: ModuleType, shared_data: Path) -> None:
    """Every sixth question, 30 programs each; all of them: benchmarks/real_programs.py.

    Their option was chosen by a language model, ours by number; docs/exec.md says what is known
    of the 38 of 253 questions on which the votes lead elsewhere.
    """
    held = published.aqua(shared_data, "aqua_sc_s0_e-1_11_07_20_49", every=6)
    assert held.rows == 43
    assert held.same >= 0.75 * held.rows
    assert abs(held.theirs - held.recorded) <= 4
    assert held.kinds["value"] > 0.85 * 43 * 30
