"""The verb `value`: what it writes down, what it refuses at once, and a run from end to end."""

from __future__ import annotations

from pathlib import Path

import pytest

from mathmill.errors import UsageError
from mathmill.execution import local
from mathmill.io import read_json, read_rows
from mathmill.methods import METAMATH
from mathmill.pipeline import EMBEDDED, Stage, seeds, select, synthesize, train, value
from mathmill.texts import Valued
from mathmill.types import Sample

pytest.importorskip("torch")
pytest.importorskip("peft")

KNOWN = seeds("symbolic:count=40,seed=3", label="known problems")
ROWS = synthesize(seeds("symbolic:count=40,seed=4"), METAMATH[:1], 40, label="pairs")
TUNED = train(EMBEDDED, ROWS, [Stage(steps=12)], label="tuned")
REFERENCE = train(TUNED, select(ROWS, how="random", count=30), [Stage(steps=12)], max_length=400,
                  lora={"rank": 2}, batch_size=8, learning_rate=0.02, label="reference")


def test_all_that_decides_a_value_is_written_down() -> None:
    worth = value(ROWS, {"known": KNOWN}, REFERENCE, dimension=64)
    assert set(worth.inputs) == {"rows", "target.known", "reference", "base"}
    assert worth.inputs["base"] is TUNED  # a reference's factors lie on the base it came from
    assert worth.literals["by"] == "gradient"
    assert worth.literals["max_length"] == 400  # as the reference learned its rows
    assert worth.literals["targets"] == ["known"]
    named = train(EMBEDDED, ROWS, lora={"rank": 2})
    assert value(ROWS, KNOWN, named).literals["base"] == EMBEDDED
    assert value(ROWS, KNOWN, named, seed=1).id != value(ROWS, KNOWN, named).id
    assert value(ROWS, by="random").inputs == {"rows": ROWS}
    assert value(ROWS, reference="org/model", by="perplexity").literals["base"] == "org/model"


@pytest.mark.parametrize(("given", "words"), [
    ({"reference": TUNED}, r"taken at LoRA factors; give as reference what train\(..., lora="),
    ({"reference": "org/model"}, "taken at LoRA factors"),
    ({}, "taken at LoRA factors"),
    ({"reference": REFERENCE, "direction": "adam"}, "keep_optimizer=True"),
    ({"reference": REFERENCE, "targets": None}, "is for a target; give targets="),
    ({"by": "one_shot", "reference": TUNED, "targets": None}, "is for a target"),
    ({"by": "perplexity"}, "asks a model; give one as reference"),
    ({"by": "verifier"}, "asks a model"), ({"by": "luck"}, "by is 'luck'")])
def test_what_cannot_be_valued_is_refused_before_anything_runs(given, words) -> None:
    with pytest.raises(UsageError, match=words):
        value(ROWS, **{"targets": {"known": KNOWN}, **given})


@pytest.mark.slow
def test_rows_are_valued_and_the_best_are_chosen(tmp_path: Path) -> None:
    reference = train(EMBEDDED, select(ROWS, how="random", count=30), [Stage(steps=4)],
                      lora={"rank": 2}, batch_size=8, label="reference")
    worth = value(ROWS, {"known": KNOWN}, reference, dimension=64)
    best = select(ROWS, how="value", values=worth, count=10, duplicates=())
    folder = local.run(best, tmp_path)
    (valued,) = (tmp_path / "steps").glob("value-*")
    values = {row.id: row.value for row in read_rows(valued / "rows.parquet", Valued)}
    chosen = {row.id for row in read_rows(folder / "rows.parquet", Sample)}
    assert len(values) == 40
    assert chosen == set(sorted(values, key=values.__getitem__)[-10:])
    facts = read_json(valued / "manifest.json")["tally"]["facts"]
    assert facts["weights"] == 4 * 4 * 2 * 2 * 96  # layers, matrices, rank, in + out
    assert facts["targets"] == {"known": 40}
    assert not list((tmp_path / "steps").glob("reference-*/stage-*/adapter"))
