from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penstock as tf
from penstock.language.function import function


def derivative(f: Any, order: int) -> Any:
    if order == 0:
        return f
    inner = derivative(f, order - 1)

    def g(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = inner(x)
        return tape.gradient(y, x)

    return g


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("inside", [False, True])
def test_derivatives_of_a_function_of_any_order(order: int, inside: bool) -> None:
    def growth(x: Any) -> Any:
        return tf.exp(2.0 * x) * x

    g = derivative(function(growth), order)
    plain = derivative(growth, order)
    x = tf.constant(0.3)
    assert np.isclose(float((function(g) if inside else g)(x)), float(plain(x)), rtol=1e-5)


def test_gradients_reach_arguments_and_variables_through_branches_and_calls() -> None:
    v = tf.Variable(3.0)
    square = function(lambda x: x * x * v)

    @function
    def f(x: Any) -> Any:
        return square(x) + (square(x) if x > 1.0 else v * 1.0)

    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    dx, dv = tape.gradient(y, [x, v])
    assert (float(dx), float(dv)) == (24, 8)


def test_a_tape_inside_a_function_watches_its_variables() -> None:
    v = tf.Variable(3.0)
    square = function(lambda x: x * v * v)

    @function
    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            y = square(x) + v
        (gradient,) = tape.gradient(y, tape.watched_variables())
        v.assign_sub(0.1 * gradient)
        return gradient

    assert float(step(tf.constant(2.0))) == 13
    assert np.isclose(float(v), 1.7)


def test_symbolic_gradients_inside_a_function_reach_its_variables() -> None:
    v = tf.Variable(3.0)
    dx, dv = function(lambda x: tf.gradients(x * x * v, [x, v]))(tf.constant(2.0))
    assert (float(dx), float(dv)) == (12, 4)


def test_rows_that_are_looked_up_have_a_sparse_gradient() -> None:
    table = tf.Variable(tf.ones([5, 2]))
    f = function(lambda i: tf.reduce_sum(tf.gather(table, i) * 2.0))
    with tf.GradientTape() as tape:
        y = f(tf.constant([1, 3]))
    gradient = tape.gradient(y, table)
    assert isinstance(gradient, tf.IndexedSlices)
    assert tf.convert_to_tensor(gradient).numpy().tolist() == [[0, 0], [2, 2], [0, 0], [2, 2], [0, 0]]


def test_a_persistent_tape_differentiates_its_own_derivatives() -> None:
    f = function(lambda x: x * x * x)
    x = tf.constant(2.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = f(x)
        dy = tape.gradient(y, x)
    assert (float(dy), float(tape.gradient(dy, x)), float(tape.gradient(y, x))) == (12, 12, 12)


def test_effects_happen_once_when_a_tape_records_the_call() -> None:
    v = tf.Variable(1.0)

    @function
    def f(x: Any) -> Any:
        v.assign_add(1.0)
        return tf.random.uniform([]) * x * v

    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    assert np.isclose(float(tape.gradient(y, x)), float(y) / 2)
    assert float(v) == 2


def test_a_custom_gradient_is_used() -> None:
    @tf.custom_gradient
    def f(x: Any) -> Any:
        return x * 2, lambda upstream: upstream * 100.0

    x = tf.constant(3.0)
    g = function(lambda x: f(x) * 1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = g(x)
    assert (float(y), float(tape.gradient(y, x))) == (6, 100)


def test_integer_results_and_arguments_have_no_gradient() -> None:
    f = function(lambda x, i: (x * tf.cast(i, tf.float32), i + 1))
    x, i = tf.constant(3.0), tf.constant(2)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y, j = f(x, i)
    assert float(tape.gradient(y, x)) == 2
    assert tape.gradient(j, x) is None
