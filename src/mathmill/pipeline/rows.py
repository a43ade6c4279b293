"""The verbs that make and sift rows: seeds, texts, synthesize, lessons, verify, select, ...

Used as: `drafts = synthesize(seeds("gsm8k/train.jsonl"), methods=METAMATH, samples=10_000)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mathmill.errors import UsageError
from mathmill.execution.step import Step
from mathmill.pipeline.building import SYMBOLIC, step, who
from mathmill.types import Method


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


def texts(sources: str | Sequence[str] | Mapping[str, float | Mapping[str, Any] | None], *,
          count: int | None = None, label: str = "texts", **settings: Any) -> Step:
    """Read mathematical texts, cut them as JiuZhang3.0 does, and mix them by weights.

    A source is a file, a folder, `hf:OWNER/NAME`, `shipped:` (our own small corpus) or
    `symbolic:...`; with a weight, or a mapping of `weight`, `kind`, `licence`, `fields`,
    `limit`. `settings` are those of `stages.texts.run`: `cut`, `licences`, `shortest`, ...
    """
    from mathmill.stages import texts as stage
    from mathmill.teachers.symbolic.texts import texts as of_the_world

    stage.checked(count=count, **settings)  # refused now, not when it is its turn
    literals, paths = stage.listed(sources)
    return step("texts", stage.run, {"sources": literals, "count": count, **settings},
                tools={"paths": paths, "worlds": {"symbolic": of_the_world}}, label=label)


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
    whose, given, ways = who(teacher)
    weights = dict(methods) if isinstance(methods, Mapping) else dict.fromkeys(methods, 1.0)
    literals = {
        "methods": [{**m.identity(), "method": m.name, "weight": w} for m, w in weights.items()],
        "teacher": whose, "samples": samples, "seed": seed,
        "include_seeds": include_seeds,
    }
    # A model of ours keeps a core busy; a teacher elsewhere is waited for.
    return step("synthesize", stage.run, literals, {"seeds": problems, **given},
                {"methods": list(weights), **ways}, label, apart=isinstance(teacher, Step))


def lessons(rows: Step | Sequence[Step], texts: Step | Sequence[Step],
            methods: Sequence[Any] = (), *, label: str = "lessons") -> Step:
    """Make of rows and the texts they were written from what a synthesizer is trained on.

    A lesson's question is the prompt with the text, its solution the reply. `methods`: those by
    which the trained model will be asked (`FROM_TEXT_SHORT` and its tools where none is named).
    """
    from functools import partial

    from mathmill.methods import FROM_TEXT_SHORT, FROM_TEXT_TOOL_SHORT, from_text
    from mathmill.stages import lessons as stage

    ways = tuple(methods) or (*FROM_TEXT_SHORT, *FROM_TEXT_TOOL_SHORT)
    inputs: dict[str, Step] = {}
    for name, given in (("rows", rows), ("texts", texts)):
        steps = [given] if isinstance(given, Step) else list(given)
        if not steps:
            raise UsageError(f"lessons without {name} teaches nothing; give a step of them")
        inputs |= {f"{name}.{place}" if place else name: one for place, one in enumerate(steps)}
    literals = {"methods": [dict(method.identity()) for method in ways],
                **{kind: [name for name in inputs if name.partition(".")[0] == kind]
                   for kind in ("rows", "texts")}}
    return step("lessons", stage.run, literals, inputs,
                {"lesson": partial(from_text.lesson, methods=ways)}, label)


def solved(problems: Step | Sequence[Step], texts: Step | None = None,
           methods: Sequence[Any] = (), *, label: str = "solved") -> Step:
    """Make rows of problems with their solutions, to train on.

    With `texts` and `methods`, each is the reply to a prompt on a text that it ignores: what a
    model learns from that is to write and to solve problems, not yet to heed a text.
    """
    from mathmill.methods import from_text
    from mathmill.stages import solved as stage

    given = [problems] if isinstance(problems, Step) else list(problems)
    inputs = {f"problems.{place}": one for place, one in enumerate(given)}
    if texts is None:
        return step("solved", stage.run, {}, inputs, label=label)
    ways = tuple(methods)
    if not ways:
        raise UsageError("solved with texts asks by methods; name some, such as FROM_TEXT_SHORT")
    return step("solved", stage.run, {"methods": [dict(way.identity()) for way in ways]},
                {**inputs, "texts": texts},
                {"question": from_text.Asking(ways), "reply": from_text.written}, label)


def verify(drafts: Step, by: Sequence[str] = ("answer_agrees",), *, votes: int = 5,
           teacher: str | Step | None = None,
           keep: Sequence[str] | str = ("correct", "undecided"), label: str = "verify") -> Step:
    """Give every row a verdict: correct, wrong or undecided; rows whose verdict is not kept drop.

    Checks that decide: `answer_agrees` (with the answer known to be right), `majority(k)`,
    `prose_agrees`, `programs_agree(k)` (with more solutions by the teacher: the one that wrote
    the drafts where none is named). Checks that sift: `runs`, `tool_runs` and `deterministic`
    (programs, in the sandbox), `long_enough(words)`, `has_digits`. `keep`: the verdicts that
    stay, or `label` to keep all, unfit rows too. Of a pool that `sample` drew, the candidates
    become rows.
    """
    from mathmill.methods.votes import voting
    from mathmill.stages import verify as stage
    from mathmill.teachers import symbolic

    # By its name: an identity does not tell the servers and keys of a configuration.
    teacher = (teacher or drafts.inputs.get("teacher") or drafts.tools.get("teacher")
               or drafts.literals.get("teacher") or SYMBOLIC)
    whose, given, ways = who(teacher)
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
           values: Step | None = None, threshold: float | None = None,
           ratings: Step | None = None, pass_rate: tuple[float, float] | None = None,
           encoder: str | None = None, two_round: int | None = None,
           label: str = "select") -> Step:
    """Choose rows: far apart from each other (`coreset`), at `random`, or `all` of some levels.

    Or those that the step `values` found worth most: `how="value"`, a text by the best of the
    rows made from it (`mean_value`: by their mean), a sample by its own value.
    `duplicates`: the rules by which a row that repeats an earlier one goes: `text`, `question`,
    `structure` (question and program but for names and numbers), `program`; `near`: it shares
    at least `threshold` (0.7) of its runs of five words; or none of them.
    Rows without a level get one: by the steps of their solution, or by the teacher `rater`.
    `ratings`: a step `rate`, whose levels stand for the rows' own; `pass_rate`: the least and
    greatest share of a student's right samples that stays.
    `encoder`: in whose space rows are far apart: `hashed` (none is needed), `svd` or
    `sentence-transformers:NAME`; `two_round`: so many shares pick first, each by itself, which is
    quicker and covers worse.
    """
    from mathmill.methods import difficulty
    from mathmill.stages import select as stage

    if values is None and how.endswith("value"):
        raise UsageError(f"how={how!r} needs values; give select the step `value` (values=...)")
    stage.check_ratings(ratings is not None, rater is not None, pass_rate)
    literals = {"count": count, "fraction": fraction, "how": how, "seed": seed,
                "duplicates": list(duplicates),
                "levels": None if levels is None else list(levels),
                **stage.near_literals(duplicates, threshold)}
    of_encoder, place = stage.encoder_literals(encoder)
    literals |= stage.far_literals(how, of_encoder, two_round)
    if pass_rate is not None:
        literals["pass_rate"] = list(pass_rate)
    inputs, tools = {"rows": rows}, {"read_level": difficulty.read_level,
                                     "difficulty_request": difficulty.rate_request, **place}
    if rater is not None:
        whose, given, ways = who(rater)
        literals |= {"difficulty": "teacher", "teacher": whose}
        inputs |= given
        tools |= ways
    if values is not None:
        inputs["values"] = values
    if ratings is not None:
        inputs["ratings"] = ratings
    return step("select", stage.run, literals, inputs, tools, label)


def decontaminate(rows: Step, against: Mapping[str, Step], *, ngram: int | Sequence[int] = 30,
                  fold: str = "words", signatures: bool = True, numbers: bool | float = False,
                  neighbours: str | Sequence[str] | Mapping[str, float] = (),
                  judge: str | Step | None = None, label: str = "decontaminate") -> Step:
    """Drop rows that share a word n-gram, or a semantic signature, with a benchmark item.

    Of several `ngram` the first drops, the others are counted. `fold`: what a word is, `words`,
    `letters` (TinyGSM: neither punctuation nor digits) or `none` (as it stands between blanks).
    Beyond shared text, off unless asked for: `numbers` (True or the least score) drops questions
    that state an item's numbers, in its order and about its things; `neighbours` those near an
    item in the space of an encoder (`svd`, `words`, `sentence-transformers:NAME`); `judge` is a
    teacher that decides on what `numbers` finds.
    """
    from mathmill.methods import sameness
    from mathmill.stages import decontaminate as stage
    from mathmill.teachers import symbolic

    inputs = {"rows": rows, **{f"against.{name}": step for name, step in against.items()}}
    tools: dict[str, Any] = {"signature": symbolic.signature}
    beyond = stage.literals(numbers=numbers, neighbours=neighbours,
                            judge=None if judge is None else sameness.prompts())
    if judge is not None:
        whose, given, ways = who(judge)
        beyond["teacher"] = whose
        inputs |= given
        tools |= {**ways, "judge_request": sameness.same_request,
                  "read_judgement": sameness.read_judgement}
    return step("decontaminate", stage.run,
                {"ngram": ngram if isinstance(ngram, int) else list(ngram), "fold": fold,
                 "signatures": signatures, "against": sorted(against), **beyond}, inputs,
                tools, label)
