"""Pooling one axis after the other gives what pooling by windows gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from penstock.ops.constant import constant
from penstock.ops.nn import separable_pooling
from penstock.ops.nn.pooling import avg_pool_op, max_pool_op


def by_window(x: np.ndarray, window, stride, counts, reduce) -> np.ndarray:
    result = np.empty((x.shape[0], *counts, x.shape[3]), x.dtype)
    for i in range(counts[0]):
        for j in range(counts[1]):
            part = x[:, i * stride[0] : i * stride[0] + window[0], j * stride[1] : j * stride[1] + window[1]]
            result[:, i, j] = reduce(part, (1, 2))
    return result


@pytest.mark.parametrize("size", [(6, 8), (7, 9), (5, 3)])
@pytest.mark.parametrize(("window", "stride"), [((2, 2), (2, 2)), ((3, 2), (2, 1)), ((3, 3), (1, 1)), ((2, 3), (3, 3))])
def test_maxima_and_means_are_those_of_the_windows(size, window, stride):
    x = np.random.default_rng(0).normal(size=(2, *size, 5)).astype(np.float32)
    x[0, 0, 0, 0], x[1, 1, 1, 1], x[1, 0, 0, 0] = np.nan, np.inf, -np.inf
    counts = [(n - k) // s + 1 for n, k, s in zip(size, window, stride, strict=True)]
    images = torch.from_numpy(x)
    found = separable_pooling.maximum(images, window, stride, counts)
    np.testing.assert_array_equal(found.numpy(), by_window(x, window, stride, counts, np.max))
    found = separable_pooling.mean(images, window, stride, counts)
    np.testing.assert_allclose(found.numpy(), by_window(x, window, stride, counts, np.mean), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(images.numpy(), x)


def test_what_does_not_suit_is_left_to_other_kernels():
    images = torch.zeros(1, 8, 8, 3)
    assert separable_pooling.maximum(images, (4, 2), (4, 2), (2, 4)) is None
    assert separable_pooling.maximum(images, (1, 2), (1, 2), (8, 4)) is None
    assert separable_pooling.maximum(images, (3, 3), (3, 3), (3, 3)) is None
    assert separable_pooling.maximum(images, (2, 2), (2, 2), ()) is None
    assert separable_pooling.maximum(images.permute(0, 2, 3, 1), (2, 2), (2, 2), (4, 1)) is None
    assert separable_pooling.mean(images.to(torch.float16), (2, 2), (2, 2), (4, 4)) is None


@pytest.mark.parametrize("padding", ["VALID", "SAME"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
def test_the_operations_agree_with_those_on_channels_first(padding, dtype):
    x = np.random.default_rng(1).integers(-9, 9, (2, 7, 6, 3)).astype(dtype)
    first = constant(np.moveaxis(x, 3, 1).copy())
    for op, allowed in ((max_pool_op, True), (avg_pool_op, dtype != "int32")):
        if not allowed:
            continue
        last = op(constant(x), ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding=padding)
        other = op(first, ksize=[1, 1, 2, 2], strides=[1, 1, 2, 2], padding=padding, data_format="NCHW")
        np.testing.assert_allclose(last.numpy(), np.moveaxis(other.numpy(), 1, 3), rtol=1e-6)
