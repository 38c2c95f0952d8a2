"""Products and convolutions with their bias in one kernel."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.compiler.dataflow import prune
from penstock.compiler.fuse_bias import fuse_bias
from penstock.compiler.options import Options
from penstock.compiler.schedule import schedule
from penstock.core.graph import Graph
from penstock.ops.constant import placeholder
from penstock.ops.math.matmul import mat_mul_op
from penstock.ops.math.unary import neg_op
from penstock.ops.nn.bias import bias_add_op
from penstock.ops.nn.convolution import conv2d_op
from penstock.runtime.session import Session


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def fused(fetches, feeds, targets=()):
    dataflow = fuse_bias(schedule(prune(fetches, targets, feeds)))
    dataflow.check()
    return str(dataflow).splitlines()[1:]


def test_a_product_takes_its_bias(graph):
    x, w, b = (placeholder("float32", dims, name=n) for n, dims in (("x", [None, 3]), ("w", [3, 4]), ("b", [4])))
    for y in (mat_mul_op(x, w) + b, b + mat_mul_op(x, w), bias_add_op(mat_mul_op(x, w), b)):
        assert len(schedule(prune([y], [], [x, w, b])).nodes) == 2
        lines = fused([y], [x, w, b])
        assert lines == [f"  {y.op.name} = _MatMulBias(x:0, w:0, b:0)", f"  return {y.name}"]


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_a_convolution_takes_its_bias(graph, layout):
    dims = [2, 5, 5, 3] if layout == "NHWC" else [2, 3, 5, 5]
    x, w, b = (placeholder("float32", d, name=n) for n, d in (("x", dims), ("w", [3, 3, 3, 4]), ("b", [4])))
    y = bias_add_op(
        conv2d_op(x, w, strides=[1, 1, 1, 1], padding="SAME", data_format=layout), b, data_format=layout, name="y"
    )
    assert fused([y], [x, w, b]) == ["  y = _Conv2DBias(x:0, w:0, b:0)", "  return y:0"]
    values = {t: np.random.default_rng(0).normal(size=t.shape.as_list()).astype(np.float32) for t in (x, w, b)}
    with Session() as session:
        result = session.run(y, values)
        session._options = Options.none()
        session._plans.clear()
        np.testing.assert_allclose(result, session.run(y, values), rtol=1e-5, atol=1e-5)


def test_empty_images_give_their_shape(graph):
    x, w, b = (placeholder("float32", d, name=n) for n, d in (("x", [None, 5, 5, 3]), ("w", [3, 3, 3, 4]), ("b", [4])))
    y = bias_add_op(conv2d_op(x, w, strides=[1, 1, 1, 1], padding="SAME"), b)
    with Session() as session:
        result = session.run(y, {x: np.zeros([0, 5, 5, 3]), w: np.zeros([3, 3, 3, 4]), b: np.ones(4)})
    assert result.shape == (0, 5, 5, 4)


def test_what_is_no_bias_or_wanted_by_itself_stays(graph):
    x, w = placeholder("float32", [5, 3], name="x"), placeholder("float32", [3, 4], name="w")
    product = mat_mul_op(x, w, name="product")
    matrix, one, unknown = (placeholder("float32", dims) for dims in ([5, 4], [1], [None]))
    for other in (matrix, one, unknown):
        y = product + other
        assert any("= MatMul(" in line for line in fused([y], [x, w, other]))
    b = placeholder("float32", [4], name="b")
    y = product + b
    assert any("= MatMul(" in line for line in fused([y, product], [x, w, b]))
    assert any("= MatMul(" in line for line in fused([y, product * 2.0], [x, w, b]))
    assert any("= MatMul(" in line for line in fused([y], [x, w, b], [product.op]))


def test_what_waits_for_the_sum_waits_for_the_fused_operation(graph):
    x, w, b = (placeholder("float32", d, name=n) for n, d in (("x", [5, 3]), ("w", [3, 4]), ("b", [4])))
    y = mat_mul_op(x, w) + b
    with graph.control_dependencies([y]):
        late = neg_op(x, name="late")
    lines = fused([late], [x, w, b])
    assert lines[0] == "  add = _MatMulBias(x:0, w:0, b:0)"
    assert lines[-2] == "  late = Neg(x:0) ^add"
