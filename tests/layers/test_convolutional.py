"""Convolutions against naive loops; shapes and mistakes of convolutions of all kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from penstock.core.graph import Graph
from penstock.layers import convolutional, separable_convolutional, transposed_convolutional
from penstock.layers.convolutional import conv1d, conv2d, conv3d
from penstock.ops.constant import placeholder
from tests.layers.harness import close, convolve, normal, run_with_variables, to_first

SHAPES = {1: (2, 9, 3), 2: (2, 7, 6, 3), 3: (2, 5, 6, 4, 2)}
PLAIN = {1: conv1d, 2: conv2d, 3: conv3d}


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


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: convolutional.Conv1D(4, 3, 2, "same"), [2, 9, 3]),
        (lambda: convolutional.Conv2D(4, 3, dilation_rate=2), [2, 7, 6, 3]),
        (lambda: convolutional.Conv2D(4, 3, 2, data_format="channels_first"), [2, 3, 7, 6]),
        (lambda: convolutional.Conv3D(4, 2, padding="same"), [2, 5, 6, 4, 2]),
        (lambda: separable_convolutional.SeparableConv2D(4, 3, 2), [2, 7, 6, 3]),
        (lambda: transposed_convolutional.Conv2DTranspose(4, 3, 2), [2, 7, 6, 3]),
        (lambda: transposed_convolutional.Conv3DTranspose(4, 3, 2, "same"), [2, 5, 6, 4, 2]),
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
