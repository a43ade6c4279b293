"""The verb `evaluate`: a model answers every item of its suites once, greedily, graded twice.

Why: the score under the papers' strict matching and the tolerant one stand side by side,
with cut-off, unanswered and undecided items counted, so that a number can be trusted. A model
that writes programs is scored by what they return: pass@1 by execution. One that solves with
code is shown what its code prints, and goes on.

Used as: the runner calls `run(bench, suites=["gsm8k"], max_new_tokens=512, batch=64)` with
inputs `model` (a step whose folder holds `model/`) and `suite.gsm8k` (Problem rows).
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mathmill.decoding.forms import FUNCTION, PROGRAM, PROSE, TOOL, check_form, prompt
from mathmill.decoding.generation import Generated
from mathmill.decoding.prompts import encode, plan
from mathmill.errors import StepFailed, UsageError
from mathmill.evaluate.execution import Executed, Executor, verdict
from mathmill.evaluate.rounds import Bounds, Told, converse, table_of
from mathmill.evaluate.suites import strict_policy
from mathmill.evaluate.summary import summarise
from mathmill.evaluate.writers import Writers, open_writers
from mathmill.grading.answers import extract
from mathmill.grading.choice import options_of
from mathmill.grading.equal import grade
from mathmill.grading.policy import for_suite
from mathmill.io import append_line, as_json
from mathmill.types import WRONG, Drop, Problem, Score
from mathmill.workbench import Workbench

JOURNAL = "responses.jsonl"


def run(bench: Workbench, *, suites: list[str], base: str | None = None,
        max_new_tokens: int = 512, batch: int = 64, lets_think: bool = False,
        form: str = PROSE, rounds: int = 4) -> None:
    """Score a model on suites: zero-shot, greedy, one answer an item; writes Score rows.

    The model is the input step `model` (or the literal `base`, a name for `open_model`);
    each suite is the input `suite.<name>`. Items without an answer are dropped. Batches
    that a killed attempt finished are read back, not generated again. In the forms `program`
    and `function` the responses are run in the sandbox, and both gradings are of the value; in
    the form `tool` a model writes at most `rounds` times, max_new_tokens each, and is shown
    what its code so far prints in between.
    Raises UsageError without a model or a suite, StepFailed where no item can be scored.
    """
    check_form(form)
    if not suites or min(max_new_tokens, batch, rounds) < 1:
        raise UsageError("evaluate needs at least one suite, and max_new_tokens, batch and "
                         "rounds of at least 1")
    items = list(suite_items(bench, suites))
    if not items:
        raise StepFailed("evaluate has no item with an answer to score; give a suite whose rows "
                         "have answers")
    told: list[Told] = []
    with open_writers(bench, _model_name(bench, base), -(-len(items) // batch)) as writers:
        switches = {"lets_think": True} if lets_think else {}
        prompts = encode(writers.tokenizer, [prompt(writers.tokenizer, item.question, form,
                                                    **switches) for _, item in items])
        started = time.perf_counter()
        if form == TOOL:
            told = converse(bench, writers, prompts, Bounds(max_new_tokens, batch, rounds),
                            bench.out / JOURNAL)
            answers = [one.generated() for one in told]
            bench.facts["form"] = form
        else:
            answers = _answers(bench, writers, prompts, max_new_tokens, batch)
        template = bool(getattr(writers.tokenizer, "chat_template", None))
    seconds = time.perf_counter() - started - bench.facts.get("execution_seconds", 0.0)
    if form in (PROGRAM, FUNCTION):
        scores, tables = _by_execution(bench, items, answers, form)
    else:
        scores, tables = _by_reading(items, answers, told)
    bench.keep(scores, Score)
    bench.facts["suites"] = tables
    bench.facts["tokens"] = sum(row.tokens for row in scores)
    bench.facts["prompt_tokens"] = sum(map(len, prompts))
    bench.facts["generation_seconds"] = round(seconds, 3)
    made = bench.facts.pop("tokens_made")
    bench.facts["tokens_per_second"] = round(made / seconds, 1) if made and seconds else None
    bench.facts["chat_template"] = template


def suite_items(bench: Workbench, suites: list[str]) -> Iterator[tuple[str, Problem]]:
    """Yield (suite, problem) of all items that have an answer; drop and count the others."""
    count, places = 0, Counter(suites)
    twice = [name for name in places if places[name] > 1]
    if twice:
        raise UsageError(f"the suite {twice[0]} is named twice; name each suite once")
    for name in suites:
        if f"suite.{name}" not in bench.inputs:
            raise UsageError(f"evaluate was given no rows for the suite {name!r}; seen: "
                             f"{', '.join(sorted(bench.inputs)) or 'no inputs'}")
        for problem in bench.rows(f"suite.{name}", Problem):
            count += 1
            if problem.answer is None or not problem.answer.strip():
                bench.drop(Drop(problem.id, "no gold answer", f"suite {name}",
                                as_json(problem)))
            else:
                yield name, problem
    bench.facts["rows_in"] = count


def _model_name(bench: Workbench, base: str | None) -> str:
    """Return what `open_model` is to open: the input step's model, or the base by name."""
    if "model" in bench.inputs:
        folder = Path(bench.inputs["model"])
        return str(folder / "model" if (folder / "model").is_dir() else folder)
    if base is None:
        raise UsageError("evaluate needs a model: an input step `model` or the literal `base`")
    return base


