"""Pooling against NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from penstock.core.graph import Graph
from penstock.layers import pooling
from tests.layers.harness import normal, run_with_variables

SHAPES = {1: (2, 9, 3), 2: (2, 7, 6, 3), 3: (2, 5, 6, 4, 2)}
FUNCTIONS = {
    ("max", 1): pooling.max_pooling1d,
    ("max", 2): pooling.max_pooling2d,
    ("max", 3): pooling.max_pooling3d,
    ("average", 1): pooling.average_pooling1d,
    ("average", 2): pooling.average_pooling2d,
    ("average", 3): pooling.average_pooling3d,
}


def pooled(x: np.ndarray, window: tuple[int, ...], strides: tuple[int, ...], padding: str, reduce: Any) -> np.ndarray:
    """Reduce each window; what is padded counts for nothing."""
    spatial = x.shape[1:-1]
    if padding == "same":
        sizes = [-(-size // stride) for size, stride in zip(spatial, strides, strict=True)]
        starts = [
            max((count - 1) * stride + extent - size, 0) // 2
            for count, stride, extent, size in zip(sizes, strides, window, spatial, strict=True)
        ]
    else:
        sizes = [(size - extent) // stride + 1 for size, extent, stride in zip(spatial, window, strides, strict=True)]
        starts = [0] * len(spatial)
    outputs = np.zeros((x.shape[0], *sizes, x.shape[-1]))
    for position in itertools.product(*map(range, sizes)):
        cut = tuple(
            slice(max(p * s - b, 0), p * s - b + w)
            for p, s, b, w in zip(position, strides, starts, window, strict=True)
        )
        outputs[(slice(None), *position)] = reduce(x[(slice(None), *cut)], axis=tuple(range(1, len(spatial) + 1)))
    return outputs


@pytest.mark.parametrize(("kind", "rank"), FUNCTIONS)
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("window", "strides"), [(2, 2), (3, 1), (3, 2)])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_pooling_reduces_each_window(
    kind: str, rank: int, padding: str, window: int, strides: int, data_format: str
) -> None:
    x = normal(*SHAPES[rank])
    first = data_format == "channels_first"
    value, _ = run_with_variables(
        lambda: FUNCTIONS[kind, rank](np.moveaxis(x, -1, 1) if first else x, window, strides, padding, data_format)
    )
    expected = pooled(x, (window,) * rank, (strides,) * rank, padding, np.max if kind == "max" else np.mean)
    np.testing.assert_allclose(value, np.moveaxis(expected, -1, 1) if first else expected, rtol=1e-5, atol=1e-6)


def test_windows_may_differ_by_axis() -> None:
    x = normal(2, 7, 6, 3)
    value, _ = run_with_variables(lambda: pooling.max_pooling2d(x, (3, 2), (2, 1)))
    np.testing.assert_allclose(value, pooled(x, (3, 2), (2, 1), "valid", np.max), rtol=1e-6)


def test_names_are_those_of_the_operation() -> None:
    with Graph().as_default():
        assert pooling.max_pooling2d(normal(2, 4, 4, 3), 2, 2).name == "max_pooling2d/MaxPool:0"
        assert pooling.average_pooling2d(normal(2, 4, 4, 3), 2, 2, name="mine").name == "mine/AvgPool:0"


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_output_shape_is_foreseen(padding: str) -> None:
    with Graph().as_default():
        for layer_class, shape in (
            (pooling.MaxPooling1D, [2, 9, 3]),
            (pooling.AveragePooling2D, [2, 7, 6, 3]),
            (pooling.MaxPooling3D, [2, 5, 6, 4, 2]),
        ):
            layer = layer_class(3, 2, padding)
            assert layer(normal(*shape)).shape.as_list() == layer.compute_output_shape(shape).as_list()


def test_strides_default_to_the_window() -> None:
    with Graph().as_default():
        assert pooling.MaxPooling2D((3, 2), None).strides == (3, 2)


def test_wrong_rank_is_refused() -> None:
    with Graph().as_default(), pytest.raises(ValueError, match="expected ndim=4, found ndim=3"):
        pooling.max_pooling2d(normal(7, 6, 3), 2, 2)
