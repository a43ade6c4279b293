"""Features on disk: what is kept of a row, what survives a kill, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from feature_makers import HEADER, names, seeds_of, write
from mathmill.errors import InputError, StepFailed, UsageError
from mathmill.train.influence.features import Features, Writer

ROWS = np.random.default_rng(0).normal(size=(10, HEADER.space.dimension)).astype(np.float32)


def test_rows_come_back_as_unit_rows_with_norms_ids_and_seeds(tmp_path: Path) -> None:
    with Writer(tmp_path, HEADER) as writer:
        writer.append(names(4), ["s"] * 4, ROWS[:4], 4)
        writer.append([], [], ROWS[:0], 5)  # the fifth was dropped
        writer.append(names(6, 4), ["t"] * 6, ROWS[4:], 11)
    made = Features(tmp_path)
    assert len(made) == 10
    assert made.header == HEADER
    assert [each.decode() for each in made.ids] == names(10)
    assert made.seeds.tolist() == [b"s"] * 4 + [b"t"] * 6
    lengths = np.linalg.norm(ROWS, axis=1)
    np.testing.assert_allclose(made.norms, lengths, rtol=1e-6)
    np.testing.assert_allclose(made.rows, ROWS / lengths[:, None], atol=1e-3)
    got = np.concatenate([slab.copy() for _, slab in made.slabs(3)])
    assert (got == made.rows).all()
    assert [start for start, _ in made.slabs(3)] == [0, 3, 6, 9]


@pytest.mark.parametrize("size", [1e-30, 1e-7, 1.0, 1e15])
def test_a_gradient_of_any_size_keeps_its_direction(tmp_path: Path, size: float) -> None:
    made = write(tmp_path, ROWS * np.float32(size))
    np.testing.assert_allclose(made.norms, np.linalg.norm(ROWS, axis=1) * size, rtol=1e-5)
    unit = made.rows.astype(float)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, atol=2e-3)


def test_a_row_of_zeros_is_kept_and_its_norm_says_so(tmp_path: Path) -> None:
    made = write(tmp_path, ROWS * (np.arange(10) != 3)[:, None])
    assert made.norms[3] == 0
    assert not made.rows[3].any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_not_finite_is_named(tmp_path: Path, bad: float) -> None:
    rows = ROWS.copy()
    rows[6, 1] = bad
    with pytest.raises(StepFailed, match=f"row {names(7)[6]} is not finite"):
        write(tmp_path, rows)


@pytest.mark.parametrize("torn", ["rows.f16", "norms.f32", "ids.bin", "seeds.bin", "blocks.bin"])
def test_a_killed_writer_goes_on_behind_its_last_whole_block(tmp_path: Path, torn: str) -> None:
    writer = Writer(tmp_path, HEADER)
    writer.append(names(4), seeds_of(names(4)), ROWS[:4], 7)
    writer.leave()
    with (tmp_path / torn).open("ab") as file:
        file.write(b"half")
    with pytest.raises(InputError, match=r"not whole \(4 rows"):
        Features(tmp_path)
    with Writer(tmp_path, HEADER) as again:
        assert (again.rows, again.taken) == (4, 7)
        again.append(names(6, 4), seeds_of(names(6, 4)), ROWS[4:], 13)
    whole = write(tmp_path / "whole", ROWS)
    made = Features(tmp_path)
    for name in ("rows", "norms", "ids", "seeds"):
        assert (getattr(made, name) == getattr(whole, name)).all()


def test_an_exception_leaves_a_matrix_that_is_not_whole(tmp_path: Path) -> None:
    rows = np.where(np.arange(10)[:, None] == 9, np.nan, ROWS)
    with pytest.raises(StepFailed):
        write(tmp_path, rows)
    with pytest.raises(InputError, match="not whole"):
        Features(tmp_path)


@pytest.mark.parametrize(("changes", "words"), [
    ({"seed": 1}, "seed: 0 and 1"), ({"projection": "gaussian"}, "rademacher-philox-1 and gauss"),
    ({"dimension": 32}, "dimension: 16 and 32"), ({"block": 9}, "block: 4 and 9"),
    ({"model": "other"}, "model: m and other"),
    ({"parameters": ()}, "parameters: 1 weights and 0 weights")])
def test_features_of_another_projection_or_model_are_refused(
        tmp_path: Path, changes: dict[str, object], words: str) -> None:
    other = replace(HEADER, space=replace(HEADER.space, **changes))
    write(tmp_path, ROWS)
    with pytest.raises(UsageError, match=words) as error:
        Features(tmp_path, other.space)
    assert "\n" not in str(error.value)
    with pytest.raises(UsageError, match=words):
        Writer(tmp_path, other)


def test_a_writer_refuses_to_go_on_with_rows_made_in_another_way(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    with pytest.raises(UsageError, match="direction: gradient and adam"):
        Writer(tmp_path, replace(HEADER, direction="adam"))
    with pytest.raises(UsageError, match="learn_output: True and False"):
        Writer(tmp_path, replace(HEADER, learn_output=False))
    assert Features(tmp_path, replace(HEADER, direction="adam").space)  # compared it may be


@pytest.mark.parametrize(("name", "content", "words"), [
    ("header.json", b"{}", "no header of features"), ("header.json", b"[]", "no header of"),
    ("header.json", b"{", "is not JSON"), ("norms.f32", b"1234", "is damaged: 10 rows take 40"),
    ("rows.f16", b"", "is damaged"), ("ids.bin", None, "is damaged")])
def test_a_damaged_folder_is_refused_in_one_line(
        tmp_path: Path, name: str, content: bytes | None, words: str) -> None:
    write(tmp_path, ROWS)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words) as error:
        Features(tmp_path)
    assert "\n" not in str(error.value)


def test_a_writer_refuses_a_file_that_lost_rows(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    (tmp_path / "rows.f16").write_bytes(b"")
    with pytest.raises(InputError, match="damaged: 10 rows were written"):
        Writer(tmp_path, HEADER)


def test_what_is_no_block_is_refused(tmp_path: Path) -> None:
    with Writer(tmp_path, HEADER) as writer:
        with pytest.raises(ValueError, match="no block"):
            writer.append(names(4), names(4), ROWS[:3], 4)
        with pytest.raises(InputError, match="longer than 32 bytes"):
            writer.append(["x" * 33], ["s"], ROWS[:1], 4)
    with pytest.raises(InputError, match="no features here"):
        Features(tmp_path / "elsewhere")
