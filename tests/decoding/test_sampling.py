"""The draws: right in their shares, bound to their row, and within the nucleus."""

from __future__ import annotations

import pytest

from mathmill.decoding.sampling import _gumbel, _mix, sample

torch = pytest.importorskip("torch")

CHANCES = torch.tensor([0.5, 0.25, 0.125, 0.0625, 0.0625], dtype=torch.float64)


def shares_of(tokens):
    return torch.bincount(tokens, minlength=5).double() / len(tokens)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_come_in_the_shares_that_the_temperature_gives_them(temperature):
    n = 40_000
    tokens = sample(CHANCES.log().expand(n, 5), [temperature] * n, [1.0] * n, range(n), [3] * n)
    wanted = (CHANCES.log() / temperature).softmax(-1)
    assert ((shares_of(tokens) - wanted).abs() < 5 * (wanted * (1 - wanted) / n).sqrt()).all()


def test_one_row_draws_anew_at_every_place():
    n = 40_000
    tokens = sample(CHANCES.log().expand(n, 5), [1.0] * n, [1.0] * n, [7] * n, range(n))
    assert ((shares_of(tokens) - CHANCES).abs() < 0.013).all()
    pairs = torch.bincount(tokens[:-1] * 5 + tokens[1:], minlength=25).double() / (n - 1)
    assert ((pairs - (CHANCES[:, None] * CHANCES).flatten()).abs() < 0.013).all()


def test_only_the_nucleus_is_drawn_from():
    n = 4_000
    logits = CHANCES.log().expand(n, 5)
    for share, most in ((0.5, 1), (0.6, 2), (0.875, 3), (0.9, 4), (1.0, 5), (1e-9, 1), (0.0, 1)):
        tokens = sample(logits, [1.0] * n, [share] * n, range(n), [0] * n)
        assert set(tokens.tolist()) == set(range(most)), share


def test_a_row_draws_the_same_whoever_stands_beside_it():
    logits = torch.randn(9, 300, generator=torch.Generator().manual_seed(0))
    shares = [1.0, 0.9, 0.5] * 3
    whole = sample(logits, [0.7] * 9, shares, range(9), range(9)).tolist()
    for place in range(9):
        alone = sample(logits[place:place + 1], [0.7], shares[place:place + 1], [place], [place])
        assert alone.tolist() == [whole[place]]


def test_seeds_beyond_sixty_four_bits_and_below_zero_are_seeds_too():
    logits = torch.zeros(3, 1000)
    first = sample(logits, [1.0] * 3, [1.0] * 3, [2**64 + 5, -1, 5], [0] * 3).tolist()
    assert first[0] == first[2]
    assert first[1] == sample(logits[:1], [1.0], [1.0], [2**64 - 1], [0]).item()


def test_the_hash_is_splitmix64():
    # The generator's first numbers from the state 1234567, as published with it.
    assert _mix(1234567) == 6457827717110365317
    assert _mix(1234567 + 0x9E3779B97F4A7C15) == 3203168211198807973
    noise = _gumbel([1234567], 2, "cpu")
    uniform = torch.exp(-torch.exp(-noise))[0]
    assert uniform.tolist() == pytest.approx([6457827717110365317 / 2**64,
                                              3203168211198807973 / 2**64], abs=1e-12)
