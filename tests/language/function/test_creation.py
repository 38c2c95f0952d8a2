from __future__ import annotations

from typing import Any

import pytest

import penstock as tf
from penstock.language.function import function


def test_a_variable_made_on_the_first_call_lives_outside() -> None:
    made: list[Any] = []

    @function
    def f(x: Any) -> Any:
        if not made:
            made.append(tf.Variable(tf.ones([2]) * x, name="w"))
        return made[0].assign_add([1.0, 1.0])

    assert f(tf.constant(3.0)).numpy().tolist() == [4, 4]
    assert f(tf.constant(7.0)).numpy().tolist() == [5, 5]
    assert len(made) == 1 and made[0].numpy().tolist() == [5, 5]


def test_an_initial_value_may_depend_on_inner_functions_and_variables() -> None:
    made: list[Any] = []
    other = tf.Variable(4.0)

    @function
    def inner(y: Any) -> Any:
        if not made:
            made.append(tf.Variable(y + other))
        return made[0] * 1.0

    assert float(function(lambda x: inner(x * 2.0))(tf.constant(3.0))) == 10


def test_a_variable_made_by_each_call_is_refused() -> None:
    with pytest.raises(ValueError, match="tried to create variables on non-first call"):
        function(lambda x: tf.Variable(x))(tf.constant(1.0))


def test_a_variable_made_by_a_later_trace_is_refused() -> None:
    made: list[Any] = []

    @function
    def f(x: Any) -> Any:
        if x.shape.rank == 1:
            made.append(tf.Variable(1.0))
        return x

    f(tf.constant(1.0))
    with pytest.raises(ValueError, match="non-first call"):
        f(tf.constant([1.0]))


def test_an_initial_value_that_is_not_known_while_tracing_is_refused() -> None:
    made: list[Any] = []

    @function
    def f(x: Any) -> Any:
        if not made:
            made.append(tf.Variable(x))
        return made[0] * 1.0

    with pytest.raises(ValueError, match="depends on the argument 'x'"):
        f.get_concrete_function(tf.TensorSpec([], tf.float32))
