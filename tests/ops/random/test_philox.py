"""Philox and the conversions from words to numbers."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import dtypes
from penstock.ops.random import philox
from penstock.ops.random.philox import Philox


def test_published_vectors() -> None:
    """The known-answer vectors of the algorithm's authors hold."""
    assert philox.block(0, 0) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
    assert philox.block(2**64 - 1, 2**128 - 1) == (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)


@pytest.mark.parametrize("counter", [0, 5, 2**64 - 3, 2**64 * 7 - 2, 2**32 - 2])
def test_many_blocks_equal_single_blocks(counter: int) -> None:
    """Blocks computed side by side are those computed one by one, also where halves of the counter carry."""
    generator = Philox(0x123456789ABCDEF0, counter)
    words = generator.words(0, 9)
    assert words.tolist() == [list(philox.block(generator.key, counter + i)) for i in range(9)]


@pytest.mark.parametrize("counter", [0, 5, 2**64 - 30, 2**128 - 20, 2**64 * 7 + 2**32 - 2])
def test_machine_code_draws_the_same(counter: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words and floats do not depend on how much has been drawn before, also where halves of the counter carry."""
    generator = Philox(0xFEDCBA9876543210, counter)
    ways = []
    for drawn in (-(2**40), 2**40):
        monkeypatch.setattr(philox, "_blocks_drawn", drawn)
        ways.append((generator.words(3, 40), philox.uniform(generator, 163, dtypes.float32)))
    (words, floats), (other_words, other_floats) = ways
    np.testing.assert_array_equal(words, other_words)
    np.testing.assert_array_equal(floats, other_floats)
    assert words[39].tolist() == list(philox.block(generator.key, (counter + 42) % 2**128))


def test_reserve_skips() -> None:
    """Reserving gives the present position and moves on."""
    generator = Philox.from_seeds(1, 2)
    first = generator.reserve(3)
    np.testing.assert_array_equal(first.words(3, 2), generator.words(0, 2))


def test_zero_seeds_are_unpredictable() -> None:
    """Two generators with both seeds 0 differ."""
    assert Philox.from_seeds(0, 0).key != Philox.from_seeds(0, 0).key


@pytest.mark.parametrize(
    "dtype", [dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64], ids=lambda d: d.name
)
@pytest.mark.parametrize("draw", [philox.uniform, philox.normal, philox.truncated_normal], ids=lambda f: f.__name__)
def test_longer_draws_begin_like_shorter_ones(draw, dtype) -> None:
    """The first numbers do not depend on how many are drawn, also across chunks."""
    generator = Philox.from_seeds(3, 4)
    many = draw(generator, 70_001, dtype)
    few = draw(generator, 11, dtype)
    assert many.shape == (70_001,)
    assert (many[:11] == few).all()


def test_moments() -> None:
    """Mean and deviation are those of the distributions."""
    generator = Philox.from_seeds(3, 4)
    normal = philox.normal(generator, 200_000, dtypes.float32)
    assert abs(float(normal.mean())) < 0.01 and abs(float(normal.std()) - 1) < 0.01
    uniform = philox.uniform(generator, 200_000, dtypes.float64)
    assert abs(float(uniform.mean()) - 0.5) < 0.005 and 0 <= float(uniform.min()) and float(uniform.max()) < 1
    cut = philox.truncated_normal(generator, 200_000, dtypes.float32)
    assert float(cut.abs().max()) < 2 and abs(float(cut.std()) - 0.8796) < 0.01


def test_integers_stay_in_bounds() -> None:
    """Integers are in [low, high), for bounds whose distance needs all bits too."""
    generator = Philox.from_seeds(3, 4)
    for low, high, dtype in (
        (-3, 4, dtypes.int32),
        (-(2**31), 2**31 - 1, dtypes.int32),
        (-(2**63), 2**63 - 1, dtypes.int64),
    ):
        drawn = philox.integers(generator, 1000, low, high, dtype)
        assert int(drawn.min()) >= low and int(drawn.max()) < high


def test_permutation_is_one() -> None:
    """Each number appears once."""
    order = philox.permutation(Philox.from_seeds(3, 4), 100)
    assert sorted(order.tolist()) == list(range(100))
    assert order.tolist() != list(range(100))
