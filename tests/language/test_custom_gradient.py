"""Gradients of the user's own making."""

from __future__ import annotations

import pytest

import penstock.v1 as tf
from penstock.core import context


@tf.custom_gradient
def cube_with_gradient_of_seven(x):
    return x * x * x, lambda upstream: upstream * 7.0


def test_the_given_gradient_replaces_the_computed_one_on_a_tape():
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = cube_with_gradient_of_seven(x)
    assert float(y) == 8.0 and float(tape.gradient(y, x)) == 7.0


def test_the_given_gradient_replaces_the_computed_one_in_a_graph():
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, [])
        y = cube_with_gradient_of_seven(x)
        assert sess.run([y, *tf.gradients(y, x)], {x: 2.0}) == [8.0, 7.0]


def test_a_gradient_written_with_operations_has_a_second_derivative():
    @tf.custom_gradient
    def log1pexp(x):
        e = tf.exp(x)
        return tf.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))

    x = tf.constant(0.0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = log1pexp(x)
        first = inner.gradient(y, x)
    assert float(first) == 0.5 and float(outer.gradient(first, x)) == 0.25


def test_several_arguments_and_results():
    @tf.custom_gradient
    def swap(x, y):
        return (y, x), lambda gy, gx: (gx * 10.0, gy * 100.0)

    x, y = tf.constant(1.0), tf.constant(2.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, y])
        a, b = swap(x, y)
    assert (float(a), float(b)) == (2.0, 1.0)
    assert [float(g) for g in tape.gradient([a, b], [x, y])] == [10.0, 100.0]


def test_variables_used_inside_get_gradients_of_their_own():
    with context.eager_mode():
        w = tf.Variable(3.0, use_resource=True)

        @tf.custom_gradient
        def scale(x):
            def grad(upstream, variables=None):
                return upstream * w, [upstream * 1000.0 for _ in variables]

            return x * w, grad

        x = tf.constant(2.0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = scale(x)
        assert [float(g) for g in tape.gradient(y, [x, w])] == [3.0, 1000.0]


def test_a_gradient_function_that_ignores_variables_is_refused():
    with context.eager_mode():
        w = tf.Variable(3.0, use_resource=True)

        @tf.custom_gradient
        def scale(x):
            return x * w, lambda upstream: upstream

        with pytest.raises(TypeError, match="variables"):
            scale(tf.constant(1.0))


def test_a_wrong_number_of_gradients_is_refused():
    @tf.custom_gradient
    def identity(x):
        return x * 1.0, lambda upstream: (upstream, upstream)

    x = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = identity(x)
    with pytest.raises(ValueError, match="expected to return 1"):
        tape.gradient(y, x)


def test_the_gradient_may_pass_through_a_function_as_if_it_were_the_identity() -> None:
    rounded = tf.grad_pass_through(tf.round)
    x = tf.Variable(2.6)
    with tf.GradientTape() as tape:
        y = rounded(x) * 2.0
    assert (float(y), float(tape.gradient(y, x))) == (6, 2)
