"""The verbs that ask a model and tell what came of it: value, rate, evaluate, sample, choose, ...

Used as: `report("My run", {"student": evaluate(model, {"gsm8k": test})}, data=clean)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mathmill.errors import UsageError
from mathmill.execution.step import Step
from mathmill.pipeline.building import step, who


def value(rows: Step, targets: Step | Mapping[str, Step] | None = None,
          reference: str | Step | None = None, *, by: str = "gradient", label: str = "value",
          **settings: Any) -> Step:
    """Tell what each row is worth for learning the targets; `select(how="value")` takes it.

    By `gradient`: cosine of the row's gradient to the mean of the targets', at the LoRA factors
    of `reference`, a training with `lora={...}`. Baselines: `random`, `perplexity` and `one_shot`
    (`reference`: any model), `verifier`. `settings`: `train.influence.settings.Settings`.
    """
    from mathmill.train.influence import run as valuing
    from mathmill.train.influence.settings import Settings

    sets = {"targets": targets} if isinstance(targets, Step) else dict(targets or {})
    inputs = {"rows": rows, **{f"target.{name}": one for name, one in sets.items()}}
    base, told = reference if isinstance(reference, str) else "", {}
    if isinstance(reference, Step):
        inputs["reference"] = reference
        told = {name: reference.literals[name] for name in ("form", "max_length", "learn_output")
                if name in reference.literals}
    chosen = Settings.of({**told, **settings, "by": by})  # refused now, not after the training
    if by == "gradient":
        if not isinstance(reference, Step) or not reference.literals.get("lora"):
            raise UsageError("a value by gradient is taken at LoRA factors; give as reference "
                             "what train(..., lora={'rank': 8}) returned")
        if chosen.direction == "adam" and not reference.literals["keep_optimizer"]:
            raise UsageError("direction='adam' wants Adam's moments; train the reference with "
                             "keep_optimizer=True")
        base = reference.literals["base"]
        inputs |= {"base": reference.inputs["base"]} if not base else {}
    if not sets and by in ("gradient", "one_shot"):
        raise UsageError(f"a value by {by} is for a target; give targets={{'train': problems}}")
    if reference is None and by != "random":
        raise UsageError(f"a value by {by} asks a model; give one as reference")
    return step("value", valuing.run, {"targets": sorted(sets), "base": base, **asdict(chosen)},
                inputs, label=label, apart=True)


def rate(rows: Step, by: str = "pass_rate", model: str | Step | None = None, *,
         pool: Step | None = None, samples: int = 8, ask: str | None = None, label: str = "rate",
         **settings: Any) -> Step:
    """Tell how hard each row is, 1 to 5; `select(ratings=...)` takes it.

    By `pass_rate`: of `samples` replies by the student `model` (a teacher's name, or a step that
    trained it), the share that comes to the row's answer, with Wilson's interval; or of those in
    `pool`, which `sample` drew. By `teacher`: the word of `model`. By `steps`: of the solution.
    `ask`: the prompt `solve`, or the bare `question`, as a trained step is asked unless you say
    otherwise. `settings`: those of `stages.rate.run` (`temperature`, `max_tokens`, `policy`).
    """
    from mathmill.methods import difficulty, solve
    from mathmill.methods.prompt import identities
    from mathmill.stages import rate as stage

    asks = by != "steps" and pool is None
    if asks != (model is not None):
        raise UsageError(f"by={by!r} {'asks a model; name one' if asks else 'asks nobody'}"
                         f"{'' if asks else '; leave out the model'}")
    if pool is not None and (by != "pass_rate" or pool.name != "sample"):
        raise UsageError("a pool is what the step `sample` drew; it tells a pass rate")
    literals: dict[str, Any] = {"by": by, **settings}
    inputs, tools = {"rows": rows}, {}
    if pool is not None:
        inputs["pool"] = pool
    if model is not None:
        if isinstance(model, Step) and model.literals.get("form", "prose") != "prose":
            raise UsageError(f"the student {model.title!r} writes programs; draw them with "
                             "`sample`, which runs them, and give rate the pool")
        ask = ask or ("question" if isinstance(model, Step) else "solve")
        if ask not in ("question", "solve"):
            raise UsageError(f"ask={ask!r}: say solve or question")
        whose, given, ways = who(model)
        literals["teacher"] = whose
        if by == "pass_rate":
            literals |= {"samples": samples, "prompts": identities("solve") if ask == "solve"
                         else ["question@1"]}
        else:
            literals["prompts"] = identities("difficulty")
        inputs |= given
        tools = {**ways, "difficulty_request": difficulty.rate_request,
                 "read_level": difficulty.read_level,
                 "request": solve.solve_request if ask == "solve" else solve.question_request}
    stage.check(by, samples)
    return step("rate", stage.run, literals, inputs, tools, label)


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


def census(sets: Mapping[str, Sequence[Step]], target: Step, *, label: str = "census") -> Step:
    """Count in each set what the symbolic world can read: rows that are right, and near a target.

    A set is the rows of one or several steps; near is a row of a family and level that some
    target problem has.
    """
    from mathmill.stages import census as stage
    from mathmill.teachers import symbolic

    inputs = {f"rows.{number}.{part}": rows for number, steps in enumerate(sets.values())
              for part, rows in enumerate(steps)}
    return step("census", stage.run, {"sets": list(sets)}, {"target": target, **inputs},
                {"truth": symbolic.truth, "kind": symbolic.kind}, label)


def report(title: str, scores: Mapping[str, Step], *,
           data: Step | Mapping[str, Step] | None = None,
           choices: Mapping[int, Step] | None = None,
           curves: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
           arms: Sequence[Mapping[str, Any]] = (), main: str | None = None,
           counted: Step | None = None, label: str = "report") -> Step:
    """Write one HTML page on all that led to the scores; `data` is what was trained on.

    `curves` names, for each scaling curve, the score at each (rows, seed); `arms` names, for
    each study, the score of each arm and seed; `main` is the score of the headline; `choices`
    are `choose` steps by their seed; `counted` is a `census` of what was trained on.
    """
    from mathmill.evaluate import compare, samples, stats
    from mathmill.report import run as page
    from mathmill.teachers.money.sheet import Sheet

    inputs = {f"score.{name}": step for name, step in scores.items()}
    if isinstance(data, Step):
        inputs["data"] = data
    elif data is not None:
        inputs |= {f"data.{name}": step for name, step in data.items()}
    inputs |= {f"choice.{seed}": one for seed, one in (choices or {}).items()}
    inputs |= {} if counted is None else {"census": counted}
    tools = {"wilson": stats.wilson, "mean_interval": stats.mean_interval,
             "compare": compare.compare, "over_problems": samples.over_problems,
             "sign_flip": stats.sign_flip, "sheet": Sheet.load}
    literals = {"title": title, "curves": curves or {}, "arms": list(arms),
                "choices": {f"choice.{seed}": seed for seed in choices or {}},
                "main": None if main is None else f"score.{main}"}
    return step("report", page.run, literals, inputs, tools, label)
