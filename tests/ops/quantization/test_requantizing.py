"""Quantized numbers moved to another range; the expected ones are TensorFlow's."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import array, dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.ops.math.cast import bitcast
from penstock.ops.quantization.requantizing import (
    quantize_down_and_shrink_range_op,
    requantization_range_op,
    requantize_op,
)

COVERS = ("QuantizeDownAndShrinkRange", "Requantize", "RequantizationRange")


def qint32(levels):
    return bitcast(np.array(levels, np.int32), dtypes.qint32)


X = qint32([[0, 1000000, -2000000], [2**31 - 1, -(2**31), 77]])


def levels(tensor):
    return array.to_numpy(tensor.value).tolist()


def test_ranges_shrink_to_what_is_used():
    assert [float(end) for end in requantization_range_op(X, -10.0, 10.0)] == [-10.0, 10.0]
    low, high = requantization_range_op(qint32([1, 5]), -10.0, 10.0)
    assert (float(low), float(high)) == (0.0, pytest.approx(2.561137080192566e-08))
    out, low, high = quantize_down_and_shrink_range_op(X, -10.0, 10.0, out_type=dtypes.quint8)
    assert out.dtype is dtypes.quint8
    assert levels(out) == [[128, 128, 127], [255, 0, 128]]
    assert (float(low), float(high)) == (-10.0, 10.0)


def test_requested_ranges():
    out, low, high = requantize_op(X, -10.0, 10.0, -5.0, 5.0, out_type=dtypes.quint8)
    assert levels(out) == [[128, 128, 127], [255, 0, 128]]
    out, low, high = requantize_op(X, -10.0, 10.0, 0.0, 5.0, out_type=dtypes.qint8)
    assert levels(out) == [[-128, -128, -128], [127, -128, -128]]
    assert (float(low), float(high)) == (0.0, 5.0)


def test_requested_ranges_must_hold_zero():
    with pytest.raises(InvalidArgumentError, match="requested_output_min must be <= 0, but got 1"):
        requantize_op(X, -10.0, 10.0, 1.0, 5.0, out_type=dtypes.quint8)
    with pytest.raises(InvalidArgumentError, match="requested_output_max"):
        requantize_op(X, -10.0, 10.0, -1.0, -5.0, out_type=dtypes.quint8)
    with pytest.raises(InvalidArgumentError, match="requested_output_min"):
        requantize_op(X, -10.0, 10.0, float("nan"), 5.0, out_type=dtypes.quint8)
