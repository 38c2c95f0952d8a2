"""Pooling as users call it."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.ops.nn import pooling_functions as nn
from penstock.testing.op_case import normal

X = normal(2, 4, 6, 3)
BLOCKS = X.reshape(2, 2, 2, 3, 2, 3)


def same(a, b):
    np.testing.assert_allclose(a.numpy(), b, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("any_rank", "images", "first", "reduce"),
    [(nn.max_pool, nn.max_pool2d, nn.max_pool_v1, np.max), (nn.avg_pool, nn.avg_pool2d, nn.avg_pool_v1, np.mean)],
)
def test_sizes_may_be_given_in_three_ways(any_rank, images, first, reduce):
    expected = reduce(BLOCKS, axis=(2, 4))
    same(any_rank(X, 2, 2, "VALID"), expected)
    same(images(X, [2, 2], [2, 2], "SAME"), expected)
    same(first(X, [1, 2, 2, 1], [1, 2, 2, 1], "VALID"), expected)
    same(first(input=X, value=None, ksize=2, strides=2, padding="VALID"), expected)


def test_sequences_and_volumes():
    row = X[:, 0]
    same(nn.max_pool1d(row, 2, 2, "VALID"), row.reshape(2, 3, 2, 3).max(2))
    same(
        nn.avg_pool1d(np.swapaxes(row, 1, 2), 2, 2, "VALID", "NCW"), np.swapaxes(row.reshape(2, 3, 2, 3).mean(2), 1, 2)
    )
    same(nn.max_pool(row, 2, 2, "VALID"), row.reshape(2, 3, 2, 3).max(2))
    volume = X[:, None].astype(np.float32)
    same(nn.max_pool3d(volume, [1, 2, 2], [1, 2, 2], "VALID"), BLOCKS.max((2, 4))[:, None])
    same(nn.avg_pool(volume, [1, 1, 2, 2, 1], [1, 1, 2, 2, 1], "VALID"), BLOCKS.mean((2, 4))[:, None])


def test_positions_have_the_type_asked_for():
    assert nn.max_pool_with_argmax(X, 2, 2, "SAME").argmax.dtype == "int64"
    assert nn.max_pool_with_argmax_v1(X, 2, 2, "SAME", Targmax="int32").argmax.dtype == "int32"
    with pytest.raises(ValueError, match="NHWC"):
        nn.max_pool_with_argmax(X, 2, 2, "SAME", data_format="NCHW")


def test_pool_dilates_windows():
    dilated = np.maximum.reduce([X[:, i : i + 2, j : j + 4] for i in (0, 2) for j in (0, 2)])
    same(nn.pool(X, [2, 2], "MAX", dilations=[2, 2]), dilated)
    same(nn.pool_v1(X, [2, 2], "MAX", "VALID", dilation_rate=[2, 2]), dilated)
    same(nn.pool(X, [2, 2], "AVG", strides=[2, 2]), BLOCKS.mean((2, 4)))
    first = np.ascontiguousarray(np.moveaxis(X, -1, 1))
    same(nn.pool(first, [2, 2], "MAX", dilations=[2, 2], data_format="NCHW"), np.moveaxis(dilated, -1, 1))


@pytest.mark.parametrize(
    "arguments",
    [
        {"window_shape": [2, 2], "pooling_type": "MIN"},
        {"window_shape": [2, 2], "pooling_type": "MAX", "strides": [2, 2], "dilations": [2, 2]},
        {"window_shape": [2] * 4, "pooling_type": "MAX"},
        {"window_shape": [2, 2], "pooling_type": "MAX", "strides": [2]},
    ],
)
def test_pool_refuses_what_makes_no_sense(arguments):
    with pytest.raises(ValueError):
        nn.pool(X, **arguments)


def test_a_rank_that_is_not_known_must_be_given_by_the_layout():
    with Graph().as_default():
        x = lookup("Placeholder")(dtype=np.float32, shape=None)
        with pytest.raises(ValueError, match="rank"):
            nn.max_pool(x, 2, 2, "SAME")
        assert nn.max_pool(x, 2, 2, "SAME", data_format="NHWC").ndim == 4


def test_nodes_have_the_names_that_tensorflow_gives_them():
    with Graph().as_default():
        x = lookup("Placeholder")(dtype=np.float32, shape=[None, 4, 4, 1])
        assert nn.max_pool_v1(x, 2, 2, "SAME").op.name == "MaxPool"
        assert nn.avg_pool_v1(x, 2, 2, "SAME").op.name == "AvgPool"
        assert nn.max_pool2d(x, 2, 2, "SAME").op.name == "MaxPool2d"
