from __future__ import annotations

import numpy as np
import pytest

from mathmill.errors import StepFailed
from mathmill.train.choice import join, pick, table
from mathmill.train.data import StagePlan


def chosen(parts, stage, seed):
    """Return the chosen rows in the order in which they are learned."""
    tables = {name: table([(row.id, row.level) for row in rows], seed, len(parts) > 1)
              for name, rows in parts.items()}
    found = [(rank, parts[name][place]) for name, one in pick(tables, stage).items()
             for rank, place in zip(one.ranks.tolist(), one.places.tolist(), strict=True)]
    return [row for _, row in sorted(found, key=lambda pair: pair[0])]


def test_smaller_subsets_lie_inside_larger_ones_whatever_order_rows_come_in(samples):
    small = chosen({"rows": samples}, StagePlan(first=10), seed=3)
    large = chosen({"rows": list(reversed(samples))}, StagePlan(first=40), seed=3)
    assert small == large[:10]


def test_another_seed_draws_another_subset(samples):
    assert (chosen({"rows": samples}, StagePlan(first=10), 1)
            != chosen({"rows": samples}, StagePlan(first=10), 2))


def test_levels_keep_only_rows_of_those_levels(samples):
    kept = chosen({"rows": samples}, StagePlan(levels=(4, 5)), 0)
    assert {row.level for row in kept} == {4, 5}
    assert len(kept) == sum(row.level in (4, 5) for row in samples)


def test_no_row_of_a_level_and_too_few_rows_each_say_what_to_do(samples):
    with pytest.raises(StepFailed, match="no row has level 9"):
        chosen({"rows": samples}, StagePlan(levels=(9,)), 0)
    with pytest.raises(StepFailed, match="81 rows are asked for, but there are 80"):
        chosen({"rows": samples}, StagePlan(first=81), 0)
    with pytest.raises(StepFailed, match="no row is left"):
        chosen({"rows": []}, StagePlan(), 0)


def test_a_mixture_keeps_its_ratios_and_is_limited_by_the_scarcer_part(samples):
    parts = {"prose": samples[:60], "tool": samples[60:]}
    mixed = chosen(parts, StagePlan(rows={"prose": 2.0, "tool": 1.0}), 0)
    tool = {row.id for row in samples[60:]}
    assert len(mixed) == 60
    assert sum(row.id in tool for row in mixed) == 20
    places = [place for place, row in enumerate(mixed) if row.id in tool]
    assert places[0] < 20 < 40 < places[-1], "shuffled, not one behind the other"
    assert chosen(parts, StagePlan(rows={"prose": 2.0, "tool": 1.0}, first=30), 0) == mixed[:30]


def test_several_inputs_without_ratios_are_taken_whole(samples):
    mixed = chosen({"prose": samples[:60], "tool": samples[60:]},
                   StagePlan(rows=("prose", "tool")), 0)
    assert sorted(row.id for row in mixed) == sorted(row.id for row in samples)


def test_a_table_read_in_parts_is_the_table(samples):
    pairs = [(row.id, row.level) for row in samples]
    whole = table(pairs, 4, True)
    parts = join([table(pairs[:30], 4, True), table(pairs[30:], 4, True)])
    for name in ("ranks", "mixed", "levels"):
        assert np.array_equal(getattr(whole, name), getattr(parts, name))
