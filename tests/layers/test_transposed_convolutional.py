"""Transposed convolutions against naive loops."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.graph import Graph
from penstock.layers.transposed_convolutional import conv2d_transpose, conv3d_transpose
from penstock.ops.constant import placeholder
from penstock.runtime.session import Session
from tests.layers.harness import close, normal, run_with_variables, spread, to_first


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
