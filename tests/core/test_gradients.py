"""Symbolic gradients: values, sparse ones, unconnected ones, and derivatives of derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import float32
from penstock.core.gradients import gradients, hessians
from penstock.core.graph import Graph
from penstock.core.indexed_slices import IndexedSlices
from penstock.core.op_def import lookup
from penstock.language.custom_gradient import RegisterGradient
from penstock.language.resource_variable import ResourceVariable
from penstock.ops.constant import constant, placeholder, stop_gradient
from penstock.runtime.session import Session


@pytest.fixture
def run():
    graph = Graph()
    with graph.as_default(), Session() as session:
        yield session.run


def test_gradients_follow_the_chain_rule(run):
    x, y = placeholder(float32, []), placeholder(float32, [])
    f = x * x * y + y + 2.0
    assert run([f, *gradients(f, [x, y])], {x: 3.0, y: 4.0}) == [42.0, 24.0, 10.0]


def test_gradients_of_gradients(run):
    x = placeholder("float64", [])
    y = x * x * x
    for expected in (12.0, 12.0, 6.0):
        (y,) = gradients(y, x)
        assert run(y, {x: 2.0}) == expected
    assert gradients(y, x) == [None] or run(gradients(y, x)[0], {x: 2.0}) == 0.0


def test_several_targets_add_up(run):
    x = constant(3.0)
    assert run(gradients([x * 2.0, x * x], x)) == [8.0]


def test_grad_ys_weigh_the_targets(run):
    x = constant([1.0, 2.0])
    assert run(gradients(x * x, x, grad_ys=constant([10.0, 100.0])))[0].tolist() == [20.0, 400.0]
    with pytest.raises(ValueError, match="grad_ys"):
        gradients(x * x, x, grad_ys=constant([1.0, 2.0, 3.0]))


def test_stop_gradients_are_taken_as_constants(run):
    x = constant(3.0)
    a = x * 2.0
    b = x + a
    assert run(gradients(b, [x, a], stop_gradients=[x, a])) == [1.0, 1.0]
    assert run(gradients(b, x)) == [3.0]


def test_stop_gradient_cuts_the_path():
    with Graph().as_default():
        x = constant(3.0)
        assert gradients(stop_gradient(x * x), x) == [None]


def test_unconnected_gradients_are_none_or_zeros(run):
    x, y = constant([3.0, 4.0]), constant(1.0)
    assert gradients(y, x) == [None]
    assert run(gradients(y, x, unconnected_gradients="zero"))[0].tolist() == [0.0, 0.0]


def test_the_gradient_of_a_tensor_in_the_middle_is_found(run):
    x = constant(3.0)
    y = x * x
    z = y * y
    assert run(gradients(z, [x, y])) == [108.0, 18.0]


def test_gradients_of_integers_are_refused():
    with Graph().as_default(), pytest.raises(TypeError, match="tf.cast"):
        x = constant(3)
        gradients(x * x, x)


def test_an_operation_without_a_gradient_is_named():
    with Graph().as_default():
        x = constant([3.0, 4.0])
        y = lookup("TruncateMod")(x, x, name="odd")
        with pytest.raises(LookupError, match="odd.*TruncateMod"):
            gradients(y, x)


def test_gather_gives_sparse_gradients_that_add_up(run):
    params = constant([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    rows = lookup("GatherV2")(params, [0, 2, 0], 0) * 2.0
    (grad,) = gradients(rows, params)
    assert isinstance(grad, IndexedSlices)
    assert run(convert_to_tensor(grad)).tolist() == [[4.0, 4.0], [0.0, 0.0], [2.0, 2.0]]


def test_hessians_are_matrices_of_second_derivatives(run):
    x = constant([1.0, 2.0])
    f = lookup("Sum")(x * x * x, [0])
    assert run(hessians(f, x))[0].tolist() == [[6.0, 0.0], [0.0, 12.0]]


def test_an_override_map_replaces_the_gradient(run):
    @RegisterGradient("TestTimesSeven")
    def times_seven(op, grad):
        return grad * 7.0

    graph = lookup("Identity")
    x = constant(3.0)
    with x.graph.gradient_override_map({"Identity": "TestTimesSeven"}):
        y = graph(x)
    assert run(gradients(y, x)) == [7.0]


def test_new_operations_stand_in_the_scope_gradients(run):
    x = constant(3.0, name="x")
    y = lookup("Mul")(x, x, name="square")
    (grad,) = gradients(y, x)
    assert grad.op.name.startswith("gradients/")
    names = [op.name for op in x.graph.get_operations()]
    assert any(name.startswith("gradients/square_grad/") for name in names)


def test_a_long_chain_needs_no_recursion(run):
    x = placeholder("float64", [])
    y = x
    for _ in range(3000):
        y = y * 1.0
    assert run(gradients(y, x), {x: 1.0}) == [1.0]


def test_shapes_of_gradients_are_known():
    with Graph().as_default():
        x, w = placeholder(float32, [None, 4]), placeholder(float32, [4, 3])
        grads = gradients(x @ w, [x, w])
        assert [g.shape.as_list() for g in grads] == [[None, 4], [4, 3]]


def test_the_gradient_with_respect_to_a_broadcast_operand_has_its_shape(run):
    x, b = placeholder(float32, None), placeholder(float32, None)
    grads = gradients(x + b, [x, b])
    gx, gb = run(grads, {x: np.ones((5, 3)), b: np.ones(3)})
    assert gx.shape == (5, 3) and gb.tolist() == [5.0, 5.0, 5.0]


def test_a_resource_variable_is_differentiated_as_its_value():
    with Graph().as_default():
        variable = ResourceVariable([1.0, 2.0])
        (gradient,) = gradients(variable, variable, grad_ys=constant([3.0, 4.0]))
        assert gradient.shape.as_list() == [2]
        assert gradients(variable, constant(1.0), grad_ys=constant([3.0, 4.0])) == [None]
