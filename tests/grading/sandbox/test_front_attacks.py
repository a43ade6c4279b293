"""Hostile programs against the whole front: each ends as it may, and the next is none the wiser.

Where attacks.txt asks what a program can reach, this asks what it can do to the answers: forge or
poison them, hold them up, break what carries them. The programs are in attacks_front.jsonl.
"""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path

import pytest

from mathmill.grading.sandbox import confine
from mathmill.grading.sandbox.outcome import Limits, Outcome, Program
from mathmill.grading.sandbox.run import Sandbox

CASES = [json.loads(line) for line in
         (Path(__file__).parents[2] / "cases" / "attacks_front.jsonl").read_text().splitlines()]
LIMITS = Limits(seconds=0.5)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(
    bool(confine.report()["missing"]), reason="this machine lacks walls for the second engine")]


def program(case: dict[str, object]) -> Program:
    code = case["code"]
    text = code["repeat"] * code["times"] if isinstance(code, dict) else code
    return Program(str(text), str(case["result"]))


@pytest.fixture(scope="module")
def found() -> dict[str, tuple[Outcome, Outcome]]:
    """Each hostile program's outcome, and that of the harmless one behind it."""
    pytest.importorskip("pydantic_monty")
    both = [one for n, case in enumerate(CASES)
            for one in (program(case), Program(f"x = sum([40, {n}])", "x"))]
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with Sandbox(LIMITS, jobs=2, crosscheck=0.0) as sandbox:
        outcomes = list(sandbox.run(both))
        again = list(sandbox.run(both[1::2]))
        counts = sandbox.report()["counts"]
    assert [one.value for one in again] == [str(40 + n) for n in range(len(CASES))]
    assert not counts.get("process lost")
    assert not counts.get("canary: wrong, worker retired")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10  # KiB
    assert time.monotonic() - begun < 60
    return {case["name"]: (outcomes[2 * n], outcomes[2 * n + 1]) for n, case in enumerate(CASES)}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_hostile_program_ends_as_it_may_and_changes_no_other(
        case: dict[str, object], found: dict[str, tuple[Outcome, Outcome]]) -> None:
    own, behind = found[str(case["name"])]
    assert own.kind in case["kinds"], own
    assert (behind.kind, behind.value) == ("value", str(40 + CASES.index(case)))
    assert len(own.value or "") <= LIMITS.output
    assert (own.error + own.type).isprintable()
    assert len(own.error + own.type) < 500
