"""The report step: reads the run behind it and writes the page, the figures and the cards.

Used by the pipeline's `report` verb: `run(bench, title=..., curves=..., arms=...)`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mathmill.io import write_json
from mathmill.report.cards import dataset_card, model_card
from mathmill.report.material import gather
from mathmill.report.page import page
from mathmill.report.scaling import as_json
from mathmill.report.sections.summary import headline
from mathmill.workbench import Workbench


def run(bench: Workbench, *, title: str,
        curves: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        arms: Sequence[Mapping[str, Any]] | None = None,
        pairs: Sequence[Sequence[str]] | None = None,
        main: str | None = None, measure: str = "tolerant",
        choices: Mapping[str, int] | None = None) -> None:
    """Write `report.html`, `scaling.json` and the two cards into the step's folder.

    Inputs: `data` and `data.<name>` (the final rows, optional), and `score.<label>`. `curves` is
    {regime: [{"rows", "seed", "score", "suite"?}, ...]}, the first regime leads; `arms` is
    [{"study", "arm", "seed", "score", "control"?, "suite"?}, ...]; `pairs` is [[score, score],
    ...] (default: the main one against each other model outside curves and studies); `main`
    names the score of the headline; `choices` is {input of a `choose` step: its seed}. Tools:
    `wilson`, `compare`, `mean_interval`; with choices `over_problems`.
    Raises StepFailed and InputError with one line each; see `material.gather`.
    """
    material = gather(bench, title, curves=curves, arms=arms, pairs=pairs, main=main,
                      measure=measure, choices=choices)
    _write(bench.out / "report.html", page(material))
    write_json(bench.out / "scaling.json",
               {one.name: as_json(one.fits) for one in material.curves})
    for name, card in (("dataset_card.md", dataset_card(material)),
                       ("model_card.md", model_card(material))):
        if card is not None:
            _write(bench.out / name, card)
    bench.facts["headline"] = headline(material)
    bench.facts["report"] = "report.html"


def _write(path: Path, text: str) -> None:
    """Write a text whole or not at all."""
    aside = path.with_name(path.name + ".writing")
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)
