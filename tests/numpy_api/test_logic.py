"""Comparisons, logic and tests of elements."""

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
        n.equal(i, v); n.not_equal(i, j); n.less(v, w); n.less_equal(i, 3); n.greater(b, False)
        n.greater_equal(i, 0.5); n.equal(c, 3); n.logical_and(v, b); n.logical_or(i, 0); n.logical_xor(b, i)
        n.logical_not(v); n.isnan([1.0, n.inf, np.nan]); n.isinf([1.0, -n.inf]); n.isfinite([1.0, n.inf, np.nan])
        n.isnan(i); n.isinf(c); n.isposinf([1.0, n.inf, -n.inf]); n.isneginf([1.0, n.inf, -n.inf]); n.isreal(c)
        n.iscomplex(c); n.isreal(v); n.isclose(v, w); n.isclose([1.0, np.nan], [1.0 + 1e-9, np.nan])
        n.isclose([np.nan], [np.nan], equal_nan=True); n.isclose([n.inf, n.inf, 1.0], [n.inf, -n.inf, n.inf])
        n.isclose([1, 100], [1, 101], rtol=0.1); n.allclose(v, v + 1e-12); n.allclose(v, w); n.array_equal(v, v)
        n.array_equal(v, m); n.array_equal([1, 2], [1.0, 2.0]); n.array_equal([np.nan], [np.nan]); n.all(b)
        n.any(b); n.all(m, axis=1); n.any(m, axis=(0, 1)); n.all(t, axis=0, keepdims=True); n.all([]); n.any([])
    """),
)
def test_truth_values_are_those_of_numpy(text: str, agree: Callable[[str], None]) -> None:
    agree(text)


def test_arrays_of_unknown_shape_that_differ_are_not_equal() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None]), tf.TensorSpec([None])])
    def equal(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        return tnp.array_equal(a, b)

    assert bool(equal(np.ones(2, np.float32), np.ones(2, np.float32)))
    assert not bool(equal(np.ones(2, np.float32), np.ones(3, np.float32)))
