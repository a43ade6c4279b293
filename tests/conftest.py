"""Fixtures for every test: where real data lies, small models, and nothing that reaches a network.

What holds for every process that a test starts stands here too, for there are hundreds.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

import tiny_models

ROOT = Path(__file__).resolve().parents[1]
ALONE = ROOT / "tests" / "grading"
# What takes longest, the longest first: of two workers none is left with it at the end. The other
# files follow in their order.
LONGEST = (
    "test_real_server.py", "test_recipes.py", "execution/test_ray.py",
    "teachers/test_hostile_server.py", "grading/sandbox/test_attacks.py", "train/test_sft.py",
    "train/test_together.py", "test_trained_teacher.py", "execution/test_ray_bad.py",
    "test_jiuzhang3.py", "test_tinygsm.py", "grading/sandbox/test_real_programs.py",
    "grading/test_hostile.py", "grading/test_conformance.py", "teachers/batch/test_kill.py",
    "grading/test_symbolic.py", "evaluate/test_writers.py", "ranks/test_launch.py",
    "teachers/money/test_hostile_bills.py", "report/test_browser.py",
    "teachers/test_hostile_runs.py", "grading/sandbox/test_run.py", "planning/test_plan.py",
    "grading/test_files.py", "train/test_corpus.py", "grading/sandbox/test_fidelity.py",
    "teachers/money/test_caps.py", "teachers/test_openai.py", "grading/test_reward.py",
    "cli/test_generate.py", "grading/test_answers.py", "stages/seeds/test_gather.py",
    "teachers/test_pace.py", "teachers/test_local.py")
# Models here are tiny and two files run at a time: threads of theirs wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Where no bytecode is kept, each process compiles all that it imports of mathmill and its tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first; refuse a test that `make test` would not find."""
    lost = [item.nodeid for item in items if item.get_closest_marker("alone")
            and ALONE not in item.path.parents]
    if lost:
        raise pytest.UsageError(f"marked alone outside {ALONE} (see ALONE in the Makefile): {lost}")
    places = {ROOT / "tests" / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data beside the project, or skip and say so."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real data is not here: put it into ../shared/data to run this test")
    return folder


@pytest.fixture(scope="session")
def letters() -> tuple[Any, Any]:
    """Return a random Llama over single letters and its tokenizer, for all who change neither."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    return tiny_models.letters()


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """Return the house's own tokenizer, small."""
    pytest.importorskip("transformers")
    return tiny_models.new_tokenizer()


@pytest.fixture(scope="session")
def base_folder(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a saved model of a few thousand weights, with the Alpaca template."""
    pytest.importorskip("torch")
    return tiny_models.save_model(tokenizer, tmp_path_factory.mktemp("base"))
