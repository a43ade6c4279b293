"""The verb `sample`: several models write programs for problems; run, graded, kept as one pool.

Why: pass@k, votes, best-of-n and the data that a verifier learns from are all read off the
same candidates. A sample's draws hang on its model's label, temperature, problem and number
alone, so that neither the batch nor the company nor a kill changes what it says.

Used as: the runner calls `run(bench, models={"early": {"step": "generator", "checkpoint":
"model-025"}}, suites=["problems"], n=48, temperatures=[0.5, 0.7])` with inputs `generator` (a
training) and `suite.problems` (Problem rows); it writes Candidate rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mathmill.candidates import Candidate, candidate_id
from mathmill.decoding.forms import PROGRAM, PROSE, TOOL, check_form, prompt
from mathmill.decoding.generation import STOPS, Ask
from mathmill.decoding.prompts import encode
from mathmill.errors import InputError, StepFailed, UsageError
from mathmill.evaluate.drawing import Draw, Journal, Plan, Response, draws
from mathmill.evaluate.execution import Executed, Executor, tolerant_verdicts
from mathmill.evaluate.run import suite_items
from mathmill.evaluate.tally import PoolTally
from mathmill.evaluate.writers import Writers, open_writers
from mathmill.identity import content_id
from mathmill.io import as_json
from mathmill.types import Drop, Problem
from mathmill.workbench import Workbench

TOGETHER = 4_096  # samples that are run and graded at once: equal ones among them once
Item = tuple[str, Problem]


def run(bench: Workbench, *, models: Mapping[str, Mapping[str, str]], suites: list[str],
        n: int = 48, temperatures: Sequence[float] = (0.5, 0.7), greedy: bool = True,
        form: str = PROGRAM, max_new_tokens: int = 512, batch: int = 256, seed: int = 0) -> None:
    """Draw `n` samples a problem from each model, run and grade them; writes Candidate rows.

    `models` by label: `{"step": input, "checkpoint": "model" or "model-025"}`, or `{"base":
    name}`. The `n` are dealt out evenly over the temperatures; with `greedy` one more sample,
    at temperature 0, is made. Each suite is the input `suite.<name>`; problems without an
    answer are dropped. `batch`: samples written at once; it changes none of them (but for
    rounding: see `decoding.generation`). Batches that a killed attempt finished are read back.
    Raises UsageError, InputError, StepFailed.
    """
    _check(models, suites, n, temperatures, form, max_new_tokens, batch)
    items = _problems(bench, suites)
    if not items:
        raise StepFailed("sample has no problem with an answer; give problems whose answers are "
                         "known")
    wanted = draws(n, temperatures, greedy)
    total = len(models) * len(items) * len(wanted)
    writing = _Writing(items, wanted, form, max_new_tokens, batch, seed)
    with Journal(bench.out / "responses.jsonl") as journal:
        for label, where in models.items():
            with open_writers(bench, model_place(bench, where), writing.most) as writers:
                for _ in writing.batches(journal, label, writers):
                    bench.show(journal.samples, total, f"samples, of {label} now")
            del writers  # one model at a time: the next may be as large
    tally = PoolTally(seed)
    with Executor(form) as executor:
        bench.keep(_candidates(bench, journal, executor, items, tally, total), Candidate)
        tally.programs = executor.programs
    bench.facts |= tally.facts(journal) | {
        "problems": len(items), "n": n, "temperatures": list(temperatures), "form": form}


def _check(models: Mapping[str, Mapping[str, str]], suites: Sequence[str], n: int,
           temperatures: Sequence[float], form: str, max_new_tokens: int, batch: int) -> None:
    check_form(form)
    if form in (PROSE, TOOL):
        raise UsageError("sample runs programs; its form is `program` or `function`")
    if not models or not suites:
        raise UsageError("sample needs at least one model and one table of problems")
    if min(n, max_new_tokens, batch) < 1:
        raise UsageError("n, max_new_tokens and batch must be at least 1")
    if not temperatures or min(temperatures) <= 0 or len(set(temperatures)) < len(temperatures):
        raise UsageError(f"temperatures are {list(temperatures)}; give different ones above 0 "
                         "(the greedy sample comes by itself)")
    for label, where in models.items():
        if set(where) - {"step", "checkpoint", "base"} or ("step" in where) == ("base" in where):
            raise UsageError(f"model {label!r} is {dict(where)}; name a `step` (with its "
                             "`checkpoint`) or a `base`")


def model_place(bench: Workbench, where: Mapping[str, str]) -> str:
    """Return what `open_model` is to open; raises InputError for a checkpoint not kept."""
    if "base" in where:
        return where["base"]
    folder = Path(bench.inputs[where["step"]])
    name = where.get("checkpoint", "model")
    if name == "model" and not (folder / name).is_dir():
        return str(folder)
    if not (folder / name).is_dir():
        there = ", ".join(sorted(each.name for each in folder.glob("model*"))) or "none"
        raise InputError(folder / name, f"this training kept no such model (it has: {there})",
                         "give `train` a share in `checkpoints` for each, such as 0.25")
    return str(folder / name)


def _problems(bench: Workbench, suites: list[str]) -> list[Item]:
    """Return (suite, problem) of all that have an answer; of equal problems the first."""
    found: dict[tuple[str, str], Item] = {}
    for suite, problem in suite_items(bench, suites):
        if (suite, problem.id) in found:
            bench.drop(Drop(problem.id, "duplicate problem", f"suite {suite}", as_json(problem)))
        found.setdefault((suite, problem.id), (suite, problem))
    bench.facts.pop("rows_in")  # many rows come of one problem
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Writing:
    """What is written, by whichever model."""

    items: Sequence[Item]
    wanted: Sequence[Draw]
    form: str
    limit: int
    "Most tokens of a sample."
    batch: int
    seed: int

    @property
    def most(self) -> int:
        """Batches of one model, at most."""
        return -(-len(self.items) * len(self.wanted) // self.batch)

    def batches(self, journal: Journal, label: str, writers: Writers) -> Iterator[int]:
        """Have a model write what the journal lacks of its samples; yield after each batch."""
        prompts = encode(writers.tokenizer, [prompt(writers.tokenizer, item.question, self.form)
                                             for _, item in self.items])
        plan = Plan([len(ids) for ids in prompts], self.wanted, self.batch)
        made = journal.start(label, plan)
        written = writers.decode(
            [Ask(prompts[place], self.limit, draw.temperature,
                 seed=draw_seed(self.seed, label, self.items[place][1].id, draw),
                 stops=STOPS, logprobs=True) for place, draw in rows]
            for rows in islice(plan, made, None))
        begun = time.perf_counter()
        for number, wrote in enumerate(written, made):
            outs = [Response(out.text.strip("\n").rstrip(), out.tokens, out.finish, out.logprob)
                    for out in wrote]
            journal.add(label, number, outs, time.perf_counter() - begun)
            begun = time.perf_counter()
            yield number


def draw_seed(seed: int, label: str, item: str, draw: Draw) -> int:
    """Return the seed of one sample's stream of draws."""
    return int(content_id("sample", seed, label, item, draw.temperature, draw.number), 16)


