"""Rows of the target's kind among others that tell nearly the same: are they found?"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("peft")


@pytest.mark.slow
def test_gradients_find_the_planted_rows_and_chance_and_perplexity_do_not(tmp_path: Path) -> None:
    from benchmarks.influence_planted import planted

    found = planted(tmp_path, seed=0, candidates=300, targets=40)
    assert found["gradient"] >= 0.8
    assert found["gradient"] > 2 * max(found["random"], found["perplexity"])
