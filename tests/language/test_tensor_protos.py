"""Tensors as messages, and whether a program is tracing."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf
from penstock.core.context import eager_mode


def test_messages_give_the_elements_back():
    for values in ([[1.0, 2.0]], 7, np.eye(2, dtype=np.int64)):
        np.testing.assert_array_equal(tf.make_ndarray(tf.make_tensor_proto(values)), values)
    assert tf.make_ndarray(tf.make_tensor_proto(["a", "b"])).tolist() == [b"a", b"b"]


def test_a_shape_must_fit():
    assert tf.make_ndarray(tf.make_tensor_proto([1, 2, 3, 4], shape=[2, 2])).tolist() == [[1, 2], [3, 4]]
    assert tf.make_ndarray(tf.make_tensor_proto(5, shape=[3], allow_broadcast=True)).tolist() == [5, 5, 5]
    with pytest.raises(ValueError, match="needs 3, got 2"):
        tf.make_tensor_proto([1, 2], shape=[3])
    with pytest.raises(TypeError, match="Expected Tensor's shape"):
        tf.make_tensor_proto([1, 2], shape=[2, 1], verify_shape=True)


def test_functions_know_that_they_are_traced():
    seen = []

    @tf.function
    def f(x):
        seen.append((tf.inside_function(), tf.is_symbolic_tensor(x)))
        return x

    with eager_mode():
        x = tf.constant(1)
        f(x)
        assert seen == [(True, True)] and not tf.inside_function() and not tf.is_symbolic_tensor(x)
