"""A small finished run, written as the runner would: rows, drops and manifests of every step."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mathmill.identity import content_id, draw
from mathmill.io import as_json, write_json
from mathmill.types import (
    CORRECT,
    UNDECIDED,
    WRONG,
    Drop,
    Problem,
    Sample,
    Score,
    make_problem,
    sample_id,
)
from mathmill.workbench import Workbench

HOSTILE = '<script>document.title="owned"</script><img src=x onerror=alert(1)>'
SIZES = (250, 500, 1000, 2000, 4000, 8000)


def wilson(k: int, n: int) -> tuple[float, float]:
    z = 1.959964
    middle, half = k / n + z * z / (2 * n), z * math.sqrt(k * (n - k) / n**3 + z * z / (4 * n * n))
    return max(0.0, middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def mean_interval(values: list[float]) -> tuple[float, float, float]:
    t = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}[len(values)]
    mean = sum(values) / len(values)
    sd = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    return mean, mean - t * sd / math.sqrt(len(values)), mean + t * sd / math.sqrt(len(values))


@dataclass
class Pair:
    n: int
    both: int
    only_a: int
    only_b: int
    difference: float
    interval: tuple[float, float]
    p_mcnemar: float


def compare(scores_a: Iterable[Score], scores_b: Iterable[Score], *, matching: str) -> Pair:
    a = [getattr(s, matching) == CORRECT for s in scores_a]
    b = [getattr(s, matching) == CORRECT for s in scores_b]
    only_a = sum(x and not y for x, y in zip(a, b, strict=True))
    only_b = sum(y and not x for x, y in zip(a, b, strict=True))
    n, gap = len(a), (only_b - only_a) / len(a)
    half = 1.96 * math.sqrt(max(0.0, (only_a + only_b) / n - gap * gap) / n)
    odd = only_a + only_b
    p = min(1.0, 2 * sum(math.comb(odd, i) for i in range(min(only_a, only_b) + 1)) / 2**odd)
    return Pair(n, sum(x and y for x, y in zip(a, b, strict=True)), only_a, only_b, gap,
                (gap - half, gap + half), p)


TOOLS = {"wilson": wilson, "mean_interval": mean_interval, "compare": compare}


@dataclass
class Run:
    """A run under construction."""

    home: Path
    clock: float = 1_800_000_000.0
    folders: dict[str, str] = field(default_factory=dict)

    def step(self, verb: str, label: str, *, literals: Mapping[str, Any] | None = None,
             inputs: Mapping[str, str] | None = None, rows: list[Any] | None = None,
             record: type = Sample, drops: Iterable[Drop] = (),
             facts: Mapping[str, Any] | None = None, seconds: float = 2.0) -> str:
        """Write one finished step; return its id."""
        given = {name: {"id": step, "folder": self.folders[step]}
                 for name, step in (inputs or {}).items()}
        step = content_id("step", verb, label, dict(literals or {}), given)
        folder = f"steps/{label or verb}-{step[:12]}"
        bench = Workbench(self.home / folder, home=self.home)
        if rows is not None:
            bench.keep(rows, record)
        for drop in drops:
            bench.drop(drop)
        bench.facts.update(facts or {})
        tally = bench.close()
        self.clock += seconds
        write_json(bench.out / "manifest.json", {
            "id": step, "label": label, "name": verb, "literals": dict(literals or {}),
            "inputs": given, "tally": tally, "started": self.clock, "seconds": seconds,
            "versions": {"mathmill": "0.1.0", "python": "3.11.9"}})
        self.folders[step] = folder
        return step

    def folder(self, step: str) -> Path:
        return self.home / self.folders[step]

    def bench(self, **inputs: str) -> Workbench:
        """Return the workbench of a report that reads these steps (`score__x` is `score.x`)."""
        named = {name.replace("__", "."): self.folder(step) for name, step in inputs.items()}
        return Workbench(self.home / "steps" / "report", inputs=named, tools=TOOLS, home=self.home)


def scores(key: str, share: float, n: int = 200, suite: str = "symbolic") -> list[Score]:
    """Return n graded items, of which about `share` are solved, fewer at high levels."""
    made = []
    for i in range(n):
        level = i % 5 + 1
        dice = draw("score", key, i).random()
        strict = dice < share * (1.5 - level / 6)
        undecided = not strict and draw("undecided", key, i).random() < 0.01
        made.append(Score(
            item=f"item-{i}", suite=suite, question=f"Question {i}?", gold="4",
            response="The answer is 4", answer="4", strict=CORRECT if strict else WRONG,
            tolerant=CORRECT if strict else UNDECIDED if undecided else WRONG,
            finish="length" if i % 97 == 0 else "stop", tokens=30, level=level,
            subject=("shopping", "travel", "harvest")[i % 3]))
    return made


def sample_of(seed: Problem, method: str, number: int, **fields: Any) -> Sample:
    question = fields.pop("question", f"{seed.question} ({method}, variant {number})")
    solution = fields.pop("solution", f"{number} + {number} = {2 * number}\n"
                          rf"So $\frac{{{2 * number}}}{{2}} = {number}$."
                          f"\nThe answer is {2 * number}")
    made = Sample(
        id=sample_id(question, solution), question=question, solution=solution,
        answer=str(2 * number), expected=None, seed=seed.id, parent=seed.id, method=method,
        prompts=(f"{method.replace('.', '/')}@1", "solve@1"), requests=("r1", "r2"),
        teacher="symbolic:", level=2, verdict=CORRECT, verdict_by="majority(3 of 5)",
        checks=("majority",))
    return dataclasses.replace(made, **fields)


def data_steps(run: Run, hostile: bool = False) -> str:
    """Write seeds, synthesize, verify and decontaminate; return the last one's id."""
    seeds = [make_problem(
        f"A farmer sells {n} apples at $3 each and {n} pears at $2 each. What does she earn?",
        answer=str(5 * n), level=1 + n % 3, source=f"gsm8k/train.jsonl:{n}") for n in range(1, 41)]
    first = run.step("seeds", "seeds", literals={"path": "gsm8k/train.jsonl", "limit": 40},
                     rows=seeds, record=Problem, seconds=0.4, facts={"rows_in": 42},
                     drops=[Drop("x", "proof"), Drop("y", "duplicate", "row 7")])
    methods = ("metamath.rephrase", "metamath.fobar", "evolve.deepen", "xwin.create")
    made = [sample_of(seed, method, number) for number, seed in enumerate(seeds)
            for method in methods]
    if hostile:
        made = [dataclasses.replace(s, solution=HOSTILE + " $x^2$", verdict_by=HOSTILE)
                if s.method == "metamath.fobar" else s for s in made]
    failed = [Drop(f"a{i}", "no answer", HOSTILE if hostile else "I am sorry.",
                   method=methods[i % 4]) for i in range(30)]
    drafts = run.step(
        "synthesize", "drafts", literals={"samples": 160, "teacher": "symbolic:error_rate=0.3"},
        inputs={"seeds": first}, rows=made, drops=failed, seconds=48.0,
        facts={"rows_in": 190, "methods": {
            m: {"attempts": 50, "accepted": 40, "tokens_in": 9000, "tokens_out": 4200}
            for m in methods}})
    bad = [dataclasses.replace(s, verdict=WRONG, verdict_by="majority(1 of 5)")
           for s in made[::5]]
    lost = {s.id for s in bad}
    checked = run.step(
        "verify", "checked", literals={"by": ["majority"], "votes": 5}, inputs={"samples": drafts},
        rows=[s for s in made if s.id not in lost], seconds=31.0,
        drops=[Drop(s.id, "majority disagrees", "the majority says 12, this says 14",
                    as_json(s), s.method) for s in bad],
        facts={"rows_in": len(made), "votes": {"tokens_in": 20_000, "tokens_out": 11_000},
               "truth": {"n": 150, "unknown": 10,
                         "kept": {"hits": 110, "called": 112, "there": 116},
                         "verdict_wrong": {"hits": 0, "called": 0, "there": 34}}})
    return run.step("decontaminate", "clean", literals={"n": 30}, inputs={"samples": checked},
                    rows=[s for s in made if s.id not in lost], seconds=0.8,
                    facts={"rows_in": len(made) - len(lost)})


