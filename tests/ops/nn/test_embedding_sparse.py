"""Rows of tables looked up for sparse ids."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf

TABLE = (np.arange(20, dtype=np.float32).reshape(10, 2) / 7).astype(np.float32)
PLACES = [[0, 0], [0, 1], [1, 0], [3, 0], [3, 2]]
WEIGHTS = [2.0, 0.5, 1.0, 3.0, -1.0]


def ids(numbers=(1, 3, 0, 9, 9)):
    return tf.SparseTensor(PLACES, np.array(numbers), [4, 3])


def weights(numbers=WEIGHTS):
    return tf.SparseTensor(PLACES, np.array(numbers, np.float32), [4, 3])


def combined(numbers, factors, combiner):
    result = np.zeros((4, 2), np.float32)
    for row in range(4):
        here = [i for i, place in enumerate(PLACES) if place[0] == row]
        total = sum((TABLE[numbers[i]] * factors[i] for i in here), np.zeros(2, np.float32))
        divisor = {
            "sum": 1,
            "mean": sum(factors[i] for i in here),
            "sqrtn": np.sqrt(sum(factors[i] ** 2 for i in here)),
        }[combiner]
        result[row] = total / divisor if divisor else 0
    return result


@pytest.mark.parametrize("combiner", ["sum", "mean", "sqrtn"])
@pytest.mark.parametrize("weighted", [False, True])
def test_rows_are_combined(combiner, weighted):
    expected = combined([1, 3, 0, 9, 9], WEIGHTS if weighted else [1] * 5, combiner)
    found = tf.nn.embedding_lookup_sparse(TABLE, ids(), weights() if weighted else None, combiner)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)
    parts = [tf.constant(TABLE[:5]), tf.constant(TABLE[5:])]
    np.testing.assert_allclose(
        tf.nn.embedding_lookup_sparse(parts, ids(), weights() if weighted else None, combiner).numpy(),
        expected,
        rtol=1e-5,
    )
    dealt = [tf.constant(TABLE[0::2]), tf.constant(TABLE[1::2])]
    found = tf.compat.v1.nn.embedding_lookup_sparse(dealt, ids(), weights() if weighted else None, combiner=combiner)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("combiner", ["sum", "mean", "sqrtn"])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_are_sparse_slices(combiner, weighted):
    table = tf.Variable(TABLE)
    with tf.GradientTape() as tape:
        found = tf.nn.embedding_lookup_sparse(table, ids(), weights() if weighted else None, combiner)
        loss = tf.reduce_sum(found**2)
    gradient = tape.gradient(loss, table)
    assert isinstance(gradient, tf.IndexedSlices)
    expected = np.zeros_like(TABLE)
    step = 1e-2
    for row, column in np.ndindex(*TABLE.shape):
        moved = TABLE.astype(np.float64)
        sides = []
        for sign in (1, -1):
            table_at = moved.copy()
            table_at[row, column] += sign * step
            factors = weights() if weighted else None
            factors = None if factors is None else tf.cast(factors, tf.float64)
            value = tf.nn.embedding_lookup_sparse(tf.constant(table_at), ids(), factors, combiner)
            sides.append(float(tf.reduce_sum(value**2)))
        expected[row, column] = (sides[0] - sides[1]) / (2 * step)
    np.testing.assert_allclose(tf.convert_to_tensor(gradient).numpy(), expected, rtol=1e-3, atol=1e-3)


def test_safe_lookups_leave_out_invalid_ids_and_fill_rows():
    mixed = ids([-1, 3, 0, 9, -9])
    found = tf.nn.safe_embedding_lookup_sparse(TABLE, mixed, weights())
    np.testing.assert_allclose(found.numpy(), [TABLE[3], TABLE[0], [0, 0], TABLE[9]], rtol=1e-5)
    found = tf.nn.safe_embedding_lookup_sparse(TABLE, mixed, weights(), default_id=2)
    np.testing.assert_allclose(found.numpy()[2], TABLE[2], rtol=1e-5)
    cube = tf.SparseTensor([[0, 0, 0], [1, 1, 1]], np.array([1, 2]), [2, 2, 2])
    assert tf.nn.safe_embedding_lookup_sparse(TABLE, cube).shape == [2, 2, 2]


def test_large_rows_are_clipped_first():
    found = tf.nn.embedding_lookup_sparse(TABLE, ids(), None, "sum", max_norm=1.0)
    clipped = TABLE * np.minimum(1, 1 / np.maximum(np.linalg.norm(TABLE, axis=1, keepdims=True), 1e-9))
    np.testing.assert_allclose(found.numpy()[0], clipped[1] + clipped[3], rtol=1e-4)


def test_bad_arguments_are_refused():
    for error, call in (
        (ValueError, lambda: tf.nn.embedding_lookup_sparse(TABLE, ids(), None, "x")),
        (TypeError, lambda: tf.nn.embedding_lookup_sparse(TABLE, [1], None)),
        (TypeError, lambda: tf.nn.embedding_lookup_sparse(TABLE, ids(), [1.0])),
        (ValueError, lambda: tf.nn.embedding_lookup_sparse(None, ids(), None)),
        (ValueError, lambda: tf.nn.safe_embedding_lookup_sparse([], ids())),
        (tf.errors.InvalidArgumentError, lambda: tf.nn.embedding_lookup_sparse(TABLE[:4], ids(), None)),
    ):
        with pytest.raises(error):
            call()
