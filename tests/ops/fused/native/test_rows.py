"""Sums over rows, softmax and cross entropy in chains of machine code."""

from __future__ import annotations

import math

import numpy as np
import pytest

from penstock.compiler.dataflow import prune
from penstock.compiler.fuse_elementwise import fuse_elementwise
from penstock.compiler.options import Options
from penstock.compiler.schedule import schedule
from penstock.compiler.simplify import simplify
from penstock.core.dtypes import float32, int32, int64
from penstock.core.errors import InvalidArgumentError
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.ops.array.shaping import broadcast_to_op, reshape_op
from penstock.ops.constant import placeholder
from penstock.ops.math.cast import cast_op
from penstock.ops.math.compare import equal_op
from penstock.ops.math.exponential import exp_op, tanh_op
from penstock.ops.math.matmul import mat_mul_op
from penstock.ops.math.positions import arg_max_op
from penstock.ops.math.reduce import max_op, mean_op, reduce_mean, reduce_sum, sum_op
from penstock.ops.math.unary import rsqrt_op, square_op
from penstock.ops.nn.cross_entropy import (
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
)
from penstock.ops.nn.softmax import log_softmax_op, softmax_op
from penstock.runtime.session import Session


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def fused(fetches, feeds):
    after = fuse_elementwise(simplify(schedule(prune(fetches, [], feeds))))
    after.check()
    return [line.strip() for line in str(after).splitlines()[1:] if "Const" not in line]


def assert_all_ways_agree(fetches, feeds, rtol=1e-5, atol=1e-6):
    """Compare a first run, operation by operation, later ones by machine code, and one without any pass."""
    with Session() as session, Session() as plain:
        plain._options = Options.none()
        expected = plain.run(fetches, feeds)
        for _ in range(3):
            for one, other in zip(expected, session.run(fetches, feeds), strict=True):
                assert one.shape == other.shape and one.dtype == other.dtype
                np.testing.assert_allclose(other, one, rtol=rtol, atol=atol)


def normalized(x, epsilon=1e-5):
    mean = mean_op(x, [-1], keep_dims=True)
    variance = mean_op(square_op(x - mean), [-1], keep_dims=True)
    return (x - mean) * rsqrt_op(variance + epsilon)


def values(*shape, scale=1.0):
    return (scale * np.random.default_rng(len(shape)).normal(size=shape)).astype(np.float32)


def test_layer_normalization_is_one_node(graph):
    x = placeholder("float32", [None, 7], name="x")
    y = normalized(x)
    assert len(schedule(prune([y], [], [x])).nodes) > 5
    lines = fused([y], [x])
    assert lines == [f"{y.op.name} = _Elementwise(x:0)", f"return {y.name}"]


def test_derivatives_of_layer_normalization_are_one_node(graph):
    x, grad = placeholder("float32", [4, 5, 7], name="x"), placeholder("float32", [4, 5, 7], name="grad")
    lines = fused(gradients(normalized(x), [x], [grad]), [x, grad])
    assert len(lines) == 2 and "= _Elementwise(" in lines[0]


def test_softmax_takes_its_scale_and_its_derivative_is_one_node(graph):
    x, w = placeholder("float32", [None, 9], name="x"), placeholder("float32", [9, 9], name="w")
    p = softmax_op(x * 0.5)
    assert fused([p], [x]) == ["Softmax = _Elementwise(x:0)", "return Softmax:0"]
    (derivative,) = gradients(mat_mul_op(p, w), [x])
    assert sum("_Elementwise" in line for line in fused([derivative], [x, w])) == 2


def test_cross_entropy_and_its_derivative_come_from_one_node(graph):
    x, labels = placeholder("float32", [None, 9], name="x"), placeholder("float32", [None, 9], name="labels")
    loss = softmax_cross_entropy_with_logits(labels, x)
    lines = fused([loss, *gradients(loss, [x])], [x, labels])
    assert sum("_Elementwise(" in line for line in lines) == 1
    assert not any("SoftmaxCrossEntropyWithLogits(" in line for line in lines)


