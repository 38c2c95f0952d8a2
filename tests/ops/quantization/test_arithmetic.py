"""Sums and products of quantized numbers; the expected ones are TensorFlow's."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core import array, dtypes
from penstock.core.errors import InvalidArgumentError
from penstock.core.graph import Graph
from penstock.ops.constant import placeholder
from penstock.ops.math.cast import bitcast
from penstock.ops.quantization.arithmetic import (
    quantized_add_op,
    quantized_bias_add_op,
    quantized_conv2d,
    quantized_mat_mul_op,
    quantized_mul_op,
)
from penstock.runtime.session import Session

COVERS = ("QuantizedAdd", "QuantizedBiasAdd", "QuantizedConv2D", "QuantizedMatMul", "QuantizedMul")


def quint8(levels):
    return bitcast(np.array(levels, np.uint8), dtypes.quint8)


def levels(tensor):
    return array.to_numpy(tensor.value).tolist()


A, B, C = quint8([[0, 10, 200], [255, 128, 3]]), quint8([[1, 2], [3, 250], [128, 7]]), quint8([1, 100, 255])


def test_products_of_matrices():
    out, low, high = quantized_mat_mul_op(A, B, -1.0, 2.0, 0.0, 3.0)
    assert out.dtype is dtypes.qint32
    assert levels(out) == [[14410, -18115], [-10197, 10516]]
    assert (float(low), float(high)) == (-297229.59375, 297229.59375)
    out, low, high = quantized_mat_mul_op(A, B, -1.0, 2.0, -3.0, 3.0, transpose_a=True, transpose_b=True)
    assert levels(out) == [[-10625, 31365, -20570], [4107, 14621, -5203], [-4273, -24379, 9922]]
    assert float(high) == 594459.1875


def test_sums_widen_the_range():
    out, low, high = quantized_add_op(A, C, -1.0, 2.0, 0.0, 3.0)
    assert levels(out) == [[-43177, 12849, 190179], [87893, 73501, 88921]]
    assert (float(low), float(high)) == (-49152.0, 49152.0)
    out, low, high = quantized_bias_add_op(A, C, -1.0, 2.0, 0.0, 3.0, out_type=dtypes.qint32)
    assert levels(out) == [[-5397, 1606, 23773], [10987, 9188, 11115]]
    assert (float(low), float(high)) == (-393216.0, 393216.0)


def test_elementwise_products():
    out, low, high = quantized_mul_op(A, C, -1.0, 2.0, 0.0, 3.0)
    assert levels(out) == [[-85, -7500, 29325], [170, 4300, -20910]]
    assert (float(low), float(high)) == (-297229.59375, 297229.59375)


def test_convolutions_pad_with_zero():
    images = quint8(np.arange(32).reshape(1, 4, 4, 2) * 7)
    filters = quint8(np.arange(16).reshape(2, 2, 2, 2) * 15)
    out, low, high = quantized_conv2d(images, filters, -1.0, 1.0, 0.0, 2.0, [1, 1, 1, 1], "SAME")
    assert levels(out)[0][3] == [[10140, 13170], [12660, 16530], [15180, 19890], [2670, 5235]]
    assert float(high) == 132102.046875
    out, _, _ = quantized_conv2d(images, filters, -1.0, 1.0, 0.0, 2.0, [1, 1, 1, 1], "VALID")
    assert levels(out)[0][0] == [[-59640, -70380], [-47880, -56940], [-36120, -43500]]


def test_ranges_and_shapes_are_checked():
    with pytest.raises(InvalidArgumentError, match="scalar"):
        quantized_mul_op(A, C, [-1.0, 1.0], 2.0, 0.0, 3.0)
    with pytest.raises(InvalidArgumentError, match="as many biases"):
        quantized_bias_add_op(A, quint8([1, 2]), -1.0, 2.0, 0.0, 3.0, out_type=dtypes.qint32)
    with pytest.raises(InvalidArgumentError, match="2.*3|3.*2"):
        quantized_mat_mul_op(A, A, -1.0, 2.0, 0.0, 3.0)
    with pytest.raises(InvalidArgumentError, match="not in list of allowed values"):
        quantized_mul_op(np.zeros(2, np.uint8), C, -1.0, 2.0, 0.0, 3.0)


def test_graphs_know_shapes_before_they_run():
    with Graph().as_default(), Session() as session:
        x = placeholder(dtypes.quint8, [None, 3])
        out, low, high = quantized_mat_mul_op(x, B, -1.0, 2.0, 0.0, 3.0)
        assert (out.shape.as_list(), low.shape.as_list()) == ([None, 2], [])
        assert session.run(out, {x: np.array([[0, 10, 200]], np.uint8)}).tolist() == [[14410, -18115]]
        images, filters = placeholder(dtypes.quint8, [None, 8, 8, 3]), placeholder(dtypes.quint8, [3, 3, 3, 5])
        out, _, _ = quantized_conv2d(images, filters, 0.0, 1.0, 0.0, 1.0, [1, 2, 2, 1], "SAME")
        assert out.shape.as_list() == [None, 4, 4, 5]
        with pytest.raises(ValueError, match="a has 3 and b has 2"):
            quantized_mat_mul_op(x, A, -1.0, 2.0, 0.0, 3.0)
