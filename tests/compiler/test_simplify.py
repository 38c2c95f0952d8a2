"""Algebraic rewrites, each on the dataflow before and after; and what must not be rewritten."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.compiler.dataflow import prune
from penstock.compiler.schedule import schedule
from penstock.compiler.simplify import simplify
from penstock.core.gradients import gradients
from penstock.core.graph import Graph
from penstock.language.variables import VariableV1
from penstock.ops.array.filling import ones_like_op, zeros_like_op
from penstock.ops.array.shaping import broadcast_to_op, expand_dims_op, rank_op, reshape_op, size_op, transpose_op
from penstock.ops.constant import identity, placeholder, shape_op, stop_gradient
from penstock.ops.math.binary import floor_div_op, pow_op, real_div_op
from penstock.ops.math.broadcasting import broadcast_gradient_args_op
from penstock.ops.math.cast import cast_op
from penstock.ops.math.reduce import reduce_mean, sum_op
from penstock.ops.math.unary import neg_op
from penstock.ops.nn.activation import relu_op
from penstock.ops.nn.cross_entropy import softmax_cross_entropy_with_logits
from penstock.ops.state.variables import assign_add_op
from penstock.runtime.session import Session


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


@pytest.fixture
def x(graph):
    return placeholder("float32", [2, 3], name="x")


@pytest.fixture
def n(graph):
    return placeholder("int32", [2, 3], name="n")


def simplified(fetch, *feeds):
    """Return the dataflow of a fetch before and after, less its first line, constants and indentation."""
    dataflow = schedule(prune([fetch], [], feeds))
    dataflow.check()
    before = str(dataflow)
    after = simplify(dataflow)
    after.check()
    return _lines(before), _lines(str(after))


def _lines(text):
    return [line.strip() for line in text.splitlines()[1:] if " = Const(" not in line]


def test_operations_that_pass_values_through_are_taken_out(x):
    before, after = simplified(identity(stop_gradient(identity(x, name="a"), name="b"), name="c"), x)
    assert before == ["a = Identity(x:0)", "b = StopGradient(a:0)", "c = Identity(b:0)", "return c:0"]
    assert after == ["return x:0"]


def test_a_read_of_a_variable_is_not_taken_out(graph):
    variable = VariableV1(1.0, name="v", use_resource=False)
    _, after = simplified(variable.value())
    assert after == ["v = VariableV2()", "v/read = Identity(v:0)", "return v/read:0"]


@pytest.mark.parametrize(
    "build",
    [
        lambda x, n: x + 0.0,
        lambda x, n: 0.0 + x,
        lambda x, n: x - 0.0,
        lambda x, n: x * 1.0,
        lambda x, n: 1.0 * x,
        lambda x, n: x / 1.0,
        lambda x, n: x**1.0,
        lambda x, n: x + np.zeros([2, 3], np.float32),
        lambda x, n: neg_op(neg_op(x)),
        lambda x, n: cast_op(x, DstT=x.dtype),
        lambda x, n: transpose_op(x, [0, 1]),
        lambda x, n: transpose_op(transpose_op(x, [1, 0]), [1, 0]),
        lambda x, n: reshape_op(x, [2, 3]),
        lambda x, n: reshape_op(x, [2, -1]),
        lambda x, n: reshape_op(reshape_op(x, [6]), [2, 3]),
        lambda x, n: broadcast_to_op(x, [2, 3]),
        lambda x, n: sum_op(x, np.zeros(0, np.int32)),
    ],
)
def test_what_changes_nothing_is_taken_out(x, n, build):
    assert simplified(build(x, n), x)[1] == ["return x:0"]


def test_whole_numbers_divided_by_one_stay(n):
    assert simplified(floor_div_op(n, 1), n)[1] == ["return n:0"]


@pytest.mark.parametrize(
    "build",
    [
        lambda x: x * 0.0,
        lambda x: x - x,
        lambda x: real_div_op(x, x),
        lambda x: floor_div_op(x, 1.0),
        lambda x: x + np.zeros([4, 2, 3], np.float32),
        lambda x: x * np.ones([1, 2, 3], np.float32),
        lambda x: x**3.0,
        lambda x: sum_op(x, [0]),
        lambda x: transpose_op(x, [1, 0]),
        lambda x: cast_op(x, DstT="int32"),
    ],
)
def test_what_would_change_values_types_or_shapes_stays(x, build):
    before, after = simplified(build(x), x)
    assert after == before


def test_a_number_whose_shape_is_not_known_keeps_its_shape(graph):
    scalar = placeholder("float32", [], name="s")
    before, after = simplified(scalar + np.zeros([1], np.float32), scalar)
    assert after == before


def test_a_whole_number_less_itself_is_zero(n):
    assert simplified(n - n, n)[1] == ["sub = ZerosLike(n:0)", "return sub:0"]


def test_the_second_power_is_a_square(x):
    before, after = simplified(pow_op(x, 2.0, name="p"), x)
    assert before[-2:] == ["p = Pow(x:0, p/y:0)", "return p:0"]
    assert after == ["p = Square(x:0)", "return p:0"]


def test_factors_of_a_chain_are_multiplied_first(x):
    before, after = simplified((x * 2.0) * 3.0, x)
    assert before == ["mul = Mul(x:0, mul/y:0)", "mul_1 = Mul(mul:0, mul_1/y:0)", "return mul_1:0"]
    assert after == ["mul_1 = Mul(x:0, mul_1/factor:0)", "return mul_1:0"]


def test_factors_that_might_overflow_apart_but_not_together_stay(x):
    before, after = simplified((x * 1e30) * 1e-30, x)
    assert after == before
    before, after = simplified((x * 1e30) * 1e30, x)
    assert after == before


def test_two_transpositions_become_one(graph):
    x = placeholder("float32", [2, 3, 4], name="x")
    y = transpose_op(transpose_op(x, [1, 2, 0], name="a"), [1, 0, 2], name="b")
    after = simplified(y, x)[1]
    assert after == ["b = Transpose(x:0, b/perm:0)", "return b:0"]
    value = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    with Session() as session:
        np.testing.assert_array_equal(session.run(y, {x: value}), value.transpose(1, 2, 0).transpose(1, 0, 2))


def test_a_reshape_that_may_fail_stays(graph):
    x = placeholder("float32", [None], name="x")
    before, after = simplified(reshape_op(reshape_op(x, [-1, 3]), [3, -1]), x)
    assert after == before


def test_shapes_that_are_known_are_constants(x):
    for fetch in (shape_op(x), size_op(x), rank_op(x), zeros_like_op(x), ones_like_op(x)):
        assert len(simplified(fetch, x)[1]) == 1


def test_an_update_runs_though_only_its_shape_is_asked_for(graph):
    variable = VariableV1(np.zeros(3, np.float32), use_resource=False)
    size = size_op(assign_add_op(variable._ref(), np.ones(3, np.float32)))
    with Session() as session:
        session.run(variable.initializer)
        assert session.run(size) == 3
        assert session.run(variable).tolist() == [1.0] * 3


def test_operands_of_one_unknown_shape_are_summed_over_no_axes(graph):
    x = placeholder("float32", [None, 3], name="x")
    y = relu_op(x * 2.0)
    axes = broadcast_gradient_args_op(shape_op(x), shape_op(y))
    total = reshape_op(sum_op(y, axes[1]), shape_op(x))
    assert simplified(total, x)[1] == ["mul = Mul(x:0, mul/y:0)", "Relu = Relu(mul:0)", "return Relu:0"]


def test_the_derivative_of_a_mean_cross_entropy_is_multiplied_by_a_number(graph):
    logits, labels = placeholder("float32", [None, 3], name="logits"), placeholder("float32", [None, 3], name="labels")
    loss = softmax_cross_entropy_with_logits(labels, logits)
    (derivative,) = gradients(reduce_mean(loss), [logits])
    before, lines = simplified(derivative, logits, labels)
    assert any("BroadcastTo" in line for line in before)
    assert not any("BroadcastTo" in line or "ExpandDims" in line for line in lines)


def test_a_number_repeated_for_other_rows_still_decides_their_number(graph):
    logits, labels = placeholder("float32", [None, 3], name="logits"), placeholder("float32", [None, 3], name="labels")
    loss = softmax_cross_entropy_with_logits(labels, logits)
    number, other = placeholder("float32", [], name="number"), placeholder("float32", [None, 3], name="other")
    column = expand_dims_op(broadcast_to_op(number, shape_op(loss)), -1)
    product = column * other
    assert any("ExpandDims" in line for line in simplified(product, logits, labels, number, other)[1])
    feeds = {logits: np.ones([4, 3]), labels: np.ones([4, 3]), number: 2.0, other: np.ones([1, 3])}
    with Session() as session:
        assert session.run(product, feeds).shape == (4, 3)


def test_what_waits_for_something_stays(graph, x):
    with graph.control_dependencies([identity(x, name="first")]):
        late = identity(x, name="late")
    assert simplified(late, x)[1] == ["first = Identity(x:0)", "late = Identity(x:0) ^first", "return late:0"]
