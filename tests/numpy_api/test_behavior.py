"""NumPy's behaviour of tensors themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import penstock as tf

pytestmark = pytest.mark.usefixtures("numpy_behavior")


def test_tensors_have_methods() -> None:
    array = np.arange(6.0).reshape(2, 3)
    x = tf.constant(array)
    for actual, expected in [
        (x.T, array.T),
        (x.transpose((1, 0)), array.T),
        (x.reshape(3, 2), array.reshape(3, 2)),
        (x.reshape((3, 2), order="F"), array.reshape((3, 2), order="F")),
        (x.ravel(), array.ravel()),
        (x.flatten("F"), array.flatten("F")),
        (x.clip(1, 3), array.clip(1, 3)),
        (x.mean(axis=0), array.mean(axis=0)),
        (x.max(axis=1, keepdims=True), array.max(axis=1, keepdims=True)),
        (x.min(), array.min()),
        (x.astype("int32"), array.astype("int32")),
        (x[[0, 0], 1:], array[[0, 0], 1:]),
        (x[x > 2], array[array > 2]),
        (+x, array),
        (round(x / 4, 1), np.round(array / 4, 1)),
    ]:
        np.testing.assert_array_equal(actual, expected)
    assert x.size == 6 and x.tolist() == array.tolist() and x.data is x


def test_operators_promote() -> None:
    i = tf.constant([1, 2])
    for result, expected in [
        (i + 1.5, [2.5, 3.5]),
        (1.5 + i, [2.5, 3.5]),
        (i - tf.constant([1.0, 2.0]), [0, 0]),
        (i**2.0, [1, 4]),
        (i @ tf.constant([1.0, 2.0]), 5),
        (tf.Variable([1, 2]) * 0.5, [0.5, 1]),
        ([1, 2.5] + i, [2, 4.5]),
        (np.array([0.5, 1.0]) * i, [0.5, 2]),
    ]:
        assert result.dtype == tf.float64
        np.testing.assert_array_equal(result, expected)
    assert (i + 1).dtype == tf.int32
    assert (i == tf.constant([1.0, 3.0])).numpy().tolist() == [True, False]
    assert (i < 1.5).numpy().tolist() == [True, False]
    assert (tf.constant("a") + "b").numpy() == b"ab"


def test_functions_promote_too() -> None:
    @tf.function
    def f(x: tf.Tensor) -> tf.Tensor:
        return (x + 1.5).reshape(-1)[[0, -1]]

    np.testing.assert_array_equal(f(tf.constant([[1, 2], [3, 4]])), [2.5, 5.5])


def test_gradients_flow_through_casts() -> None:
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = (x * tf.constant([3.0, 4.0], tf.float64)).mean()
    gradient = tape.gradient(y, x)
    assert gradient.dtype == tf.float32
    np.testing.assert_allclose(gradient, [1.5, 2.0])


def test_modes_of_conversion(numpy_behavior: Callable[..., None]) -> None:
    i = tf.constant([1, 2])
    numpy_behavior(dtype_conversion_mode="all")
    assert (i + tf.constant([1.0, 2.0])).dtype == tf.float32
    numpy_behavior(dtype_conversion_mode="safe")
    with pytest.raises(TypeError, match="safe"):
        i + tf.constant([1.0, 2.0])
    numpy_behavior(dtype_conversion_mode="off")
    with pytest.raises(tf.errors.InvalidArgumentError):
        i + 1.5
    with pytest.raises(ValueError, match="bogus"):
        numpy_behavior(dtype_conversion_mode="bogus")
