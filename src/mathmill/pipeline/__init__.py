"""THE SPINE: the verbs, in the order in which data flows. Each builds one step; none works here.

    seeds -> synthesize -> verify -> select -> decontaminate -> train -> evaluate -> report
               ^                                                  |  '-> sample -> choose ^
               '----------------- a trained model is a teacher ---'  '- train_verifier -'

Why: a recipe is a short program over these verbs, and a reader who has read this room knows
the whole mill. A verb writes down what decides its result (literals) and hands its stage
the tools that it may not import; the work is in `stages`, `train`, `evaluate`, `report`.
`rows` has the verbs that make and sift rows, `models` those that make models, `scores` those
that ask a model and tell what came of it.

Used as: `drafts = synthesize(seeds("gsm8k/train.jsonl"), methods=METAMATH, samples=10_000)`.
"""

from mathmill.execution.step import Step as Step
from mathmill.pipeline.building import EMBEDDED as EMBEDDED
from mathmill.pipeline.building import SYMBOLIC as SYMBOLIC
from mathmill.pipeline.building import step as step
from mathmill.pipeline.models import Stage as Stage
from mathmill.pipeline.models import pretrain as pretrain
from mathmill.pipeline.models import train as train
from mathmill.pipeline.models import train_verifier as train_verifier
from mathmill.pipeline.rows import decontaminate as decontaminate
from mathmill.pipeline.rows import lessons as lessons
from mathmill.pipeline.rows import seeds as seeds
from mathmill.pipeline.rows import select as select
from mathmill.pipeline.rows import solved as solved
from mathmill.pipeline.rows import synthesize as synthesize
from mathmill.pipeline.rows import texts as texts
from mathmill.pipeline.rows import verify as verify
from mathmill.pipeline.scores import census as census
from mathmill.pipeline.scores import choose as choose
from mathmill.pipeline.scores import evaluate as evaluate
from mathmill.pipeline.scores import rate as rate
from mathmill.pipeline.scores import report as report
from mathmill.pipeline.scores import sample as sample
from mathmill.pipeline.scores import value as value
from mathmill.train.influence.header import LESS as LESS
