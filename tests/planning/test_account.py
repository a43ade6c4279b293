"""A plan of a synthesizer tells the account: tokens probed, hours as far as anybody told them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mathmill.accounting import NOT_TOLD, SELECTION, SYNTHESIS, SYNTHESIZER, TRAINING, Work
from mathmill.accounting.lines import CORE, DIGITS
from mathmill.execution.step import Step, in_order
from mathmill.methods import FROM_TEXT, FROM_TEXT_SHORT
from mathmill.pipeline import (
    EMBEDDED,
    Stage,
    lessons,
    seeds,
    select,
    synthesize,
    texts,
    train,
    value,
)
from mathmill.planning.hours import Hours, Known
from mathmill.planning.plan import Choices, Plan, make_plan
from mathmill.planning.probe import Probe, asking_steps
from mathmill.workbench import Terms

SEVEN = "org/seven-billion"


def papers_shape(source: str, teacher: str, base: str, rows: int, boosted: bool = True) -> Step:
    """Return a student of a synthesizer that was taught twice, the second time by value."""
    web = texts({source: {"weight": 1, "licence": "CC-BY-4.0"}}, count=6_000_000,
                licences=["CC-BY-4.0"])
    few = select(web, how="random", count=4_000)
    kd = synthesize(few, FROM_TEXT[:2], 4_000, teacher, label="first pairs")
    synth = train(base, lessons(kd, web), [Stage(epochs=5)], label="first synthesizer")
    if not boosted:
        return train(base, synthesize(web, FROM_TEXT_SHORT[:2], rows, synth), label="student")
    pairs = synthesize(web, FROM_TEXT_SHORT[:2], 100_000, synth, label="pairs to value")
    reference = train(base, select(pairs, how="random", count=2_000), lora={"rank": 8},
                      label="reference")
    worth = value(pairs, {"train": seeds("hf:org/problems:main/train")}, reference)
    best = select(web, how="value", values=worth, count=2_000)
    again = synthesize(best, FROM_TEXT[:2], 2_000, teacher, label="second pairs")
    synth = train(base, lessons([kd, again], web), [Stage(epochs=5)], label="synthesizer")
    mass = synthesize(web, FROM_TEXT_SHORT[:2], rows, synth, label="mass")
    return train(base, mass, [Stage(epochs=1)], label="student")


def planned(last: Step, out: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return make_plan(last, out, Terms(), Choices(rows=8))


@pytest.mark.slow
def test_at_the_papers_scale_nothing_is_downloaded_and_nothing_trained(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    last = papers_shape("hf:org/pages", "openai:gpt-4", SEVEN, 5_984_584)
    plan = planned(last, tmp_path / "run", monkeypatch)
    account = plan.account
    assert account is not None
    lines = {line.name: line for line in account.steps}
    assert lines["mass"].times[0].words == (
        "640 h of A100 (the paper's 640 h x 5,984,584 / 5,984,584 rows)")
    assert lines["pairs to value"].times[0].hours == round(640 * 100_000 / 5_984_584, DIGITS)
    assert lines["value"].times[0].hours == 128
    assert lines["reference"].cells[2] == f"hours: {NOT_TOLD}"
    assert lines["synthesizer"].cells[2] == f"hours: {NOT_TOLD}"
    teacher = lines["first pairs"].calls
    assert teacher is not None
    assert teacher.pico == round(30e6 * (teacher.read or 0) + 60e6 * (teacher.written or 0))
    student, = account.models
    assert student.rows == 5_984_584
    assert student.by_teacher is not None
    assert student.by_teacher.calls is not None
    assert student.by_teacher.calls.read == round(student.rows * student.a_row[0])
    assert not student.whole.money().whole, "the synthesizers' hours are not told"
    text = plan.text()
    for words in ("9,335 calls: 2,800,500 tokens in (300 a call), 8,186,795 tokens out",
                  "1,536 h of A100", "about $8,480 (a secondary source)", "above $40,000",
                  "= $368,770.07", "and takes at least ", "An hour of A100: $3.4309 (2026-11-09"):
        assert words in text, words
    assert not list((tmp_path / "run.plan").glob("steps/*/model"))


def test_a_probe_draws_values_and_reads_our_own_texts_for_those_of_the_hub() -> None:
    last = papers_shape("hf:org/pages", "symbolic:", SEVEN, 1_000)
    probe = Probe(asking_steps(last), 8, {"": "symbolic:"})
    small = {step.name: step for end in probe.small.values() for step in in_order(end)}
    assert "train" not in small
    assert small["value"].literals["by"] == "random"
    assert set(small["value"].inputs) == {"rows"}
    assert [entry["source"] for entry in small["texts"].literals["sources"]] == ["shipped:"]
    assert small["texts"].literals["licences"] is None
    assert "seeds" not in small, "the targets of a value that is drawn are not read"
    assert "plan" not in small, "no problems stand in for texts"
    own = papers_shape("shipped:", "symbolic:", EMBEDDED, 1_000, boosted=False)
    probe = Probe(asking_steps(own), 8, {"": "symbolic:"})
    assert all(probe.whole(step) for step in in_order(own) if step.name == "texts")


def step_of(verb: str, name: str, base: str = "", cpu: float | None = None, gpus: int = 0,
            **more: Any) -> Known:
    inputs = more.pop("inputs", {})
    literals = {"base": base, **more} if verb == "train" else more
    done = None if cpu is None else {
        "seconds": 7200, "tally": {"facts": {"accepted": more.get("samples")}},
        "machine": {"cpu_seconds": cpu, "device": "NVIDIA H200" if gpus else "cpu", "gpus": gpus}}
    return Known(Work(name, verb, name, inputs), literals, done)


def chain(base: str, mass: float | None = None, gpus: int = 0) -> list[Known]:
    """Return a synthesizer's run in which a small synthesis may have been measured."""
    stages = [{"epochs": 1.0, "steps": None}]
    return [
        step_of("synthesize", "kd", samples=40),
        step_of("train", "synth", base, inputs={"rows": "kd"}, stages=stages),
        step_of("synthesize", "small", cpu=mass, gpus=gpus, samples=100,
                inputs={"teacher": "synth"}),
        step_of("synthesize", "mass", samples=6_000, inputs={"teacher": "synth"}),
        step_of("train", "student", base, inputs={"rows": "mass"}, stages=stages),
        step_of("train", "reference", base, inputs={"rows": "small"}, stages=stages),
        step_of("value", "worth", inputs={"rows": "small", "reference": "reference"})]


