"""What is known of values while a graph is built."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf
from penstock.core.inference import constant_value, static_value

v1 = tf.compat.v1


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default():
        yield


def test_users_are_told_the_values_that_tensorflow_knows():
    c, s = tf.constant([1, 2, 3]), tf.constant(2)
    x = v1.placeholder(tf.float32, [2, None])
    known = {
        "Identity": (tf.identity(c), [1, 2, 3]),
        "Cast": (tf.cast(c, tf.float32), [1.0, 2.0, 3.0]),
        "ConcatV2": (tf.concat([c, c], 0), [1, 2, 3, 1, 2, 3]),
        "Pack": (tf.stack([s, s]), [2, 2]),
        "Unpack": (tf.unstack(c)[1], 2),
        "Split": (tf.split(c, 3)[2], [3]),
        "Fill": (tf.fill([2], s), [2, 2]),
        "Range": (tf.range(s), [0, 1]),
        "Equal": (tf.equal(s, 2), True),
        "StopGradient": (tf.stop_gradient(c), [1, 2, 3]),
    }
    for name, (tensor, value) in known.items():
        assert tensor.op.type == name
        found = tf.get_static_value(tensor)
        assert found.dtype == tensor.dtype.as_numpy_dtype
        np.testing.assert_array_equal(found, value)
    unknown = [c + c, s * s, c[0], tf.where(True, s, s), tf.reshape(c, [3, 1]), tf.reduce_sum(c), tf.shape(x), s < 3]
    assert [tf.get_static_value(tensor) for tensor in unknown] == [None] * len(unknown)
    assert static_value(c + c).tolist() == [2, 4, 6]


def test_stacks_that_are_known_in_part_have_none_for_the_rest():
    x = v1.placeholder(tf.float32, [2, None])
    stacked = tf.stack([tf.constant(2), tf.shape(x)[1]])
    assert constant_value(stacked) is None
    assert constant_value(stacked, partial=True).tolist() == [2, None]


def test_large_values_are_left_to_the_run():
    assert constant_value(tf.fill([1 << 25], tf.constant(0, tf.int8))) is None
