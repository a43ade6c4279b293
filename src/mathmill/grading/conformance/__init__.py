"""How well the grader grades: labelled pairs of our own making, and the sheet over them.

Why: a grader is trusted because it says how often it errs, per kind of answer, on pairs
whose label is known by construction and not by another grader's word. Verdicts are those
of the `tolerant` policy; where honest graders differ by policy a pair is left out.

Used as: `mathmill grade --self-test`; `python -m mathmill.grading.conformance` writes the
page docs/conformance.md.
"""
