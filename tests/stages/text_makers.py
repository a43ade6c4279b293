"""Makes sources of texts for the tests, and runs the stage on them as the verb would."""

from __future__ import annotations

import json
from pathlib import Path

from mathmill import pipeline
from mathmill.io import read_rows
from mathmill.texts import Text
from mathmill.workbench import Workbench

LONG = ("The baker of the village sells {n} loaves on Monday, and on every day that follows she "
        "sells a few more than on the day before, because the word has gone round.")


def sentence(n: int) -> str:
    return LONG.format(n=n)


def jsonl(path: Path, rows: list) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
                    + "\n", encoding="utf-8")
    return path


def run(folder: Path, sources, tools=None, **settings):
    """Return rows, drops and tally of the stage, run with what the verb hands it."""
    step = pipeline.texts(sources, **settings)
    bench = Workbench(folder / "out", tools={**step.tools, **(tools or {})})
    step.work(bench, **step.literals)
    tally = bench.close()
    return list(read_rows(bench.out / "rows.parquet", Text)), list(bench.drops), tally
