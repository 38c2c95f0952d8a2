"""Picking elements, and NumPy's notation for indices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import penstock as tf
from penstock.numpy_api.indexing import numpy_getitem

tnp = tf.experimental.numpy


def expressions(table: str) -> list[str]:
    """Return the expressions of a table, which semicolons and ends of lines part."""
    return [text.strip() for text in table.replace("\n", ";").split(";") if text.strip()]


@pytest.mark.parametrize(
    "text",
    expressions("""
        n.take(t, [0, 2], axis=1, mode='clip'); n.take(m, [5, -1], axis=0, mode='clip')
        n.take(m, [5, -1], axis=0, mode='wrap'); n.take(t, [[0, 1], [2, 23]], mode='clip')
        n.take(t, 1, axis=2, mode='wrap'); n.take_along_axis(t, n.argsort(t, axis=1), 1)
        n.take_along_axis(t, n.array([[[0, -1, 1, 0]]]), 2); n.take_along_axis(m, n.array([0, -1]), None)
        list(n.nonzero(m > 3)); list(n.nonzero(b)); n.where(m > 3, m, 0); n.where(b, i, 2.5); n.where(v, 1, 2)
        list(n.where(t > 20)); n.where(True, 1, 2); n.select([m > 8, m > 4], [m, -m], 7); n.select([b], [i], 2.5)
        n.compress([False, True, True], m, axis=0); n.compress([0, 1], m); list(n.ix_([0, 1], [2, 3]))
        list(n.ix_([True, False, True], [2])); n.diagonal(m, 1); n.diagonal(t, 0, 1, 2); n.diagonal(t, -1, 2, 1)
        n.diagonal(t, 9); n.trace(m); n.trace(t, 1, 0, 2); n.trace(m, dtype='float32'); n.tril(m); n.tril(m, -1)
        n.tril(t, 9); n.triu(m, 1); n.triu(t, -9); n.triu(m > 3, 9); n.tril(h * n.ones((4, 4), 'int32'))
    """),
)
def test_elements_are_those_of_numpy(text: str, agree: Callable[[str], None]) -> None:
    agree(text)


CUBE = np.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize(
    "key",
    [
        0,
        -1,
        None,
        ...,
        slice(None, None, -1),
        [0, 1],
        [-1],
        [],
        np.array([[0, 1], [1, 0]]),
        (slice(None), [0, 2]),
        (..., [0, 2]),
        ([1], ...),
        ([0, 1], [1, 2]),
        ([0, 1], [1, 2], [0, 3]),
        ([[0], [1]], [0, 2]),
        (slice(None), [0, 2], [1, 3]),
        (slice(None), [[0, 2]], [[1], [3]]),
        ([0, 1], slice(None), [1, 2]),
        ([0, 1], slice(1, 3)),
        ([0, 1], None),
        (None, [0, 1]),
        (1, [0, 1]),
        (slice(None), [-1, -2]),
        [True, False],
        np.array([True, False]),
        (slice(None), np.array([True, False, True])),
        ([True, False], [0]),
        CUBE > 5,
        (CUBE > 5)[:, :, 0],
    ],
    ids=str,
)
def test_indices_mean_what_they_mean_in_numpy(key: Any) -> None:
    np.testing.assert_array_equal(numpy_getitem(tf.constant(CUBE), key), CUBE[key])


def test_indices_may_be_tensors_in_functions_of_unknown_shapes() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, 3]), tf.TensorSpec([None], tf.int32)])
    def pick(x: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        return numpy_getitem(x, (index, slice(None, 2)))

    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.testing.assert_array_equal(pick(x, np.array([3, -1, 0], np.int32)), x[[3, -1, 0], :2])


def test_gradients_reach_the_elements_picked() -> None:
    x = tf.constant(CUBE)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(numpy_getitem(x, ([0, 0], slice(None), [1, 1])))
    expected = np.zeros_like(CUBE)
    expected[0, :, 1] = 2
    np.testing.assert_array_equal(tape.gradient(y, x), expected)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: tnp.take([1], 0, mode="raise"), ValueError),
        (lambda: tnp.take([1], 0, out=[1]), ValueError),
        (lambda: tnp.take_along_axis([1, 2], [[0]], 0), ValueError),
        (lambda: tnp.where([True], 1), ValueError),
        (lambda: tnp.select([[True]], [[1], [2]]), ValueError),
        (lambda: tnp.compress([[True]], [1]), ValueError),
        (lambda: tnp.ix_([[1]]), ValueError),
        (lambda: tnp.tril([1]), ValueError),
        (lambda: tnp.diagonal([1]), ValueError),
        (lambda: numpy_getitem(tf.constant([1]), ([0], [0])), IndexError),
        (lambda: numpy_getitem(tf.constant([1]), [5]), tf.errors.InvalidArgumentError),
    ],
)
def test_wrong_arguments_are_refused(call: Callable[[], object], error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


def test_other_diagonals_are_summed_in_a_wide_type():
    matrix = np.array([[1, -2, 3], [4, 5, -6]], np.int32)
    assert [tnp.trace(matrix, offset).dtype.name for offset in (0, 1)] == ["int32", "int64"]
