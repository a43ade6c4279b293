"""Rate: how hard rows are, as a feature that stands beside them.

Why: stage 2 of Skywork-Math trains on hard problems, and says of hard only what the source of
its seeds says. A student's own pass rate says what is hard for that student; a teacher's rating
or the steps of a solution cost less. The feature has an id a row, so that one set of rows can
have several, and `select` takes any of them.

Used as: `rate.run(bench, by="pass_rate", teacher="local:embedded:", samples=8)`.
"""

from mathmill.stages.rate.stage import check, run

__all__ = ["check", "run"]
