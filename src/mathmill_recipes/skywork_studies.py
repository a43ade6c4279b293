"""The studies behind Skywork-Math's claims, with the controls that the paper lacks.

Each arm has the same number of rows or of optimiser steps as its control, three seeds, and
the same test of another meaning. What shows no effect is reported as plainly as what does.
Arms that share data or a model share the step, so nothing is made twice.

Used as: `mathmill run skywork_studies` (at most 90 minutes on two cores).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mathmill.methods import DISTRACTORS, EVOLVE, METAMATH, XWIN
from mathmill.pipeline import (
    Stage,
    Step,
    decontaminate,
    evaluate,
    report,
    select,
    synthesize,
    train,
)
from mathmill.pipeline import seeds as read
from mathmill_recipes import demo

SEEDS = (0, 1, 2)
MIX = [*METAMATH, *EVOLVE, *XWIN]
POOL = 3  # the pool from which core-set and random choose, in multiples of an arm's rows
NOISE = (0.25, 0.5)  # share of wrong solutions; the paper believes that half of its own are
LENGTHS = (128, 192)  # tokens: about half of the rows are longer than 128, a tenth than 192
STEPS = 300  # of each arm of the two-stage study
ITEMS = 500  # of each distractor suite


@dataclass
class Studies:
    """The arms written down so far."""

    base: str
    suites: Mapping[str, Step]
    scores: dict[str, Step] = field(default_factory=dict)
    arms: list[dict[str, Any]] = field(default_factory=list)

    def add(self, study: str, arm: str, rows: Step | Sequence[Step], *,
            stages: Sequence[Stage] = (Stage(),), control: bool = False,
            suites: Mapping[str, Step] | None = None, on: str = "symbolic",
            **settings: Any) -> None:
        """Train and score an arm with every seed; `rows` may differ by seed."""
        for seed in SEEDS:
            data = rows if isinstance(rows, Step) else rows[seed]
            model = train(self.base, data, stages, seed=seed, label=f"train {arm}, seed {seed}",
                          **{**demo.TRAINING, **settings})
            name = f"{arm}, seed {seed}"
            step = evaluate(model, suites or self.suites, label=f"score {name}", **demo.SCORING)
            name = next((known for known, other in self.scores.items() if other.id == step.id),
                        name)
            self.scores[name] = step
            self.arms.append({"study": study, "arm": arm, "seed": seed, "control": control,
                              "score": f"score.{name}", "suite": on})


def recipe(samples: int = 1_500, seeds: str = demo.SEEDS, teacher: str = demo.TEACHER,
           base: str = demo.BASE) -> Step:
    """Run every study with `samples` rows an arm."""
    tests = {"symbolic": read(demo.TEST, label="test")}
    more = {"chinese": read("symbolic:count=1000,seed=4,languages=zh", label="test chinese"),
            **distracted(tests["symbolic"])}
    guards = {**tests, **more}
    problems = read(seeds)

    def rows(methods: Sequence[Any], count: int = samples, who: str = teacher,
             source: Step = problems) -> Step:
        drafts = synthesize(source, methods, round(count * 1.25), who)
        clean = decontaminate(drafts, guards)
        return select(clean, count=count, how="random")

    studies = Studies(base, tests)
    mix = rows(MIX)

    pool = rows(MIX, POOL * samples)
    studies.add("core-set or random", "random choice", control=True,
                rows=[select(pool, count=samples, how="random", seed=s) for s in SEEDS])
    studies.add("core-set or random", "core-set", select(pool, count=samples, how="coreset"))

    studies.add("one method or a mix", "mix of all", mix, control=True, suites=guards)
    for name, methods in (("MetaMath only", METAMATH), ("Evol only", EVOLVE), ("Xwin only", XWIN)):
        studies.add("one method or a mix", name, rows(methods))

    easy, hard = Stage(levels=(1, 2, 3), steps=STEPS * 3 // 5), Stage(levels=(4, 5),
                                                                      steps=STEPS * 2 // 5)
    order = "two stages or one"
    studies.add(order, "shuffled, one stage", pool, stages=[Stage(steps=STEPS)], control=True)
    studies.add(order, "easy, then hard", pool, stages=[easy, hard])
    studies.add(order, "hard only", pool, stages=[Stage(levels=(4, 5), steps=STEPS)])

    studies.add("maximum length", "no limit", mix, control=True, suites=guards)
    for length in LENGTHS:
        studies.add("maximum length", f"{length} tokens", mix, max_length=length)

    studies.add("label noise", "right labels", mix, control=True, suites=guards)
    for share in NOISE:
        noisy = rows(MIX, who=f"symbolic:error_rate={share}")
        studies.add("label noise", f"{share:.0%} wrong", noisy)

    for count in range(len(DISTRACTORS) + 1):
        studies.add("distractors", f"{count} distractors", mix, control=not count,
                    suites=guards, on=f"distractors-{count}")

    both = rows(MIX, source=read(demo.SEEDS + ",languages=en+zh", label="seeds en+zh"))
    chinese = "English training, Chinese items"
    studies.add(chinese, "English items", mix, control=True, suites=guards)
    studies.add(chinese, "Chinese items", mix, suites=guards, on="chinese")
    studies.add(chinese, "Chinese items, bilingual training", both, on="chinese", suites=guards)
    return report("Skywork-Math's claims, with controls", studies.scores, data=mix,
                  arms=studies.arms)


def distracted(test: Step) -> dict[str, Step]:
    """Return suites of the same problems with 0 to 5 irrelevant facts put in."""
    few = select(test, count=ITEMS, how="random", label="test, fewer")
    inserted = {f"distractors-{count}": read(
                    synthesize(few, [method], ITEMS, label=f"insert {count}"),
                    label=f"test {count} distractors")
                for count, method in enumerate(DISTRACTORS, start=1)}
    return {"distractors-0": few, **inserted}
