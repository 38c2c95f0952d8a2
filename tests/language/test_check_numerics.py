from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import penstock as tf


@pytest.fixture(autouse=True)
def checked() -> Iterator[None]:
    tf.debugging.enable_check_numerics()
    yield
    tf.debugging.disable_check_numerics()


def test_an_eager_call_that_gives_nan_names_operation_shapes_and_line() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        tf.math.log(tf.constant([-1.0, 0.0, 1.0]))
    message = str(caught.value)
    assert "op Log" in message and "1 NaN and 1 infinite of 3 elements" in message
    assert "float32 (3,)" in message and "test_check_numerics.py" in message


def test_a_function_is_checked_when_it_runs() -> None:
    @tf.function
    def f(x: Any) -> Any:
        return tf.math.log(x) * 2.0

    assert float(f(tf.constant(1.0))) == 0
    with pytest.raises(tf.errors.InvalidArgumentError, match="op Log"):
        f(tf.constant(0.0))


def test_gradients_are_checked() -> None:
    x = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        y = tf.sqrt(x)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Infinity or NaN"):
        tape.gradient(y, x)


def test_nothing_is_checked_afterwards() -> None:
    tf.debugging.disable_check_numerics()
    assert not bool(tf.math.is_finite(tf.math.log(tf.constant(0.0))))
