"""Sums, maxima and minima of sparse tensors, and sparse tensors combined with dense ones."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf
from penstock.core.sparse_tensor import SparseTensor
from penstock.ops.math.trigonometric import asin, asinh, atan, atanh, sin, tan
from penstock.ops.sparse.arithmetic import (
    sparse_add_grad_op,
    sparse_add_op,
    sparse_sparse_maximum_op,
    sparse_sparse_minimum_op,
)
from penstock.ops.sparse.densifying import sparse_tensor_dense_add_op, sparse_to_dense_op
from penstock.ops.sparse.elementwise import (
    sparse_dense_cwise_add_op,
    sparse_dense_cwise_div_op,
    sparse_dense_cwise_mul_op,
)
from penstock.ops.sparse.matmul import sparse_tensor_dense_matmul_op
from penstock.testing.op_case import OpCase, normal, uniform

A = np.array([[0, 0], [0, 3], [1, 1], [2, 2]])
B = np.array([[0, 3], [1, 0], [2, 2]])
SHAPE = np.array([3, 4])
X, Y = normal(4, seed=1), normal(3, seed=2)


def dense(indices, values, shape=(3, 4)):
    result = np.zeros(shape)
    result[tuple(np.asarray(indices).T)] = values
    return result


def product(indices, values, shape, b):
    return dense(indices, values) @ b


UNION = np.array([[0, 0], [0, 3], [1, 0], [1, 1], [2, 2]])
TWO = [A, X, SHAPE, B, Y, SHAPE]
CASES = [
    OpCase(
        sparse_add_op,
        [*TWO, np.float64(0)],
        (UNION, (dense(A, X) + dense(B, Y))[tuple(UNION.T)], SHAPE),
        gradient="both",
    ),
    OpCase(
        sparse_add_op,
        [A, np.array([1.0, 2, 3, 4]), SHAPE, B, np.array([-1.9, 0.01, 1]), SHAPE, np.float64(0.5)],
        (np.delete(UNION, 1, 0), np.array([1, 0.01, 3, 5]), SHAPE),
        name="threshold",
        gradient=None,
    ),
    OpCase(sparse_add_grad_op, [normal(5), A, B, UNION], (normal(5)[[0, 1, 3, 4]], normal(5)[[1, 2, 4]])),
    OpCase(sparse_sparse_maximum_op, TWO, (UNION, np.maximum(dense(A, X), dense(B, Y))[tuple(UNION.T)])),
    OpCase(sparse_sparse_minimum_op, TWO, (UNION, np.minimum(dense(A, X), dense(B, Y))[tuple(UNION.T)])),
    OpCase(sparse_dense_cwise_add_op, [A, X, SHAPE, normal(3, 4)], X + normal(3, 4)[tuple(A.T)]),
    OpCase(sparse_dense_cwise_mul_op, [A, X, SHAPE, normal(3, 4)], X * normal(3, 4)[tuple(A.T)]),
    OpCase(sparse_dense_cwise_mul_op, [A, X, SHAPE, normal(4)], X * normal(4)[A[:, 1]], name="row"),
    OpCase(sparse_dense_cwise_mul_op, [A, X, SHAPE, normal(3, 1)], X * normal(3)[A[:, 0]], name="column"),
    OpCase(sparse_dense_cwise_div_op, [A, X, SHAPE, uniform(1, 2, 4)], X / uniform(1, 2, 4)[A[:, 1]]),
    OpCase(sparse_tensor_dense_add_op, [A, X, SHAPE, normal(3, 4)], dense(A, X) + normal(3, 4)),
    OpCase(sparse_to_dense_op, [A, SHAPE, X, np.float64(7)], np.where(dense(A, 1) > 0, dense(A, X), 7)),
    OpCase(sparse_to_dense_op, [np.array([1, 3]), np.array([5]), np.float64(2), np.float64(0)], name="one_value"),
    OpCase(sparse_tensor_dense_matmul_op, [A, X, SHAPE, normal(4, 2)], product),
    OpCase(
        sparse_tensor_dense_matmul_op,
        [A, X, SHAPE, normal(2, 3)],
        dense(A, X).T @ normal(2, 3).T,
        {"adjoint_a": True, "adjoint_b": True},
        name="adjoints",
    ),
    OpCase(
        sparse_tensor_dense_matmul_op,
        [A, X.astype(np.complex128) * 1j, SHAPE, normal(3, 2).astype(np.complex128)],
        -1j * (dense(A, X).T @ normal(3, 2)),
        {"adjoint_a": True},
        name="complex",
        gradient=None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def sparse(indices=A, values=(1.0, -2.0, 3.0, 4.0), shape=(3, 4)):
    return tf.SparseTensor(indices, np.array(values, np.float32), shape)


def test_repeated_positions_add_up_in_products_and_sums():
    twice = tf.SparseTensor([[0, 1], [0, 1]], [2.0, 3.0], [2, 2])
    assert tf.sparse.sparse_dense_matmul(twice, tf.eye(2)).numpy().tolist() == [[0, 5], [0, 0]]
    assert tf.sparse.add(twice, tf.ones([2, 2])).numpy().tolist() == [[1, 6], [1, 1]]


def test_a_dense_matrix_times_a_sparse_one():
    left = normal(2, 3, dtype=np.float32)
    expected = left @ dense(A, [1, -2, 3, 4])
    np.testing.assert_allclose(tf.sparse.sparse_dense_matmul(left, sparse()).numpy(), expected, rtol=1e-5)


def test_operators_are_those_of_tensorflow():
    row = tf.constant([1.0, 2.0, 3.0, 4.0])
    assert (sparse() * row).values.numpy().tolist() == [1, -8, 6, 12]
    assert (row * sparse()).values.numpy().tolist() == [1, -8, 6, 12]
    assert (sparse() / 2).values.numpy().tolist() == [0.5, -1, 1.5, 2]
    integers = tf.cast(sparse(), tf.int32)
    assert (integers / tf.constant(2)).dtype == tf.float64
    for operator in (
        lambda: sparse() + sparse(),
        lambda: 2.0 * sparse(),
        lambda: np.ones(4) * sparse(),
        lambda: -sparse(),
    ):
        with pytest.raises(TypeError):
            operator()
    with pytest.raises(tf.errors.InvalidArgumentError, match="zero"):
        sparse() / 0.0


def test_elementwise_functions_change_values():
    assert tf.abs(sparse()).values.numpy().tolist() == [1, 2, 3, 4]
    assert tf.square(sparse()).values.numpy().tolist() == [1, 4, 9, 16]
    assert tf.negative(sparse()).values.numpy().tolist() == [-1, 2, -3, -4]
    assert tf.identity(sparse()).values.numpy().tolist() == [1, -2, 3, 4]
    with pytest.raises((TypeError, ValueError)):
        tf.exp(sparse())


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("out of bounds", lambda: tf.sparse.to_dense(sparse([[0, 0], [3, 3]], [1, 2]))),
        ("out of bounds", lambda: tf.sparse.to_dense(sparse([[0, 0], [3, 3]], [1, 2]), validate_indices=False)),
        ("out of order", lambda: tf.sparse.to_dense(sparse([[1, 0], [0, 3]], [1, 2]))),
        ("repeated", lambda: tf.sparse.to_dense(sparse([[0, 3], [0, 3]], [1, 2]))),
        ("out of bounds", lambda: tf.sparse.add(sparse([[0, 0], [3, 3]], [1, 2]), tf.ones([3, 4]))),
        ("different ranks", lambda: tf.sparse.add(sparse(), tf.ones([4]))),
        ("shapes do not match", lambda: tf.sparse.add(sparse(), sparse(shape=(4, 4)))),
        ("same dimension", lambda: tf.sparse.add(sparse(), sparse([[0]], [1], [4]))),
        ("same ranks", lambda: tf.sparse.maximum(sparse(), sparse([[0]], [1], [4]))),
        ("out of bounds", lambda: tf.sparse.sparse_dense_matmul(sparse([[0, 0], [3, 3]], [1, 2]), tf.ones([4, 2]))),
        ("inner dimension", lambda: tf.sparse.sparse_dense_matmul(sparse(), tf.ones([3, 2]))),
        ("not a matrix", lambda: tf.sparse.sparse_dense_matmul(sparse(), tf.ones([4]))),
        ("incompatible shapes", lambda: sparse() * tf.ones([3, 3])),
        ("scalar", lambda: tf.sparse.to_dense(sparse(), [1.0])),
    ],
)
def test_bad_input_is_refused(message, call):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        call()


def test_strings_and_booleans_become_dense():
    strings = tf.SparseTensor([[0, 1]], ["a"], [1, 2])
    assert tf.sparse.to_dense(strings).numpy().tolist() == [[b"", b"a"]]
    assert tf.sparse.to_dense(strings, "z").numpy().tolist() == [[b"z", b"a"]]
    assert tf.sparse.to_dense(tf.SparseTensor([[0]], [True], [2])).numpy().tolist() == [True, False]


def test_dense_tensors_become_sparse_with_gradients():
    x = tf.constant([[0.0, 2.0], [3.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(tf.sparse.from_dense(x).values ** 2)
    assert tape.gradient(total, x).numpy().tolist() == [[0, 4], [6, 0]]
    assert tf.sparse.from_dense([["", "a"]]).values.numpy().tolist() == [b"a"]


def test_map_values_needs_the_same_positions():
    assert tf.sparse.map_values(tf.add, sparse(), sparse()).values.numpy().tolist() == [2, -4, 6, 8]
    with pytest.raises(ValueError, match="No SparseTensor"):
        tf.sparse.map_values(tf.add, 1, 2)
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.sparse.map_values(tf.add, sparse(), sparse([[0, 0], [0, 1], [1, 1], [2, 2]]))


def test_functions_that_keep_zeros_take_sparse_tensors():
    x = SparseTensor([[0, 1]], [0.5], [2, 2])
    for function in (sin, tan, asin, asinh, atan, atanh):
        found = function(x)
        assert found.indices.numpy().tolist() == [[0, 1]]
        assert found.values.numpy() == function(0.5).numpy()
