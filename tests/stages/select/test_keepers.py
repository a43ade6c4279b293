"""Tests of which row of a cluster stays: seed, verdict, length, order."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from mathmill.stages.select.keepers import left_out, ranks

LONG, SHORT = "Six and six make twelve.", "12"
CASES = [  # rows (seed, verdict, solution) of one cluster, and which of them stays
    ([(False, "", SHORT), (True, "", SHORT)], 1, "a seed's own row"),
    ([(False, "correct", LONG), (True, "wrong", SHORT)], 1, "a seed's row above any verdict"),
    ([(False, "", LONG), (False, "correct", SHORT)], 1, "one found right"),
    ([(False, "wrong", LONG), (False, "", SHORT)], 1, "one nobody judged above a wrong one"),
    ([(False, "wrong", LONG), (False, "undecided", SHORT)], 1, "so is an undecided one"),
    ([(False, "undecided", SHORT), (False, "", LONG)], 1, "undecided is no better than unchecked"),
    ([(False, "correct", SHORT), (False, "correct", LONG)], 1, "the longer solution"),
    ([(False, "", "十二" * 5), (False, "", "twelve five")], 1, "characters, not bytes"),
    ([(False, "", SHORT), (False, "", SHORT)], 0, "the first where nothing tells them apart"),
    ([(None, None, None), (False, "", SHORT)], 1, "a null is no solution"),
    ([(True, "correct", SHORT), (True, "correct", LONG), (True, "", LONG * 2)], 1, "all in turn"),
]


def ranked(rows):
    seed, verdict, solution = zip(*rows, strict=True)
    return ranks(pa.array(seed, pa.bool_()), pa.array(verdict, pa.string()),
                 pa.array(solution, pa.string()))


@pytest.mark.parametrize(("rows", "stays", "why"), CASES, ids=[case[2] for case in CASES])
def test_the_row_that_stays(rows, stays, why):
    goes, keeps, numbers = left_out(np.zeros(len(rows), np.int64), ranked(rows))
    assert goes.tolist() == [row for row in range(len(rows)) if row != stays]
    assert set(keeps) == {stays}
    assert set(numbers) == {1}


def test_clusters_are_numbered_in_the_order_of_their_first_rows():
    firsts = np.array([0, 1, 2, 1, 2, 5, 2])
    goes, keeps, numbers = left_out(firsts, np.array([0, 1, 0, 5, 0, 9, 3], np.uint64))
    assert goes.tolist() == [1, 2, 4]
    assert keeps.tolist() == [3, 6, 6]
    assert numbers.tolist() == [1, 2, 2]
    assert [found.tolist() for found in left_out(np.arange(3), np.zeros(3, np.uint64))] == [
        [], [], []]
