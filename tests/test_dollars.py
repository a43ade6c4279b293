"""Money is whole picodollars, told in words that show what is not nothing."""

from __future__ import annotations

import pytest

from mathmill.dollars import PICO, in_words


@pytest.mark.parametrize(("pico", "words"), [
    (0, "$0.00"), (5 * PICO, "$5.00"), (12_345_678 * PICO // 10, "$1,234,567.80"),
    (PICO // 100, "$0.01"), (1_234 * 10**6, "$0.001234"), (7, "$7e-12"),
    (225 * PICO // 1000, "$0.225"), (PICO // 10, "$0.10"), (2 * PICO // 3, "$0.6667"),
])
def test_money_is_told_in_words(pico: int, words: str) -> None:
    assert in_words(pico) == words
