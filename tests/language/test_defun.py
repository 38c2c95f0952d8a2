"""Functions made by Defun: calls, signatures, gradients, captures, and the library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import penstock.v1 as tf
from penstock.language.defun import Defun


@pytest.fixture(autouse=True)
def session() -> Iterator[tf.Session]:
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def test_a_call_is_one_node_under_the_functions_name(session: tf.Session) -> None:
    @Defun(tf.float32, tf.float32, func_name="SumAndProduct", out_names=["total", "product"])
    def both(a: Any, b: Any) -> Any:
        return a + b, a * b

    before = len(session.graph.get_operations())
    total, product = both(tf.constant(2.0), tf.constant(3.0), name="called")
    assert len(session.graph.get_operations()) == before + 3
    assert total.op is product.op and total.op.type == "SumAndProduct" and total.op.name == "called"
    assert session.run([total, product]) == [5.0, 6.0]
    (definition,) = session.graph.as_graph_def().library.function
    assert [argument.name for argument in definition.signature.input_arg] == ["a", "b"]
    assert [argument.name for argument in definition.signature.output_arg] == ["total", "product"]
    assert both.definition.signature == definition.signature


def test_the_gradient_computes_the_function_again(session: tf.Session) -> None:
    cube = Defun(tf.float32, func_name="Cube")(lambda x: x * x * x)
    x = tf.placeholder(tf.float32, [2])
    (first,) = tf.gradients(cube(x), x)
    (second,) = tf.gradients(first, x)
    assert first.op.type == "SymbolicGradient" and len(first.op.inputs) == 2
    values = session.run([first, second], {x: [1.0, 2.0]})
    np.testing.assert_allclose(values, [[3.0, 12.0], [6.0, 12.0]])


def test_a_gradient_function_of_its_own_is_used_and_noted(session: tf.Session) -> None:
    @Defun(tf.float32, tf.float32)
    def sevenfold(x: Any, dy: Any) -> Any:
        return dy * 7.0

    @Defun(tf.float32, grad_func=sevenfold)
    def unchanged(x: Any) -> Any:
        return tf.identity(x)

    x = tf.constant(3.0, name="x")
    y = unchanged(x)
    assert session.run(tf.gradients(y, x)) == [7.0]
    definition = session.graph.as_graph_def()
    (noted,) = definition.library.gradient
    assert (noted.function_name, noted.gradient_func) == (unchanged.name, sevenfold.name)
    with tf.Graph().as_default(), tf.Session() as other:
        x, y = tf.import_graph_def(definition, return_elements=["x:0", f"{unchanged.name}:0"])
        assert other.run(tf.gradients(y, x)) == [7.0]


def test_a_python_gradient_is_called_where_the_graph_is_differentiated(session: tf.Session) -> None:
    square = Defun(tf.float32, python_grad_func=lambda op, dy: dy * 100.0 * op.inputs[0])(lambda x: x * x)
    x = tf.constant(3.0)
    assert session.run(tf.gradients(square(x), x)) == [300.0]
    with pytest.raises(ValueError, match="defined twice"):
        Defun(tf.float32, python_grad_func=lambda op, dy: dy, grad_func=square)


@pytest.mark.parametrize("use_resource", [False, True])
def test_captured_variables_are_passed_along_and_get_gradients(session: tf.Session, use_resource: bool) -> None:
    w = tf.get_variable("w", initializer=2.0, use_resource=use_resource)
    scaled = Defun(tf.float32, func_name="Scaled")(lambda x: x * w)
    x = tf.constant(5.0)
    y = scaled(x)
    session.run(tf.global_variables_initializer())
    assert len(y.op.inputs) == 2 and len(scaled.captured_inputs) == 1
    assert session.run([y, *tf.gradients(y, [x, w])]) == [10.0, 2.0, 5.0]


def test_without_types_each_combination_is_a_function_of_its_own(session: tf.Session) -> None:
    twice = Defun(func_name="Twice")(lambda x: x + x)
    a, b = twice(1.5), twice(tf.constant([1, 2]))
    assert (a.op.type, b.op.type) == ("Twice_float32", "Twice_int32")
    assert session.run(a) == 3.0 and session.run(b).tolist() == [2, 4]


def test_a_function_for_its_effects_runs_with_the_call(session: tf.Session) -> None:
    v = tf.get_variable("v", initializer=1.0, use_resource=True)

    @Defun()
    def increase() -> Any:
        return tf.group(tf.assign_add(v, 1.0).op)

    op = increase()
    session.run(tf.global_variables_initializer())
    session.run(op)
    assert session.run(v) == 2.0 and [kind for _, kind in increase.stateful_ops][:1] == ["AssignAddVariableOp"]


def test_shapes_and_attributes_of_the_function(session: tf.Session) -> None:
    f = Defun(tf.float32, noinline=True, shape_func=lambda op: [op.inputs[0].shape])(lambda x: x + 1.0)
    y = f(tf.zeros([3, 4]))
    assert y.shape.as_list() == [3, 4] and f.definition.attr["_noinline"].b


def test_wrong_declarations_and_calls_are_refused() -> None:
    with pytest.raises(ValueError, match="1 arguments, but 2 types"):
        Defun(tf.float32, tf.float32)(lambda x: x)
    f = Defun(tf.float32, tf.float32)(lambda x, y: x)
    with pytest.raises(ValueError, match="arguments: 2, received: 1"):
        f(1.0)
    with pytest.raises(ValueError, match="unknown|Unknown"):
        f(1.0, 2.0, names="x")
    with pytest.raises(ValueError, match="out_names"):
        Defun(tf.float32, out_names=["a", "b"])(lambda x: x)(1.0)
