"""Quantized tensors joined; the expected numbers are TensorFlow's."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import array, dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.constant import placeholder
from penstock.ops.math.cast import bitcast
from penstock.ops.quantization.joining import quantized_concat, quantized_reshape_op
from penstock.ops.quantization.ranges import quantize

COVERS = ("QuantizedConcat", "QuantizedReshape")


def quint8(levels):
    return bitcast(np.array(levels, np.uint8), dtypes.quint8)


def levels(tensor):
    return array.to_numpy(tensor.value).tolist()


def test_equal_ranges_stay():
    a, b = quint8([0, 128, 255]), quint8([0, 255, 255])
    out, low, high = quantized_concat(0, [a, b], [0.0, 0.0], [1.0, 1.0])
    assert levels(out) == [0, 128, 255, 0, 255, 255]
    assert (float(low), float(high)) == (0.0, 1.0)


def test_unequal_ranges_become_one_that_holds_zero():
    a, b = quantize([0.0, 0.5, 1.0], 0.0, 1.0, dtypes.quint8), quantize([0.0, 1.5, 2.0], -1.0, 2.0, dtypes.quint8)
    out, low, high = quantized_concat(0, [a[0], b[0]], [a[1], b[1]], [a[2], b[2]])
    assert levels(out) == [85, 128, 170, 85, 213, 255]
    assert (float(low), float(high)) == (-1.0, 2.0)
    x = quint8([0, 255, 100])
    out, low, high = quantized_concat(0, [x, x], [1.0, 2.0], [3.0, 4.0])
    assert levels(out) == [64, 191, 114, 128, 255, 178]
    assert (float(low), float(high)) == (0.0, 4.0)


def test_ranges_of_signed_types_are_symmetric():
    x = bitcast(np.array([5, -7], np.int32), dtypes.qint32)
    out, low, high = quantized_concat(0, [x, x], [-1.0, -2.0], [1.0, 3.0])
    assert levels(out)[:2] == [2, -2]
    assert (float(low), float(high)) == (-3.0, 3.0)


def test_arguments_are_checked():
    x = quint8([0, 255, 100])
    with pytest.raises(InvalidArgumentError, match="N.*minimum 2"):
        quantized_concat(0, [x], [0.0], [1.0])
    with pytest.raises(InvalidArgumentError, match=r"range \[0, 1\), but got 1"):
        quantized_concat(1, [x, x], [0.0, 0.0], [1.0, 1.0])
    with pytest.raises(InvalidArgumentError, match="same rank"):
        quantized_concat(0, [x, quint8([[1]])], [0.0, 0.0], [1.0, 1.0])


def test_reshaping_keeps_the_range():
    out, low, high = quantized_reshape_op(quint8([1, 2, 3, 4]), [2, -1], -1.0, 1.0)
    assert levels(out) == [[1, 2], [3, 4]]
    assert (out.dtype, float(low), float(high)) == (dtypes.quint8, -1.0, 1.0)


def test_graphs_know_the_shape_before_they_run():
    with Graph().as_default():
        a, b = placeholder(dtypes.quint8, [None, 2]), placeholder(dtypes.quint8, [4, 2])
        assert quantized_concat(1, [a, b], [0.0, 0.0], [1.0, 1.0]).output.shape.as_list() == [4, 4]
        assert quantized_reshape_op(b, [2, -1], 0.0, 1.0)[0].shape.as_list() == [2, 4]