def _candidates(bench: Workbench, journal: Journal, executor: Executor,
                items: Sequence[Item], tally: PoolTally, total: int) -> Iterator[Candidate]:
    """Run and grade what the journal holds, some thousand samples at a time."""
    done = 0
    for label in journal.plans:
        for rows, outs in journal.read(label, TOGETHER):
            begun = time.perf_counter()
            ended = executor.run([(items[place][1].question, out.text)
                                  for (place, _), out in zip(rows, outs, strict=True)])
            ran = time.perf_counter()
            found = tolerant_verdicts(
                (items[place][0], items[place][1].question, items[place][1].answer or "", end)
                for (place, _), end in zip(rows, ended, strict=True))
            made = [_candidate(items[place], label, draw, out, end, verdict.value)
                    for (place, draw), out, end, verdict
                    in zip(rows, outs, ended, found, strict=True)]
            tally.add(made, ran - begun, time.perf_counter() - ran)
            done += len(made)
            bench.show(done, total, "samples run and graded")
            yield from made


def _candidate(item: Item, label: str, draw: Draw, out: Response, end: Executed,
               verdict: str) -> Candidate:
    suite, problem = item
    return Candidate(
        id=candidate_id(problem.id, suite, label, draw.temperature, draw.number, out.text),
        item=problem.id, suite=suite, question=problem.question, gold=problem.answer or "",
        response=out.text, program=end.program, answer=end.answer, kind=end.outcome.kind,
        error=end.error, verdict=verdict, model=label, temperature=draw.temperature,
        sample=draw.number, tokens=out.tokens, finish=out.finish, logprob=out.logprob,
        level=problem.level, subject=problem.subject, signature=problem.signature)
