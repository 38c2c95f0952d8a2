"""recompute_grad: the same values and gradients, and no intermediate values kept."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf2
import penstock.v1 as tf


@pytest.mark.parametrize("use_resource", [False, True])
def test_gradients_are_those_of_the_function(use_resource: bool) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.get_variable("w", initializer=np.array([2, 3], np.float32), use_resource=use_resource)
        x = tf.constant([1.0, 2.0])

        def f(z: tf.Tensor) -> tf.Tensor:
            return tf.sin(tf.cos(z) * w)

        kept, again = tf.gradients(f(x), [x, w]), tf.gradients(tf.recompute_grad(f)(x), [x, w])
        session.run(tf.global_variables_initializer())
        for a, b in zip(*session.run([kept, again]), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)


def test_the_backward_pass_takes_the_arguments_and_nothing_else() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.constant([1.0, 2.0])
        y = tf.recompute_grad(lambda z: tf.sin(tf.cos(tf.exp(z))))(x)
        call = next(op for op in graph.get_operations() if op.type == "PartitionedCall")
        tf.gradients(y, x)
        backward = next(op for op in graph.get_operations() if op.type == "SymbolicGradient")
        assert len(call.outputs) == 1
        assert list(backward.inputs)[:1] == [x] and len(backward.inputs) == 2


def test_eager_tapes_record_one_call() -> None:
    with tf2.init_scope():
        calls = []
        v = tf2.Variable(3.0)

        def f(z: tf2.Tensor) -> tf2.Tensor:
            calls.append(1)
            return tf2.sin(z * v) * 2.0

        x = tf2.constant(0.5)
        with tf2.GradientTape() as tape:
            tape.watch(x)
            y = tf2.recompute_grad(f)(x)
        recorded = [call.type for call in tape._calls]
        dx, dv = tape.gradient(y, [x, v])
        assert recorded == ["IdentityN"] and len(calls) == 2
        np.testing.assert_allclose([float(dx), float(dv)], [6 * np.cos(1.5), np.cos(1.5)], rtol=1e-6)
