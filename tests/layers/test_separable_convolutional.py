"""Separable convolutions against naive loops."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.layers.separable_convolutional import separable_conv1d, separable_conv2d
from tests.layers.harness import close, convolve, normal, run_with_variables

SHAPES = {1: (2, 9, 3), 2: (2, 7, 6, 3)}


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