def test_a_lone_sum_and_sums_over_other_axes_stay(graph):
    x = placeholder("float32", [3, 3], name="x")
    for axes in ([-1], [0], [0, 1]):
        total = sum_op(x, axes)
        assert any("= Sum(" in line for line in fused([total], [x]))
    total = sum_op(exp_op(x) * x, [0], keep_dims=True)
    assert any("= Sum(" in line for line in fused([total * x], [x]))


def test_a_sum_without_its_axis_is_not_taken_for_a_row(graph):
    """(3, 3) - (3,) subtracts from columns."""
    x = placeholder("float32", [3, 3], name="x")
    total = sum_op(tanh_op(x) * x, [1])
    assert_all_ways_agree([x - total, total], {x: values(3, 3)})


def test_a_reshape_that_brings_summed_axes_back_is_part_of_the_sum(graph):
    x = placeholder("float32", [4, 5, 7], name="x")
    y = reshape_op(sum_op(x, [2]), [4, 5, 1], name="y")
    assert fused([y], [x]) == ["y = Sum(x:0, Sum/reduction_indices:0)", "return y:0"]
    assert_all_ways_agree([y], {x: values(4, 5, 7)})
    other = reshape_op(sum_op(x, [2]), [5, 4, 1])
    assert any("= Reshape(" in line for line in fused([other], [x]))


@pytest.mark.parametrize("shape", [(1, 2), (5, 10), (3, 4, 33), (0, 7)])
def test_values_and_derivatives_agree_in_any_shape(graph, shape):
    x = placeholder("float32", [None, *shape[1:]], name="x")
    fetches = []
    for y in (normalized(x), softmax_op(2.0 * x), log_softmax_op(x), exp_op(x - max_op(x, [-1], keep_dims=True))):
        fetches += [y, *gradients(y * y * y, [x])]
    assert_all_ways_agree(fetches, {x: values(*shape)}, rtol=1e-4, atol=2e-4)


def test_second_derivatives_agree(graph):
    x, labels = placeholder("float32", [None, 6]), placeholder("float32", [None, 6])
    fetches = []
    for loss in (softmax_cross_entropy_with_logits(labels, x), reduce_sum(normalized(x) ** 3.0, -1)):
        (first,) = gradients(reduce_mean(loss), [x])
        fetches += [first, *gradients(first * first, [x])]
    one_hot = np.eye(6, dtype=np.float32)[[0, 3, 5, 1]]
    assert_all_ways_agree(fetches, {x: values(4, 6), labels: one_hot}, rtol=1e-4, atol=1e-4)


def test_double_precision_sums_agree(graph):
    x = placeholder("float64", [None, 50])
    y = normalized(x)
    assert_all_ways_agree(
        [y, *gradients(y * y * y, [x])], {x: values(6, 50).astype(np.float64)}, rtol=1e-10, atol=1e-10
    )


def test_rows_that_are_not_finite_are_those_of_the_single_operations(graph):
    x, labels = placeholder("float32", [None, 3]), placeholder("float32", [None, 3])
    loss = softmax_cross_entropy_with_logits(labels, x)
    rows = np.array(
        [[0, math.nan, 1], [math.inf, 0, 1], [-math.inf, 0, 1], [-math.inf] * 3, [3e38, -3e38, 0], [100, -100, 0]]
    )
    fetches = [softmax_op(x), log_softmax_op(x), exp_op(x) * max_op(x, [1], keep_dims=True), loss]
    assert_all_ways_agree(fetches, {x: rows, labels: np.full((6, 3), 1 / 3)})


def test_arrays_with_gaps_agree(graph):
    x = placeholder("float32", [8, 12])
    left, turned = placeholder("float32", [8, 6]), placeholder("float32", [8, 12])
    wide = values(8, 12)
    feeds = {x: wide, left: wide[:, :6], turned: values(12, 8).T}
    assert_all_ways_agree([softmax_op(left), normalized(turned), softmax_op(turned + x)], feeds, atol=1e-5)


def test_many_rows_are_shared_among_threads(graph):
    x, bias = placeholder("float32", [None, 256]), placeholder("float32", [256])
    column = placeholder("float32", [None, 1])
    y = softmax_op(x * 0.5 + bias + column)
    total = sum_op(y * x, [1])
    assert_all_ways_agree([y, total], {x: values(1001, 256), bias: values(256), column: values(1001, 1)}, atol=1e-5)


