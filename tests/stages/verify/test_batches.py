"""Lists of two columns are joined row by row, however Arrow holds them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from mathmill.stages.verify.batches import _joined

PASSED = [["runs"], None, ["a", "b"], [], None]
FOUND = [["x"], ["y"], [], ["z", "w"], []]
LISTS = pa.list_(pa.string())
UNDER_A_NULL = pa.ListArray.from_arrays(
    pa.array([0, 1, 3, 5, 5, 6], pa.int32()), pa.array(["runs", "no", "no", "a", "b", "no"]),
    mask=pa.array([each is None for each in PASSED]))


@pytest.mark.parametrize("before", [pa.array(PASSED, LISTS), UNDER_A_NULL],
                         ids=["null", "values under a null"])
@pytest.mark.parametrize("start", range(len(PASSED) + 1))
def test_each_list_stands_before_that_of_the_other_column(before, start):
    joined = _joined(before.slice(start), pa.array(FOUND, LISTS).slice(start))
    joined.validate(full=True)
    assert joined.to_pylist() == [[*(one or ()), *other] for one, other in zip(
        PASSED[start:], FOUND[start:], strict=True)]
