"""Dense layers as functions."""

from __future__ import annotations

import numpy as np

from penstock.ops.nn.xw_plus_b import relu_layer, xw_plus_b, xw_plus_b_v1, zero_fraction
from penstock.testing.op_case import normal

X, W, B = normal(2, 3), normal(3, 4, seed=1), normal(4, seed=2)


def test_dense_layers_multiply_and_add():
    np.testing.assert_allclose(xw_plus_b(X, W, B).numpy(), X @ W + B)
    np.testing.assert_allclose(xw_plus_b_v1(X, W, B).numpy(), X @ W + B)
    np.testing.assert_allclose(relu_layer(X, W, B).numpy(), np.maximum(X @ W + B, 0))


def test_zero_fraction_counts_zeros():
    assert zero_fraction(np.array([[0, 1], [0, 0]])).numpy() == np.float32(0.75)
    assert np.isnan(zero_fraction(np.zeros((0, 2))).numpy())
