"""Unpredictable numbers: their range, and that tests see the same ones in every run."""

from __future__ import annotations

import pytest

from penstock.core import entropy


@pytest.mark.parametrize("bits", [1, 7, 8, 31, 63, 64])
def test_integers_fill_their_range(bits):
    drawn = [entropy.random_integer(bits) for _ in range(200)]
    assert all(0 <= value < 2**bits for value in drawn)
    assert max(drawn) >= 2 ** (bits - 1)


def test_a_test_draws_the_same_numbers_in_every_run():
    assert entropy.random_bytes(4).hex() == "e164ec11"
