"""Sizes of shapes of either version, and the horizon of compatibility."""

from __future__ import annotations

import penstock as tf


def test_sizes_are_numbers_or_dimensions():
    assert tf.compat.dimension_value(3) == tf.compat.dimension_value(tf.compat.v1.Dimension(3)) == 3
    assert tf.compat.dimension_at_index(tf.TensorShape([2, None]), 0).value == 2
    assert tf.compat.dimension_at_index(tf.TensorShape(None), 5).value is None


def test_the_horizon_can_be_set():
    assert tf.compat.forward_compatible(2020, 1, 1)
    with tf.compat.forward_compatibility_horizon(2019, 1, 1):
        assert not tf.compat.forward_compatible(2020, 1, 1)
    assert tf.compat.forward_compatible(2020, 1, 1)
