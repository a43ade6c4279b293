"""Decontaminate: drop rows that share text, or meaning, with a benchmark.

Why: a score on items that were trained on says nothing. Shared runs of words tell copies
(`runs`), a semantic signature twins where a reader can tell one (`meaning`), shared numbers,
order and words what a model has rephrased (`likeness`), neighbours in space what is told in
nearly the same words with other numbers (`neighbours`), and a teacher decides what none of
these can (`judge`). `stage` puts rows to those that a recipe names.

Used as: `run(bench, against=["gsm8k"], ngram=30, numbers=0.16)`.
"""

from mathmill.stages.decontaminate.finders import literals
from mathmill.stages.decontaminate.stage import FIELDS, run

__all__ = ["FIELDS", "literals", "run"]
