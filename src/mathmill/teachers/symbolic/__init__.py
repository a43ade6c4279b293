"""The symbolic teacher: a program that reads and writes word problems and answers prompts.

Why: with no key, no GPU and no download the whole mill runs, and since this teacher knows
the truth, every check in the pipeline can itself be measured.

Used as: `make_problems(...)`, `passages(seed)`, `signature(question)`, `truth(question)`,
`solve_problem(problem, rng)` for a program, `texts.texts(count, seed)` for what is no problem,
`leaks.leak(kind, question, rng)` for contamination,
`await SymbolicTeacher(error_rate=0.2).answer(request)`.
"""

from mathmill.teachers.symbolic.corpus import passages
from mathmill.teachers.symbolic.programs import program_for, solve_problem, write_program
from mathmill.teachers.symbolic.reader import kind, signature, truth
from mathmill.teachers.symbolic.teacher import SymbolicTeacher
from mathmill.teachers.symbolic.writer import make_problems

__all__ = ["SymbolicTeacher", "kind", "make_problems", "passages", "program_for", "signature",
           "solve_problem", "truth", "write_program"]
