"""NumPy's random functions."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf

random = tf.experimental.numpy.random


def test_streams_are_tensorflows() -> None:
    random.seed(42)
    np.testing.assert_allclose(random.rand(2), [0.31649747, 0.82306065], rtol=1e-7)
    np.testing.assert_allclose(random.randn(2), [0.37648494, -1.10998666], rtol=1e-7)
    np.testing.assert_array_equal(random.randint(0, 100, (3,)), [36, 81, 95])
    np.testing.assert_allclose(random.uniform(1, 3, (2,)), [2.84369467, 2.10801092], rtol=1e-7)
    np.testing.assert_array_equal(random.poisson(4.0, (3,)), [3, 3, 4])
    np.testing.assert_allclose(random.random((2,)), [0.66654736, 0.52482836], rtol=1e-7)
    np.testing.assert_allclose(random.standard_normal((2,)), [-0.19599483, 1.18789489], rtol=1e-7)


def test_shapes_come_from_the_arguments() -> None:
    assert random.uniform(0, [1, 2]).shape == (2,)
    assert random.poisson([3.0, 2.0]).shape == (2,)
    assert random.poisson([3.0, 2.0], 3).shape == (3, 2)
    assert random.randn().shape == ()
    assert random.rand(2, 3).shape == (2, 3)
    assert random.randint(3, size=4, dtype=np.int8).dtype == tf.int8
    assert random.uniform(size=3).dtype == tf.float64


def test_integers_only() -> None:
    with pytest.raises(ValueError, match="integers"):
        random.randint(3, dtype=float)