def _answers(bench: Workbench, writers: Writers, prompts: list[list[int]],
             max_new_tokens: int, batch: int) -> list[Generated]:
    """Generate all responses, batch by batch, each written to the journal before use.

    The plan of batches is fixed by the prompts and the literals, so a batch in the journal
    of a killed attempt is the batch that would be made now.
    """
    journal, batches = bench.out / JOURNAL, plan([len(ids) for ids in prompts], batch)
    known = _read_journal(journal, batches)
    answers: dict[int, Generated] = {}
    made = done = 0
    written = writers.generate(([prompts[place] for place in places], max_new_tokens)
                               for number, places in enumerate(batches) if number not in known)
    with journal.open("a", encoding="utf-8") as file:
        for number, places in enumerate(batches):
            outs = known.get(number)
            if outs is None:
                outs = next(written)
                made += sum(out.tokens for out in outs)
                append_line(file, json.dumps([number, [
                    [out.text, out.tokens, out.finish] for out in outs]]))
            answers.update(zip(places, outs, strict=True))
            done += len(places)
            bench.show(done, len(prompts), "items answered")
    bench.facts["tokens_made"] = made
    return [answers[place] for place in range(len(prompts))]


def _read_journal(journal: Path, batches: list[list[int]]) -> dict[int, list[Generated]]:
    """Return the finished batches of a killed attempt; a torn last line is cut off."""
    if not journal.exists():
        return {}
    known: dict[int, list[Generated]] = {}
    whole = 0
    with journal.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            number, outs = json.loads(line)
            if number < len(batches) and len(outs) == len(batches[number]):
                known[number] = [Generated(*out) for out in outs]
    with journal.open("r+b") as file:
        file.truncate(whole)
    return known


def _by_reading(items: list[tuple[str, Problem]], answers: list[Generated],
                told: list[Told]) -> tuple[list[Score], dict[str, dict[str, Any]]]:
    """Grade what the responses say; return the scores, and the suites' tables.

    `told`: the responses once more, where there were rounds.
    """
    said = [one.said() for one in told] or [answer.text for answer in answers]
    scores = [_score(name, item, answer, text)
              for (name, item), answer, text in zip(items, answers, said, strict=True)]
    tables = summarise(scores)
    for name, table in tables.items():
        table["no_prefix"] = sum(
            grade(text, row.gold, strict_policy(name)).how == "no prefix"
            for row, text in zip(scores, said, strict=True) if row.suite == name)
        if told:
            table |= table_of([one for (suite, _), one in zip(items, told, strict=True)
                               if suite == name])
    return scores, tables


def _score(suite: str, item: Problem, out: Generated, said: str) -> Score:
    """Grade what a response says twice; if it did not end, only a declared answer counts."""
    gold, cut = item.answer or "", out.finish != "stop"
    found = extract(said, guess=not cut)
    tolerant = WRONG if cut and not found.text else grade(
        said, gold, for_suite(suite), options_of(item.question)).value
    return Score(
        item=item.id, suite=suite, question=item.question, gold=gold, response=out.text,
        answer=found.text, strict=grade(said, gold, strict_policy(suite)).value,
        tolerant=tolerant, finish=out.finish, tokens=out.tokens,
        level=item.level, subject=item.subject)


def _by_execution(bench: Workbench, items: list[tuple[str, Problem]], answers: list[Generated],
                  form: str) -> tuple[list[Score], dict[str, dict[str, Any]]]:
    """Run every response; return the scores, and the suites' tables with how programs ended."""
    started = time.perf_counter()
    with Executor(form) as executor:
        ended = executor.run([(item.question, out.text)
                              for (_, item), out in zip(items, answers, strict=True)])
    bench.facts |= {"form": form, "programs": executor.programs,
                    "execution_seconds": round(time.perf_counter() - started, 3)}
    scores = [_executed_score(name, item, out, done)
              for (name, item), out, done in zip(items, answers, ended, strict=True)]
    tables = summarise(scores)
    for suite, table in tables.items():
        ends = [done for (name, _), done in zip(items, ended, strict=True) if name == suite]
        table["kinds"] = dict(Counter(done.outcome.kind for done in ends).most_common())
        table["errors"] = dict(Counter(done.error for done in ends if done.error).most_common(20))
    return scores, tables


def _executed_score(suite: str, item: Problem, out: Generated, done: Executed) -> Score:
    """Grade what a response's program returned; one that was cut off is run as it stands."""
    gold = item.answer or ""
    return Score(
        item=item.id, suite=suite, question=item.question, gold=gold, response=out.text,
        answer=done.answer, strict=verdict(item.question, gold, done, strict_policy(suite)).value,
        tolerant=verdict(item.question, gold, done, for_suite(suite)).value, finish=out.finish,
        tokens=out.tokens, level=item.level, subject=item.subject)