def sweep(run: Run, data: str, name: str, curve: Callable[[int], float],
          seeds: int = 3) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Write trainings and evaluations of a sweep; return the literal and the inputs."""
    cells, inputs = [], {}
    for seed in range(seeds):
        for rows in SIZES:
            label = f"{name}{rows}s{seed}"
            model = run.step("train", f"train.{label}", literals={"rows": rows, "seed": seed},
                             inputs={"data": data}, seconds=rows / 200,
                             facts={"rows": rows, "steps": rows // 8, "loss": 0.5 - rows / 40_000,
                                    "tokens_per_second": 18_250.0})
            share = curve(rows) + draw("wobble", label).gauss(0, 0.01)
            inputs[f"score__{label}"] = run.step(
                "evaluate", label, literals={"suites": ["symbolic"]}, inputs={"model": model},
                rows=scores(label, share), record=Score, seconds=3.0)
            cells.append({"rows": rows, "seed": seed, "score": f"score.{label}"})
    return cells, inputs


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


def full_report(run: Run, hostile: bool = False) -> tuple[Workbench, dict[str, Any]]:
    """Write a whole run; return the report's workbench and its literals."""
    data = data_steps(run, hostile)
    epochs, one = sweep(run, data, "e", lambda n: 0.75 / (1 + math.exp(-3.2 * (
        math.log10(n) - 3.0))))
    steps, two = sweep(run, data, "f", lambda n: 0.36 + 0.02 * math.log10(n))
    base = run.step("evaluate", "base", literals={"model": "embedded:"},
                    rows=scores("base", 0.003, 1000), record=Score)
    inputs = {**one, **two, "score__base": base}
    arms = []
    for arm, share in (("random", 0.5), ("core-set", 0.51), ("hardest", 0.35)):
        for seed in range(3):
            label = f"{arm}-{seed}"
            inputs[f"score__{label}"] = run.step(
                "evaluate", label, literals={"arm": arm, "seed": seed},
                rows=scores(label, share + 0.004 * seed), record=Score)
            arms.append({"study": "Core-set or random", "arm": arm, "seed": seed,
                         "score": f"score.{label}", "control": arm == "random"})
    literals = {"title": "Skywork-Math in miniature", "arms": arms,
                "curves": {"fixed epochs": epochs, "fixed steps": steps}}
    return run.bench(data=data, **inputs), literals


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workbench, dict[str, Any]]:
    return full_report(Run(tmp_path_factory.mktemp("finished")), hostile=True)


@pytest.fixture
def whole(finished: tuple[Workbench, dict[str, Any]],
          tmp_path: Path) -> tuple[Workbench, dict[str, Any]]:
    """A finished run, read by a report that writes into a folder of its own."""
    bench, literals = finished
    own = Workbench(tmp_path / "report", inputs=bench.inputs, tools=TOOLS, home=bench.home)
    return own, copy.deepcopy(literals)
