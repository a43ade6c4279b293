"""Programs as solutions: TinyGSM's two routes from a seed to problems with Python programs.

`ten`: one call writes ten problems, each with its program. `two`: one call writes ten
problems, one call each a program. `two_distractor`: the same from a seed with an irrelevant
sentence (GSM-IC), to problems that hold irrelevant facts. `items` reads such replies, `code`
brings any program to the body that is stored, `routes` are the methods.

Used as: `from mathmill.methods import PROGRAM`; `synthesize(seeds, PROGRAM, 10_000, teacher)`.
"""

from mathmill.methods.program.code import body_of
from mathmill.methods.program.items import read_items, read_questions
from mathmill.methods.program.routes import Ten, Two, ten, two, two_distractor

__all__ = ["Ten", "Two", "body_of", "read_items", "read_questions", "ten", "two",
           "two_distractor"]
