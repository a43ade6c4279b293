"""Programs that models wrote, and people published: voted over at every k, and put to our checks.

All of them: `python benchmarks/real_votes.py`; docs/evaluate.md has what came of it.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def published() -> ModuleType:
    pytest.importorskip("pydantic_monty", reason="the sandbox needs mathmill[sandbox]")
    spec = importlib.util.spec_from_file_location(
        "real_votes", ROOT / "benchmarks" / "real_votes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["real_votes"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_votes_over_thirty_real_programs_rise_with_k_and_are_one_by_value(
        published: ModuleType, shared_data: Path) -> None:
    found = published.questions(shared_data, every=46)  # 6 questions, 180 programs
    assert [len(q.kinds) for q in found] == [30] * 6
    values = published.curve([q.by_value for q in found], "vote", (1, 5, 30))
    oracle = published.curve([q.by_text for q in found], "pass", (1, 5, 30))
    assert values[1].value == pytest.approx(oracle[1].value, abs=0.02)
    assert values[5].value < oracle[5].value
    assert all(one.low <= one.value <= one.high for one in values.values())
    for question in found:  # grouping by value never splits what is written alike
        pairs = set(zip(question.by_text.groups, question.by_value.groups, strict=True))
        assert len(pairs) == len({text for text, _ in pairs})


@pytest.mark.slow
@pytest.mark.parametrize(("name", "policy", "every", "kept"), [
    ("codex", "gsm8k", 40, 0.6), ("hard", "gsm_hard", 30, 0.95)])
def test_real_programs_go_through_the_checks_of_a_recipe(
        published: ModuleType, shared_data: Path, tmp_path: Path, name: str, policy: str,
        every: int, kept: float) -> None:
    rows = getattr(published, name)(shared_data, every)
    tally: dict[str, Any] = published.checked(rows, tmp_path, policy)
    assert tally["kept"]["rows"] + sum(tally["dropped"].values()) == len(rows)
    assert tally["kept"]["rows"] >= kept * len(rows)
    if name == "hard":  # whatever runs returns its target
        assert "wrong answer" not in tally["dropped"]
        assert "program raises an error" not in tally["dropped"]
