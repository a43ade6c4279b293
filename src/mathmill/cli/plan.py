"""The command `plan`: what a recipe will ask of its teachers, and cost, before it does.

Used as: `mathmill plan skywork_math --teacher openai:gpt-5-mini --samples 100000`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from mathmill.cli.recipes import beside_plan, build, default_out
from mathmill.cli.run import (
    Base,
    Jobs,
    Journal,
    MaxCalls,
    MaxCost,
    MaxTokens,
    NoCost,
    Out,
    Prices,
    Recipe,
    Samples,
    Scale,
    Seeds,
    Teacher,
    Test,
    terms_of,
)


def plan(recipe: Recipe, samples: Samples = None, seeds: Seeds = None, teacher: Teacher = None,
         base: Base = None, test: Test = None, scale: Scale = None, out: Out = None,
         jobs: Jobs = None,
         max_cost: MaxCost = None, max_calls: MaxCalls = None, max_tokens: MaxTokens = None,
         prices: Prices = None, no_cost: NoCost = False, journal: Journal = None,
         probe: Annotated[int, typer.Option(
             min=1, help="Rows that each step makes in the probe; its replies are kept.")] = 40,
         probe_teacher: Annotated[str | None, typer.Option(
             help="Who is asked in the probe; symbolic: is free, and a guess.",
             show_default="the teacher itself, if it can be reached")] = None,
         in_flight: Annotated[int, typer.Option(
             min=1, help="Calls at a time that the time is reckoned with.")] = 64) -> None:
    """Tell what a recipe will ask of its teachers: calls, tokens, money, time."""
    from mathmill.planning.plan import Choices, make_plan

    del jobs  # a probe has no heavy steps; the option is taken so that a run's words will do
    terms = terms_of(max_cost, max_calls, max_tokens, prices, no_cost, journal)
    last = build(recipe, samples=samples, seeds=seeds, teacher=teacher, base=base, test=test,
                 scale=scale)
    found = make_plan(last, out or default_out(recipe), terms,
                      Choices(probe, probe_teacher or "", in_flight))
    print(found.text())
    if found.steps and (words := beside_plan(recipe, found)):
        print(f"\n{words}")
