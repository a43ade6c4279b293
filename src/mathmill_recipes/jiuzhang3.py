"""JiuZhang3.0: a few teacher calls train the model that writes the data, and gradients say which.

The second paper's system whole (arXiv 2405.14365), at two scales, beside the controls that show
what its parts are worth. All students take the same optimiser steps, and the same rows of known
problems at the end: (a) the teacher's rows alone; (b) rows of a synthesizer taught by the first
calls; (c) of one taught by more calls, on texts at random; (d) on the texts whose pairs have the
most valuable gradients. (a), (c) and (d) ask the teacher equally often, `UNTAUGHT` never.

`embedded`: texts of the symbolic world, three seeds, half an hour at most on two cores. `paper`:
six million rows by models that you name, with the paper's settings; see what it would ask and
cost with `mathmill plan jiuzhang3 --scale paper` before you run it. docs/jiuzhang3.md says what
the paper leaves open, and what stands here for it.

Used as: `mathmill run jiuzhang3`; `mathmill run jiuzhang3 --scale paper --seeds texts.parquet
--teacher openai:MODEL --base MODEL`.
"""

from __future__ import annotations

from mathmill.errors import UsageError
from mathmill.pipeline import EMBEDDED, Step, census, evaluate, report
from mathmill.pipeline import seeds as read
from mathmill_recipes._jiuzhang3 import (
    FIRST,
    RANDOM,
    STRICT,
    TEACHER,
    UNTAUGHT,
    VALUE,
    Mill,
    Scale,
    Strand,
)
from mathmill_recipes.skywork_math import name_of

STUDIES: dict[str, tuple[str, ...]] = {  # the first of each is its control
    "what a synthesizer is worth": (TEACHER, FIRST, RANDOM, VALUE, UNTAUGHT),
    "what more calls are worth": (FIRST, RANDOM, VALUE),
    "which texts to ask about": (RANDOM, VALUE),
    "what the paper's filter costs": (VALUE, STRICT)}

FAMILIES = "bakery+basket+bus+class+orchard+reading+shop+theatre"  # what the corpus speaks of
ASKED = "bus+orchard+shop"  # what is asked in the end: narrower than the corpus
MUON = {"optimizer": "muon+adamw", "schedule": "wsd", "max_length": 640}
EMBEDDED_SCALE = Scale(  # docs/jiuzhang3.md has the measurements behind these
    texts={f"symbolic:count=4000,seed=1,plain=0.2,families={FAMILIES}": None},
    snippets={f"symbolic:count=1200,seed=2,plain=0.2,families={FAMILIES}": None},
    strands=(Strand(
        first=700, more=200, rows=3_800,
        known=(f"symbolic:count=200,seed=3,levels=2-3,families={ASKED}",),
        kinds=("grade", "middle", "high", "amc8", "amc10"),  # up to three steps
        asked={"temperature": 0.0},  # in one plain style, which so small a model learns
        written={"temperature": 0.3, "max_tokens": 200},
        teaching={"epochs": 6.0, "learning_rate": 0.01, "adam_rate": 3e-3, "warmup": 0.05,
                  "decay": 0.6, "batch_size": 16, **MUON}),),
    test=f"symbolic:count=1000,seed=8,levels=2-3,families={ASKED}",  # 4, 8: seen by now
    teacher="symbolic:", writer="", base=EMBEDDED, ngram=(30, 10),
    reference={"rows": 1_000, "epochs": 0.5, "lora": {"rank": 8}},  # a warm-up finds more
    features={"dimension": 2048},
    student={"learning_rate": 0.01, "adam_rate": 3e-3, "warmup": 0.03, "decay": 0.15,
             "floor": 0.1, "batch_size": 16, **MUON},
    length={"steps": 400},
    school=(f"symbolic:count=4000,seed=5,levels=1-3,families={FAMILIES}",
            f"symbolic:count=4000,seed=6,plain=0.2,families={FAMILIES}"),
    schooling={"steps": 800, "learning_rate": 0.01, "adam_rate": 3e-3},
    scoring={"max_new_tokens": 96, "batch": 256})
