"""THE SPINE: the verbs, in the order in which data flows. Each builds one step; none works here.

    seeds -> synthesize -> verify -> select -> decontaminate -> train -> evaluate -> report
               ^                                                  |  '-> sample -> choose ^
               '----------------- a trained model is a teacher ---'  '- train_verifier -'

Why: a recipe is a short program over these verbs, and a reader who has read this file knows
the whole mill. A verb writes down what decides its result (literals) and hands its stage
the tools that it may not import; the work is in `stages`, `train`, `evaluate`, `report`.

Used as: `drafts = synthesize(seeds("gsm8k/train.jsonl"), methods=METAMATH, samples=10_000)`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from mathmill.errors import UsageError
from mathmill.execution.step import Step as Step
from mathmill.train import data as training
from mathmill.types import Method

EMBEDDED = "embedded:"
SYMBOLIC = "symbolic:"
Stage = training.StagePlan


def step(name: str, work: Callable[..., None], literals: Mapping[str, Any], *given: Any,
         **more: Any) -> Step:
    """Return a step whose literals hold the defaults of its work too: they decide it as much."""
    takes = inspect.signature(work).parameters.values()
    defaults = {p.name: p.default for p in takes if p.kind is p.KEYWORD_ONLY
                and p.default is not p.empty and p.name not in literals}
    return Step(name, work, {**defaults, **literals}, *given, **more)


def _who(teacher: str | Step) -> tuple[str, dict[str, Step], dict[str, Any]]:
    """Return identity, inputs and tools of a teacher: by name, or the model of a step."""
    from mathmill.teachers import registry

    if not isinstance(teacher, Step):
        return (registry.identity(teacher), {},
                {"open_teacher": registry.opener(teacher), "teacher": teacher})
    if teacher.name not in ("train", "pretrain"):
        raise UsageError(f"the step {teacher.title!r} trained no model; a teacher is a name, or "
                         "what train or pretrain returned")
    return (f"local:step-{teacher.id[:12]}", {"teacher": teacher},
            {"open_teacher": registry.open_trained})


def seeds(source: str | Step, *, limit: int | None = None,
          fields: Mapping[str, str] | None = None, label: str = "seeds") -> Step:
    """Read problems from a file, a folder, `hf:OWNER/NAME` or `symbolic:...`; or from a step.

    A file's identity is its content, so that an edited file is a new step. From a step that
    makes samples, the problems are their questions with the answers known to be right.
    """
    from mathmill.stages import seeds as stage
    from mathmill.teachers import symbolic

    if isinstance(source, Step):
        return step("seeds", stage.of_samples, {"limit": limit}, {"rows": source}, label=label)
    literals: dict[str, Any] = {"source": source, "limit": limit, "fields": fields}
    tools: dict[str, Any] = {"worlds": {"symbolic": symbolic.make_problems}}
    digest = stage.content_digest(source)
    if digest is not None:
        literals |= {"source": stage.plain_name(source), "content": digest}
        tools["path"] = source
    return step("seeds", stage.run, literals, tools=tools, label=label)


def synthesize(problems: Step, methods: Sequence[Method] | Mapping[Method, float],
               samples: int, teacher: str | Step = SYMBOLIC, *, seed: int = 0,
               include_seeds: bool = False, label: str = "synthesize") -> Step:
    """Have a teacher write exactly `samples` accepted rows, by each method in its share.

    `methods` may give weights; equal shares otherwise. `teacher` is a name, or a step that
    trained a model: that model, in this process.
    """
    from mathmill.stages import synthesize as stage

    if samples < 1:
        raise UsageError("samples must be at least 1: nothing would be made")
    whose, given, ways = _who(teacher)
    weights = dict(methods) if isinstance(methods, Mapping) else dict.fromkeys(methods, 1.0)
    literals = {
        "methods": [{**m.identity(), "method": m.name, "weight": w} for m, w in weights.items()],
        "teacher": whose, "samples": samples, "seed": seed,
        "include_seeds": include_seeds,
    }
    return step("synthesize", stage.run, literals, {"seeds": problems, **given},
                {"methods": list(weights), **ways}, label)


def verify(drafts: Step, by: Sequence[str] = ("answer_agrees",), *, votes: int = 5,
           teacher: str | Step | None = None,
           keep: Sequence[str] | str = ("correct", "undecided"), label: str = "verify") -> Step:
    """Give every row a verdict: correct, wrong or undecided; rows whose verdict is not kept drop.

    Checks that decide: `answer_agrees` (with the answer known to be right), `majority(k)`,
    `prose_agrees`, `programs_agree(k)` (with more solutions by the teacher: the one that wrote
    the drafts where none is named). Checks that sift: `runs` and `deterministic` (programs, in
    the sandbox), `long_enough(words)`, `has_digits`. `keep`: the verdicts that stay, or `label`
    to keep all, unfit rows too. Of a pool that `sample` drew, the candidates become rows.
    """
    from mathmill.methods.votes import voting
    from mathmill.stages import verify as stage
    from mathmill.teachers import symbolic

    # By its name: an identity does not tell the servers and keys of a configuration.
    teacher = (teacher or drafts.inputs.get("teacher") or drafts.tools.get("teacher")
               or drafts.literals.get("teacher") or SYMBOLIC)
    whose, given, ways = _who(teacher)
    prompts, tools = voting(by)
    literals = {"by": list(by), "votes": votes, "teacher": whose, "prompts": prompts,
                "keep": keep if isinstance(keep, str) else list(keep),
                "pool": drafts.name == "sample"}
    tools |= ways
    if whose.startswith(SYMBOLIC):  # only the symbolic world knows the truth of its rows
        tools["truth"] = symbolic.truth
    return step("verify", stage.run, literals, {"rows": drafts, **given}, tools, label)


def select(rows: Step, *, count: int | None = None, fraction: float | None = None,
           how: str = "coreset", levels: Sequence[int] | None = None, seed: int = 0,
           duplicates: Sequence[str] = ("text",), rater: str | Step | None = None,
           label: str = "select") -> Step:
    """Choose rows: far apart from each other (`coreset`), at `random`, or `all` of some levels.

    `duplicates`: the rules by which a row that repeats an earlier one goes: `text`, `question`,
    `structure` (question and program but for names and numbers), `program`; or none of them.
    Rows without a level get one: by the steps of their solution, or by the teacher `rater`.
    """
    from mathmill.methods import difficulty
    from mathmill.stages import select as stage

    literals = {"count": count, "fraction": fraction, "how": how, "seed": seed,
                "duplicates": list(duplicates),
                "levels": None if levels is None else list(levels)}
    inputs, tools = {"rows": rows}, {"read_level": difficulty.read_level,
                                     "difficulty_request": difficulty.rate_request}
    if rater is not None:
        whose, given, ways = _who(rater)
        literals |= {"difficulty": "teacher", "teacher": whose}
        inputs |= given
        tools |= ways
    return step("select", stage.run, literals, inputs, tools, label)


def decontaminate(rows: Step, against: Mapping[str, Step], *, ngram: int | Sequence[int] = 30,
                  fold: str = "words", signatures: bool = True,
                  label: str = "decontaminate") -> Step:
    """Drop rows that share a word n-gram, or a semantic signature, with a benchmark item.

    Of several `ngram` the first drops, the others are counted. `fold`: what a word is, `words`,
    `letters` (TinyGSM: neither punctuation nor digits) or `none` (as it stands between blanks).
    """
    from mathmill.stages import decontaminate as stage
    from mathmill.teachers import symbolic

    inputs = {"rows": rows, **{f"against.{name}": step for name, step in against.items()}}
    return step("decontaminate", stage.run,
                {"ngram": ngram if isinstance(ngram, int) else list(ngram), "fold": fold,
                 "signatures": signatures, "against": sorted(against)}, inputs,
                {"signature": symbolic.signature}, label)


def train(base: str | Step, rows: Step | Mapping[str, Step], stages: Sequence[Stage] = (Stage(),),
          *, seed: int = 0, label: str = "train", **settings: Any) -> Step:
    """Fine-tune a causal language model in stages; each starts from the one before.

    `base` is `embedded:`, a folder, a Hugging Face id, or a step that trained a model.
    `settings` are those of `train.sft.Recipe`; raises UsageError for one that cannot be.
    """
    from mathmill.train import sft

    inputs = dict(rows) if isinstance(rows, Mapping) else {"rows": rows}
    if isinstance(base, Step):
        inputs["base"] = base
    sft.check("" if isinstance(base, Step) else base)
    defaults = sft.SMALL if base == EMBEDDED else {}
    recipe = sft.Recipe.of({**defaults, **settings, "seed": seed})  # refused now, not in an hour
    literals = {"base": "" if isinstance(base, Step) else base, **asdict(recipe),
                "stages": [asdict(stage) for stage in stages]}
    return step("train", sft.run, literals, inputs, label=label, apart=True)


def pretrain(label: str = "base_model", **settings: Any) -> Step:
    """Train a small Llama from nothing on plain text of the symbolic world (no questions)."""
    from mathmill.teachers import symbolic
    from mathmill.train import pretrain as work

    tools = {"passages": symbolic.passages,
             "problems": partial(symbolic.make_problems, 20_000, 0, ("en", "zh"))}
    return step("pretrain", work.run, settings, tools=tools, label=label, apart=True)


def evaluate(model: str | Step, suites: Mapping[str, Step], *, label: str = "evaluate",
             **settings: Any) -> Step:
    """Ask a model every item once, greedily; grade strictly (the papers') and tolerantly."""
    from mathmill.decoding import models
    from mathmill.evaluate import run as scoring

    inputs = {f"suite.{name}": step for name, step in suites.items()}
    if isinstance(model, Step):
        inputs["model"] = model
    literals = {"base": None if isinstance(model, Step) else model, "suites": sorted(suites),
                **settings}
    return step("evaluate", scoring.run, literals, inputs, {"open_model": models.open_model},
                label, apart=True)


def sample(models: Mapping[str, str | Step | tuple[Step, float]], suites: Mapping[str, Step], *,
           label: str = "sample", **settings: Any) -> Step:
    """Draw many programs a problem from each model, run and grade them: one pool of candidates.

    A model is a name, a step that trained one, or such a step with the share of its steps after
    which it was kept. `settings` are those of `evaluate.pool.run`: `n`, `temperatures`, ...
    """
    from mathmill.decoding import models as decoding
    from mathmill.evaluate import pool
    from mathmill.train.checkpoints import folder_name

    inputs, where = {f"suite.{name}": one for name, one in suites.items()}, {}
    for name, model in models.items():
        made, share = model if isinstance(model, tuple) else (model, 1.0)
        where[name] = {"base": made} if isinstance(made, str) else {
            "step": f"model.{name}", "checkpoint": folder_name(share)}
        if isinstance(made, Step):
            inputs[f"model.{name}"] = made
    return step("sample", pool.run, {"models": where, "suites": sorted(suites), **settings}, inputs,
                {"open_model": decoding.open_model}, label, apart=True)


def train_verifier(generator: str | Step, pools: Step | Mapping[str, Step], *,
                   label: str = "train verifier", **settings: Any) -> Step:
    """Train a verifier, from a generator's weights, on pools of candidates that `sample` made.

    `settings` are those of `train.verifier.settings.Settings`: `supervision`, `init`, ...
    """
    from mathmill.evaluate import ranking
    from mathmill.train.verifier import run as training
    from mathmill.train.verifier.settings import Settings

    inputs = dict(pools) if isinstance(pools, Mapping) else {"pool": pools}
    literals = {"base": "" if isinstance(generator, Step) else generator,
                "pools": sorted(inputs), **asdict(Settings.of(settings))}  # refused now
    if isinstance(generator, Step):
        inputs["generator"] = generator
    tools = {"pair_accuracy": ranking.pair_accuracy, "pooled_auc": ranking.pooled_auc}
    return step("train_verifier", training.run, literals, inputs, tools, label, apart=True)


def choose(pool: Step, verifiers: Mapping[str, Step] | None = None, *, label: str = "choose",
           **settings: Any) -> Step:
    """Measure each way of choosing one of n samples: greedy, majority, best by a verifier, ...

    `verifiers` by label; the generators are the models of the pool. Settings: `sizes`, `seed`.
    """
    from mathmill.decoding import verifier
    from mathmill.evaluate import choosing

    inputs = {"pool": pool, **{f"verifier.{name}": one for name, one in (verifiers or {}).items()}}
    return step("choose", choosing.run, {"verifiers": sorted(verifiers or {}), **settings}, inputs,
                {"scores": verifier.scores}, label, apart=True)


def report(title: str, scores: Mapping[str, Step], *,
           data: Step | Mapping[str, Step] | None = None,
           choices: Mapping[int, Step] | None = None,
           curves: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
           arms: Sequence[Mapping[str, Any]] = (), main: str | None = None,
           label: str = "report") -> Step:
    """Write one HTML page on all that led to the scores; `data` is what was trained on.

    `curves` names, for each scaling curve, the score at each (rows, seed); `arms` names, for
    each study, the score of each arm and seed; `main` is the score of the headline; `choices`
    are `choose` steps by their seed.
    """
    from mathmill.evaluate import compare, samples, stats
    from mathmill.report import run as page

    inputs = {f"score.{name}": step for name, step in scores.items()}
    if isinstance(data, Step):
        inputs["data"] = data
    elif data is not None:
        inputs |= {f"data.{name}": step for name, step in data.items()}
    inputs |= {f"choice.{seed}": one for seed, one in (choices or {}).items()}
    tools = {"wilson": stats.wilson, "mean_interval": stats.mean_interval,
             "compare": compare.compare, "over_problems": samples.over_problems,
             "sign_flip": stats.sign_flip}
    literals = {"title": title, "curves": curves or {}, "arms": list(arms),
                "choices": {f"choice.{seed}": seed for seed in choices or {}},
                "main": None if main is None else f"score.{main}"}
    return step("report", page.run, literals, inputs, tools, label)
