r"""The last tier of the grader: math-verify in killable processes, apart from the caller.

Why: what exact arithmetic and the float probe leave open needs an algebra system, and an
algebra system can be made to run for ever or eat the machine by one short line of LaTeX.

Used as: `settle(r"(-\infty, 2)", "x < 2")`.
"""

from mathmill.grading.symbolic.client import close, settle

__all__ = ["close", "settle"]
