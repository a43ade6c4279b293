"""Signs that are the same everywhere, and what they keep of inner products."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from mathmill.errors import UsageError
from mathmill.train.influence import projection
from mathmill.train.influence.projection import BLOCK, Projection, packed_signs

torch = pytest.importorskip("torch")

GOLDEN = "fbf46f505aa9c0b1"  # of numpy's Philox, whose stream numpy promises not to change


def test_the_signs_are_those_that_every_machine_draws() -> None:
    digest = hashlib.sha256(packed_signs(0, 0, 64, 256).tobytes()).hexdigest()
    assert digest.startswith(GOLDEN)
    assert packed_signs(0, 0, 1, 64)[0].tolist() != packed_signs(0, 1, 1, 64)[0].tolist()
    assert packed_signs(0, 0, 1, 64)[0].tolist() != packed_signs(1, 0, 1, 64)[0].tolist()


def test_a_block_has_the_same_signs_whatever_was_drawn_before_it() -> None:
    first, second = Projection(3000, 64), Projection(3000, 64)
    backwards = [first.signs(block) for block in (2, 1, 0)][::-1]
    for block, signs in enumerate(backwards):
        assert torch.equal(signs, second.signs(block))
        packed = np.unpackbits(packed_signs(0, block, len(signs), 64), axis=1)
        assert np.array_equal(signs.numpy(), 2.0 * packed - 1)
    assert [len(signs) for signs in backwards] == [BLOCK, BLOCK, 3000 - 2 * BLOCK]


def test_signs_are_even_and_do_not_go_together() -> None:
    signs = torch.cat([Projection(2048, 512).signs(block) for block in (0, 1)])
    assert abs(float(signs.mean())) < 4 / 1024  # a million signs: a standard deviation is 1/1024
    alike = (signs.T @ signs / 2048).fill_diagonal_(0)
    assert float(alike.abs().max()) < 6 / 2048 ** 0.5


@pytest.mark.parametrize("dimension", [1024, 4096])
def test_inner_products_are_kept(dimension: int) -> None:
    torch.manual_seed(0)
    base = torch.randn(1, 5000)
    rows = torch.cat([base + scale * torch.randn(10, 5000) for scale in (0.1, 0.5, 1.0, 4.0)])
    rows[:, 100:] *= 0.05  # a few weights hold most of the length, as in gradients
    made = Projection(5000, dimension)(rows)
    true, kept = ((each @ each.T) / each.norm(dim=1)[:, None] / each.norm(dim=1)
                  for each in (rows, made))
    # The error of a cosine is about (1 - cos²) / sqrt(dimension) (Johnson and Lindenstrauss).
    assert float((true - kept).abs().max()) < 5 / dimension ** 0.5
    assert float((made.norm(dim=1) / rows.norm(dim=1) - 1).abs().max()) < 4 / dimension ** 0.5


def test_a_row_is_projected_alike_in_any_company_and_however_signs_are_kept(monkeypatch) -> None:
    rows = torch.randn(33, 3000)
    whole = Projection(3000, 128)
    made = whole(rows)
    for count in (1, 5):
        assert torch.allclose(whole(rows[:count]), made[:count], atol=1e-5)
    assert {tensor.dtype for tensor in whole.kept.values()} == {torch.uint8}
    monkeypatch.setattr("mathmill.train.influence.projection.TILE", {"cpu": 48})
    assert torch.allclose(Projection(3000, 128)(rows), made, atol=1e-5)
    monkeypatch.setattr("mathmill.train.influence.projection.CACHE", {"cpu": 0})
    forgetful = Projection(3000, 128)
    assert torch.allclose(forgetful(rows), made, atol=1e-5)
    assert not forgetful.kept
    other = Projection(3000, 128, seed=1)(rows)
    assert not torch.allclose(other, made, atol=1.0)


def test_whole_numbers_are_as_good_as_floats_and_the_same_in_any_company() -> None:
    torch.manual_seed(0)
    rows = torch.randn(20, 3000) * torch.rand(20, 3000) ** 4  # few weights hold the length
    rows[3], rows[4], rows[5, 7], rows[6] = 0.0, rows[4] * 1e-25, torch.nan, rows[6] * 1e9
    whole, floats = Projection(3000, 4096), Projection(3000, 4096)
    whole.whole, floats.whole = True, False
    made, true = whole(rows), floats(rows)
    assert made[5].isnan().all()
    assert made[3].eq(0).all()
    fit = [row for row in range(20) if row not in (3, 5)]
    off = (made - true)[fit].norm(dim=1) / true[fit].norm(dim=1).clamp(min=1e-37)
    assert float(off.max()) < 2e-4
    for count in (1, 3):
        assert torch.equal(whole(rows[:count]), made[:count])


def test_a_block_that_is_not_kept_is_drawn_once_for_all_its_tiles(monkeypatch) -> None:
    drawn: list[int] = []

    def counting(seed: int, block: int, *rest: int) -> np.ndarray:
        drawn.append(block)
        return packed_signs(seed, block, *rest)

    monkeypatch.setattr(projection, "packed_signs", counting)
    monkeypatch.setattr(projection, "CACHE", {"cpu": 0})
    monkeypatch.setattr(projection, "TILE", {"cpu": 16})
    Projection(2500, 128)(torch.randn(3, 2500))
    assert drawn == [0, 1, 2]


@pytest.mark.parametrize(("changes", "words"), [
    ({"dimension": 12}, "multiple of 8"), ({"dimension": 0}, "multiple of 8"),
    ({"seed": -1}, "0 or more"), ({"block": 0}, "at least 1")])
def test_what_is_no_projection_is_refused(changes, words) -> None:
    with pytest.raises(UsageError, match=words):
        Projection(**{"weights": 10, "dimension": 64, **changes})
