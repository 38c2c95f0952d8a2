"""Isotonic regression; the expected numbers are TensorFlow's."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import dtypes
from penstock.ops.nn.isotonic import isotonic_regression, isotonic_regression_op
from penstock.testing.op_case import OpCase, normal

X = np.array([[3, 1, 2, 5, 4], [1, 2, 3, 4, 0]], np.float32)
FITTED = np.array([[3, 3, 3, 3, 3], [2.5, 2.5, 2.5, 2.5, 0]], np.float32)
BLOCKS = np.array([[0, 1, 1, 1, 1], [0, 0, 0, 0, 1]], np.int32)

CASES = [
    OpCase(isotonic_regression_op, [X], [FITTED, BLOCKS], gradient=None),
    OpCase(
        isotonic_regression_op,
        [normal(3, 7)],
        attrs={"output_dtype": dtypes.float64},
        name="gradient",
        gradient="first",
    ),
    OpCase(isotonic_regression_op, [np.zeros((2, 0), np.float32)], name="empty", gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_sequences_may_rise():
    fitted, blocks = isotonic_regression([3.0, 1.0, 2.0, 5.0, 4.0], decreasing=False)
    assert fitted.numpy().tolist() == [2.0, 2.0, 2.0, 4.5, 4.5]
    assert blocks.numpy().tolist() == [0, 0, 1, 2, 2]


def test_sequences_may_run_along_any_axis():
    fitted, blocks = isotonic_regression(X, axis=0)
    assert fitted.numpy().tolist() == [[3.0, 1.5, 2.5, 5.0, 4.0], [1.0, 1.5, 2.5, 4.0, 0.0]]
    assert blocks.numpy().tolist() == [[0, 0, 0, 0, 0], [1, 0, 0, 1, 1]]
    with pytest.raises(ValueError, match="axis"):
        isotonic_regression(X, axis=2)


@pytest.mark.parametrize(
    ("given", "fitted"), [("int8", "float32"), ("int16", "float32"), ("int32", "float64"), ("float16", "float16")]
)
def test_integers_become_floating(given, fitted):
    assert isotonic_regression(np.array([3, 1, 2], given))[0].dtype.name == fitted


def test_nan_is_a_block_of_its_own():
    fitted, blocks = isotonic_regression([1.0, np.nan, 3.0])
    np.testing.assert_array_equal(fitted.numpy(), np.array([1, np.nan, 3], np.float32))
    assert blocks.numpy().tolist() == [0, 1, 2]
