"""Supervised fine-tuning: `recipe` has its settings, `run` the step that trains.

Used as: `sft.run(bench, base="embedded:", stages=[{"epochs": 3}], seed=0)`, by `pipeline.train`.
"""

from mathmill.train.sft.recipe import SMALL as SMALL
from mathmill.train.sft.recipe import Recipe as Recipe
from mathmill.train.sft.recipe import check as check
from mathmill.train.sft.recipe import defaults as defaults
from mathmill.train.sft.recipe import plans as plans
from mathmill.train.sft.run import run as run