def hours_of(known: list[Known], step: str, part: str) -> Any:
    found = Hours({each.work.id: each for each in known}, lambda device: None).times(step, part)
    return found[0] if found else None


def test_hours_come_from_what_was_measured_here_before_they_come_from_the_paper() -> None:
    for gpus, device, hours in ((0, CORE, 30), (2, "NVIDIA H200", 240)):
        found = hours_of(chain(SEVEN, 1800, gpus), "mass", SYNTHESIS)
        assert (found.device, found.hours) == (device, hours)
        assert found.note == f"as small: {hours / 60:g} h x 6,000 / 100 rows"
    found = hours_of(chain(SEVEN, 1800), "small", SYNTHESIS)
    assert (found.hours, found.note) == (0.5, "measured: it is done")
    told = hours_of(chain(SEVEN), "mass", SYNTHESIS)
    assert (told.device, told.hours) == ("A100", round(640 * 6_000 / 5_984_584, DIGITS))
    assert hours_of(chain(SEVEN), "worth", SELECTION).hours == round(256 * 100 / 200_000, DIGITS)
    assert hours_of(chain(SEVEN), "student", TRAINING).hours is not None


@pytest.mark.parametrize(("base", "step", "part"), [
    (EMBEDDED, "mass", SYNTHESIS), (EMBEDDED, "student", TRAINING), (SEVEN, "synth", SYNTHESIZER),
    (SEVEN, "reference", SELECTION)])
def test_what_nobody_told_or_measured_is_not_told(base: str, step: str, part: str) -> None:
    assert hours_of(chain(base), step, part).hours is None


def test_the_teachers_own_calls_take_no_hours_that_count() -> None:
    assert hours_of(chain(SEVEN), "kd", "teacher") is None
