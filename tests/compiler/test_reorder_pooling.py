"""ReLU and max-pooling: the cheaper order, with the same values and derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.compiler.dataflow import prune
from penstock.compiler.options import Options
from penstock.compiler.reorder_pooling import reorder_pooling
from penstock.compiler.schedule import schedule
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.ops.constant import placeholder
from penstock.ops.math.reduce import reduce_sum
from penstock.ops.nn.activation import relu_op
from penstock.ops.nn.pooling import max_pool_op
from penstock.runtime.session import Session

ATTRS = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "SAME"}


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def reordered(fetches, feeds):
    dataflow = schedule(prune(fetches, [], feeds))
    before = str(dataflow).splitlines()[1:]
    after = reorder_pooling(dataflow)
    after.check()
    return before, str(after).splitlines()[1:]


def test_relu_runs_after_the_pooling(graph):
    x = placeholder("float32", [1, 4, 4, 1], name="x")
    y = max_pool_op(relu_op(x, name="relu"), **ATTRS, name="pool")
    assert reordered([y], [x]) == (
        ["  relu = Relu(x:0)", "  pool = MaxPool(relu:0)", "  return pool:0"],
        ["  pool/pooled = MaxPool(x:0)", "  pool = Relu(pool/pooled:0)", "  return pool:0"],
    )


def test_the_derivative_uses_the_positions(graph):
    x, g = placeholder("float32", [1, 4, 4, 1], name="x"), placeholder("float32", [1, 2, 2, 1], name="g")
    y = max_pool_op(relu_op(x, name="relu"), **ATTRS, name="pool")
    (dx,) = gradients(y, [x], [g])
    assert reordered([y, dx], [x, g]) == (
        [
            "  relu = Relu(x:0)",
            "  pool = MaxPool(relu:0)",
            "  gradients/pool_grad/MaxPoolGrad = MaxPoolGrad(relu:0, pool:0, g:0)",
            "  gradients/relu_grad/ReluGrad = ReluGrad(gradients/pool_grad/MaxPoolGrad:0, relu:0)",
            "  return pool:0, gradients/relu_grad/ReluGrad:0",
        ],
        [
            "  pool/pooled = _MaxPoolWithPositions(x:0)",
            "  pool = Relu(pool/pooled:0)",
            "  gradients/relu_grad/ReluGrad/pooled = ReluGrad(g:0, pool:0)",
            "  gradients/relu_grad/ReluGrad = _MaxPoolGradFromPositions(pool/pooled:2, pool/pooled:1, "
            "gradients/relu_grad/ReluGrad/pooled:0)",
            "  return pool:0, gradients/relu_grad/ReluGrad:0",
        ],
    )


def test_rectified_values_that_are_used_otherwise_stay(graph):
    x = placeholder("float32", [1, 4, 4, 1], name="x")
    rectified = relu_op(x)
    y = max_pool_op(rectified, **ATTRS)
    for fetches in ([y, rectified], [y, reduce_sum(rectified)]):
        before, after = reordered(fetches, [x])
        assert after == before


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize(("size", "window", "stride"), [(6, 2, 2), (7, 3, 2), (5, 3, 1), (5, 2, 3)])
def test_values_and_derivatives_are_the_same(graph, padding, layout, size, window, stride):
    spatial = [1, window, window, 1] if layout == "NHWC" else [1, 1, window, window]
    steps = [1, stride, stride, 1] if layout == "NHWC" else [1, 1, stride, stride]
    dims = [2, size, size, 3] if layout == "NHWC" else [2, 3, size, size]
    x = placeholder("float32", [None, *dims[1:]], name="x")
    y = max_pool_op(relu_op(x), ksize=spatial, strides=steps, padding=padding, data_format=layout)
    (dx,) = gradients(y * y + y, [x])
    generator = np.random.default_rng(0)
    # Few different numbers make ties, zeros and windows without a positive number.
    value = generator.integers(-2, 2, dims).astype(np.float32)
    value[0, 0, 0, 0] = np.nan
    value[1, 0, 0, 0] = np.inf
    results = []
    for options in (Options(), Options.only("reorder_pooling"), Options.none()):
        with Session() as session:
            session._options = options
            results.append(session.run([y, dx], {x: value}))
            positions = "_with_positions" in session.program([y, dx], [x]).source
            assert positions == options.reorder_pooling
    for result in results[:2]:
        for mine, plain in zip(result, results[2], strict=True):
            np.testing.assert_array_equal(mine, plain)
