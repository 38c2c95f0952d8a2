"""Sparse tensors made from other values."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf


def parts(x):
    return x.indices.numpy().tolist(), x.values.numpy().tolist(), x.dense_shape.numpy().tolist()


def test_identity_matrices():
    assert parts(tf.sparse.eye(2, 3)) == ([[0, 0], [1, 1]], [1.0, 1.0], [2, 3])
    assert tf.sparse.eye(2, dtype=tf.int32).dtype == tf.int32


def test_ids_and_values_are_merged_in_order():
    ids = tf.SparseTensor([[0, 0], [1, 0], [1, 1]], [3, 1, 0], [2, 2])
    values = tf.SparseTensor([[0, 0], [1, 0], [1, 1]], [-3.0, 1.0, 4.0], [2, 2])
    merged = tf.compat.v1.sparse_merge(ids, values, 5)
    assert parts(merged) == ([[0, 3], [1, 0], [1, 1]], [-3.0, 4.0, 1.0], [2, 5])
    with pytest.raises(ValueError, match="equal lengths"):
        tf.compat.v1.sparse_merge([ids], values, [5, 6])


def test_masked_slices_are_left_out():
    slices = tf.IndexedSlices(tf.ones([3, 2]), tf.constant([12, 26, 37]), tf.constant([100, 2]))
    assert tf.sparse.mask(slices, [12, 45]).indices.numpy().tolist() == [26, 37]


def test_indicators_tell_which_numbers_a_row_has():
    ids = tf.SparseTensor([[0, 0], [0, 1], [1, 0]], [3, 1, 0], [2, 3])
    assert tf.sparse.to_indicator(ids, 4).numpy().tolist() == [[False, True, False, True], [True, False, False, False]]
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.sparse.to_indicator(ids, 3)


def test_conversion_keeps_sparse_tensors_and_their_type():
    convert = tf.compat.v1.convert_to_tensor_or_sparse_tensor
    sparse = tf.sparse.eye(2)
    assert convert(sparse) is sparse
    assert convert(5).numpy() == 5
    value = tf.compat.v1.SparseTensorValue(np.array([[0]]), np.array([1.0]), np.array([2]))
    assert parts(convert(value)) == ([[0]], [1.0], [2])
    with pytest.raises(RuntimeError, match="dtype mismatch"):
        convert(sparse, tf.int32)


def test_placeholders_are_for_graphs():
    with pytest.raises(RuntimeError):
        tf.compat.v1.sparse_placeholder(tf.float32)
