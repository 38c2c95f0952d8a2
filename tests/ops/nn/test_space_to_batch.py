"""Dilation of any operation; the expected numbers are TensorFlow's."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.graph import Graph
from penstock.ops.constant import placeholder
from penstock.ops.nn.pooling_functions import max_pool2d
from penstock.ops.nn.space_to_batch import with_space_to_batch
from penstock.runtime.session import Session

X = np.arange(49, dtype=np.float32).reshape(1, 7, 7, 1)


class Pool:
    """A pooling that remembers how it was called."""

    def __call__(self, input, num_spatial_dims, padding):
        self.seen = (input.shape.as_list(), num_spatial_dims, padding)
        return max_pool2d(input, [2, 2], 1, "VALID")


def test_rates_of_one_change_nothing():
    pool = Pool()
    assert with_space_to_batch(X, [1, 1], "SAME", pool, [2, 2]).shape.as_list() == [1, 6, 6, 1]
    assert pool.seen == ([1, 7, 7, 1], 2, "SAME")


def test_windows_reach_over_the_rate():
    pool = Pool()
    result = with_space_to_batch(X, [2, 2], "VALID", pool).numpy()[0, :, :, 0]
    assert pool.seen == ([4, 4, 4, 1], 2, "VALID")
    np.testing.assert_array_equal(result, X[0, 2:, 2:, 0])


def test_same_padding_surrounds_the_image():
    pool = Pool()
    result = with_space_to_batch(X, [2, 2], "SAME", pool, filter_shape=[2, 2]).numpy()[0, :, :, 0]
    assert pool.seen == ([4, 5, 5, 1], 2, "VALID")
    assert result[0].tolist() == [8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 12.0]
    assert result[-1].tolist() == [36.0, 37.0, 38.0, 39.0, 40.0, 41.0, 40.0]


def test_axes_may_be_chosen():
    double = []

    def twice(input, num_spatial_dims, padding):
        double.append(input.shape.as_list())
        return input * 2

    np.testing.assert_array_equal(with_space_to_batch(X, [2], "VALID", twice, spatial_dims=[2]).numpy(), X * 2)
    first = X.transpose(0, 3, 1, 2)
    result = with_space_to_batch(first, [2, 2], "VALID", twice, data_format="NCHW")
    np.testing.assert_array_equal(result.numpy(), first * 2)
    assert double == [[2, 7, 4, 1], [4, 1, 4, 4]]


def test_sizes_may_be_unknown():
    with Graph().as_default(), Session() as session:
        x = placeholder("float32", [None, None, None, 1])
        result = with_space_to_batch(x, [2, 2], "VALID", Pool().__call__)
        np.testing.assert_array_equal(session.run(result, {x: X})[0, :, :, 0], X[0, 2:, 2:, 0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([2, 2], "SAME"), "filter_shape"),
        (([2, 2], "BAD"), "padding"),
        (([2, 0], "VALID"), "must be positive"),
        (([2, 2, 2, 2], "VALID"), "at least 5"),
        ((2, "VALID"), "rank"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        with_space_to_batch(X, *arguments, Pool())
    with pytest.raises(ValueError, match="monotonically increasing"):
        with_space_to_batch(X, [2, 2], "VALID", Pool(), spatial_dims=[2, 1])
