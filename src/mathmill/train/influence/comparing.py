"""The baselines as ways of the same step: what each of them reads, and where its model lies.

Why: `baselines` knows numbers and models only; which input holds what belongs to the step.

Used as: `found, drops = by_baseline(bench, ["train"], "", settings)`, by `train.influence.run`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

from mathmill.decoding.generation import window
from mathmill.decoding.models import open_model
from mathmill.texts import Valued
from mathmill.train.data import render
from mathmill.train.influence import baselines
from mathmill.train.influence.baselines import PERPLEXITY, RANDOM, VERIFIER, Row
from mathmill.train.influence.reading import rows_of
from mathmill.train.influence.settings import Settings
from mathmill.train.items import items
from mathmill.types import Drop, Sample
from mathmill.workbench import Workbench


def by_baseline(bench: Workbench, targets: Sequence[str], base: str, settings: Settings
                ) -> tuple[Iterator[Valued], list[Drop]]:
    """Return the rows' values by a baseline, and the rows that have none.

    Input `reference`: the model (a training) of `perplexity` and `one_shot`, the verifier of
    `verifier`; `base` names a model in its place, tool `score` scores in the verifier's.
    """
    rows = list(rows_of(bench, "rows"))
    drops: list[Drop] = []
    if settings.by == RANDOM:
        worth = baselines.by_draw([row.id for row in rows], settings.seed)
    elif settings.by == VERIFIER:
        worth = baselines.by_score(rows, _score(bench), settings.form)
    else:
        model, tokenizer = open_model(base or str(bench.inputs["reference"]))
        kept, read, drops = _read(rows, model, tokenizer, settings)
        rows = [rows[place] for place in kept]
        worth = (baselines.by_perplexity(model, read) if settings.by == PERPLEXITY else
                 _one_shot(bench, targets, settings, (model, tokenizer), read))
    fit = [isfinite(value) for value in worth]
    drops += [Drop(row.id, "no value", f"{settings.by} told none", method=row.method)
              for row, ok in zip(rows, fit, strict=True) if not ok]
    return (Valued(row.id, row.seed, value, settings.by)
            for row, value, ok in zip(rows, worth, fit, strict=True) if ok), drops


def _score(bench: Workbench) -> baselines.Score:
    if "score" in bench.tools:
        given: baselines.Score = bench.tools["score"]
        return given
    from mathmill.decoding.verifier import scores

    return lambda candidates: scores(bench.inputs["reference"], candidates)


def _read(rows: Sequence[Sample], model: Any, tokenizer: Any, settings: Settings
          ) -> tuple[list[int], Sequence[Row], list[Drop]]:
    """Return places of the rows that can be read, those rows as tokens, and the drops."""
    rendered, drops = render(rows, tokenizer, min(settings.max_length, window(model)),
                             form=settings.form, learn_output=settings.learn_output)
    made = items(rendered)
    return rendered.kept, [made[place] for place in range(len(made))], drops


def _one_shot(bench: Workbench, targets: Sequence[str], settings: Settings,
              opened: tuple[Any, Any], rows: Sequence[Row]) -> list[float]:
    """Return how much each row helps, as the one example, with a few problems of the targets."""
    model, tokenizer = opened
    aims = [row for name in targets for row in rows_of(bench, f"target.{name}")]
    chosen = baselines.shots([row.id for row in aims], settings.shots, settings.seed)
    _, known, _ = _read([aims[place] for place in chosen], model, tokenizer, settings)
    begins = tokenizer.bos_token_id
    first = int(begins is not None and all(row["input_ids"][0] == begins for row in known))
    between = tokenizer("\n\n", add_special_tokens=False)["input_ids"]
    return baselines.by_one_shot(model, rows, known, between, window(model), first)