# Seven subjects of MATH's train; with GSM8K's the targets of the paper.
MATH = tuple(f"hf:EleutherAI/hendrycks_math:{subject}/train" for subject in (
    "algebra", "counting_and_probability", "geometry", "intermediate_algebra", "number_theory",
    "prealgebra", "precalculus"))
ADAM = {"optimizer": "adamw", "learning_rate": 1e-5, "max_length": 2048}
TEACHING = {"schedule": "cosine", "warmup": 0.0, "batch_size": 32, "weight_decay": 0.1, **ADAM}
PAPER = Scale(
    texts={"hf:open-web-math/open-web-math": {"kind": "web"},
           "hf:math-ai/AutoMathText:arxiv-0.60-to-1.00": {"kind": "paper"},
           "hf:Vivacem/MMIQC": {"kind": "qa"}},  # books and articles: give your own by --seeds
    strands=(Strand(first=4_000, more=2_000, rows=4_380_000, valued=100_000,
                    known=("hf:openai/gsm8k:main/train", *MATH),
                    teaching={"epochs": 5.0, **TEACHING}),
             Strand(first=1_336, more=2_000, rows=1_600_000, valued=100_000, tool=True,
                    known=("hf:nvidia/OpenMathInstruct-1",), targets=5_000, cut={"cut": "tool"},
                    teaching={"epochs": 10.0, **TEACHING})),
    test="hf:openai/gsm8k:main/test", teacher="openai:gpt-5-mini",
    writer="deepseek-ai/deepseek-math-7b-rl", base="mistralai/Mistral-7B-v0.1", ngram=(10,),
    # Of the reference the paper tells that it is LoRA's, on some of the pairs; the rest is ours.
    reference={"rows": 10_000, "epochs": 1.0, "lora": {"rank": 128, "alpha": 512},
               "batch_size": 32, "learning_rate": 2e-5, "schedule": "linear", "max_length": 2048},
    student={"schedule": "wsd", "warmup": 0.03, "decay": 0.15, "floor": 0.1, "batch_size": 512,
             "accumulate": 64, "packing": "consecutive", "weight_decay": 0.0, **ADAM},
    length={"epochs": 1.0}, scoring={"max_new_tokens": 1024}, arms=(VALUE,), models=(0,))
SCALES = {"embedded": EMBEDDED_SCALE, "paper": PAPER}


def recipe(samples: int | None = None, seeds: str | None = None, teacher: str | None = None,
           base: str | None = None, test: str | None = None, scale: str = "embedded") -> Step:
    """Teach synthesizers, write by them, train students on what each way gave, report."""
    if scale not in SCALES:
        raise UsageError(f"jiuzhang3 has no scale {scale!r}; it has {', '.join(SCALES)}")
    at = SCALES[scale]
    place = test or at.test
    suites = {name_of(place).replace("symbolic, given", "symbolic"): read(place, label="test")}
    mills = [Mill(at, strand, suites, teacher or at.teacher, base or at.base, samples, seeds)
             for strand in at.strands]
    sets = {f"{arm}, seed {seed}": [rows for mill in mills for rows in mill.arm(arm, seed)]
            for seed in at.models for arm in at.arms}
    models = {key: mills[0].student(rows, [mill.known for mill in mills],
                                    int(key.rpartition(" ")[2]), key)
              for key, rows in sets.items()}
    scores = {key: evaluate(model, suites, label=f"score {key}", **at.scoring)
              for key, model in models.items()}
    if len(mills) > 1:
        scores |= {f"{key}, with tools": evaluate(
            model, suites, form="tool", rounds=4, label=f"score {key}, with tools", **at.scoring)
            for key, model in models.items()}
    arms = [{"study": study, "arm": arm, "seed": seed, "control": arm == names[0],
             "score": f"score.{arm}, seed {seed}", "suite": next(iter(suites))}
            for study, names in STUDIES.items() for arm in names for seed in at.models
            if set(names) <= set(at.arms)]
    main = f"{VALUE}, seed {at.models[0]}"
    return report("JiuZhang3.0: a model that writes the data, taught by a few calls", scores,
                  data=sets[main][0], arms=arms, main=main,
                  counted=census(sets, mills[0].known) if mills[0].readable else None)
