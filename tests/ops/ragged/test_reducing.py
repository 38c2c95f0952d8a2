"""Ragged tensors reduced as TensorFlow reduces them."""

from __future__ import annotations

import pytest

import penstock as tf

NUMBERS = tf.ragged.constant([[1.5, -2.0], [], [3.0, 0.5, 7.0], [2.0]])


def test_numbers_are_true_where_their_whole_parts_are_not_zero():
    assert tf.reduce_any(NUMBERS, 0).numpy().tolist() == [True, True, True]
    assert tf.reduce_all(NUMBERS, 1).numpy().tolist() == [True, True, False, True]
    assert (bool(tf.reduce_any(NUMBERS)), bool(tf.reduce_all(NUMBERS))) == (True, False)


def test_variances_of_integers_are_floating():
    result = tf.math.reduce_variance(tf.ragged.constant([[3, 1], [], [2, 5, 4], [6]]))
    assert result.dtype == tf.float64 and float(result) == pytest.approx(35 / 12)


def test_all_axes_may_stay():
    assert tf.reduce_sum(NUMBERS, keepdims=True).shape.as_list() == [1, 1]
