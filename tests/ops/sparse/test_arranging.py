"""Sparse tensors with their positions changed."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf
from penstock.ops.sparse.arranging import (
    sparse_reorder_op,
    sparse_reshape_op,
    sparse_slice_grad_op,
    sparse_slice_op,
    sparse_split_op,
    split_v1,
)
from penstock.ops.sparse.joining import sparse_concat_op
from penstock.ops.sparse.rows import sparse_fill_empty_rows_grad_op, sparse_fill_empty_rows_op
from penstock.testing.op_case import OpCase, normal

A = np.array([[0, 0], [0, 3], [1, 1], [2, 2]])
SHAPE = np.array([3, 4])
X = normal(4, seed=1)
SHUFFLED = [2, 0, 3, 1]

CASES = [
    OpCase(sparse_reorder_op, [A[SHUFFLED], X[SHUFFLED], SHAPE], (A, X)),
    OpCase(sparse_reshape_op, [A, SHAPE, np.array([2, -1])], (np.array([[0, 0], [0, 3], [0, 5], [1, 4]]), [2, 6])),
    OpCase(
        sparse_slice_op,
        [A, X, SHAPE, np.array([0, 1]), np.array([2, 9])],
        (np.array([[0, 2], [1, 0]]), X[1:3], np.array([2, 3])),
    ),
    OpCase(
        sparse_slice_grad_op,
        [np.array([5.0, 6.0]), A, np.array([0, 1]), np.array([[0, 2], [1, 0]])],
        np.array([0, 5.0, 6, 0]),
    ),
    OpCase(
        sparse_split_op,
        [np.int64(1), A, X, SHAPE],
        (
            np.array([[0, 0], [1, 1]]),
            np.array([[2, 0]]),
            np.array([[0, 0]]),
            X[[0, 2]],
            X[[3]],
            X[[1]],
            np.array([3, 2]),
            np.array([3, 1]),
            np.array([3, 1]),
        ),
        {"num_split": 3},
        gradient=None,
    ),
    OpCase(
        sparse_concat_op,
        [[A, A[:2]], [X, X[:2] * 2], [SHAPE, SHAPE]],
        (
            np.array([[0, 0], [0, 3], [0, 4], [0, 7], [1, 1], [2, 2]]),
            np.array([X[0], X[1], 2 * X[0], 2 * X[1], X[2], X[3]]),
            np.array([3, 8]),
        ),
        {"concat_dim": 1},
        gradient=None,
    ),
    OpCase(
        sparse_fill_empty_rows_op,
        [np.array([[0, 1], [2, 0], [2, 1]]), normal(3), np.array([4, 3]), np.float64(9)],
        (
            np.array([[0, 1], [1, 0], [2, 0], [2, 1], [3, 0]]),
            np.insert(np.append(normal(3), 9), 1, 9),
            np.array([False, True, False, True]),
            np.array([0, 2, 3]),
        ),
    ),
    OpCase(
        sparse_fill_empty_rows_grad_op, [np.array([0, 2, 3]), np.array([1.0, 2, 3, 4, 5])], (np.array([1.0, 3, 4]), 7.0)
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def sparse(indices=A, values=(1.0, -2.0, 3.0, 4.0), shape=(3, 4)):
    return tf.SparseTensor(indices, np.array(values, np.float32), shape)


def parts(x):
    return x.indices.numpy().tolist(), x.values.numpy().tolist(), x.dense_shape.numpy().tolist()


def dense(x):
    return tf.sparse.to_dense(tf.sparse.reorder(x)).numpy()


def test_transposing_permutes_the_axes():
    assert np.array_equal(dense(tf.sparse.transpose(sparse())), dense(sparse()).T)
    cube = tf.SparseTensor([[0, 1, 2], [1, 0, 0]], [5.0, 6.0], [2, 2, 3])
    assert np.array_equal(dense(tf.sparse.transpose(cube, [1, 2, 0])), dense(cube).transpose(1, 2, 0))
    with pytest.raises(ValueError):
        tf.sparse.transpose(sparse(), [1])


def test_expanding_inserts_an_axis_of_size_one():
    for axis in (-3, -2, -1, 0, 1, 2):
        assert np.array_equal(dense(tf.sparse.expand_dims(sparse(), axis)), np.expand_dims(dense(sparse()), axis))
    assert tf.sparse.expand_dims(sparse(), tf.constant(1)).shape == [3, 1, 4]
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.sparse.expand_dims(sparse(), 3)


def test_joining_can_widen_the_other_axes():
    wide = sparse([[0, 6]], [1.0], (2, 7))
    joined = tf.sparse.concat(0, [sparse(), wide], expand_nonconcat_dims=True)
    assert joined.shape == [5, 7] and parts(joined)[0][-1] == [3, 6]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Input shapes must match"):
        tf.sparse.concat(0, [sparse(), wide])
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
        tf.sparse.concat(2, [sparse(), sparse()])


def test_shapes_are_reset_to_hold_all_values():
    assert parts(tf.sparse.reset_shape(sparse()))[2] == [3, 4]
    assert parts(tf.sparse.reset_shape(sparse(), [9, 9]))[2] == [9, 9]
    for bad in ([2, 2], [2, 2, 2]):
        with pytest.raises(ValueError):
            tf.sparse.reset_shape(sparse(), bad)
    empty = tf.SparseTensor(np.zeros((0, 2), np.int64), np.zeros(0), [3, 4])
    assert parts(tf.sparse.reset_shape(empty))[2] == [0, 0]


def test_some_values_are_retained():
    assert parts(tf.sparse.retain(sparse(), [True, False, False, True]))[1] == [1, 4]
    with pytest.raises(ValueError):
        tf.sparse.retain(sparse(), [True])


def test_parts_cover_the_whole():
    pieces = tf.sparse.split(sparse(), 2, 0)
    assert np.array_equal(np.concatenate([dense(piece) for piece in pieces]), dense(sparse()))
    with pytest.raises(ValueError, match="Keyword arguments"):
        split_v1(1)


@pytest.mark.parametrize("shape", [[5, -1], [5, 5], [-1, -1], [-3, -4], [0, -1], []], ids=str)
def test_shapes_that_do_not_fit_are_refused(shape):
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.sparse.reshape(sparse(), np.array(shape, np.int64))


@pytest.mark.parametrize(
    "call",
    [
        lambda: tf.sparse.slice(sparse(), [0, 0], [-1, 3]),
        lambda: tf.sparse.slice(sparse(), [0, 0], [2]),
        lambda: tf.sparse.split(sparse(), 5, 1),
        lambda: tf.sparse.split(sparse(), 2, 2),
        lambda: tf.sparse.split(sparse([[3, 3]], [1]), 2, 1),
        lambda: tf.sparse.fill_empty_rows(sparse([[3, 3]], [1]), 0.0),
        lambda: tf.sparse.fill_empty_rows(sparse(), [1.0]),
    ],
)
def test_bad_input_is_refused(call):
    with pytest.raises(tf.errors.InvalidArgumentError):
        call()


def test_static_shapes_follow_in_graphs():
    with tf.Graph().as_default():
        x = tf.compat.v1.sparse_placeholder(tf.float32, [3, None])
        assert tf.sparse.transpose(x).shape.as_list() == [None, 3]
        assert tf.sparse.expand_dims(x, 1).shape.as_list() == [3, 1, None]
        assert tf.sparse.concat(0, [x, x]).shape.as_list() == [6, None]
        assert tf.sparse.reshape(x, [-1, 2]).shape.rank == 2
        assert tf.sparse.reduce_sum(x, 1).shape.as_list() == [3]
        assert tf.sparse.to_dense(x).shape.as_list() == [3, None]


def test_large_shapes_do_not_overflow():
    huge = tf.SparseTensor([[2**40, 5], [3, 2**40]], [1.0, 2.0], [2**62, 2**62])
    with pytest.raises(tf.errors.InvalidArgumentError, match="int64"):
        tf.sparse.reshape(huge, [-1])