def test_numbers_of_rows_are_broadcast_inside_the_chain(graph):
    x = placeholder("float32", [4, 6], name="x")
    total = broadcast_to_op(sum_op(x * x, [1], keep_dims=True) * 2.0, [4, 6])
    lines = fused([total, total + x], [x])
    assert len(lines) == 2
    assert_all_ways_agree([total, total + x], {x: values(4, 6)})


def test_labels_that_only_fit_at_run_time_broadcast(graph):
    x, labels = placeholder("float32", [None, 4]), placeholder("float32", [None, 4])
    loss = softmax_cross_entropy_with_logits(labels, x)
    assert_all_ways_agree([loss], {x: values(5, 4), labels: np.full((1, 4), 0.25)})


def sparse_loss(dtype="int64", classes=9):
    x = placeholder("float32", [None, classes], name="x")
    labels = placeholder(dtype, [None], name="labels")
    loss = sparse_softmax_cross_entropy_with_logits(labels, x)
    return x, labels, loss, gradients(loss, [x])[0]


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("rows", [0, 1, 9, 40])
def test_cross_entropy_of_labels_is_part_of_a_chain(graph, dtype, rows):
    """Also where there are as many rows as classes, so that labels could be taken for a row."""
    x, labels, loss, gradient = sparse_loss(dtype)
    assert [line.partition(" = ")[2] for line in fused([loss], [x, labels])][0] == "_Elementwise(x:0, labels:0)"
    given = np.random.default_rng(0).integers(0, 9, rows).astype(dtype)
    assert_all_ways_agree([loss, gradient], {x: values(rows, 9), labels: given})


def test_impossible_classes_cost_as_much_as_the_single_operation_says(graph):
    x, labels, loss, _ = sparse_loss()
    logits = values(3, 9)
    logits[:, 2] = -math.inf
    with Session() as session:
        for _ in range(2):
            found = session.run(loss, {x: logits, labels: [2, 0, 8]})
    assert found[0] == math.inf and np.isfinite(found[1:]).all()


@pytest.mark.parametrize("wrong", [-1, 9, 2**40])
def test_labels_out_of_range_are_refused_by_machine_code_too(graph, wrong):
    x, labels, loss, gradient = sparse_loss()
    with Session() as session:
        for _ in range(3):
            session.run([loss, gradient], {x: values(3, 9), labels: [0, 1, 2]})
            with pytest.raises(InvalidArgumentError, match=f"label value of {wrong} which is outside the valid range"):
                session.run([loss, gradient], {x: values(3, 9), labels: [0, wrong, 2]})


def test_a_position_and_what_is_computed_of_it_are_part_of_a_chain(graph):
    x, labels = placeholder("float32", [None, 5], name="x"), placeholder("int64", [None], name="labels")
    found = cast_op(equal_op(arg_max_op(softmax_op(x), -1), labels), DstT=float32)
    assert fused([found], [x, labels]) == ["Cast = _Elementwise(x:0, labels:0)", "return Cast:0"]
    given = values(5, 5)
    given[1] = 2.0
    assert_all_ways_agree([found, arg_max_op(x * 2.0, 1)], {x: given, labels: [0, 0, 2, 3, 1]})


@pytest.mark.parametrize("output_type", [int32, int64])
def test_the_first_of_the_largest_elements_counts_and_nan_never(graph, output_type):
    x = placeholder("float32", [None, 4], name="x")
    positions = arg_max_op(x * 1.0 + x, -1, output_type=output_type)
    assert any("_Elementwise" in line for line in fused([positions], [x]))
    nan, infinity = math.nan, math.inf
    rows = [[1, 3, 3, 2], [nan, -1, nan, 0], [nan] * 4, [-infinity] * 4, [-infinity, nan, -1, nan], [0.0, -0.0, 0, 0]]
    with Session() as session:
        for _ in range(2):
            found = session.run(positions, {x: np.array(rows, np.float32)})
            assert found.tolist() == [1, 3, 0, 0, 2, 0] and found.dtype == output_type.as_numpy_dtype
