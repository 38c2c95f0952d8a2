"""Convolutions as users call them."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.graph import Graph
from penstock.core.op_def import lookup
from penstock.ops.nn import convolution_functions as nn
from penstock.testing.op_case import normal

X, W = normal(2, 6, 6, 3), normal(3, 3, 3, 4, seed=1)


def same(a, b):
    np.testing.assert_allclose(a.numpy(), b if isinstance(b, np.ndarray) else b.numpy(), rtol=1e-10, atol=1e-12)


def test_strides_and_dilations_may_be_given_in_three_ways():
    expected = nn.conv2d(X, W, [1, 2, 2, 1], "SAME")
    same(nn.conv2d(X, W, 2, "SAME"), expected)
    same(nn.conv2d(X, W, [2, 2], "SAME"), expected)
    same(nn.conv2d_v1(X, W, [1, 2, 2, 1], "SAME"), expected)
    same(nn.conv2d_v1(X, filters=W, strides=2, padding="SAME"), expected)
    with pytest.raises(ValueError, match="length 1, 2 or 4"):
        nn.conv2d(X, W, [1, 2, 2], "SAME")


def test_padding_may_be_pairs_for_each_axis():
    padded = np.pad(X, [(0, 0), (1, 2), (0, 1), (0, 0)])
    same(nn.conv2d(X, W, 1, [[0, 0], [1, 2], [0, 1], [0, 0]]), nn.conv2d(padded, W, 1, "VALID"))
    with pytest.raises(ValueError, match="pairs"):
        nn.conv2d(X, W, 1, [[0, 0], [1, 2]])


def test_more_batch_axes_are_convolved_alike():
    same(nn.conv2d(X[None], W, 1, "SAME"), nn.conv2d(X, W, 1, "SAME").numpy()[None])
    with Graph().as_default():
        x = lookup("Placeholder")(dtype=np.float64, shape=[None, 2, 6, 6, 3])
        assert nn.conv2d(x, W, 2, "SAME").ndim == 5


def test_sequences_are_images_of_one_row():
    x, w = X[:, 0], W[0]
    expected = nn.conv2d(x[:, None], w[None], 1, "SAME").numpy()[:, 0]
    same(nn.conv1d(x, w, 1, "SAME"), expected)
    same(nn.conv1d_v1(x, w, 1, "SAME", data_format="NWC"), expected)
    same(nn.convolution(x, w, padding="SAME"), expected)
    first = np.ascontiguousarray(np.swapaxes(x, 1, 2))
    same(nn.conv1d(first, w, 1, "SAME", data_format="NCW"), np.swapaxes(expected, 1, 2))


def test_convolution_counts_the_axes_and_refuses_strides_with_dilations():
    same(nn.convolution(X, W, 2, "SAME"), nn.conv2d(X, W, 2, "SAME"))
    same(nn.convolution_v1(X, W, "VALID", dilation_rate=[2, 2]), nn.conv2d(X, W, 1, "VALID", dilations=2))
    same(nn.atrous_conv2d(X, W, 2, "SAME"), nn.conv2d(X, W, 1, "SAME", dilations=2))
    with pytest.raises(ValueError, match="conjunction"):
        nn.convolution(X, W, 2, "SAME", dilations=2)


def test_separable_is_depthwise_then_pointwise():
    depthwise, pointwise = normal(3, 3, 3, 2, seed=2), normal(1, 1, 6, 4, seed=3)
    between = nn.depthwise_conv2d(X, depthwise, [1, 1, 1, 1], "SAME")
    same(nn.separable_conv2d(X, depthwise, pointwise, [1, 1, 1, 1], "SAME"), between.numpy() @ pointwise[0, 0])
    same(nn.depthwise_conv2d_native(X, depthwise, [1, 1, 1, 1], "SAME"), between)
    dilated = nn.depthwise_conv2d(X, depthwise, [1, 1, 1, 1], "VALID", dilations=[2, 2])
    same(nn.depthwise_conv2d_v1(X, depthwise, [1, 1, 1, 1], "VALID", rate=[2, 2]), dilated)
    assert dilated.dims == (2, 2, 2, 6)


def test_transposes_are_gradients_with_respect_to_the_input():
    y = normal(2, 3, 3, 4)
    expected = nn.conv2d_backprop_input([2, 6, 6, 3], W, y, 2, "SAME")
    same(nn.conv2d_transpose(y, W, [2, 6, 6, 3], 2), expected)
    same(nn.conv2d_transpose_v1(y, W, [2, 6, 6, 3], [1, 2, 2, 1]), expected)
    same(nn.conv_transpose(y, W, [2, 6, 6, 3], 2), expected)
    row = nn.conv2d_backprop_input([2, 1, 6, 3], W[:1], y[:, :1], [1, 1, 2, 1], "SAME").numpy()[:, 0]
    same(nn.conv1d_transpose(y[:, 0], W[0], [2, 6, 3], 2), row)
    same(nn.conv1d_transpose(y[:, 0], W[0], np.array([2, 6, 3], np.int32), 2), row)
    flat = nn.conv3d_transpose(y[:, None], W[None], [2, 1, 6, 6, 3], [1, 1, 2, 2, 1])
    same(flat, expected.numpy()[:, None])
    wide = normal(2, 6, 6, 4)
    dilated = nn.conv2d_backprop_input([2, 6, 6, 3], W, wide, 1, "SAME", dilations=2)
    same(nn.atrous_conv2d_transpose(wide, W, [2, 6, 6, 3], 2, "SAME"), dilated)


def test_nodes_have_the_names_that_tensorflow_gives_them():
    with Graph().as_default():
        x = lookup("Placeholder")(dtype=np.float64, shape=[None, 6, 6, 3])
        assert nn.conv2d(x, W, 1, "SAME").op.name == "Conv2D"
        assert nn.conv2d(x, W, 1, "SAME").op.name == "Conv2D_1"
        assert nn.convolution(x, W).op.name == "convolution"
        assert nn.depthwise_conv2d(x, W, [1, 1, 1, 1], "SAME").op.name == "depthwise"
        assert nn.conv2d_transpose(x, normal(3, 3, 2, 3), [1, 6, 6, 2], 1).op.name == "conv2d_transpose"


def test_strided_and_dilated_depthwise_windows_move_within_the_parts_of_an_image():
    x = np.arange(36, dtype=np.float32).reshape(1, 6, 6, 1)
    result = nn.depthwise_conv2d(x, np.ones((2, 2, 1, 1), np.float32), [1, 2, 2, 1], "VALID", dilations=[2, 2])
    assert result.numpy()[0, ..., 0].tolist() == [[28, 32], [52, 56]]
