"""The code on the pages about votes and about files runs as it stands there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.mark.parametrize("page", ["voting.md", "grade-integrations.md"])
def test_the_code_on_a_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                 ) -> None:
    rows = [{"gold": "5", "response": "The answer is 5."}, {"gold": 6, "response": "#### 7"},
            {"gold": "1/2", "response": "0.5"}, {"gold": "5"}]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        exec(compile(block, page, "exec"), {})
