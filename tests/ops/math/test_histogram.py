"""Values are counted as NumPy counts them, and wrong ones refused."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.constant import constant
from penstock.ops.math import histogram
from penstock.testing.op_case import OpCase, integers

_NONE = np.zeros(0, np.float32)

CASES = [
    OpCase(histogram.bincount_op, [np.array([1, 1, 3], np.int32), 4, _NONE], [0.0, 2.0, 0.0, 1.0], gradient=None),
    OpCase(
        histogram.dense_bincount_op,
        [np.array([[1, 1], [0, 5]], np.int32), 3, _NONE],
        [[0.0, 2.0, 0.0], [1.0, 0.0, 0.0]],
        gradient=None,
    ),
    OpCase(
        histogram.dense_bincount_op,
        [np.array([1, 1], np.int32), 2, _NONE],
        [0.0, 1.0],
        {"binary_output": True},
        name="binary",
        gradient=None,
    ),
    OpCase(
        histogram.histogram_fixed_width_op,
        [np.array([-1.0, 0.0, 1.5, 2.0, 5.0, 15.0]), [0.0, 5.0], 5],
        [2, 1, 1, 0, 2],
        gradient=None,
    ),
    OpCase(
        histogram.bucketize_op,
        [np.array([-5.0, 10.0, 150.0, 5.0])],
        [0, 2, 3, 1],
        {"boundaries": [0.0, 10.0, 100.0]},
        gradient=None,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case: OpCase) -> None:
    case.check()


def test_the_number_of_counts_follows_the_largest_number_and_its_limits() -> None:
    values = constant([1, 2, 2])
    assert histogram.bincount(values).numpy().tolist() == [0, 1, 2]
    assert histogram.bincount(values, minlength=5).numpy().tolist() == [0, 1, 2, 0, 0]
    assert histogram.bincount(values, maxlength=2).numpy().tolist() == [0, 1]
    assert histogram.bincount(constant(np.zeros(0, np.int32))).numpy().tolist() == []
    assert histogram.bincount(values, weights=constant([1.0, 2.0, 3.0])).numpy().tolist() == [0.0, 1.0, 5.0]


def test_negative_numbers_are_not_counted() -> None:
    with pytest.raises(InvalidArgumentError, match="non-negative"):
        histogram.bincount(constant([-1]))


def test_the_confusion_matrix_has_labels_in_rows() -> None:
    result = histogram.confusion_matrix(constant([1, 2, 1]), constant([1, 0, 1]))
    assert result.numpy().tolist() == [[0, 0, 0], [0, 2, 0], [1, 0, 0]]


def test_bins_of_values_agree_with_the_histogram() -> None:
    values = integers(0, 100, 50).astype(np.float32)
    bins = histogram.histogram_fixed_width_bins(constant(values), [0.0, 100.0], 7).numpy()
    counts = histogram.histogram_fixed_width(constant(values), [0.0, 100.0], 7).numpy()
    assert np.bincount(bins, minlength=7).tolist() == counts.tolist()


def test_bins_are_int32_whatever_type_is_asked_for() -> None:
    assert histogram.histogram_fixed_width_bins([3.0, 4.0], [0.0, 5.0], 5, dtype="int64").dtype.name == "int32"


def test_weights_of_another_length_than_the_predictions_are_refused() -> None:
    with pytest.raises(ValueError, match="incompatible"):
        histogram.confusion_matrix([0, 1], [1, 1], weights=[1.0, 2.0, 3.0])
