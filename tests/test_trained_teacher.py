"""A step that trained a model is a teacher like any other: identity, run, lineage, report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mathmill.errors import UsageError
from mathmill.execution import local
from mathmill.io import read_json, read_rows
from mathmill.methods import METAMATH
from mathmill.methods.solve import finish_solution
from mathmill.pipeline import (
    EMBEDDED,
    Stage,
    evaluate,
    pretrain,
    report,
    seeds,
    select,
    synthesize,
    train,
    verify,
)
from mathmill.types import Drop, Message, Problem, Request, Sample, sample_id

PROBLEMS = seeds("symbolic:count=60,seed=1")
ROWS = synthesize(PROBLEMS, METAMATH[:1], 40, include_seeds=True, label="first rows")
TUNED = train(EMBEDDED, ROWS, [Stage(steps=60)], label="the pupil", optimizer="muon+adamw",
              learning_rate=0.01, adam_rate=3e-3, batch_size=16, max_length=512)


@dataclass(frozen=True)
class Bare:
    """Asks the question as a pupil is asked, with nothing around it."""

    name: str = "bare"

    def identity(self) -> dict[str, Any]:
        return {"prompts": ["bare@1"]}

    def attempt(self, seed: Problem, number: int) -> Iterator[Any]:
        asked = Request((Message("user", seed.question),), temperature=0.3, max_tokens=120,
                        sample=number, prompt="bare@1")
        reply = yield asked
        done = finish_solution(reply.text)
        if reply.finish != "stop" or done is None:
            return Drop(asked.id, "no answer", reply.text[:200], "", self.name)
        return Sample(sample_id(seed.question, done[0]), seed.question, done[0], done[1],
                      seed.answer, seed.root, seed.id, self.name, ("bare@1",), (asked.id,),
                      reply.teacher)


def test_the_step_is_an_input_and_its_id_names_the_teacher() -> None:
    made = synthesize(PROBLEMS, [Bare()], 10, TUNED)
    assert made.inputs["teacher"] is TUNED
    assert made.literals["teacher"] == f"local:step-{TUNED.id[:12]}"
    voted = verify(made, by=["majority"])
    assert voted.inputs["teacher"] is TUNED, "the one that wrote the drafts, where none is named"
    assert voted.literals["teacher"] == made.literals["teacher"]
    assert "teacher" not in verify(made, teacher="symbolic:").inputs
    assert verify(ROWS, by=["majority"], teacher=TUNED).inputs["teacher"] is TUNED
    rated = select(ROWS, count=5, rater=TUNED)
    assert (rated.inputs["teacher"], rated.literals["difficulty"]) == (TUNED, "teacher")
    other = train(EMBEDDED, ROWS, [Stage(steps=61)])
    assert synthesize(PROBLEMS, [Bare()], 10, other).id != made.id
    base = pretrain()
    assert synthesize(PROBLEMS, [Bare()], 10, base).inputs["teacher"] is base


def test_a_step_that_trained_nothing_is_no_teacher() -> None:
    with pytest.raises(UsageError, match="'first rows' trained no model"):
        synthesize(PROBLEMS, [Bare()], 10, ROWS)


@pytest.mark.slow
def test_a_model_fine_tuned_on_a_few_rows_writes_the_next(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    made = synthesize(PROBLEMS, [Bare()], 12, TUNED, label="second rows")
    checked = verify(made, by=["answer_agrees"], keep="label")
    page = report("Taught by a pupil", {
        "pupil": evaluate(TUNED, {"test": seeds("symbolic:count=8,seed=2", label="test")},
                          max_new_tokens=64)}, data=checked)
    folder = local.run(page, tmp_path, jobs=2)

    steps = {manifest["label"]: manifest for manifest in
             map(read_json, sorted(tmp_path.glob("steps/*/manifest.json")))}
    whose = f"local:step-{TUNED.id[:12]}"
    assert steps["second rows"]["inputs"]["teacher"]["id"] == steps["the pupil"]["id"] == TUNED.id
    [place] = tmp_path.glob("steps/verify-*")
    rows = list(read_rows(place / "rows.parquet", Sample))
    assert len(rows) == 12
    assert {row.teacher for row in rows} == {whose}
    assert steps["second rows"]["tally"]["facts"]["methods"]["bare"]["tokens_out"] > 100
    journal = (tmp_path / "journal.jsonl").read_text("utf-8")
    assert whose in journal, "a free teacher's replies stay with the run"
    text = (folder / "report.html").read_text("utf-8")
    assert f"the pupil ({whose})" in text
    account = text[text.index('id="account"'):text.index('id="cost"')]
    assert "h of processor core" in account, "it wrote rows, which took time and no money"
    cards = "".join(card.read_text("utf-8") for card in folder.glob("*.md"))
    assert "the pupil" in cards

    before = journal.count("\n")
    more = synthesize(PROBLEMS, [Bare()], 14, TUNED, label="more rows")
    local.run(more, tmp_path, jobs=2)
    after = (tmp_path / "journal.jsonl").read_text("utf-8").count("\n")
    assert after - before < 30, "what the first twelve rows were made from was found again"
