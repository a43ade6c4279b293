"""Values against the plain formulas in float64, and the best k of many."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from feature_makers import HEADER, names, seeds_of, write
from mathmill.errors import StepFailed, UsageError
from mathmill.train.influence.values import TopK, direction, products, valued

D = HEADER.space.dimension
RNG = np.random.default_rng(1)
ROWS = RNG.normal(size=(200, D)) * 10.0 ** RNG.integers(-6, 6, size=(200, 1))
TRAIN = RNG.normal(size=(30, D)) * 10.0 ** RNG.integers(-3, 3, size=(30, 1))
OTHER = RNG.normal(size=(20, D))
CLOSE = 1e-3  # float16 rows


def unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def test_every_float16_is_widened_exactly() -> None:
    bits = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = bits[np.isfinite(bits)]
    assert len(finite) == 63_488
    found = products(finite[:, None], np.ones((1, 1), np.float32))[:, 0]
    assert (found == finite.astype(np.float32)).all()


def test_products_are_those_of_float32(tmp_path: Path) -> None:
    rows = RNG.normal(size=(131, 8192)).astype(np.float16)
    ways = RNG.normal(size=(8192, 3)).astype(np.float32)
    np.testing.assert_allclose(products(rows, ways), rows.astype(np.float64) @ ways, atol=1e-2)


def test_a_value_is_the_cosine_to_the_mean_feature_of_all_target_rows(tmp_path: Path) -> None:
    rows, one, two = (write(tmp_path / name, each) for name, each in
                      (("rows", ROWS), ("one", TRAIN), ("two", OTHER)))
    found = list(valued([rows], {"one": [one], "two": [two]}))
    mean = np.concatenate([TRAIN, OTHER]).mean(axis=0)
    np.testing.assert_allclose([each.value for each in found], unit(ROWS) @ unit(mean), atol=CLOSE)
    assert [each.id for each in found] == names(200)
    assert [each.seed for each in found] == seeds_of(names(200))
    assert {(each.how, each.target) for each in found} == {("gradient", "")}


def test_the_best_of_the_sets_gives_the_value_and_its_name(tmp_path: Path) -> None:
    rows, one, two = (write(tmp_path / name, each) for name, each in
                      (("rows", ROWS), ("one", TRAIN), ("two", OTHER)))
    found = list(valued([rows], {"one": [one], "two": [two]}, over="max"))
    both = unit(ROWS) @ np.stack([unit(TRAIN.mean(axis=0)), unit(OTHER.mean(axis=0))], axis=1)
    np.testing.assert_allclose([each.value for each in found], both.max(axis=1), atol=CLOSE)
    clear = np.abs(both[:, 0] - both[:, 1]) > 2 * CLOSE
    said = np.array([each.target for each in found])
    assert (said == np.array(["one", "two"])[both.argmax(axis=1)])[clear].all()


def test_less_adds_up_weighted_checkpoints_of_mean_cosines_and_takes_the_best_set(
        tmp_path: Path) -> None:
    """Its sum over checkpoints of weight x cosine, the mean over rows, the max over sets."""
    later, train, other = (RNG.normal(size=rows.shape) for rows in (ROWS, TRAIN, OTHER))
    places = {"rows": (ROWS, later), "one": (TRAIN, train), "two": (OTHER, other)}
    made = {name: [write(tmp_path / f"{name}-{number}", rows,
                         replace(HEADER, space=replace(HEADER.space, model=f"m{number}")))
                   for number, rows in enumerate(both)] for name, both in places.items()}
    weights = (0.75, 0.25)
    found = list(valued(made["rows"], {"one": made["one"], "two": made["two"]}, weights,
                        over="max", mean="cosines"))
    sets = [sum(weight * (unit(rows) @ unit(target).T).mean(axis=1)
                for weight, rows, target in zip(weights, places["rows"], places[name], strict=True))
            for name in ("one", "two")]
    np.testing.assert_allclose([each.value for each in found], np.max(sets, axis=0), atol=CLOSE)


def test_a_row_without_a_gradient_has_no_value(tmp_path: Path) -> None:
    rows = write(tmp_path / "rows", ROWS * (np.arange(200) != 7)[:, None])
    found = list(valued([rows], {"one": [write(tmp_path / "one", TRAIN)]}))
    assert [each.id for each in found] == [each for each in names(200) if each != names(8)[7]]


def test_a_row_has_the_same_value_whatever_its_company(tmp_path: Path) -> None:
    target = {"one": [write(tmp_path / "one", TRAIN)]}
    all_ = list(valued([write(tmp_path / "all", ROWS)], target))
    few = list(valued([write(tmp_path / "few", ROWS[50:60])], target))
    np.testing.assert_allclose([each.value for each in few],
                               [each.value for each in all_[50:60]], atol=1e-6)


def test_targets_that_cancel_out_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="add up to nothing"):
        direction([write(tmp_path, np.zeros((3, D)))])


@pytest.mark.parametrize(("what", "words"), [
    ("space", "another space .*seed: 1 and 0"), ("order", "other rows, or in another order"),
    ("weights", "2 checkpoints of candidates, 2 .* and 1 weights"), ("none", "no target set"),
    ("over", "over is 'min'"), ("mean", "mean is 'median'")])
def test_what_does_not_belong_together_is_refused(tmp_path: Path, what: str, words: str) -> None:
    one, two = write(tmp_path / "1", ROWS), write(tmp_path / "2", ROWS, ids=names(200)[::-1])
    far = write(tmp_path / "far", TRAIN, replace(HEADER, space=replace(HEADER.space, seed=1)))
    train = write(tmp_path / "train", TRAIN)
    sets = {} if what == "none" else {"one": [far if what == "space" else train] * 2}
    with pytest.raises(UsageError, match=words):
        list(valued([one, two if what == "order" else one], sets,
                    (1.0,) if what == "weights" else (0.5, 0.5),
                    over="min" if what == "over" else "mean",
                    mean="median" if what == "mean" else "features"))


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=80, unique_by=id),
       st.integers(1, 12), st.integers(1, 30), st.randoms())
def test_the_best_k_are_those_of_a_plain_sort(rows: list[tuple[int, bool]], k: int, step: int,
                                              random: object) -> None:
    ids = names(len(rows))
    random.shuffle(ids)  # type: ignore[attr-defined]
    values = [float("nan") if gone else float(value) for value, gone in rows]
    top = TopK(k)
    coded = np.array([each.encode() for each in ids], "S32")
    for start in range(0, len(rows), step):
        top.take(coded[start:start + step], np.array(values[start:start + step]))
    known = [(each, value) for each, value in zip(ids, values, strict=True) if value == value]
    assert top.best() == sorted(known, key=lambda row: (-row[1], row[0]))[:k]
