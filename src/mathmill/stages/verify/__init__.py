"""Verify: put every row to the checks that a recipe names, and say what each of them found.

Why: the papers differ in what they check, from nothing but "it runs" to a vote of many
solutions; here each check is a word in the recipe and a file of this room, so that a study
can turn one off: `answers`, `questions`, `programs`, `votes`. `names` reads the words, `stage`
puts the rows to them, `audit` measures the verdicts where a teacher knows the truth.

Used as: `verify.run(bench, by=["runs", "has_digits", "answer_agrees"])`.
"""

from mathmill.stages.verify.stage import run
from mathmill.stages.verify.votes import FIRST_VOTE, majority

__all__ = ["FIRST_VOTE", "majority", "run"]
