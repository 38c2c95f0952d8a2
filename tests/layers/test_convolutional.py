"""Convolutions of all kinds against naive loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.core.graph import Graph
from penstock.layers import convolutional
from penstock.layers.convolutional import (
    conv1d,
    conv2d,
    conv2d_transpose,
    conv3d,
    conv3d_transpose,
    separable_conv1d,
    separable_conv2d,
)
from penstock.ops.constant import placeholder
from penstock.runtime.session import Session
from tests.layers.harness import convolve, normal, run_with_variables, spread

SHAPES = {1: (2, 9, 3), 2: (2, 7, 6, 3), 3: (2, 5, 6, 4, 2)}
PLAIN = {1: conv1d, 2: conv2d, 3: conv3d}


def close(value: Any, expected: Any) -> None:
    np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-4)


def to_first(x: np.ndarray) -> np.ndarray:
    return np.moveaxis(x, -1, 1)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("strides", "dilation"), [(1, 1), (2, 1), (1, 2)])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_convolution_equals_the_naive_one(
    rank: int, padding: str, strides: int, dilation: int, data_format: str
) -> None:
    if rank == 3 and dilation > 1 and padding == "valid":
        dilation = 1
    x = normal(*SHAPES[rank])
    first = data_format == "channels_first"
    value, weights = run_with_variables(
        lambda: PLAIN[rank](
            to_first(x) if first else x,
            4,
            3,
            strides,
            padding,
            dilation_rate=dilation,
            data_format=data_format,
            name="c",
        )
    )
    expected = convolve(x, weights["c/kernel"], (strides,) * rank, padding, (dilation,) * rank) + weights["c/bias"]
    close(value, to_first(expected) if first else expected)


def test_causal_convolution_sees_the_past_only() -> None:
    x = normal(2, 9, 3)
    value, weights = run_with_variables(lambda: conv1d(x, 4, 3, padding="causal", dilation_rate=2, name="c"))
    padded = np.pad(x, [(0, 0), (4, 0), (0, 0)])
    close(value, convolve(padded, weights["c/kernel"], (1,), "valid", (2,)) + weights["c/bias"])


def test_sizes_may_differ_by_axis() -> None:
    x = normal(2, 7, 6, 3)
    value, weights = run_with_variables(lambda: conv2d(x, 4, (3, 2), (2, 1), "same", activation="relu", name="c"))
    assert weights["c/kernel"].shape == (3, 2, 3, 4)
    close(value, np.maximum(convolve(x, weights["c/kernel"], (2, 1), "same") + weights["c/bias"], 0))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_transposed_convolution_equals_the_naive_one(padding: str, strides: int, data_format: str) -> None:
    x = normal(2, 4, 5, 3)
    first = data_format == "channels_first"
    value, weights = run_with_variables(
        lambda: conv2d_transpose(to_first(x) if first else x, 4, 3, strides, padding, data_format=data_format, name="c")
    )
    assert weights["c/kernel"].shape == (3, 3, 4, 3)
    expected = spread(x, weights["c/kernel"], (strides, strides), padding) + weights["c/bias"]
    close(value, to_first(expected) if first else expected)


def test_transposed_convolution_of_volumes_equals_the_naive_one() -> None:
    x = normal(2, 3, 4, 2, 2)
    value, weights = run_with_variables(lambda: conv3d_transpose(x, 3, (2, 3, 2), 2, "same", name="c"))
    close(value, spread(x, weights["c/kernel"], (2, 2, 2), "same") + weights["c/bias"])


def test_transposed_convolution_of_unknown_sizes_finds_them_at_run_time() -> None:
    with Graph().as_default() as graph:
        x = placeholder(np.float32, [None, None, 5, 3])
        output = conv2d_transpose(x, 4, 3, 2, kernel_initializer="zeros")
        assert output.dims == (None, None, 11, 4)
        with Session(graph=graph) as session:
            session.run([v.initializer for v in graph.get_collection("variables")])
            assert session.run(output, {x: normal(2, 4, 5, 3)}).shape == (2, 9, 11, 4)


def depthwise(
    x: np.ndarray, kernel: np.ndarray, strides: tuple[int, ...], padding: str, dilations: tuple[int, ...]
) -> np.ndarray:
    parts = [
        convolve(x[..., channel : channel + 1], kernel[..., channel : channel + 1, :], strides, padding, dilations)
        for channel in range(x.shape[-1])
    ]
    return np.concatenate(parts, axis=-1)


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("strides", "dilation"), [(1, 1), (2, 1), (1, 2)])
@pytest.mark.parametrize("multiplier", [1, 2])
def test_separable_convolution_equals_the_naive_one(
    rank: int, padding: str, strides: int, dilation: int, multiplier: int
) -> None:
    x = normal(*SHAPES[rank])
    function = separable_conv1d if rank == 1 else separable_conv2d
    value, weights = run_with_variables(
        lambda: function(x, 4, 3, strides, padding, dilation_rate=dilation, depth_multiplier=multiplier, name="c")
    )
    assert list(weights) == ["c/depthwise_kernel", "c/pointwise_kernel", "c/bias"]
    between = depthwise(x, weights["c/depthwise_kernel"], (strides,) * rank, padding, (dilation,) * rank)
    close(value, between @ weights["c/pointwise_kernel"].reshape(3 * multiplier, 4) + weights["c/bias"])


def test_causal_separable_convolution_sees_the_past_only() -> None:
    x = normal(2, 9, 3)
    value, weights = run_with_variables(lambda: separable_conv1d(x, 4, 3, padding="causal", name="c"))
    between = depthwise(np.pad(x, [(0, 0), (2, 0), (0, 0)]), weights["c/depthwise_kernel"], (1,), "valid", (1,))
    close(value, between @ weights["c/pointwise_kernel"][0] + weights["c/bias"])


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: convolutional.Conv1D(4, 3, 2, "same"), [2, 9, 3]),
        (lambda: convolutional.Conv2D(4, 3, dilation_rate=2), [2, 7, 6, 3]),
        (lambda: convolutional.Conv2D(4, 3, 2, data_format="channels_first"), [2, 3, 7, 6]),
        (lambda: convolutional.Conv3D(4, 2, padding="same"), [2, 5, 6, 4, 2]),
        (lambda: convolutional.SeparableConv2D(4, 3, 2), [2, 7, 6, 3]),
        (lambda: convolutional.Conv2DTranspose(4, 3, 2), [2, 7, 6, 3]),
        (lambda: convolutional.Conv3DTranspose(4, 3, 2, "same"), [2, 5, 6, 4, 2]),
    ],
)
def test_output_shape_is_foreseen(layer: Any, shape: list[int]) -> None:
    with Graph().as_default():
        made = layer()
        assert made(normal(*shape)).shape.as_list() == made.compute_output_shape(shape).as_list()
        assert made.compute_output_shape([None, *shape[1:]]).as_list()[0] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": (3, 3, 3)}, "`kernel_size` argument must be a tuple of 2 integers"),
        ({"kernel_size": "three"}, "`kernel_size` argument must be a tuple of 2 integers"),
        ({"kernel_size": 3, "strides": 0}, "at least 1"),
        ({"kernel_size": 3, "padding": "full"}, "`padding` argument must be one of"),
        ({"kernel_size": 3, "padding": "causal"}, "`padding` argument must be one of"),
        ({"kernel_size": 3, "data_format": "nhwc"}, "`data_format` argument must be one of"),
        ({"kernel_size": 3, "strides": 2, "dilation_rate": 2}, "not supported in conjunction"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments: dict[str, Any], message: str) -> None:
    with Graph().as_default(), pytest.raises(ValueError, match=message):
        convolutional.Conv2D(4, **arguments)


def test_unknown_channels_are_refused() -> None:
    with Graph().as_default(), pytest.raises(ValueError, match="channel dimension of the inputs"):
        conv2d(placeholder(np.float32, [None, 7, 7, None]), 4, 3)


def test_wrong_rank_is_refused() -> None:
    with Graph().as_default(), pytest.raises(ValueError, match="expected ndim=4, found ndim=3"):
        conv2d(normal(7, 6, 3), 4, 3)
