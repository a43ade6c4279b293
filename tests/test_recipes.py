"""Every recipe builds; the demo runs whole, and survives being killed at any moment."""

from __future__ import annotations

import importlib
import os
import pkgutil
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

import mathmill_recipes
from mathmill.execution.step import in_order
from mathmill.io import read_json, read_rows
from mathmill.types import Sample, Score

ROOT = Path(__file__).resolve().parents[1]
NAMES = sorted(module.name for module in pkgutil.iter_modules(mathmill_recipes.__path__)
               if not module.name.startswith("_"))

# The demo with small numbers: the same steps, but for two sizes of the sweep, in seconds.
SMALL = """
import sys
from pathlib import Path
from mathmill.errors import MathmillError
from mathmill.execution import local
from mathmill_recipes import demo, scaling_sweep

if __name__ == "__main__":
    scaling_sweep.halvings = lambda rows: [rows >> n for n in (4, 3, 2, 1)]
    demo.SEEDS, demo.TEST = "symbolic:count=60,seed=1", "symbolic:count=40,seed=2"
    demo.FIXED_STEPS, demo.EPOCHS = 3, 1
    demo.SCORING = {"max_new_tokens": 24, "batch": 64}
    print(local.run(demo.recipe(samples=128, seeds=demo.SEEDS, teacher=sys.argv[2]),
                    Path(sys.argv[1]), jobs=2))
"""


def small_demo(out: Path, teacher: str = "symbolic:error_rate=0.3") -> subprocess.Popen[str]:
    script = out.parent / "small_demo.py"
    script.write_text(SMALL)
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.Popen([sys.executable, str(script), str(out), teacher], env=env, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def rows_of(out: Path) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for manifest in sorted((out / "steps").glob("*/manifest.json")):
        name = read_json(manifest)["name"]
        kinds = {"synthesize": Sample, "verify": Sample, "select": Sample,
                 "decontaminate": Sample, "evaluate": Score}
        if name in kinds:
            rows = manifest.parent / "rows.parquet"
            found[manifest.parent.name] = list(read_rows(rows, kinds[name]))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_builds_its_steps_without_running_any(name: str) -> None:
    recipe = importlib.import_module(f"mathmill_recipes.{name}").recipe
    steps = in_order(recipe())
    assert len({step.id for step in steps}) == len(steps)
    assert [step.id for step in in_order(recipe())] == [step.id for step in steps]


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_says_what_it_is_and_how_it_is_called(name: str) -> None:
    text = importlib.import_module(f"mathmill_recipes.{name}").__doc__
    assert text
    assert f"mathmill run {name}" in text


def test_a_changed_number_of_rows_changes_what_follows_and_nothing_before() -> None:
    from mathmill_recipes import demo

    before = {step.title: step.id for step in in_order(demo.recipe(samples=600))}
    after = {step.title: step.id for step in in_order(demo.recipe(samples=601))}
    assert before["seeds"] == after["seeds"]
    assert before["synthesize"] != after["synthesize"]
    assert before["report"] != after["report"]


class Calm(NamedTuple):
    """An undisturbed run."""

    out: Path
    page: str
    seconds: float


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Calm:
    """Return a run whose teacher errs, for what it says and for what one that is killed must be."""
    out = tmp_path_factory.mktemp("calm") / "run"
    process, began = small_demo(out), time.monotonic()
    said, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    page = Path(said.strip().splitlines()[-1]) / "report.html"
    return Calm(out, page.read_text(encoding="utf-8"), time.monotonic() - began)


@pytest.mark.slow
def test_the_demo_killed_at_ten_moments_ends_with_the_rows_of_an_undisturbed_one(
        calm: Calm, tmp_path: Path) -> None:
    assert "</html>" in calm.page
    draw, kills = random.Random(7), 0
    for _ in range(10):
        process = small_demo(tmp_path / "killed")
        try:
            process.wait(timeout=draw.uniform(0.1, 0.6) * calm.seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
    last = small_demo(tmp_path / "killed")
    _, err = last.communicate(timeout=600)
    assert last.returncode == 0, err
    assert kills >= 3, "the demo was too quick to be killed: this test would show nothing"
    assert rows_of(tmp_path / "killed") == rows_of(calm.out)


@pytest.mark.slow
def test_a_teacher_that_errs_is_caught_by_verify_and_the_report_says_how_well(calm: Calm) -> None:
    manifest = next((calm.out / "steps").glob("verify-*/manifest.json"))
    truth = read_json(manifest)["tally"]["facts"]["truth"]
    assert truth["dropped_wrong"] > 0
    # Four of the six methods know the right answer, so about two thirds can be caught at all.
    assert truth["verdict_wrong"]["precision"] > 0.95
    assert 0.4 < truth["verdict_wrong"]["recall"] < 0.95
    assert truth["kept_wrong"] > 0
    assert "precision" in calm.page
    assert "recall" in calm.page


def test_verify_votes_with_the_teacher_that_wrote_the_drafts_and_can_keep_all() -> None:
    from mathmill.methods import XWIN
    from mathmill.pipeline import seeds, synthesize, verify

    drafts = synthesize(seeds("symbolic:count=5,seed=1"), XWIN, 5, "symbolic:error_rate=0.5")
    assert verify(drafts).literals["teacher"] == "symbolic:error_rate=0.5"
    assert verify(drafts, keep="label").literals["keep"] == "label"


def test_too_few_rows_to_halve_are_refused_before_anything_runs() -> None:
    from mathmill.errors import UsageError
    from mathmill_recipes.scaling_sweep import halvings

    assert halvings(4_000) == [125, 250, 500, 1_000, 2_000, 4_000]
    with pytest.raises(UsageError, match="raise --samples"):
        halvings(31)


@pytest.mark.parametrize(("base", "rate"), [
    ("mistralai/Mistral-7B-v0.1", 2e-6), ("deepseek-ai/deepseek-math-7b-base", 2e-6),
    ("meta-llama/Llama-2-7b-hf", 2e-5)])
def test_skywork_trains_each_base_at_the_papers_rate(base: str, rate: float) -> None:
    from mathmill_recipes import skywork_math

    trained = [step for step in in_order(skywork_math.recipe(base=base)) if step.name == "train"]
    assert {step.literals["learning_rate"] for step in trained} == {rate}
