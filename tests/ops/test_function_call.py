"""Calls of functions under their names, and their gradients."""

from __future__ import annotations

import penstock.v1 as tf
from penstock.core.func_graph import FuncGraph
from penstock.ops.function_call import FunctionOp, call_function, gradient_body, has_effects

COVERS = ("SymbolicGradient",)


def cube() -> FuncGraph:
    """Return a function of one argument, and one that nothing depends on."""
    body = FuncGraph("Cube")
    with body.as_default():
        x, unused = body.add_input(tf.float32, (2,)), body.add_input(tf.float32, (3,))
        body.outputs = [x * x * x]
        del unused
    return body


def test_a_call_has_the_functions_name_and_shapes_and_computes_it() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        op = call_function(FunctionOp(cube()), [tf.constant([1.0, 2.0]), tf.zeros([3])])
        assert op.type == op.name == "Cube" and op.outputs[0].shape.as_list() == [2]
        assert op.node_def.op == "Cube" and not op.node_def.attr
        assert session.run(op.outputs[0]).tolist() == [1.0, 8.0]


def test_the_gradient_is_made_once_and_is_zero_where_nothing_flows() -> None:
    body = cube()
    gradient = gradient_body(body)
    assert gradient_body(body) is gradient and len(gradient.inputs) == 3 and len(gradient.outputs) == 2
    assert len(body.outputs) == 1  # the function itself is left as it was
    with tf.Graph().as_default(), tf.Session() as session:
        x, unused = tf.constant([1.0, 2.0]), tf.zeros([3])
        y = call_function(FunctionOp(body), [x, unused]).outputs[0]
        dx, zero = tf.gradients(y, [x, unused])
        (second,) = tf.gradients(dx, x)
        values = session.run([dx, zero, second])
        assert [value.tolist() for value in values] == [[3.0, 12.0], [0.0, 0.0, 0.0], [6.0, 12.0]]


def test_a_function_has_effects_if_an_operation_in_it_has() -> None:
    assert not has_effects(cube())
    body = FuncGraph("Random")
    with body.as_default():
        tf.random_uniform([2])
    assert has_effects(body) and FunctionOp(body).is_stateful
