from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penstock as tf


def test_the_product_of_the_jacobian_with_a_vector() -> None:
    x = tf.constant([[2.0, 3.0], [1.0, 4.0]])
    with tf.autodiff.ForwardAccumulator(x, tf.constant([[1.0, 0.0], [5.0, 6.0]])) as acc:
        y = tf.reduce_sum(tf.tanh(x) * tf.exp(x), 1)
        z = tf.matmul(x, x)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        again = tf.reduce_sum(tf.tanh(x) * tf.exp(x), 1)
    jacobian = tape.jacobian(again, x).numpy()
    tangent = np.asarray([[1.0, 0.0], [5.0, 6.0]])
    np.testing.assert_allclose(acc.jvp(y).numpy(), (jacobian * tangent).sum((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(acc.jvp(z).numpy(), tangent @ x.numpy() + x.numpy() @ tangent)


def test_variables_and_what_does_not_depend_on_the_primals() -> None:
    v, w = tf.Variable(3.0), tf.Variable(5.0)
    with tf.autodiff.ForwardAccumulator([v], [tf.constant(2.0)]) as acc:
        y, z = v * v * w, w * 2.0
    assert float(acc.jvp(y)) == 60
    assert acc.jvp(z) is None and float(acc.jvp(z, unconnected_gradients="zero")) == 0
    assert float(acc.jvp(v)) == 2


@pytest.mark.parametrize("decorate", [False, True])
def test_products_go_through_functions_and_loops(decorate: bool) -> None:
    def power(x: Any) -> Any:
        y = x
        for _ in tf.range(2):
            y = y * x
        return y

    f = tf.function(power) if decorate else power
    x = tf.constant(2.0)
    with tf.autodiff.ForwardAccumulator(x, tf.constant(1.0)) as acc:
        y = f(x)
    assert float(acc.jvp(y)) == 12


def test_an_accumulator_works_inside_a_function() -> None:
    @tf.function
    def product(x: Any, v: Any) -> Any:
        with tf.autodiff.ForwardAccumulator(x, v) as acc:
            y = tf.sin(x) * x
        return acc.jvp(y)

    assert np.isclose(float(product(tf.constant(1.0), tf.constant(2.0))), 2 * (np.cos(1) + np.sin(1)), rtol=1e-6)


def test_nested_accumulators_give_second_derivatives() -> None:
    x = tf.constant(2.0)
    one = tf.constant(1.0)
    with tf.autodiff.ForwardAccumulator(x, one) as outer, tf.autodiff.ForwardAccumulator(x, one) as inner:
        y = x * x * x
    assert float(inner.jvp(y)) == 12
    assert float(outer.jvp(inner.jvp(y))) == 12


@pytest.mark.parametrize("decorate", [False, True])
def test_a_tape_inside_gives_hessian_vector_products(decorate: bool) -> None:
    cube = tf.function(lambda x: x * x * x) if decorate else (lambda x: x * x * x)
    x = tf.constant([2.0, 3.0])
    with tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 10.0])) as acc:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(cube(x))
        gradient = tape.gradient(y, x)
    assert acc.jvp(gradient).numpy().tolist() == [12, 180]


def test_a_tape_around_differentiates_the_product() -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        with tf.autodiff.ForwardAccumulator(x, tf.constant(1.0)) as acc:
            y = x * x * x
        product = acc.jvp(y)
    assert float(tape.gradient(product, x)) == 12


def test_wrong_primals_and_tangents_are_refused() -> None:
    with pytest.raises(ValueError, match="real or complex"):
        tf.autodiff.ForwardAccumulator(tf.constant(1), tf.constant(1))
    with pytest.raises(ValueError, match="shape"):
        tf.autodiff.ForwardAccumulator(tf.constant(1.0), tf.constant([1.0, 2.0]))
