"""Making arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import penstock as tf

tnp = tf.experimental.numpy


def expressions(table: str) -> list[str]:
    """Return the expressions of a table, which semicolons and ends of lines part."""
    return [text.strip() for text in table.replace("\n", ";").split(";") if text.strip()]


@pytest.mark.parametrize(
    "text",
    expressions("""
        n.array(1); n.array(1.5); n.array([1, 2.5]); n.array([True, 2]); n.array([1j]); n.array([])
        n.array([[1], [2]], dtype='int8'); n.array(m, ndmin=4); n.asarray(m, dtype='float32')
        n.ascontiguousarray(3); n.copy(v); n.zeros(3); n.zeros((2, 3), 'int32'); n.zeros_like(m)
        n.zeros_like(m, dtype='int16'); n.ones([2, 1]); n.ones_like(i); n.full(3, 2); n.full((2, 2), [1.5, 2])
        n.full_like(m, 3); n.full_like(i, 2.7); n.full_like(i, 2, shape=(3,)); n.eye(3); n.eye(2, 3, 1)
        n.eye(3, k=-1, dtype='int32'); n.eye(2, 3, 7); n.identity(2, 'float32'); n.tri(3)
        n.tri(3, 4, -1, dtype='int64'); n.tri(2, 3, 1); n.arange(3); n.arange(3.0); n.arange(1, 2, 0.3)
        n.arange(5, 0, -2); n.arange(5, 2); n.arange(1, 7, 2, dtype='float32'); n.linspace(0, 1, 5)
        n.linspace(0, 1, 5, endpoint=False); n.linspace(1, 10, 0); n.linspace(2, 3, 1)
        n.linspace(0, 1, 3, retstep=True); n.linspace(v, w, 3); n.linspace(v, w, 3, axis=1)
        n.linspace(v, w, 3, axis=-1); n.linspace(1, 10, 4, dtype='int64'); n.logspace(0, 2, 3)
        n.logspace(0, 2, 3, endpoint=False, base=2.0); n.geomspace(1, 1000, 4)
        n.geomspace(-1, -1000, 4, endpoint=False); list(n.meshgrid([1, 2], [3, 4, 5]))
        list(n.meshgrid([1, 2], [3, 4, 5], indexing='ij')); list(n.meshgrid(1, [2, 3])); n.vander([1, 2, 3])
        n.vander([1.0, 2.0], 4, True); n.vander(v, 2); n.diag(v); n.diag(v, 1); n.diag(v, -2); n.diag(m)
        n.diag(m, 1); n.diag(m, -2); n.diag(m, 9); n.diagflat(m, 2)
    """),
)
def test_arrays_are_those_of_numpy(text: str, agree: Callable[[str], None]) -> None:
    agree(text)


def test_lists_of_tensors_are_stacked_in_their_common_type() -> None:
    result = tnp.array([[tf.constant(1.0), 2], [3, tf.constant(4.0)]])
    assert result.dtype == tf.float32
    np.testing.assert_array_equal(result, [[1, 2], [3, 4]])
    assert tnp.array([tf.constant(1), 2.5]).dtype == tf.float64


def test_bounds_may_be_tensors() -> None:
    np.testing.assert_array_equal(tnp.arange(2, tf.constant(8), 2), [2, 4, 6])
    assert tnp.arange(tf.constant(4)).dtype == tf.int32


def test_variables_are_arrays() -> None:
    np.testing.assert_array_equal(tnp.asarray(tf.Variable([1, 2])), [1, 2])


def test_diag_indices_lie_on_the_diagonal() -> None:
    rows, columns = tnp.diag_indices(3)
    np.testing.assert_array_equal(rows, [0, 1, 2])
    np.testing.assert_array_equal(columns, [0, 1, 2])


@pytest.mark.parametrize(
    "call",
    [
        lambda: tnp.arange(3, step=0),
        lambda: tnp.linspace(0, 1, -1),
        lambda: tnp.meshgrid([1], sparse=True),
        lambda: tnp.meshgrid([1], copy=False),
        lambda: tnp.diag(tnp.zeros((1, 1, 1))),
        lambda: tnp.full_like([1], 2, order="F"),
        lambda: tnp.diag_indices(-1),
        lambda: tnp.vander([1, 2], -1),
    ],
)
def test_wrong_arguments_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError):
        call()
