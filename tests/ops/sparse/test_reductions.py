"""Reductions of sparse tensors, softmax, counts and crosses."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf
from penstock.ops.sparse.counting import (
    dense_count_sparse_output_op,
    ragged_count_sparse_output_op,
    sparse_bincount_op,
    sparse_count_sparse_output_op,
)
from penstock.ops.sparse.reductions import (
    sparse_reduce_max_op,
    sparse_reduce_max_sparse_op,
    sparse_reduce_sum_op,
    sparse_reduce_sum_sparse_op,
)
from penstock.ops.sparse.softmax import sparse_softmax_op
from penstock.testing.op_case import OpCase, normal

COVERS = ("SparseCross", "SparseCrossV2")

A = np.array([[0, 0], [0, 3], [1, 1], [2, 2]])
SHAPE = np.array([3, 4])
X = normal(4, seed=1)
AXES = np.array([1], np.int32)
ROWS = np.array([X[0] + X[1], X[2], X[3]])
LARGEST = np.array([max(X[0], X[1]), X[2], X[3]])
SHARE = 1 / (1 + np.exp(X[1] - X[0]))
NUMBERS = np.array([3, 1, 3])
PLACES = np.array([[0, 0], [1, 1], [1, 2]])
NONE = np.array([], np.int32)
COUNTS = {"binary_output": False, "output_type": tf.int32}

CASES = [
    OpCase(sparse_reduce_sum_op, [A, X, SHAPE, AXES], ROWS),
    OpCase(sparse_reduce_sum_op, [A, X, SHAPE, AXES], ROWS[:, None], {"keep_dims": True}, name="keep_dims"),
    OpCase(sparse_reduce_sum_op, [A, X, SHAPE, np.array([-2, 1], np.int32)], X.sum(), name="all"),
    OpCase(sparse_reduce_max_op, [A, X, SHAPE, AXES], LARGEST, gradient=None),
    OpCase(
        sparse_reduce_sum_sparse_op,
        [A, X, SHAPE, AXES],
        (np.array([[0], [1], [2]]), ROWS, np.array([3])),
        gradient=None,
    ),
    OpCase(
        sparse_reduce_max_sparse_op,
        [A, X, SHAPE, AXES],
        (np.array([[0, 0], [1, 0], [2, 0]]), LARGEST, np.array([3, 1])),
        {"keep_dims": True},
        gradient=None,
    ),
    OpCase(sparse_softmax_op, [A, X, SHAPE], np.array([SHARE, 1 - SHARE, 1, 1])),
    OpCase(
        dense_count_sparse_output_op,
        [np.array([[1, 2, 1], [0, 0, 5]]), NONE],
        (np.array([[0, 1], [0, 2], [1, 0], [1, 5]]), np.array([2, 1, 2, 1]), np.array([2, 6])),
        COUNTS,
    ),
    OpCase(
        sparse_count_sparse_output_op,
        [PLACES, NUMBERS, SHAPE, np.array([2.0, 3.0, 4.0])],
        (np.array([[0, 3], [1, 1], [1, 3]]), np.array([2.0, 3, 4]), np.array([3, 4])),
        {"binary_output": False, "output_type": tf.float64},
        gradient=None,
    ),
    OpCase(
        ragged_count_sparse_output_op,
        [np.array([0, 1, 3]), NUMBERS, NONE],
        (np.array([[0, 3], [1, 1], [1, 3]]), np.array([1, 1, 1]), np.array([2, 4])),
        COUNTS,
    ),
    OpCase(
        sparse_bincount_op,
        [PLACES, NUMBERS, SHAPE, np.int64(4), NONE],
        np.array([[0, 0, 0, 1], [0, 1, 0, 1], [0, 0, 0, 0]], np.int32),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def sparse(indices=A, values=(1.0, -2.0, 3.0, 4.0), shape=(3, 4)):
    return tf.SparseTensor(indices, np.array(values, np.float32), shape)


def parts(x):
    return x.indices.numpy().tolist(), x.values.numpy().tolist(), x.dense_shape.numpy().tolist()


def test_rows_without_values_are_zero_and_negative_ones_stay():
    assert tf.sparse.reduce_max(sparse([[0, 0]], [-1], [2, 2]), 1).numpy().tolist() == [-1, 0]
    empty = sparse(np.zeros((0, 2), np.int64), [])
    assert tf.sparse.reduce_sum(empty).numpy() == 0
    assert parts(tf.sparse.reduce_max(empty, 1, output_is_sparse=True)) == ([], [], [3])


def test_axes_out_of_range_are_refused():
    for reduction in (tf.sparse.reduce_sum, tf.sparse.reduce_max):
        for is_sparse in (False, True):
            with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid reduction dimension 2"):
                reduction(sparse(), 2, output_is_sparse=is_sparse)


def test_a_softmax_needs_rank_two():
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
        tf.sparse.softmax(sparse([[0]], [1], [4]))


def test_counts_as_sparse_tensors():
    assert parts(tf.sparse.bincount([1, 2, 1], minlength=8)) == ([[1], [2]], [2, 1], [8])
    assert parts(tf.sparse.bincount([1, 2, 1, 7], maxlength=3)) == ([[1], [2]], [2, 1], [3])
    weighted = tf.sparse.bincount([[1, 2, 1], [0, 0, 5]], weights=[[0.5, 1.0, 2.0], [3.0, 4.0, 5.0]], axis=-1)
    assert parts(weighted)[1] == [2.5, 1, 7, 5]
    numbers = tf.SparseTensor(PLACES, NUMBERS, [3, 4])
    assert parts(tf.sparse.bincount(numbers)) == ([[1], [3]], [1, 2], [4])
    assert tf.math.bincount(numbers, axis=-1).numpy().tolist() == [[0, 0, 0, 1], [0, 1, 0, 1], [0, 0, 0, 0]]
    for error, arguments in (
        (ValueError, {"axis": 1}),
        (ValueError, {"weights": [1, 1], "binary_output": True}),
        (tf.errors.InvalidArgumentError, {"weights": [1.0]}),
    ):
        with pytest.raises(error):
            tf.sparse.bincount([1, 2], **arguments)
    with pytest.raises(tf.errors.InvalidArgumentError, match="non-negative"):
        tf.sparse.bincount([-1, 2])


STRINGS = (np.array([[0, 0], [1, 0], [1, 1]]), ["a", "b", "c"], [2, 2])
INTEGERS = (np.array([[0, 0], [0, 1], [1, 0]]), np.array([1, 2, 3]), [2, 2])


def test_crosses_have_all_combinations_of_a_row():
    features = [tf.SparseTensor(*STRINGS), tf.SparseTensor(*INTEGERS)]
    crossed = tf.sparse.cross(features)
    assert parts(crossed) == ([[0, 0], [0, 1], [1, 0], [1, 1]], [b"a_X_1", b"a_X_2", b"b_X_3", b"c_X_3"], [2, 2])
    three = tf.sparse.cross([*features, tf.constant([[7], [8]])], separator="-")
    assert three.values.numpy().tolist() == [b"a-1-7", b"a-2-7", b"b-3-8", b"c-3-8"]
    assert parts(tf.sparse.cross([])) == ([], [], [0, 0])
    for bad in ([features[0], tf.constant([["a"]])], [tf.constant(["a"])]):
        with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
            tf.sparse.cross(bad)


def test_hashed_crosses_are_the_numbers_of_tensorflow():
    features = [tf.SparseTensor(*STRINGS), tf.SparseTensor(*INTEGERS)]
    expected = [2928842892298887678, 7560904255693475987, 9204035953345268157, 4384133765619275694]
    assert tf.sparse.cross_hashed(features).values.numpy().tolist() == expected
    assert tf.sparse.cross_hashed(features, 1000).values.numpy().tolist() == [485, 987, 964, 694]
    assert tf.sparse.cross_hashed(features, 1000, 42).values.numpy().tolist() == [963, 586, 175, 857]


def test_crosses_in_a_graph_are_those_of_eager_execution():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        crossed = tf.sparse.cross([tf.SparseTensor(*STRINGS), tf.constant([["x"], ["y"]])])
        assert session.run(crossed).values.tolist() == [b"a_X_x", b"b_X_y", b"c_X_y"]
        hashed = tf.sparse.cross_hashed([tf.SparseTensor(*INTEGERS)])
        assert session.run(hashed).values[0] == 5199413699614396413


def test_bincount_counts_in_the_rows_of_a_ragged_tensor() -> None:
    counts = tf.sparse.bincount(tf.ragged.constant([[1, 1], [], [2]]), minlength=3, axis=-1)
    assert tf.sparse.to_dense(counts).numpy().tolist() == [[0, 2, 0], [0, 0, 0], [0, 0, 1]]
