"""Core-sets: rows far apart from each other, by k-center greedy (Sener & Savarese 2017).

Why a room: `greedy` makes the choice and knows nothing of where the points are; `part` holds a
share of them with their distances, here, in a worker process or on a cluster; `rounds` has the
form in two rounds, which is quicker and covers worse, and what a choice covers; `points` are
whole numbers on a grid, on disk as float16, so that sums are exact wherever they are made.

Used as: `chosen, radius = k_center(points, k, first=0)`, by `choose`.
"""

from mathmill.stages.select.coreset.greedy import k_center
from mathmill.stages.select.coreset.part import nearest
from mathmill.stages.select.coreset.rounds import covering, two_round

__all__ = ["covering", "k_center", "nearest", "two_round"]
